// SPDX-License-Identifier: GPL-2.0-or-later
/* How stretches are sorted, in parts that the index hands to threads. */
#ifndef PHYSLENS_ANALYSIS_STRETCH_H
#define PHYSLENS_ANALYSIS_STRETCH_H

#include "analysis/index.h"

enum { STRETCH_DIGITS = 16, STRETCH_BUCKETS = 256 };

/*
 * Parts `count` (at least 1) stretches by the highest digit, from `digit` down, in which they
 * differ: returns it, and starts[d] … starts[d + 1] are those that have d there. -1: they are
 * equal.
 */
int stretch_partition(struct stretch *stretches, size_t count, int digit,
		      size_t starts[STRETCH_BUCKETS + 1]);

/* Sorts stretches that are equal in all digits above `digit`. */
void stretch_sort_from(struct stretch *stretches, size_t count, int digit);

/* Sorts stretches by frame, space and address, in place. */
void stretch_sort(struct stretch *stretches, size_t count);

/*
 * Sorts by first frame alone, back and forth between the two arrays of `count`: gives the one that
 * the result is in.
 */
struct stretch *stretch_sort_frames(struct stretch *stretches, struct stretch *other, size_t count);

#endif
