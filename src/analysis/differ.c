// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/differ.h"

enum { INT3 = 0xcc };

struct pages {
	const uint8_t *before, *after, *explained;
	size_t size;
};

static bool differs(const struct pages *p, size_t at)
{
	return p->before[at] != p->after[at] && !(p->explained && p->explained[at]);
}

static bool is_int3(const struct pages *p, size_t at)
{
	return p->after[at] == INT3 && differs(p, at);
}

/* Whether all that differs near `at` is int3. An int3 within a patch is a byte of it. */
static bool is_breakpoint(const struct pages *p, size_t at)
{
	size_t from = at > DIFFER_NEAR ? at - DIFFER_NEAR : 0;
	size_t until = at + DIFFER_NEAR < p->size ? at + DIFFER_NEAR + 1 : p->size;

	for (size_t i = from; i < until; i++) {
		if (differs(p, i) && !is_int3(p, i))
			return false;
	}
	return is_int3(p, at);
}

static void take(struct differ_run *runs, size_t *count, size_t at, bool breakpoint)
{
	struct differ_run *last = *count ? &runs[*count - 1] : NULL;
	bool joins =
		last && !breakpoint && !last->breakpoint && at < (size_t)last->end + DIFFER_NEAR;

	if (joins || *count == DIFFER_RUNS_MAX) {
		/* What had no room is not passed off as a breakpoint. */
		last->breakpoint = false;
		last->end = (uint16_t)(at + 1);
		return;
	}
	runs[(*count)++] = (struct differ_run){(uint16_t)at, (uint16_t)(at + 1), breakpoint};
}

size_t differ_runs(const uint8_t *before, const uint8_t *after, const uint8_t *explained,
		   size_t size, struct differ_run runs[DIFFER_RUNS_MAX])
{
	struct pages p = {before, after, explained, size};
	size_t count = 0;

	for (size_t i = 0; i < size; i++) {
		if (differs(&p, i))
			take(runs, &count, i, is_breakpoint(&p, i));
	}
	return count;
}
