// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Are zeroes that a source gives the bytes of a frame, or in the place of them? /proc/kcore gives
 * zeroes for what is offline and for what is taken out of the kernel's map of all memory
 * (memfd_secret(2)). A page of zeroes is believed if its memory block is online and the kernel's
 * own page table maps it.
 */
#ifndef PHYSLENS_PHYS_ZEROES_H
#define PHYSLENS_PHYS_ZEROES_H

#include "arch/pagetable.h"
#include "phys/source.h"
#include "proc/memblocks.h"

enum zeroes {
	ZEROES_TRUE,
	ZEROES_OFFLINE,
	ZEROES_UNMAPPED, /* not in the kernel's map of all memory */
	ZEROES_UNPROVEN, /* neither could be found out */
};

struct zero_judge {
	int root;
	struct memory_blocks blocks;
	int64_t blocks_read; /* second in which they were: memory comes and goes */
	bool has_table;
	struct page_table table; /* the kernel's */
	uint64_t direct_map;
	struct range mapped; /* physical: the last entry that was found to map something */
};

/*
 * `kernel` has what the source knows of the kernel's addresses; without its table nothing is
 * believed. `read` gives bytes of page tables, which are always mapped.
 */
struct error *zero_judge_init(struct zero_judge *judge, int root,
			      const struct source_kernel *kernel, table_read read, void *argument);
void zero_judge_deinit(struct zero_judge *judge);

/* To be called after each reading: entries are split and taken out as time goes by. */
void zero_judge_forget(struct zero_judge *judge);

/* Of the page at `paddr`, which was read as zeroes just now. */
enum zeroes zero_judge_page(struct zero_judge *judge, uint64_t paddr);

#endif
