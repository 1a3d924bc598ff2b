// SPDX-License-Identifier: GPL-2.0-or-later
/* Who wrote the pages in which two processes differ (cow.h). */
#ifndef PHYSLENS_ANALYSIS_WRITERS_H
#define PHYSLENS_ANALYSIS_WRITERS_H

#include "analysis/cow.h"

/*
 * Sets the class of each page of pair->diverged. Where the target does not tell of frames they
 * stay COW_UNKNOWN, and pair->blind says why.
 */
struct error *writers_find(struct cow_pair *pair);

#endif
