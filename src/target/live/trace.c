// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/trace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/scope.h"
#include "proc/mounted.h"
#include "proc/process.h"

enum {
	OPTIONS = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
		  PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_TRACESYSGOOD,
	SYSCALL_STOP = SIGTRAP | 0x80, /* by TRACESYSGOOD */
	STOPS = 512, /* of a newborn: two a system call; a shell needs some 20 until it executes */
	DETACH_POLLS = 2000,
	DETACH_NS = 1000 * 1000,
};

/* --- what /proc tells ----------------------------------------------------------------------- */

bool trace_faults(pid_t pid, uint64_t *minor, uint64_t *major)
{
	struct process_stat stat;
	char path[PROC_PATH];

	proc_path(path, pid, "stat");
	_cleanup_error_ struct error *error = process_stat_read(AT_FDCWD, path, &stat);
	if (error)
		return false;
	*minor = stat.minor_faults;
	*major = stat.major_faults;
	return true;
}

/* --- tasks ---------------------------------------------------------------------------------- */

static struct traced *find_task(struct trace *trace, pid_t tid)
{
	for (size_t i = trace->tasks.count; i-- > 0;) {
		if (trace->tasks.items[i].tid == tid)
			return &trace->tasks.items[i];
	}
	return NULL;
}

static void remove_task(struct trace *trace, pid_t tid)
{
	struct traced *task = find_task(trace, tid);

	if (task)
		*task = trace->tasks.items[--trace->tasks.count];
}

static bool is_shared(const struct trace *trace, const struct traced *task)
{
	for (size_t i = 0; i < trace->tasks.count; i++) {
		if (trace->tasks.items[i].memory == task->memory && &trace->tasks.items[i] != task)
			return true;
	}
	return false;
}

static bool has_other_threads(const struct trace *trace, const struct traced *task)
{
	for (size_t i = 0; i < trace->tasks.count; i++) {
		if (trace->tasks.items[i].pid == task->pid && &trace->tasks.items[i] != task)
			return true;
	}
	return false;
}

static bool take_early(struct trace *trace, pid_t tid)
{
	for (size_t i = 0; i < trace->early.count; i++) {
		if (trace->early.items[i] == tid) {
			trace->early.items[i] = trace->early.items[--trace->early.count];
			return true;
		}
	}
	return false;
}

/* --- beginning -------------------------------------------------------------------------------- */

static void block_signals(struct trace *trace)
{
	sigset_t set;

	sigemptyset(&set);
	for (const int *s = (const int[]){SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP, 0}; *s; s++)
		sigaddset(&set, *s);
	sigprocmask(SIG_BLOCK, &set, &trace->before);
}

/* In the new process: waits until it is traced, and becomes the program. */
static _Noreturn void become(const struct trace *trace, int go, int failed, char *const *argv)
{
	char byte;

	if (read(go, &byte, 1) == 1) {
		sigprocmask(SIG_SETMASK, &trace->before, NULL);
		execvp(argv[0], argv);
		int errnum = errno;
		if (write(failed, &errnum, sizeof(errnum)) < 0)
			_exit(126);
	}
	_exit(127);
}

static struct error *refused(pid_t pid, int errnum)
{
	pid_t tracer = process_status_pid_of(pid, "TracerPid");

	if (errnum == ESRCH)
		return error_new(ERROR_LOOKUP, "no such process: %d", (int)pid);
	if (tracer > 0)
		return error_new(ERROR_DENIED,
				 "process %d cannot be traced: process %d traces it already",
				 (int)pid, (int)tracer);
	if (errnum == EPERM)
		return error_new(ERROR_DENIED,
				 "process %d may not be traced: it is another user's, or of raised "
				 "privileges: CAP_SYS_PTRACE is missing (run as root)",
				 (int)pid);
	return error_errno(errnum, "process %d cannot be traced", (int)pid);
}

static struct error *seize(struct trace *trace, pid_t pid, pid_t tid, unsigned memory)
{
	TRY(vec_reserve(&trace->tasks, 1));
	if (ptrace(PTRACE_SEIZE, tid, NULL, (void *)(intptr_t)OPTIONS) < 0)
		return refused(pid, errno);
	return vec_push(&trace->tasks, ((struct traced){.tid = tid, .pid = pid, .memory = memory}));
}

struct error *trace_start(struct trace *trace, char *const *argv)
{
	_cleanup_close_ int go_read = -1, go_write = -1, failed_write = -1;
	int go[2], failed[2];

