// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What copy-on-write has done between two processes since fork, told from one instant.
 *
 * Two pages at one address are shared if their frames are the same, and have diverged if they are
 * not. Who wrote is told by PageAnonExclusive, which fork clears on both sides and a write sets
 * (mm/memory.c: copy_present_page(), do_wp_page()); kpageflags shows it as bit 34 of an anonymous
 * page (fs/proc/page.c; KPF_MAPPEDTODISK, later KPF_OWNER_2, are the same bit of page->flags).
 */
#ifndef PHYSLENS_ANALYSIS_COW_H
#define PHYSLENS_ANALYSIS_COW_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/layout.h"
#include "analysis/snapshot.h"
#include "base/error.h"
#include "base/vec.h"
#include "target/target.h"

enum cow_class {
	COW_NONE,   /* neither has an entry */
	COW_SHARED, /* the same frame */
	COW_ZERO,   /* both read the zero page, and neither wrote */
	COW_BY_PARENT,
	COW_BY_CHILD,
	COW_BY_BOTH,
	COW_UNKNOWN,     /* different frames, and it cannot be told who wrote */
	COW_PARENT_ONLY, /* the child has no entry: not a divergence */
	COW_CHILD_ONLY,
	COW_SWAPPED, /* on either side, or both */
	COW_OTHER,   /* markers, guard pages, pages on their way */
	COW_CLASSES,
};

/* "shared", "by-parent", … */
const char *cow_class_name(enum cow_class class);

/* Different frames; this is COW_UNKNOWN until the writers were asked for. */
static inline bool cow_is_diverged(enum cow_class class)
{
	return class >= COW_BY_PARENT && class <= COW_UNKNOWN;
}

/* By the words alone: what has diverged is COW_UNKNOWN. */
enum cow_class cow_class_of(uint64_t parent, uint64_t child);

struct cow_counts {
	uint64_t of[COW_CLASSES]; /* pages */
	/* Of the shared ones: */
	uint64_t anonymous; /* private memory that without fork's sharing would be there twice */
	uint64_t cow;       /* anonymous, or of a private writable area: they may still diverge */
	uint64_t alone;     /* of those not shared: the second maps them, and nobody else */
};

static inline uint64_t cow_diverged(const struct cow_counts *counts)
{
	return counts->of[COW_BY_PARENT] + counts->of[COW_BY_CHILD] + counts->of[COW_BY_BOTH] +
	       counts->of[COW_UNKNOWN];
}

void cow_counts_add(struct cow_counts *counts, const struct cow_counts *more);

/* Counts the pages of a stretch by their words alone. */
void cow_count(struct cow_counts *counts, const struct stretch_pair *stretch);

/* A page that has diverged. */
struct cow_page {
	uint64_t vpn;
	uint64_t words[2];
	enum cow_class class;
};

struct cow_side {
	struct space *space; /* the caller's */
	struct layout layout;
	struct snapshot snapshot;
	/*
	 * It has forked since the two parted: a bit that is clear says nothing then where others
	 * map the frame, too.
	 */
	bool forked;
	bool inherited; /* through others: what is not its own may be theirs */
};

enum { COW_PARENT, COW_CHILD };

struct cow_pair {
	struct cow_side side[2];
	VEC(struct cow_page) diverged; /* by vpn */
	struct error *blind;           /* why it could not be asked who wrote, or NULL */
};

/*
 * Reads and compares both: side[].space, forked and inherited are set, the rest zero.
 * ERROR_DENIED when frame numbers are hidden. Undone by cow_pair_deinit(), also after an error.
 */
struct error *cow_pair_read(struct cow_pair *pair);

/*
 * Names the regions of what was read, and opens files for it: to be called once nobody is held
 * still any more. Before it both sides have no regions.
 */
struct error *cow_pair_name(struct cow_pair *pair);
void cow_pair_deinit(struct cow_pair *pair);

/* A region of either: the name is the parent's where it has one. */
struct cow_region {
	struct range range;            /* bytes */
	const struct region *sides[2]; /* the first that lies in it; NULL: it has none there */
	struct cow_counts counts;
};

typedef VEC(struct cow_region) cow_region_vec;

/* The parent's region, or the child's where it has none. */
static inline const struct region *cow_region_name(const struct cow_region *region)
{
	return region->sides[COW_PARENT] ? region->sides[COW_PARENT] : region->sides[COW_CHILD];
}

/*
 * Appends the regions that either has, cut to `within` (bytes; RANGE_ALL for all), by address. The
 * counts are of both.
 */
struct error *cow_pair_regions(const struct cow_pair *pair, struct range within,
			       cow_region_vec *regions);

/* Gives `visit` every page of the range (bytes) that either has an entry for. */
typedef struct error *(*cow_visit)(void *argument, const struct cow_page *page);
struct error *cow_pair_walk(const struct cow_pair *pair, struct range range, cow_visit visit,
			    void *argument);

#endif
