// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs of like pages: consecutive pages of a region in one state, with consecutive frames. */
#ifndef PHYSLENS_ANALYSIS_RUNS_H
#define PHYSLENS_ANALYSIS_RUNS_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/layout.h"

struct run {
	const struct region *region;
	uint64_t vpn; /* of the first page */
	uint64_t pages;
	enum page_state state;
	bool cow;
	uint64_t word; /* of the first page; 0 for an empty one */
	/*
	 * From one page's frame to the next's: 1, or 0 in a run of the one zero page. Present pages
	 * whose frames are hidden run on whatever their frames may be.
	 */
	unsigned stride;
	bool alike;     /* to the run before, which it follows, in all but its frames */
	bool has_frame; /* the target told of its frames: */
	struct frame frame;
	bool has_entry; /* the page tables map it, and to that frame: */
	unsigned bits;  /* enum entry_bits that options->bits asks for */
	unsigned shift; /* of the size of what one entry maps; 0: not asked for */
};

/* What makes two pages unlike beyond region, state, COW and frame number. */
struct run_options {
	bool frames;                    /* flags and mappers of the frame, asked of the target */
	bool words;                     /* the flag bits of the page word */
	const struct page_table *table; /* NULL: the page tables are not read; else for: */
	unsigned bits;                  /* which of enum entry_bits */
	bool size;                      /* of what an entry maps */
};

typedef struct error *(*run_visit)(void *argument, const struct run *run);

/*
 * Gives `visit` the runs of `region` (or of a selected part of one) in ascending order, without a
 * gap: pages that are not populated are runs too.
 */
struct error *runs_of_region(struct layout *layout, const struct region *region,
			     const struct run_options *options, run_visit visit, void *argument);

#endif
