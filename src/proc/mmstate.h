// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Parts of memory management that are switched on or off: swap areas, KSM, transparent huge pages,
 * pools of huge pages. Each loader reads below the directory `root`, and "this kernel does not
 * have it" is a value, not an error.
 */
#ifndef PHYSLENS_PROC_MMSTATE_H
#define PHYSLENS_PROC_MMSTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/vec.h"

/* A line of /proc/swaps; its place in the list is the swap type in pagemap. */
struct swap_area {
	char *path;     /* octal escapes undone; " (deleted)" may follow, as the kernel has it */
	bool partition; /* else a file */
	uint64_t size;  /* bytes */
	uint64_t used;  /* bytes */
};

struct swaps {
	bool present; /* the kernel has CONFIG_SWAP */
	VEC(struct swap_area) areas;
};

struct error *swaps_parse(const char *text, struct swaps *swaps);
struct error *swaps_load(int root, struct swaps *swaps);
void swaps_deinit(struct swaps *swaps);

/*
 * How many pages the kernel has moved or joined to huge ones until now, in the whole system
 * (/proc/vmstat; mm/vmstat.c); UINT64_MAX where that is not told.
 */
uint64_t vm_pages_moved(void);

struct ksm {
	bool present;
	uint64_t run; /* 0 stopped, 1 merging, 2 undoing it all */
	uint64_t pages_shared;
	uint64_t pages_sharing;
};

struct error *ksm_load(int root, struct ksm *ksm);

enum thp_mode { THP_UNKNOWN, THP_NEVER, THP_MADVISE, THP_ALWAYS };

struct thp {
	bool present;
	enum thp_mode enabled;
	char defrag[24]; /* the word that is chosen, e.g. "madvise" */
	bool zero_page;  /* reads of untouched huge ranges map the huge zero page */
	uint64_t size;   /* of a PMD: bytes, 0 when not known */
	/* The sizes that are not "never" (hugepages-64kB/enabled, 6.8 and later). */
	VEC(uint64_t) sizes; /* bytes, ascending */
};

struct error *thp_load(int root, struct thp *thp);
void thp_deinit(struct thp *thp);

struct hugetlb_pool {
	uint64_t size; /* of a page, bytes */
	uint64_t total;
	uint64_t free;
};

struct hugetlb {
	bool present;
	VEC(struct hugetlb_pool) pools; /* by size, ascending */
};

struct error *hugetlb_load(int root, struct hugetlb *hugetlb);
void hugetlb_deinit(struct hugetlb *hugetlb);

/*
 * The word in brackets of a list of choices, as sysfs has them: "always [madvise] never". False
 * when there is none, or it does not fit.
 */
bool chosen_word(const char *text, char *word, size_t size);

#endif
