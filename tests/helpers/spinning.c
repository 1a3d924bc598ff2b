// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * spinning THREADS	as many threads that never rest, beside the first one, which waits
 *
 *	ready PID
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>

#include "helper.h"

static void *spin(void *unused)
{
	volatile unsigned turns = 0;

	(void)unused;
	while (!helper_stopped)
		turns = turns + 1;
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = argc == 2 ? atoi(argv[1]) : 1;

	helper_init();
	for (int i = 0; i < threads; i++) {
		pthread_t thread;

		errno = pthread_create(&thread, NULL, spin, NULL);
		if (errno)
			helper_die("spinning: pthread_create");
	}
	helper_ready();
	helper_wait();
	return 0;
}
