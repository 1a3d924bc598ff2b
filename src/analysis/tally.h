// SPDX-License-Identifier: GPL-2.0-or-later
/* How many pages of a region are in which state. */
#ifndef PHYSLENS_ANALYSIS_TALLY_H
#define PHYSLENS_ANALYSIS_TALLY_H

#include <stdint.h>

#include "analysis/layout.h"

struct tally {
	uint64_t pages;
	uint64_t state[STATE_COUNT]; /* they sum to pages */
	uint64_t cow;                /* of the present ones: a write now would copy it */
	uint64_t exclusive;          /* of the present ones: mapped here and nowhere else */
	/*
	 * Of the present ones: anonymous, private and mapped more than once, so that they may be
	 * pages of the zero page where that cannot be told (space->zero_visible).
	 */
	uint64_t like_zero;
};

/* Adds the pages of `region` (or of a selected part of one) to `tally`. */
struct error *tally_region(struct layout *layout, const struct region *region, struct tally *tally);

/* Adds `more` to `tally`. */
void tally_add(struct tally *tally, const struct tally *more);

#endif
