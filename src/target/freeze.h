// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Holds processes still while they are read.
 *
 * By ptrace(2): PTRACE_SEIZE and PTRACE_INTERRUPT stop a thread without a signal, and the kernel
 * itself lets go of what it stopped when the tracer ends, on whatever way (kernel/ptrace.c,
 * exit_ptrace()): no handler has to run, so nothing can be left stopped, not even by SIGKILL. (The
 * freezer of cgroups would stay shut.) The tracer is a thread of its own, so that letting go is its
 * end: that needs nobody's answer, not even that of a process that has not stopped yet. A process
 * that was stopped before stays so.
 *
 * Between freeze_hold() and freeze_release() nothing may be waited for that a held process does:
 * not that a pipe or a terminal takes output, and while all are held not that a file system
 * answers, which may be a process.
 */
#ifndef PHYSLENS_TARGET_FREEZE_H
#define PHYSLENS_TARGET_FREEZE_H

#include <sys/types.h>

#include "base/error.h"
#include "base/vec.h"

typedef VEC(pid_t) pid_vec;
typedef VEC(struct error *) error_vec;

/* Appends the processes to hold. Called again and again, by another thread, until none is new. */
typedef struct error *(*freeze_lister)(void *argument, pid_vec *pids);

struct freeze {
	struct holder *holder; /* the thread, while it holds */
	error_vec refusals;    /* why a process runs on: each ERROR_DENIED, and names it */
};

/*
 * Holds all threads of the listed processes, and of those that appear in the list meanwhile: waits
 * until they stand still, or sleep in the kernel where they cannot be interrupted and stop on their
 * way out. Takes two seconds at most. A process that cannot be held (another program traces it, it
 * does not stop) is not a failure: it is named in `refusals`, and runs on. One that has ended is
 * passed over. The caller's own process is never held.
 */
struct error *freeze_hold(struct freeze *freeze, freeze_lister list, void *argument);

/* Lets all of them go on as before. The refusals stay. May be called at any time, also twice. */
void freeze_release(struct freeze *freeze);

/* Forgets the refusals, too. */
void freeze_deinit(struct freeze *freeze);

#endif
