// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program and all that it forks, traced for these events alone: fork, vfork, clone, exec and
 * exit. Between them it runs at full speed; at each it stands still until trace_resume(). Only a
 * child that was just forked stops at its first system calls, too, so that one of them can be seen
 * that will execute another program: fork, write, exec is what every shell does.
 *
 * By PTRACE_SEIZE (ptrace(2)), which changes nothing for the program: its signals and its stopping
 * and going on are its own. The kernel lets go of everything when the tracer ends, on whatever way,
 * also of a child that was just born stopped.
 */
#ifndef PHYSLENS_TARGET_TRACE_H
#define PHYSLENS_TARGET_TRACE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"
#include "base/vec.h"

enum trace_kind {
	TRACE_FORK,      /* pid has made child, which has memory of its own: both stand still */
	TRACE_VFORK,     /* the same, but in the very memory of pid */
	TRACE_EXECUTING, /* pid, just forked, is about to execute: its memory is still there */
	TRACE_EXEC,      /* pid has a new program, and new memory; the old is gone */
	TRACE_EXITING, /* pid is about to give back memory that nobody else has: it stands still */
	TRACE_EXITED,  /* it is gone; `status` is as of waitpid() */
	TRACE_TIME,    /* the time given to trace_next() has come */
	TRACE_SIGNAL,  /* this program got the signal `status`, which asks it to end */
	TRACE_DONE,    /* nobody is traced any more */
};

struct trace_event {
	enum trace_kind kind;
	pid_t pid;   /* of the process, whichever of its threads it was */
	pid_t child; /* of TRACE_FORK and TRACE_VFORK */
	int status;
	bool shared; /* of TRACE_EXEC and TRACE_EXITED: its memory was, and stays, another's too */
	bool seen;   /* of TRACE_EXEC: TRACE_EXECUTING came right before */
	pid_t held[2]; /* threads to be resumed */
};

struct traced {
	pid_t tid;
	pid_t pid;
	unsigned memory; /* alike for those that share it */
	unsigned stops;  /* at system calls that are still to come */
	bool seen;       /* as it is about to execute */
};

struct trace {
	VEC(struct traced) tasks;
	VEC(pid_t) early; /* born, but the event of their birth is not seen yet */
	unsigned memories;
	pid_t root;    /* the first process */
	bool attached; /* it is not ours */
	int failed;    /* read end of a pipe: the errno of an exec that failed */
	sigset_t before;
};

/*
 * Starts `argv` (NULL-terminated), found as execvp(3) does; its first event is TRACE_EXEC.
 * ERROR_DENIED where ptrace is not allowed, other errors when it cannot be executed. The calling
 * thread blocks SIGCHLD, SIGINT, SIGQUIT, SIGTERM and SIGHUP from then on, until trace_end().
 */
struct error *trace_start(struct trace *trace, char *const *argv);

/*
 * The same for all threads of a running process. ERROR_DENIED: another user's, or traced already by
 * the process that the message names. ERROR_LOOKUP: there is no such process.
 */
struct error *trace_attach(struct trace *trace, pid_t pid);

/*
 * Waits for the next event, until `until` (CLOCK_MONOTONIC; NULL: for ever). What stands still for
 * the one before must have been resumed.
 */
struct error *trace_next(struct trace *trace, const struct timespec *until,
			 struct trace_event *event);
void trace_resume(struct trace *trace, const struct trace_event *event);

/* Lets go of all that are still traced; they go on. */
void trace_end(struct trace *trace);

/* Minor and major faults of a process until now; false when it is gone. */
bool trace_faults(pid_t pid, uint64_t *minor, uint64_t *major);

#endif