	*trace = (struct trace){.failed = -1};
	if (pipe2(go, O_CLOEXEC) < 0)
		return error_errno(errno, "pipe");
	go_read = go[0];
	go_write = go[1];
	if (pipe2(failed, O_CLOEXEC) < 0)
		return error_errno(errno, "pipe");
	trace->failed = failed[0];
	failed_write = failed[1];
	block_signals(trace);
	trace->root = fork();
	if (trace->root < 0)
		return error_errno(errno, "fork");
	if (trace->root == 0) {
		close(go_write);
		become(trace, go_read, failed_write, argv);
	}
	/* Without its byte the new process ends, and with it what could not be traced. */
	TRY(seize(trace, trace->root, trace->root, trace->memories++));
	if (write(go_write, "", 1) != 1)
		return error_errno(errno, "pipe");
	return NULL;
}

static struct error *seize_threads(struct trace *trace, pid_t pid, bool *fresh)
{
	char path[PROC_PATH];
	struct dirent *entry;

	*fresh = false;
	proc_path(path, pid, "task");
	_cleanup_closedir_ DIR *dir = opendir(path);
	if (!dir && errno != ENOENT)
		return error_errno(errno, "%s", path);
	if (!dir)
		return error_new(ERROR_LOOKUP, "no such process: %d", (int)pid);
	for (;;) {
		uint64_t tid;

		TRY(next_entry(dir, path, &entry));
		if (!entry)
			return NULL;
		if (!parse_decimal(entry->d_name, &tid) || find_task(trace, (pid_t)tid))
			continue;
		struct error *error = seize(trace, pid, (pid_t)tid, 0);
		/* A first thread that has exited may be missing if another has the memory. */
		if (error && (tid == (uint64_t)pid ? process_thread_with_memory(pid) == pid
						   : !error_is(error, ERROR_LOOKUP)))
			return error;
		*fresh = *fresh || !error;
		error_free(error); /* a thread that ended meanwhile */
	}
}

struct error *trace_attach(struct trace *trace, pid_t pid)
{
	bool fresh = true;

	*trace = (struct trace){.failed = -1, .root = pid, .attached = true, .memories = 1};
	if (pid == getpid())
		return error_new(ERROR_INPUT, "process %d is physlens itself", (int)pid);
	block_signals(trace);
	while (fresh)
		TRY(seize_threads(trace, pid, &fresh));
	return NULL;
}

/* --- events ----------------------------------------------------------------------------------- */

static void go_on(struct trace *trace, pid_t tid, int signal)
{
	const struct traced *task = find_task(trace, tid);

	/* It may have been killed meanwhile: that is seen by waitpid(). */
	ptrace(task && task->stops ? PTRACE_SYSCALL : PTRACE_CONT, tid, NULL,
	       (void *)(intptr_t)signal);
}

/* Whether two processes have one address space; without kcmp(2), whether they are threads. */
static bool same_memory(pid_t a, pid_t b, bool vforked)
{
	long order = syscall(SYS_kcmp, a, b, KCMP_VM, 0L, 0L);

	if (order >= 0)
		return order == 0;
	return vforked || process_status_pid_of(a, "Tgid") == process_status_pid_of(b, "Tgid");
}

/* The stop that every new task begins with; false when it was killed before. */
static bool await_birth(struct trace *trace, pid_t tid)
{
	int status;
	pid_t got;

	if (take_early(trace, tid))
		return true;
	do {
		got = waitpid(tid, &status, __WALL);
	} while (got < 0 && errno == EINTR);
	return got == tid && WIFSTOPPED(status);
}

static struct error *on_birth(struct trace *trace, pid_t tid, bool vforked,
			      struct trace_event *event, bool *told)
{
	unsigned long message = 0;
	struct traced *task = find_task(trace, tid);
	struct traced born = {0};

	if (!task || ptrace(PTRACE_GETEVENTMSG, tid, NULL, &message) < 0)
		return NULL;
	born.tid = (pid_t)message;
	if (!await_birth(trace, born.tid))
		return NULL;
	bool shared = same_memory(tid, born.tid, vforked);
	pid_t tgid = shared ? process_status_pid_of(born.tid, "Tgid") : born.tid;
	born.pid = tgid > 0 ? tgid : born.tid;
	born.memory = shared ? task->memory : trace->memories++;
	born.stops = shared ? 0 : STOPS;
	*event = (struct trace_event){.kind = shared ? TRACE_VFORK : TRACE_FORK,
				      .pid = task->pid,
				      .child = born.pid,
				      .held = {tid, born.tid}};
	*told = born.pid != task->pid;
	TRY(vec_push(&trace->tasks, born));
	if (!*told)
		go_on(trace, born.tid, 0);
	return NULL;
}

