// SPDX-License-Identifier: GPL-2.0-or-later
/* Time that only goes forward (clock_gettime(2), CLOCK_MONOTONIC). */
#ifndef PHYSLENS_BASE_CLOCK_H
#define PHYSLENS_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds since some moment before the program began. */
static inline int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
