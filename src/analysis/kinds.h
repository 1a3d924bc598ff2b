// SPDX-License-Identifier: GPL-2.0-or-later
/* What a frame is used for, by what the kernel says of it. */
#ifndef PHYSLENS_ANALYSIS_KINDS_H
#define PHYSLENS_ANALYSIS_KINDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "target/target.h"

enum frame_kind {
	KIND_HWPOISON,
	KIND_OFFLINE,
	KIND_HOLE,
	KIND_FREE,
	KIND_ZERO,
	KIND_HUGETLB,
	KIND_HUGETLB_FREE,
	KIND_KSM,
	KIND_ANON_HUGE,
	KIND_ANON,
	KIND_SHMEM,
	KIND_FILE,
	KIND_SLAB,
	KIND_PAGE_TABLE,
	KIND_RESERVED,
	KIND_MAPPED,
	KIND_KERNEL,
	KIND_UNFLAGGED,
	KIND_COUNT,
};

/* "anon", "page-table", …, and what that means, one line. */
const char *frame_kind_name(enum frame_kind kind);
const char *frame_kind_help(enum frame_kind kind);

/*
 * The kind of a frame with these flags (as kpageflags). `head` is the kind of the first frame of
 * its folio, for one that is the tail of one: before 6.9 or so tails have few flags of their own.
 */
enum frame_kind frame_kind_of(uint64_t flags, enum frame_kind head);

/* How many frames of `ranges` (bytes; whole pages count) are of which kind; mapped ones apart. */
struct kind_counts {
	uint64_t frames[KIND_COUNT];
	uint64_t mapped[KIND_COUNT];
};

struct error *kinds_count(struct target *target, const range_vec *ranges,
			  struct kind_counts *counts);

/* The whole pages of a range of bytes, as the kernel takes them (PFN_UP, PFN_DOWN). */
struct range kinds_whole_pages(struct range bytes, unsigned page_shift);

#endif
