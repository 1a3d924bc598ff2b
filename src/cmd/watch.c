// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/watch.h"

#include <stdio.h>
#include <unistd.h>

#include "base/io.h"

/* A day and more; far below where the clock's seconds would overflow. */
enum { INTERVAL_MAX = 1000000 };

struct error *watch_parse(struct watch *watch, const char *argument)
{
	if (!parse_decimal(argument, &watch->interval) || watch->interval == 0 ||
	    watch->interval > INTERVAL_MAX)
		return error_new(ERROR_INPUT, "--watch: not a number of seconds: %s", argument);
	return NULL;
}

void watch_begin(struct watch *watch, enum table_format format)
{
	watch->clear = watch->interval && format == FORMAT_TABLE && isatty(STDOUT_FILENO);
	watch->separate = format == FORMAT_TABLE;
	clock_gettime(CLOCK_MONOTONIC, &watch->next);
}

static void stamp(struct watch *watch)
{
	struct timespec now;
	struct tm parts;
	size_t length;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	length = strftime(watch->time, sizeof(watch->time), "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(watch->time + length, sizeof(watch->time) - length, ".%03dZ",
		 (int)(now.tv_nsec / 1000000));
}

void watch_show(struct watch *watch, struct table_options *options)
{
	if (watch->interval && options->format != FORMAT_TABLE && options->format != FORMAT_RAW) {
		stamp(watch);
		options->time = watch->time;
	}
	if (watch->samples > 0 && (options->format == FORMAT_CSV || options->format == FORMAT_TSV))
		options->noheadings = true;
	if (watch->clear)
		fputs("\033[H\033[2J", stdout);
	else if (watch->separate && watch->samples > 0)
		putchar('\n');
	watch->samples++;
}

bool watch_wait(struct watch *watch)
{
	if (fflush(stdout) != 0)
		return false; /* main() says why */
	watch->next.tv_sec += (time_t)watch->interval;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &watch->next, NULL);
	return true;
}