/* All other threads are gone by now, and this one has the process's number. */
static void on_exec(struct trace *trace, pid_t tid, struct trace_event *event)
{
	unsigned long former = 0;

	if (ptrace(PTRACE_GETEVENTMSG, tid, NULL, &former) == 0 && (pid_t)former != tid)
		remove_task(trace, (pid_t)former);
	struct traced *task = find_task(trace, tid);
	if (!task)
		return;
	*event = (struct trace_event){.kind = TRACE_EXEC,
				      .pid = task->pid,
				      .shared = is_shared(trace, task),
				      .seen = task->seen,
				      .held = {tid, 0}};
	task->memory = trace->memories++;
	task->stops = 0;
	task->seen = false;
}

/* The memory is still there; whoever else has it keeps it. */
static bool on_exit_of(struct trace *trace, pid_t tid, struct trace_event *event)
{
	const struct traced *task = find_task(trace, tid);

	if (!task || is_shared(trace, task))
		return false;
	*event = (struct trace_event){.kind = TRACE_EXITING, .pid = task->pid, .held = {tid, 0}};
	return true;
}

/* At the entry of execve(2) or execveat(2), of 64 bits or of 32. */
static bool is_executing(pid_t tid)
{
	struct __ptrace_syscall_info info = {0};

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, (void *)sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
#if defined(__x86_64__)
	if (info.arch == AUDIT_ARCH_I386)
		return info.entry.nr == 11 || info.entry.nr == 358;
#endif
	return info.entry.nr == SYS_execve || info.entry.nr == SYS_execveat;
}

/* One that fails to execute is seen at the next try again; the last before it succeeds counts. */
static bool on_syscall(struct trace *trace, pid_t tid, struct trace_event *event)
{
	struct traced *task = find_task(trace, tid);

	if (!task)
		return false;
	task->stops -= task->stops > 0;
	task->seen = false;
	if (!is_executing(tid) || is_shared(trace, task))
		return false;
	task->seen = true;
	task->stops += task->stops == 0; /* until it is known whether that fails */
	*event = (struct trace_event){.kind = TRACE_EXECUTING, .pid = task->pid, .held = {tid, 0}};
	return true;
}

static bool is_stopping(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

/* A stop; *told says whether it is an event, which holds the task. */
static struct error *on_stop(struct trace *trace, pid_t tid, int status, struct trace_event *event,
			     bool *told)
{
	int signal = WSTOPSIG(status);

	*told = false;
	if (!find_task(trace, tid))
		return vec_push(&trace->early, tid);
	switch (status >> 16) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_CLONE:
	case PTRACE_EVENT_VFORK:
		TRY(on_birth(trace, tid, status >> 16 == PTRACE_EVENT_VFORK, event, told));
		break;
	case PTRACE_EVENT_EXEC:
		on_exec(trace, tid, event);
		*told = true;
		break;
	case PTRACE_EVENT_EXIT:
		*told = on_exit_of(trace, tid, event);
		break;
	case PTRACE_EVENT_STOP:
		/* A job that is stopped stays so, and what continues it is let through. */
		if (is_stopping(signal)) {
			ptrace(PTRACE_LISTEN, tid, NULL, NULL);
			return NULL;
		}
		break;
	default:
		if (signal == SYSCALL_STOP) {
			*told = on_syscall(trace, tid, event);
			break;
		}
		go_on(trace, tid, signal); /* on its way to the task, which is to get it */
		return NULL;
	}
	if (!*told)
		go_on(trace, tid, 0);
	return NULL;
}

static bool on_end(struct trace *trace, pid_t tid, int status, struct trace_event *event)
{
	const struct traced *task = find_task(trace, tid);

	take_early(trace, tid);
	if (!task)
		return false;
	*event = (struct trace_event){.kind = TRACE_EXITED,
				      .pid = task->pid,
				      .status = status,
				      .shared = is_shared(trace, task)};
	/* The first thread is reported last, with the status of the process (ptrace(2)). */
	bool told = task->tid == task->pid || !has_other_threads(trace, task);
	remove_task(trace, tid);
	return told;
}

/* Waits for a signal of ours; SIGCHLD says that there may be something to wait for. */
static int await_signal(const struct timespec *until)
{
	struct timespec now, left = {.tv_sec = 3600};
	sigset_t set;

	sigemptyset(&set);
	for (const int *s = (const int[]){SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP, 0}; *s; s++)
		sigaddset(&set, *s);
	if (until) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		left.tv_sec = until->tv_sec - now.tv_sec;
		left.tv_nsec = until->tv_nsec - now.tv_nsec;
		if (left.tv_nsec < 0) {
			left.tv_nsec += 1000 * 1000 * 1000;
			left.tv_sec--;
		}
		if (left.tv_sec < 0)
			return 0;
	}
	int signal = sigtimedwait(&set, NULL, &left);
	return signal > 0 ? signal : errno == EAGAIN ? 0 : SIGCHLD;
}

