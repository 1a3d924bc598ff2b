// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Holds processes still while they are read.
 *
 * By ptrace(2): PTRACE_SEIZE and PTRACE_INTERRUPT stop a thread without a signal, and the kernel
 * itself lets go of what it stopped when the tracer ends, on whatever way: no handler has to run,
 * so nothing can be left stopped, not even by SIGKILL. (The freezer of cgroups would stay shut.) A
 * process that was stopped before stays so.
 */
#ifndef PHYSLENS_TARGET_FREEZE_H
#define PHYSLENS_TARGET_FREEZE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/vec.h"

struct frozen_thread {
	pid_t pid;
	pid_t tid;
	bool stopped; /* seen to stop; else on its way to */
	int signal;   /* it was about to get: given to it when it is let go */
};

struct freeze {
	VEC(struct frozen_thread) threads;
};

/*
 * Holds all threads of a process: waits until they stand still, or sleep in the kernel where they
 * cannot be interrupted and stop on their way out. ERROR_DENIED when that is not allowed (traced by
 * another program already, for one), ERROR_LOOKUP or ERROR_GONE when there is no such process: none
 * of its threads is held then. Processes are held until freeze_release(), which must be called by
 * the same thread. The caller's own process is never held: asking for it is an error.
 */
struct error *freeze_process(struct freeze *freeze, pid_t pid);

/*
 * Lets all of them go on as before. What still sleeps in the kernel, and cannot be told to, is left
 * in freeze->threads, to be let go by another call, or by the end of this program.
 */
void freeze_release(struct freeze *freeze);

#endif
