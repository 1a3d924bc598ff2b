// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the page tables say of a process, beside what the kernel says of it in pagemap: two routes
 * to one fact, compared. A page that changes between the two looks is looked at again.
 */
#ifndef PHYSLENS_ANALYSIS_WALK_H
#define PHYSLENS_ANALYSIS_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/pagetable.h"
#include "base/error.h"
#include "target/target.h"

enum walk_verdict {
	WALK_AGREES,
	WALK_DIFFERS,
	/*
	 * pagemap passes over areas of bare frames (VM_PFNMAP: a device's memory, vvar), whatever
	 * is mapped there (mm/pagewalk.c, walk_page_test()).
	 */
	WALK_SILENT,
};

/*
 * Whether an entry and the page word of `address`, which it maps, say the same: both a frame, and
 * that frame (where frames may be seen), both the same swap slot, or both nothing.
 */
enum walk_verdict walk_compare(const struct page_table_entry *entry,
			       const struct page_table_level *level, uint64_t address,
			       uint64_t word, bool pfns_visible);

/* The frame behind `address`, of an entry that has one: of the 4 KiB of a huge page that hold it.
 */
uint64_t walk_frame(const struct page_table_entry *entry, const struct page_table_level *level,
		    uint64_t address);

/* One address by both routes. */
struct walk_result {
	struct page_table_walk walk;
	bool compared; /* an address of user space: pagemap has a word for it */
	uint64_t word;
	enum walk_verdict verdict;
	unsigned looks; /* how often both were read until they agreed, or it was given up */
};

/* `vmas` are those of the space. */
struct error *walk_address(struct space *space, const struct page_table *table,
			   const struct vma_list *vmas, uint64_t address,
			   struct walk_result *result);

/* Leaves that follow one another in both kinds of memory and are alike. */
struct leaf_run {
	struct page_table_leaf first;
	const struct page_table_level *level;
	uint64_t leaves;
	uint64_t agreeing; /* pages (of 4 KiB) of which pagemap says the same; if it was asked */
};

/* Pages (of 4 KiB) in a run. */
static inline uint64_t leaf_run_pages(const struct leaf_run *run)
{
	return run->leaves << (run->level->shift - 12);
}

typedef struct error *(*leaf_run_visit)(void *argument, const struct leaf_run *run);

struct walk_totals {
	uint64_t compared; /* pages, without those of which pagemap is silent */
	uint64_t agreeing;
	uint64_t first; /* address of the first page that does not agree */
	uint64_t bad;   /* entries that make no sense */
};

struct walk_options {
	const struct vma_list *vmas; /* those of the space: compare with pagemap. NULL: do not */
	bool attributes; /* leaves whose other bits differ are unlike: accessed, dirty, … */
};

/*
 * Gives `visit` the runs of leaves in `range`. Comparing, it asks pagemap of every page: those
 * of which only pagemap knows have no run but count in *totals.
 */
struct error *walk_range(struct space *space, const struct page_table *table, struct range range,
			 const struct walk_options *options, leaf_run_visit visit, void *argument,
			 struct walk_totals *totals);

#endif
