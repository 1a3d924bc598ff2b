// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/freeze.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/scope.h"

enum {
	POLL_NS = 200 * 1000,
	POLLS_PATIENT = 10000, /* two seconds */
	POLLS_SLEEPING = 50,   /* ten milliseconds for one that sleeps uninterruptibly */
};

static bool is_held(const struct freeze *freeze, pid_t tid)
{
	for (size_t i = freeze->threads.count; i-- > 0;) {
		if (freeze->threads.items[i].tid == tid)
			return true;
	}
	return false;
}

/* The letter of a thread's state; 0 when it is gone. */
static char state_of(pid_t pid, pid_t tid)
{
	_cleanup_free_ char *text = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid, (int)tid);
	struct error *error = read_file_at(-1, path, 1 << 16, &text, NULL);
	char *end = error ? NULL : strrchr(text, ')');
	error_free(error);
	return end && end[1] ? end[2] : '\0';
}

/* "TracerPid:\t1234" of /proc/PID/status; 0 for none. */
static int tracer_of(pid_t pid)
{
	_cleanup_free_ char *text = NULL;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	struct error *error = read_file_at(-1, path, 1 << 16, &text, NULL);
	const char *line = error ? NULL : strstr(text, "\nTracerPid:");
	error_free(error);
	return line ? atoi(line + strlen("\nTracerPid:")) : 0;
}

static struct error *refused(pid_t pid, int errnum)
{
	int tracer = tracer_of(pid);

	if (errnum == ESRCH)
		return error_new(ERROR_GONE, "process %d ended before it could be held still",
				 (int)pid);
	if (tracer > 0)
		return error_new(ERROR_DENIED,
				 "process %d cannot be held still: process %d traces it already",
				 (int)pid, tracer);
	return error_errno(errnum, "process %d cannot be held still", (int)pid);
}

/* The thread stops at once if it is in user mode, and else where it would go back to it. */
static struct error *seize(struct freeze *freeze, pid_t pid, pid_t tid)
{
	TRY(vec_reserve(&freeze->threads, 1));
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0) {
		int errnum = errno;
		char state = state_of(pid, tid);

		/* A thread that ended meanwhile, or is dead already, is nobody to hold. */
		if (errnum == ESRCH || state == '\0' || state == 'Z' || state == 'X')
			return NULL;
		return refused(pid, errnum);
	}
	TRY(vec_push(&freeze->threads, ((struct frozen_thread){.pid = pid, .tid = tid})));
	ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	return NULL;
}

/* Seizes the threads not held yet; *fresh says how many there were. */
static struct error *seize_threads(struct freeze *freeze, pid_t pid, size_t *fresh)
{
	size_t before = freeze->threads.count;
	char path[32];
	struct dirent *entry;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	_cleanup_closedir_ DIR *dir = opendir(path);
	if (!dir && errno == ENOENT)
		return error_new(ERROR_LOOKUP, "no such process: %d", (int)pid);
	if (!dir)
		return error_errno(errno, "%s", path);
	while ((entry = readdir(dir))) {
		uint64_t tid;

		if (parse_decimal(entry->d_name, &tid) && !is_held(freeze, (pid_t)tid))
			TRY(seize(freeze, pid, (pid_t)tid));
	}
	*fresh = freeze->threads.count - before;
	return NULL;
}

/*
 * Takes note of a stop. One of an event (PTRACE_EVENT_STOP) is ours, or that of a job that was
 * stopped before; any other is a signal on its way to the thread, which must not lose it.
 */
static void note_stop(struct frozen_thread *thread, int status)
{
	thread->stopped = true;
	if (WIFSTOPPED(status) && status >> 16 == 0)
		thread->signal = WSTOPSIG(status);
}

/* Whether there is still something to wait for. */
static bool check_stopped(struct frozen_thread *thread, int polls)
{
	int status;
	pid_t got;

	if (thread->stopped)
		return false;
	do {
		got = waitpid(thread->tid, &status, __WALL | WNOHANG);
	} while (got < 0 && errno == EINTR);
	if (got == thread->tid && WIFSTOPPED(status)) {
		note_stop(thread, status);
		return false;
	}
	if (got != 0) { /* it ended */
		thread->tid = 0;
		return false;
	}
	/* Deep in the kernel it touches none of its pages, and it stops before it does. */
	return polls < POLLS_SLEEPING || state_of(thread->pid, thread->tid) != 'D';
}

static bool wait_for_stops(struct freeze *freeze, size_t first)
{
	for (int polls = 0; polls < POLLS_PATIENT; polls++) {
		bool waiting = false;

		for (size_t i = first; i < freeze->threads.count; i++) {
			if (freeze->threads.items[i].tid)
				waiting |= check_stopped(&freeze->threads.items[i], polls);
		}
		if (!waiting)
			return true;
		nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
	}
	return false;
}

/* False when it has not stopped yet: what runs cannot be detached. */
static bool release_thread(struct frozen_thread *thread)
{
	int status;

	check_stopped(thread, 0);
	if (thread->tid == 0)
		return true;
	if (!thread->stopped)
		return false;
	/* What was killed meanwhile has to be waited for, or its parent never sees it end. */
	if (ptrace(PTRACE_DETACH, thread->tid, NULL, (void *)(intptr_t)thread->signal) < 0)
		waitpid(thread->tid, &status, __WALL | WNOHANG);
	return true;
}

static bool all_sleep(const struct freeze *freeze, size_t first)
{
	for (size_t i = first; i < freeze->threads.count; i++) {
		if (state_of(freeze->threads.items[i].pid, freeze->threads.items[i].tid) != 'D')
			return false;
	}
	return true;
}

/*
 * A thread that slept all the time (one that waits for the child it has made by vfork, and that is
 * held, too) stops only when the others go on: it is waited for, too.
 */
static void release_from(struct freeze *freeze, size_t first)
{
	for (int polls = 0; polls < POLLS_PATIENT; polls++) {
		size_t kept = first;

		for (size_t i = first; i < freeze->threads.count; i++) {
			if (!release_thread(&freeze->threads.items[i]))
				freeze->threads.items[kept++] = freeze->threads.items[i];
		}
		freeze->threads.count = kept;
		if (kept == first || (polls >= POLLS_SLEEPING && all_sleep(freeze, first)))
			return;
		nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
	}
}

/* New threads are born of running ones: when a look finds none, and all stand still, it is over. */
static struct error *hold(struct freeze *freeze, pid_t pid, size_t first)
{
	for (;;) {
		size_t fresh = 0;

		TRY(seize_threads(freeze, pid, &fresh));
		if (fresh == 0)
			return NULL;
		if (!wait_for_stops(freeze, first))
			return error_new(ERROR_DENIED,
					 "process %d cannot be held still: it does not stop",
					 (int)pid);
	}
}

struct error *freeze_process(struct freeze *freeze, pid_t pid)
{
	size_t first = freeze->threads.count;

	if (pid == getpid())
		return error_new(ERROR_INPUT, "process %d is physlens itself", (int)pid);
	struct error *error = hold(freeze, pid, first);
	if (error)
		release_from(freeze, first);
	return error;
}

void freeze_release(struct freeze *freeze)
{
	release_from(freeze, 0);
	if (freeze->threads.count == 0)
		vec_deinit(&freeze->threads);
}
