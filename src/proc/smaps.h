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

#endif
