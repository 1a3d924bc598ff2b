// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Holds processes still while they are read.
 *
 * By ptrace(2): PTRACE_SEIZE and PTRACE_INTERRUPT stop a thread without a signal, and the kernel
 * itself lets go of what it stopped when the tracer ends, on whatever way (kernel/ptrace.c,
 * exit_ptrace()): no handler has to run, so nothing can be left stopped, not even by SIGKILL. (The
 * freezer of cgroups would stay shut.) The tracer is a process of its own that shares our memory,
 * so that letting go is its end: that needs nobody's answer, not even that of a process that has
 * not stopped yet, nor ours: who stops us (SIGSTOP) does not stop it. A process that was stopped
 * before stays so.
 *
 * Between freeze_hold() and freeze_release() nothing may be waited for that a held process does:
 * not that a pipe or a terminal takes output, not that a name service or a file system answers,
 * which may be a process. So the target opens no file meanwhile (target->held), and this program's
 * own pages are kept in RAM (mlockall(2)), where that is allowed, since they may be of such a file.
 * Should we hang all the same, or be stopped, it lets them go by itself after `seconds`. A
 * terminal's stop (Ctrl-Z) waits until the end.
 */
#ifndef PHYSLENS_TARGET_FREEZE_H
#define PHYSLENS_TARGET_FREEZE_H

#include <sys/types.h>

#include "target/target.h"

typedef VEC(pid_t) pid_vec;
typedef VEC(struct error *) error_vec;

/* Appends the processes to hold. Called again and again, by another process, until none is new. */
typedef struct error *(*freeze_lister)(void *argument, pid_vec *pids);

enum { FREEZE_SECONDS = 10 };

struct freeze {
	unsigned seconds;      /* how long they may be held; 0 is FREEZE_SECONDS */
	struct target *target; /* that is held */
	struct holder *holder; /* the process, while it holds */
	bool expired;          /* they were let go by themselves, before freeze_release() */
	error_vec refusals;    /* why a process runs on: each ERROR_DENIED, and names it */
};

/*
 * Holds all threads of the listed processes, and of those that appear in the list meanwhile: waits
 * until they stand still, or sleep in the kernel where they cannot be interrupted and stop on their
 * way out. Takes two seconds at most. A process that cannot be held (another program traces it, it
 * does not stop) is not a failure: it is named in `refusals`, and runs on. One that has ended is
 * passed over. The caller's own process is never held.
 */
struct error *freeze_hold(struct freeze *freeze, struct target *target, freeze_lister list,
			  void *argument);

/* Lists once and holds nobody: for a lister that keeps what it finds. */
struct error *freeze_list(freeze_lister list, void *argument);

/*
 * Lets all of them go on as before. The refusals stay, and `expired` says whether they had been let
 * go before. May be called at any time, also twice.
 */
void freeze_release(struct freeze *freeze);

/* Forgets the refusals, too. */
void freeze_deinit(struct freeze *freeze);

#endif
