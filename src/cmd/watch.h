// SPDX-License-Identifier: GPL-2.0-or-later
/* --watch SEC: the same again every so many seconds, in place of the last one on a terminal. */
#ifndef PHYSLENS_CMD_WATCH_H
#define PHYSLENS_CMD_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/error.h"
#include "ui/table.h"

struct watch {
	uint64_t interval;    /* seconds; 0: once */
	bool clear, separate; /* what stands between two samples */
	uint64_t samples;     /* that were shown */
	struct timespec next;
	char time[32]; /* of the sample in hand: "2026-11-27T16:05:09.123Z" */
};

/* Takes the option's argument into `interval`. ERROR_INPUT. */
struct error *watch_parse(struct watch *watch, const char *argument);

/* To be called before the first sample. */
void watch_begin(struct watch *watch, enum table_format format);

/*
 * To be called between taking a sample and showing it: until then the last one stays to be read.
 * With --watch `options` then have the sample's time, for formats that other programs read, and of
 * CSV and TSV only the first sample has headings.
 */
void watch_show(struct watch *watch, struct table_options *options);

/* After a sample: waits for the next one's time. False when standard output takes no more. */
bool watch_wait(struct watch *watch);

#endif
