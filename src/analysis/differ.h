// SPDX-License-Identifier: GPL-2.0-or-later
/* How two copies of one page differ: runs of bytes, and which of them are breakpoints. */
#ifndef PHYSLENS_ANALYSIS_DIFFER_H
#define PHYSLENS_ANALYSIS_DIFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DIFFER_NEAR = 8,       /* bytes that are the same between two differences of one run */
	DIFFER_RUNS_MAX = 512, /* all that fit into 4096 bytes, but for breakpoints side by side */
};

/* Bytes [start, end) of a page, of which the first and the last differ. */
struct differ_run {
	uint16_t start;
	uint16_t end;
	bool breakpoint; /* a lone int3: one byte, now 0xcc, and no other change near but such */
};

/*
 * Finds the runs in `size` bytes (at most 4096); bytes for which `explained` (NULL: none) is not
 * zero count as the same. Gives their number; where there is no room for more the last one reaches
 * to the last difference.
 */
size_t differ_runs(const uint8_t *before, const uint8_t *after, const uint8_t *explained,
		   size_t size, struct differ_run runs[DIFFER_RUNS_MAX]);

#endif
