// SPDX-License-Identifier: GPL-2.0-or-later
/* /proc/PID/smaps (fs/proc/task_mmu.c, show_smap()): what is nowhere else to be had. */
#ifndef PHYSLENS_PROC_SMAPS_H
#define PHYSLENS_PROC_SMAPS_H

#include "base/error.h"
#include "proc/iomem.h"

/*
 * Appends the areas (bytes, ascending) in which KSM has merged pages: those whose field KSM is not
 * 0. The kernel has it since 6.8. ERROR_INPUT for what is no smaps.
 */
struct error *smaps_merged_parse(const char *text, range_vec *areas);

/* The same of an open directory /proc/PID. The kernel walks all page tables for it. */
struct error *smaps_merged_read(int proc_fd, range_vec *areas);

/*
 * Appends the areas whose pages come from a pool of huge pages: those with the flag "ht"
 * (Documentation/filesystems/proc.rst, VmFlags). No file is asked.
 */
struct error *smaps_hugetlb_parse(const char *text, range_vec *areas);
struct error *smaps_hugetlb_read(int proc_fd, range_vec *areas);

/* What the kernel itself counts of an address space, in bytes. */
struct memory_sums {
	uint64_t rss;
	uint64_t pss;
	uint64_t uss; /* mapped once: Private_Clean and Private_Dirty */
	uint64_t swap;
	uint64_t hugetlb; /* in none of the others */
};

/* /proc/PID/smaps_rollup, which the kernel has since 4.14; any user may who may read maps. */
struct error *smaps_sums_parse(const char *text, struct memory_sums *sums);
struct error *smaps_sums_read(int proc_fd, struct memory_sums *sums);

#endif
