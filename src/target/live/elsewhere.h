// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What may never come back, a question to the server of a file system, is asked by a process of
 * its own that can be abandoned: a wait for FUSE or NFS may end by no signal, not even SIGKILL
 * (fs/fuse/dev.c, request_wait_answer()).
 */
#ifndef PHYSLENS_TARGET_LIVE_ELSEWHERE_H
#define PHYSLENS_TARGET_LIVE_ELSEWHERE_H

#include "target/target.h"

/* Done there: what it found of a file in *status, and the file's bytes in `copy` (or -1: none). */
typedef struct error *(*elsewhere_task)(void *argument, int copy, struct file_status *status);

/*
 * Runs the task there, and waits `ms` milliseconds at most: *in_time says whether it came back. Its
 * error, or its status, is then given here. Nothing else of what it does has an effect. Of our
 * descriptors it has `place` and `copy` alone.
 */
struct error *elsewhere(elsewhere_task task, void *argument, int place, int copy, unsigned ms,
			struct file_status *status, bool *in_time);

#endif
