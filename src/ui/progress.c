// SPDX-License-Identifier: GPL-2.0-or-later
#include "ui/progress.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	FIRST_SHOWN_MS = 700, /* what is over by then needs no bar */
	REDRAWN_MS = 150,
	BAR_WIDTH = 40,
};

void progress_init(struct progress *progress, FILE *out, uint64_t total)
{
	*progress = (struct progress){.total = total, .started = clock_ms()};
	if (out && total > 0 && isatty(fileno(out)))
		progress->out = out;
}

static void draw(const struct progress *progress, uint64_t done, int64_t elapsed)
{
	char bar[BAR_WIDTH + 1];
	double part = (double)done / (double)progress->total;
	double mib = (double)done / (1 << 20);
	size_t filled = (size_t)(part * (double)BAR_WIDTH);

	if (filled > BAR_WIDTH)
		filled = BAR_WIDTH;
	memset(bar, ' ', BAR_WIDTH);
	memset(bar, '#', filled);
	bar[BAR_WIDTH] = '\0';
	if (progress->unit) {
		fprintf(progress->out, "\r[%s] %3.0f%%  %llu of %llu %s\033[K", bar, part * 100,
			(unsigned long long)done, (unsigned long long)progress->total,
			progress->unit);
		fflush(progress->out);
		return;
	}
	fprintf(progress->out, "\r[%s] %3.0f%%  %.0f MiB  %.0f MiB/s\033[K", bar, part * 100, mib,
		mib / ((double)elapsed / 1000));
	fflush(progress->out);
}

void progress_update(struct progress *progress, uint64_t done)
{
	if (!progress->out)
		return;
	int64_t now = clock_ms(), elapsed = now - progress->started;
	if (elapsed < FIRST_SHOWN_MS || now - progress->drawn < REDRAWN_MS)
		return;
	draw(progress, done, elapsed);
	progress->drawn = now;
	progress->visible = true;
}

void progress_clear(struct progress *progress)
{
	if (!progress->visible)
		return;
	fputs("\r\033[K", progress->out);
	fflush(progress->out);
	progress->visible = false;
}
