// SPDX-License-Identifier: GPL-2.0-or-later
/* What kind of a process a PID is; the list of all is through libproc2 (its only user). */
#ifndef PHYSLENS_PROC_PROCESS_H
#define PHYSLENS_PROC_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/vec.h"

struct process {
	pid_t pid;
	char command[64]; /* the comm: up to 15 bytes, 63 for a kernel thread; anything may be in it
			   */
	char state;       /* as in /proc/PID/stat: R S D Z T t X I … */
	bool kernel_thread;

	/* of a list only */
	pid_t tid; /* process_thread_with_memory() */
	pid_t ppid;
	uid_t uid;        /* effective */
	uint64_t started; /* clock ticks after boot: tells a PID from its next user */
};

typedef VEC(struct process) process_vec;

/* Whether libproc2, which is loaded when it is first needed, can be: ERROR_UNSUPPORTED. */
struct error *process_check_library(void);

/* Appends every process (not thread) that there is now, by PID. */
struct error *process_list(process_vec *list);

/* What /proc/PID/stat tells of a process, or of a thread; see proc_pid_stat(5). */
struct process_stat {
	char command[64]; /* anything may be in it */
	char state;       /* R S D Z T t X I … */
	pid_t ppid;
	bool kernel_thread;
	bool exiting;                        /* it gives its memory back, if it has not yet */
	uint64_t minor_faults, major_faults; /* until now */
	uint64_t started;                    /* clock ticks after boot */
	/* Addresses; 0 is what is not told to us, or not set yet. */
	uint64_t start_code, start_stack, start_brk;
	uint64_t start_arguments, end_arguments, start_environ, end_environ;
};

/*
 * Reads it from the file `path` below `dirfd` ("stat", or with AT_FDCWD "/proc/PID/task/TID/stat").
 * error_errnum() is ENOENT or ESRCH when there is no such process any more; ERROR_INPUT when the
 * file is not what kernels write.
 */
struct error *process_stat_read(int dirfd, const char *path, struct process_stat *stat);

/* The same of its text, which may be cut. False when it is not what kernels write. */
bool process_stat_parse(const char *text, struct process_stat *stat);

/* The letter of the state of a process, or of a thread by its own number; 0 when it is gone. */
char process_state_of(pid_t pid);

/*
 * The thread by which a process is to be read: the process's first one (whose number is the PID),
 * unless that has exited while others run on: it has no memory any more then, and is a zombie to
 * whoever asks of the PID alone (kernel/exit.c, exit_mm()). The PID itself, too, where there is no
 * thread with memory, or no process. /proc/TID has all that /proc/PID has.
 */
pid_t process_thread_with_memory(pid_t pid);

/* ERROR_LOOKUP when there is no such process. */
struct error *process_examine(pid_t pid, struct process *process);

/*
 * How many PID namespaces we are below that of the /proc at "proc" below `root` (the line "NSpid"
 * of status: our PIDs from that one down to our own). 0 on a kernel without them.
 */
struct error *process_levels_below_proc(int root, unsigned *levels);

/*
 * The PID of a process in the innermost PID namespace that it is in: its container's own. The PID
 * itself where there is but one; 0 where that is not told.
 */
pid_t process_inner_pid(pid_t pid);

/* Whether it runs a set-user-ID or set-group-ID program; false where that is not told. */
bool process_runs_set_id(pid_t pid);

/*
 * A PID that /proc/PID/status has: `key` is "Tgid" (the process of a thread) or "TracerPid". 0 when
 * there is none, or the file cannot be read. By a directory fd of /proc/PID, or by the PID.
 */
pid_t process_status_pid(int dirfd, const char *key);
pid_t process_status_pid_of(pid_t pid, const char *key);

/*
 * An error where what was opened, /proc/PID or the file `name` in it, is the root of another mount
 * (Linux 5.8): somebody has put that over the process, and it is not the process's.
 */
struct error *process_check_own(int fd, pid_t pid, const char *name);

/*
 * A directory fd of /proc/PID, which pins the process: once it has ended, nothing can be opened
 * through it any more, even if the PID is used again. ERROR_LOOKUP when there is no such process;
 * ERROR_DENIED where another mount lies over it.
 */
struct error *process_open(pid_t pid, int *dirfd);

/*
 * Opens a file of this very process ("proc/self/pagemap") below the directory `root`; -1 and errno
 * when that fails. A program that capabilities on its file have raised is not "dumpable", and its
 * own files in /proc belong to root then (fs/proc/base.c, task_dump_owner()): it could not open its
 * own pagemap, though it can those of others. Dumpable for one open it exposes nothing: who would
 * attach needs all our capabilities (security/commoncap.c).
 */
int process_open_own(int root, const char *path, int flags);

/*
 * Why the files of the process behind `dirfd` may not be opened: whose it is, and which capability
 * is missing (ptrace(2), "Ptrace access mode checking"; the files are their owner's alone to read).
 */
struct error *process_refused(int dirfd, pid_t pid);

#endif
