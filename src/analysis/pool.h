// SPDX-License-Identifier: GPL-2.0-or-later
/* A few threads that share out numbered jobs. */
#ifndef PHYSLENS_ANALYSIS_POOL_H
#define PHYSLENS_ANALYSIS_POOL_H

#include <stddef.h>

#include "base/error.h"

/* One job, done by thread number `thread` (from 0); its error ends the pool. */
typedef struct error *(*pool_job)(void *argument, unsigned thread, size_t job);

/* How many threads are worth having: one a processor we may run on; PHYSLENS_THREADS overrides. */
unsigned pool_threads(void);

/*
 * Does jobs 0 … count-1, each once, in ascending order of their beginning, in at most `threads`
 * threads, the caller's among them. Returns when all are done, or after the first error.
 */
struct error *pool_run(unsigned threads, size_t count, pool_job job, void *argument);

#endif
