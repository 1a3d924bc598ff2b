// SPDX-License-Identifier: GPL-2.0-or-later
/* A progress bar for what takes long: on a terminal only, and only after it took a while. */
#ifndef PHYSLENS_UI_PROGRESS_H
#define PHYSLENS_UI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
	FILE *out; /* NULL: never shown */
	uint64_t total;
	int64_t started; /* milliseconds */
	int64_t drawn;
	bool visible;
	const char *unit; /* what is counted; NULL: bytes */
};

/* On `out` if that is a terminal; NULL for never. */
void progress_init(struct progress *progress, FILE *out, uint64_t total);

/* `done` bytes of the total; cheap enough for every megabyte. */
void progress_update(struct progress *progress, uint64_t done);

/* Wipes the bar: before a message, and at the end. The next update brings it back. */
void progress_clear(struct progress *progress);

#endif
