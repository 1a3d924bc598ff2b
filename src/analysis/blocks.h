// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Blocks: what several address spaces map alike is stored once.
 *
 * After a fork, parent and child have the same frames at the same addresses, and so have processes
 * that map shared memory alike. The stretches of 512 pages of address space (a page table's worth)
 * are a block; an address space that has an equal block is noted as one more user of it, which
 * costs 16 bytes instead of 16 for each stretch. The time that sorting takes shrinks with it.
 */
#ifndef PHYSLENS_ANALYSIS_BLOCKS_H
#define PHYSLENS_ANALYSIS_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/index.h"

enum { BLOCK_PAGES = 512 };

struct blocks;

/* `first_id` is the least number of a block: those below are address spaces'. */
struct error *blocks_create(uint64_t first_id, struct blocks **blocks);
void blocks_destroy(struct blocks *blocks); /* NULL is fine */

/*
 * Looks for a block equal to these stretches of address space `space`, all within BLOCK_PAGES pages
 * from `vpn` on (a multiple of that). *known: there was one, and the space was noted as a user of
 * it: the stretches are not needed. Otherwise they are a new block: they are marked with its number
 * and must stay where they are until reading is over. Few stretches are left as they are. Called by
 * many threads.
 */
struct error *blocks_put(struct blocks *blocks, struct stretch *stretches, size_t count,
			 size_t space, uint64_t vpn, bool *known);

/* One user of a block: an address space, and where it has the block's first page. */
struct block_user {
	uint64_t vpn;
	uint64_t space;
};

/*
 * When reading is over: the users for which `keep` says so, by block: those of block `id` are
 * users[first[id - first_id]] … users[first[id - first_id + 1]]. The caller frees both.
 */
struct block_users {
	struct block_user *users;
	size_t *first;
	size_t count; /* of blocks */
};

struct error *blocks_users(const struct blocks *blocks,
			   bool (*keep)(const void *argument, size_t space), const void *argument,
			   struct block_users *users);

#endif
