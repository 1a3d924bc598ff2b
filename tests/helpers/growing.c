// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * growing	a heap that is a page larger, and written there, every 300 microseconds
 *
 * Up to 256 MiB, and until it is told to end:
 *
 *	ready PID
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "helper.h"

enum { PAUSE = 300, PAGES_MAX = 1 << 16 };

int main(void)
{
	size_t page = helper_page();

	helper_init();
	helper_ready();
	for (int i = 0; i < PAGES_MAX && !helper_stopped; i++) {
		char *p = sbrk((intptr_t)page);

		if (p == (char *)-1)
			helper_die("growing: sbrk");
		*p = 1;
		usleep(PAUSE);
	}
	helper_wait();
	return 0;
}
