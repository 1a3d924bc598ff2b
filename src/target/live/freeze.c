// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/freeze.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/scope.h"
#include "proc/mounted.h"
#include "proc/process.h"
#include "target/live/live.h"

enum {
	PATIENCE_MS = 2000,
	SLEEPER_MS = 10, /* for one that sleeps uninterruptibly */
	POLL_NS = 200 * 1000,
	POLL_LATE_NS = 5 * 1000 * 1000, /* each look costs a read of /proc by then */
};

struct tracee {
	pid_t pid;
	pid_t tid;
};

struct holder {
	struct freeze *freeze;
	freeze_lister list;
	void *argument;
	struct error *error;
	pthread_t thread;
	pid_t owner; /* the process that asked */
	sem_t held;  /* or failed */
	sem_t release;
	bool told;       /* held was posted */
	bool expired;    /* of the process, until it was waited for */
	sigset_t before; /* the mask of who asked */

	int64_t deadline;          /* ms */
	VEC(struct tracee) moving; /* seized, and not seen to stop */
	/* A bit for each number of a thread: seized, or one that cannot be. */
	VEC(uint64_t) met;
};

/* --- threads ------------------------------------------------------------------------------- */

static bool is_met(const struct holder *h, pid_t tid)
{
	size_t word = (size_t)tid / 64;

	return word < h->met.count && h->met.items[word] >> (tid % 64) & 1;
}

static struct error *meet(struct holder *h, pid_t tid)
{
	size_t word = (size_t)tid / 64;

	while (h->met.count <= word)
		TRY(vec_push(&h->met, UINT64_C(0)));
	h->met.items[word] |= UINT64_C(1) << (tid % 64);
	return NULL;
}

static struct error *refuse(struct holder *h, pid_t pid, int errnum)
{
	pid_t tracer = process_status_pid_of(pid, "TracerPid");
	struct error *why =
		tracer > 0 ? error_new(ERROR_DENIED,
				       "process %d cannot be held still: process %d traces it "
				       "already",
				       (int)pid, (int)tracer)
			   : error_errno(errnum, "process %d cannot be held still", (int)pid);
	struct error *error = vec_push(&h->freeze->refusals, why);

	if (error)
		error_free(why);
	return error;
}

/* The thread stops at once if it is in user mode, and else where it would go back to it. */
static struct error *seize(struct holder *h, pid_t pid, pid_t tid, bool *refused)
{
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0) {
		int errnum = errno;
		char state = process_state_of(tid);

		/* A thread that ended meanwhile, or is dead already, is nobody to hold. */
		if (errnum == ESRCH || state == '\0' || state == 'Z' || state == 'X')
			return NULL;
		*refused = true;
		return refuse(h, pid, errnum);
	}
	ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	return vec_push(&h->moving, ((struct tracee){.pid = pid, .tid = tid}));
}

/* Seizes the threads that were not met yet; adds their number to *fresh. */
static struct error *seize_threads(struct holder *h, pid_t pid, size_t *fresh)
{
	bool refused = false;
	char path[PROC_PATH];
	struct dirent *entry;

	proc_path(path, pid, "task");
	_cleanup_closedir_ DIR *dir = opendir(path);
	if (!dir) /* it has ended, or else would run on unseen */
		return errno == ENOENT || errno == ESRCH ? NULL : error_errno(errno, "%s", path);
	while (!refused) {
		uint64_t tid;

		TRY(next_entry(dir, path, &entry));
		if (!entry)
			break;
		if (!parse_decimal(entry->d_name, &tid) || is_met(h, (pid_t)tid))
			continue;
		++*fresh;
		TRY(meet(h, (pid_t)tid));
		TRY(seize(h, pid, (pid_t)tid, &refused));
	}
	/* What one thread is refused for, all are: it is said once. */
	while (refused && (entry = readdir(dir))) {
		uint64_t tid;

		if (parse_decimal(entry->d_name, &tid))
			TRY(meet(h, (pid_t)tid));
	}
	return NULL;
}