/*
 * What a terminal sends to all of its foreground is the program's affair if we started it; what is
 * sent to us to end us is handed to it. *event is set where it is for the caller.
 */
static bool on_signal(struct trace *trace, int signal, struct trace_event *event)
{
	if (signal == SIGCHLD)
		return false;
	if (!trace->attached) {
		if (signal == SIGTERM || signal == SIGHUP)
			kill(trace->root, signal);
		return false;
	}
	*event = (struct trace_event){.kind = TRACE_SIGNAL, .status = signal};
	return true;
}

static bool is_past(const struct timespec *until)
{
	struct timespec now;

	if (!until)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > until->tv_sec ||
	       (now.tv_sec == until->tv_sec && now.tv_nsec >= until->tv_nsec);
}

struct error *trace_next(struct trace *trace, const struct timespec *until,
			 struct trace_event *event)
{
	for (;;) {
		int status, signal;
		bool told = false;
		pid_t tid = waitpid(-1, &status, __WALL | WNOHANG);

		if (tid < 0 && errno == ECHILD) {
			*event = (struct trace_event){.kind = TRACE_DONE};
			return NULL;
		}
		if (tid > 0 && WIFSTOPPED(status))
			TRY(on_stop(trace, tid, status, event, &told));
		else if (tid > 0)
			told = on_end(trace, tid, status, event);
		if (told)
			return NULL;
		if (is_past(until)) {
			*event = (struct trace_event){.kind = TRACE_TIME};
			return NULL;
		}
		if (tid > 0)
			continue;
		signal = await_signal(until);
		if (signal && on_signal(trace, signal, event))
			return NULL;
	}
}

void trace_resume(struct trace *trace, const struct trace_event *event)
{
	for (size_t i = 0; i < sizeof(event->held) / sizeof(event->held[0]); i++) {
		if (event->held[i])
			go_on(trace, event->held[i], 0);
	}
}

/* --- the end ------------------------------------------------------------------------------------
 */

/* What a stop has to say that a task must not lose. */
static int signal_of(int status)
{
	return status >> 16 == 0 && WSTOPSIG(status) != SYSCALL_STOP ? WSTOPSIG(status) : 0;
}

/* A child whose birth is told only now: it is let go of as well, unless it was already. */
static void add_newborn(struct trace *trace, pid_t tid, int status)
{
	unsigned long born = 0;
	int event = status >> 16;

	if ((event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
	     event == PTRACE_EVENT_CLONE) &&
	    ptrace(PTRACE_GETEVENTMSG, tid, NULL, &born) == 0 &&
	    ptrace(PTRACE_INTERRUPT, (pid_t)born, NULL, NULL) == 0)
		error_free(vec_push(&trace->tasks, ((struct traced){.tid = (pid_t)born})));
}

static void detach_task(struct trace *trace, pid_t tid, int status)
{
	if (WIFSTOPPED(status))
		add_newborn(trace, tid, status);
	if (WIFSTOPPED(status))
		ptrace(PTRACE_DETACH, tid, NULL, (void *)(intptr_t)signal_of(status));
	take_early(trace, tid);
	remove_task(trace, tid);
}

void trace_end(struct trace *trace)
{
	for (size_t i = 0; i < trace->early.count; i++)
		ptrace(PTRACE_DETACH, trace->early.items[i], NULL, NULL);
	for (size_t i = 0; i < trace->tasks.count; i++)
		ptrace(PTRACE_INTERRUPT, trace->tasks.items[i].tid, NULL, NULL);
	/* What sleeps in the kernel and does not stop is let go of when this program ends. */
	for (int polls = 0; polls < DETACH_POLLS && trace->tasks.count > 0; polls++) {
		int status;
		pid_t tid;

		while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0)
			detach_task(trace, tid, status);
		if (tid < 0 && errno == ECHILD)
			break;
		if (trace->tasks.count > 0)
			nanosleep(&(struct timespec){.tv_nsec = DETACH_NS}, NULL);
	}
	vec_deinit(&trace->tasks);
	vec_deinit(&trace->early);
	if (trace->failed >= 0)
		close(trace->failed);
	trace->failed = -1;
	if (trace->root)
		sigprocmask(SIG_SETMASK, &trace->before, NULL);
}
