// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The populated pages of an address space, read in bulk and kept: what two of them, or one of them
 * at two times, are compared by. Memory grows with populated pages alone: 8 bytes each.
 */
#ifndef PHYSLENS_ANALYSIS_SNAPSHOT_H
#define PHYSLENS_ANALYSIS_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/range.h"
#include "base/vec.h"
#include "target/target.h"

/* Consecutive pages of one area; empty ones may be among them. */
struct snapshot_run {
	uint64_t vpn;
	uint64_t count;
	size_t first;          /* word, in snapshot->words */
	const struct vma *vma; /* in snapshot->vmas */
};

struct snapshot {
	struct vma_list vmas;
	VEC(struct snapshot_run) runs; /* ascending, apart */
	VEC(uint64_t) words;           /* page words: target/target.h */
};

enum snapshot_areas {
	SNAPSHOT_ALL,
	SNAPSHOT_WRITABLE, /* private and writable: what a write may copy */
};

/*
 * Reads the space's areas and pages now; what was in *snapshot before (zeroed or of an earlier
 * call) is given up, its memory used again. ERROR_GONE when the space ended midway.
 */
struct error *snapshot_take(struct snapshot *snapshot, struct space *space,
			    enum snapshot_areas areas);
void snapshot_deinit(struct snapshot *snapshot);

/* The word of a page; 0 where nothing was read. */
uint64_t snapshot_word(const struct snapshot *snapshot, uint64_t vpn);

/* The run that holds page `vpn`, or else the next one behind it; the number of runs for none. */
size_t snapshot_find(const struct snapshot *snapshot, uint64_t vpn);

/* Pages of two snapshots side by side: NULL words where one of them has no run. */
struct stretch_pair {
	uint64_t vpn;
	uint64_t count;
	const uint64_t *words[2];
	const struct vma *vma[2];
};

typedef struct error *(*pair_visit)(void *argument, const struct stretch_pair *stretch);

/* Gives `visit` the pages of `range` (page numbers) that either has, in ascending order. */
struct error *pair_walk(const struct snapshot *a, const struct snapshot *b, struct range range,
			pair_visit visit, void *argument);

#endif
