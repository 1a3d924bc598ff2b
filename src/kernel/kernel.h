// SPDX-License-Identifier: GPL-2.0-or-later
/* The running kernel, seen through a source of physical memory: what its own structures tell. */
#ifndef PHYSLENS_KERNEL_KERNEL_H
#define PHYSLENS_KERNEL_KERNEL_H

#include <sys/types.h>

#include "arch/pagetable.h"
#include "base/error.h"
#include "kernel/tasks.h"
#include "phys/source.h"

struct kernel;

/*
 * `source` and `root` (the directory that /proc and /sys are in) must outlive it. ERROR_UNSUPPORTED
 * without BTF, or on a processor whose page tables are not known here.
 */
struct error *kernel_open(struct source *source, int root, struct kernel **kernel);
void kernel_close(struct kernel *kernel); /* NULL is fine */

/*
 * The page tables of process `pid`, with what reads them: valid as long as `kernel` is, and the
 * tables themselves as long as the process keeps its address space. ERROR_LOOKUP when there is no
 * such process or it has none (a kernel thread, or one that has ended).
 */
struct error *kernel_process(struct kernel *kernel, pid_t pid, struct kernel_task *task,
			     struct page_table *table);

#endif
