// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's list of processes, and the way from a process to its page tables: task_struct,
 * mm_struct, pgd. Read from memory that changes, so every link is checked and every walk bounded.
 */
#ifndef PHYSLENS_KERNEL_TASKS_H
#define PHYSLENS_KERNEL_TASKS_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "kernel/btf.h"
#include "kernel/memory.h"

struct kernel_tasks;

/* `memory` must outlive it. `root` is the directory of kallsyms, asked only when it is needed. */
struct error *kernel_tasks_create(const struct kernel_memory *memory,
				  const struct kernel_types *types, int root,
				  struct kernel_tasks **tasks);
void kernel_tasks_destroy(struct kernel_tasks *tasks); /* NULL is fine */

/* What matters of a process's task_struct. */
struct kernel_task {
	uint64_t address;
	pid_t pid;        /* in the first PID namespace */
	uint64_t mm;      /* 0: it has none, as kernel threads and those that exit */
	uint64_t pgd;     /* physical address of its top page table; 0 without mm */
	char command[16]; /* comm; anything may be in it */
};

/*
 * The process whose PID is `pid` to us: in the PID namespace of our /proc. Its mm is that of any of
 * its threads, since the first may have ended before the others. ERROR_LOOKUP: there is no such
 * process. ERROR_INPUT: the list is not as it must be, however often it is read.
 */
struct error *kernel_tasks_find(struct kernel_tasks *tasks, pid_t pid, struct kernel_task *task);

#endif