/*
 * Whether there is still something to wait for. The stop is looked at and not taken (WNOWAIT): it
 * may be that of a signal on its way to the thread, which would lose it (kernel/exit.c,
 * wait_task_stopped() clears exit_code) when it is let go.
 */
static bool is_moving(const struct tracee *tracee, bool late)
{
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)tracee->tid, &info,
		   WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL) < 0)
		return errno == EINTR;
	if (info.si_pid != 0)
		return false;
	/* Deep in the kernel it touches none of its pages, and it stops before it does. */
	char state = late ? process_state_of(tracee->tid) : 'R';
	return state != 'D' && state != '\0';
}

static void keep_moving(struct holder *h, bool late)
{
	size_t kept = 0;

	for (size_t i = 0; i < h->moving.count; i++) {
		if (is_moving(&h->moving.items[i], late))
			h->moving.items[kept++] = h->moving.items[i];
	}
	h->moving.count = kept;
}

static void wait_for_stops(struct holder *h)
{
	int64_t start = clock_ms();

	for (;;) {
		int64_t now = clock_ms();
		bool late = now - start >= SLEEPER_MS;

		keep_moving(h, late);
		if (h->moving.count == 0 || now >= h->deadline)
			return;
		nanosleep(&(struct timespec){.tv_nsec = late ? POLL_LATE_NS : POLL_NS}, NULL);
	}
}

/* --- the process that holds ------------------------------------------------------------------- */

/* New threads are born of running ones: when a look finds none, and all stand still, it is over. */
static struct error *hold(struct holder *h)
{
	pid_vec pids = {0};
	struct error *error = NULL;
	size_t fresh = 1;

	while (!error && fresh > 0 && clock_ms() < h->deadline) {
		fresh = pids.count = 0;
		error = h->list(h->argument, &pids);
		for (size_t i = 0; !error && i < pids.count; i++) {
			if (pids.items[i] != getpid() && pids.items[i] != h->owner)
				error = seize_threads(h, pids.items[i], &fresh);
		}
		if (!error)
			wait_for_stops(h);
	}
	vec_deinit(&pids);
	return error;
}

/* Threads of one process come one after the other. */
static struct error *name_moving(struct holder *h)
{
	pid_t named = 0;

	for (size_t i = 0; i < h->moving.count; i++) {
		pid_t pid = h->moving.items[i].pid;

		if (pid == named)
			continue;
		named = pid;
		struct error *why =
			error_new(ERROR_DENIED, "process %d cannot be held still: it does not stop",
				  (int)pid);
		struct error *error = vec_push(&h->freeze->refusals, why);
		if (error) {
			error_free(why);
			return error;
		}
	}
	return NULL;
}

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) < 0 && errno == EINTR)
		;
}

/*
 * Until it is told to let go, or the time is up: whatever became of those who read, the end of this
 * process sets the others free. It does nothing else meanwhile.
 */
static void wait_for_release(struct holder *h, int64_t until)
{
	struct timespec at = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
	int result;

	while ((result = sem_clockwait(&h->release, CLOCK_MONOTONIC, &at)) < 0 && errno == EINTR)
		;
	h->expired = result < 0;
}

/*
 * In a process of its own: a signal that stops ours (SIGSTOP, by whoever is not held) does not stop
 * it, nor one to our group. It ends with us.
 */
static int be_holder(void *argument)
{
	struct holder *h = argument;
	int64_t until = clock_ms() + (int64_t)h->freeze->seconds * 1000;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != h->owner)
		return 0;
	setsid();
	h->deadline = clock_ms() + PATIENCE_MS;
	h->error = hold(h);
	if (!h->error)
		h->error = name_moving(h);
	h->told = true;
	sem_post(&h->held);
	wait_for_release(h, until);
	return 0;
}

