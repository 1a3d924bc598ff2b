// SPDX-License-Identifier: GPL-2.0-or-later
/* Whose the frames of an index are: by process, or by groups of mappers that are told apart. */
#ifndef PHYSLENS_ANALYSIS_CENSUS_H
#define PHYSLENS_ANALYSIS_CENSUS_H

#include <stdint.h>

#include "analysis/index.h"

/* PSS is kept in bytes with this many bits of fraction, as the kernel does (fs/proc/task_mmu.c). */
enum { PSS_SHIFT = 12 };

struct account {
	uint64_t rss;     /* pages; of a group: frames, each once */
	uint64_t uss;     /* the part that nobody else maps */
	uint64_t cow;     /* pages that a write would copy */
	uint64_t hugetlb; /* pages from a pool of huge pages, which are in none of the others */
	uint64_t pss;     /* bytes << PSS_SHIFT: each page divided by its number of mappers */
};

static inline uint64_t account_pss_bytes(const struct account *account)
{
	return account->pss >> PSS_SHIFT;
}

/*
 * The account of every space, in `accounts`, by space number: exactly what the kernel counts in
 * /proc/PID/smaps_rollup, where a page that one process maps twice counts twice and is not private.
 * Of an index of sums it is that, and COW is not known.
 */
struct error *census_by_space(const struct index *index, struct account *accounts);

/* One space's part in one group: the unit that mappers are assigned to. */
struct census_member {
	size_t space;
	size_t group;
	uint64_t pss; /* filled in: bytes << PSS_SHIFT */
	uint64_t rss; /* filled in: pages */
	bool met;     /* filled in: it has any page */
};

struct census_groups {
	struct account *accounts; /* by group */
	size_t count;
	struct census_member *members;
	size_t member_count;
	size_t (*member_of)(const void *argument, const struct index_mapper *mapper);
	const void *argument;
	/* USS is what one space alone maps, rather than what only this group does. */
	bool alone;
};

/*
 * The accounts of groups: RSS and USS count frames, so that a frame that two processes of a group
 * share is one; PSS and COW are sums over its processes. Of an index of sums only PSS is known, and
 * pages of pools.
 */
struct error *census_by_group(const struct index *index, const struct census_groups *groups);

/* What is counted of the whole. */
struct census_total {
	uint64_t frames;  /* mapped by anyone */
	uint64_t mappers; /* page-table entries that point at them */
};

struct error *census_total(const struct index *index, struct census_total *total);

/* Our count of mappers against the kernel's (/proc/kpagecount). */
struct census_check {
	uint64_t frames;   /* compared */
	uint64_t fewer;    /* of them: the kernel counts fewer mappers than we do */
	uint64_t more;     /* the kernel counts more: mappers that we cannot see */
	uint64_t estimate; /* not compared: of a large folio, where the kernel only estimates */
};

struct error *census_check(const struct index *index, bool averages, struct census_check *check);

#endif
