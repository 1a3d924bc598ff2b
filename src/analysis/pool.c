// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/io.h"
#include "base/vec.h"

enum { THREADS_MAX = 64 };

struct pool {
	atomic_size_t next;
	atomic_bool failed;
	size_t count;
	pool_job job;
	void *argument;
};

struct worker {
	struct pool *pool;
	unsigned number;
	pthread_t thread;
	struct error *error;
};

unsigned pool_threads(void)
{
	const char *wanted = getenv("PHYSLENS_THREADS");
	uint64_t number;
	cpu_set_t cpus;

	if (wanted && parse_decimal(wanted, &number) && number > 0)
		return number < THREADS_MAX ? (unsigned)number : THREADS_MAX;
	/* More processors than fit in the set are more than enough. */
	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return THREADS_MAX / 4;
	int count = CPU_COUNT(&cpus);
	return count < THREADS_MAX ? (unsigned)count : THREADS_MAX;
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct pool *pool = worker->pool;

	while (!worker->error && !atomic_load(&pool->failed)) {
		size_t job = atomic_fetch_add(&pool->next, 1);

		if (job >= pool->count)
			break;
		worker->error = pool->job(pool->argument, worker->number, job);
	}
	if (worker->error)
		atomic_store(&pool->failed, true);
	return NULL;
}

/* Signals are for the thread that the program began with: the others are born with all blocked. */
static unsigned start(struct worker *workers, unsigned wanted)
{
	sigset_t all, before;
	unsigned started = 1;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (started < wanted &&
	       pthread_create(&workers[started].thread, NULL, work, &workers[started]) == 0)
		started++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

struct error *pool_run(unsigned threads, size_t count, pool_job job, void *argument)
{
	struct pool pool = {.count = count, .job = job, .argument = argument};
	struct worker workers[THREADS_MAX];
	struct error *error = NULL;

	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	if (threads > count)
		threads = (unsigned)count;
	for (unsigned i = 0; i < threads || i == 0; i++)
		workers[i] = (struct worker){.pool = &pool, .number = i};
	/* Where no thread can be had, fewer do the same work. */
	unsigned started = start(workers, threads);
	work(&workers[0]);
	for (unsigned i = 0; i < started; i++) {
		if (i > 0)
			pthread_join(workers[i].thread, NULL);
		if (error)
			error_free(workers[i].error);
		else
			error = workers[i].error;
	}
	return error;
}