/*
 * The process shares all memory, and its thread-local storage is this thread's, which the kernel
 * has wait for its end (CLONE_VFORK). It is a child of the kind that nobody else waits for: without
 * a signal at its end.
 */
static void *run_holder(void *argument)
{
	enum { STACK = 256 << 10 };
	struct holder *h = argument;
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	pid_t pid = -1;

	/* As long as it does not say otherwise, its end was not its own doing: killed, it lets go,
	 * too. */
	h->expired = true;
	if (stack != MAP_FAILED) {
		pid = clone(be_holder, stack + STACK, CLONE_VM | CLONE_FILES | CLONE_VFORK, h);
		if (pid < 0)
			h->error = error_errno(errno, "a process to hold others still");
		while (pid > 0 && waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
			;
		munmap(stack, STACK);
	} else {
		h->error = error_nomem();
	}
	if (pid > 0 && !h->told)
		h->error = error_new(ERROR_OTHER, "the process that holds others still has ended");
	if (pid < 0 || !h->told)
		sem_post(&h->held);
	return NULL;
}

/* Signals are for the thread that the program began with. */
static struct error *start(struct holder *h)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int errnum = pthread_create(&h->thread, NULL, run_holder, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return errnum ? error_errno(errnum, "a thread to hold processes still") : NULL;
}

static void holder_destroy(struct holder *h)
{
	sem_destroy(&h->held);
	sem_destroy(&h->release);
	vec_deinit(&h->moving);
	vec_deinit(&h->met);
	free(h);
}

/* A stop of the terminal's would leave us stopped, and with us all that we hold. */
static void put_off_stops(struct holder *h)
{
	sigset_t stops;

	sigemptyset(&stops);
	sigaddset(&stops, SIGTSTP);
	sigaddset(&stops, SIGTTIN);
	sigaddset(&stops, SIGTTOU);
	pthread_sigmask(SIG_BLOCK, &stops, &h->before);
}

struct error *freeze_list(freeze_lister list, void *argument)
{
	pid_vec pids = {0};
	struct error *error = list(argument, &pids);

	vec_deinit(&pids);
	return error;
}

static struct error *hold_by_thread(struct holder *h)
{
	struct error *error = start(h);

	if (error)
		return error;
	wait_for(&h->held);
	return h->error;
}

struct error *freeze_hold(struct freeze *freeze, struct target *target, freeze_lister list,
			  void *argument)
{
	struct holder *h = calloc(1, sizeof(*h));

	if (!h)
		return error_nomem();
	*h = (struct holder){
		.freeze = freeze, .list = list, .argument = argument, .owner = getpid()};
	sem_init(&h->held, 0, 0);
	sem_init(&h->release, 0, 0);
	freeze->seconds = freeze->seconds ? freeze->seconds : FREEZE_SECONDS;
	freeze->expired = false;
	freeze->target = target;
	live_prepare_search(target);
	/* Libraries that listing needs are loaded by it: before the memory is locked. */
	struct error *error = freeze_list(list, argument);
	if (error) {
		holder_destroy(h);
		return error;
	}
	freeze->holder = h;
	target->held = true;
	put_off_stops(h);
	mlockall(MCL_CURRENT); /* as far as it is allowed */
	error = hold_by_thread(h);
	if (error)
		freeze_release(freeze);
	return error;
}

void freeze_release(struct freeze *freeze)
{
	struct holder *h = freeze->holder;

	if (!h)
		return;
	freeze->holder = NULL;
	if (h->thread) {
		sem_post(&h->release);
		pthread_join(h->thread, NULL);
	}
	freeze->expired = h->expired;
	freeze->target->held = false;
	munlockall();
	pthread_sigmask(SIG_SETMASK, &h->before, NULL);
	holder_destroy(h);
}

void freeze_deinit(struct freeze *freeze)
{
	freeze_release(freeze);
	for (size_t i = 0; i < freeze->refusals.count; i++)
		error_free(freeze->refusals.items[i]);
	vec_deinit(&freeze->refusals);
}
