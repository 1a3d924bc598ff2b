// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dying [--mib N] [--after MS] [--loop]: a process that exits while it is looked at.
 *
 * Writes N MiB (64) of memory, prints "ready PID" and exits
 *   - on SIGUSR1, on SIGTERM or at the end of standard input, or
 *   - with --after, MS milliseconds later.
 * With --loop, children do that one after the other (each after MS, 20 unless told);
 * each prints "child PID" when its memory is there, after the parent's "ready PID".
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <inttypes.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "helper.h"

static size_t mib = 64;
static long after = -1;
static bool loop;

static void fill(void)
{
	size_t page = helper_page(), len = mib << 20;
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		helper_die("dying: mmap");
	(void)madvise(p, len, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < len; i += page)
		p[i] = 1;
}

/* A signal ends it early, and with it the process. */
static void live(long ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000 * 1000};

	nanosleep(&time, NULL);
}

__attribute__((noreturn)) static void child(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fill();
	printf("child %ld\n", (long)getpid());
	if (fflush(stdout) == 0)
		live(after);
	_exit(0);
}

static void children(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	pid_t pid;

	while (!helper_stopped) {
		pid = fork();
		if (pid < 0)
			helper_die("dying: fork");
		if (pid == 0)
			child();
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			kill(pid, SIGKILL);
		if (poll(&input, 1, 0) > 0 && helper_input_ended())
			break;
	}
}

static bool options(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--loop") == 0)
			loop = true;
		else if (i + 1 < argc && strcmp(argv[i], "--mib") == 0)
			mib = helper_number(argv[++i]);
		else if (i + 1 < argc && strcmp(argv[i], "--after") == 0)
			after = (long)helper_number(argv[++i]);
		else
			return false;
	}
	if (loop && after < 0)
		after = 20;
	return true;
}

int main(int argc, char **argv)
{
	if (!options(argc, argv)) {
		fprintf(stderr, "usage: dying [--mib N] [--after MS] [--loop]\n");
		return 2;
	}
	helper_init();
	if (loop) {
		helper_ready();
		children();
		return 0;
	}
	fill();
	helper_ready();
	if (after >= 0)
		live(after);
	else
		helper_wait(); /* SIGUSR1 kills, as it does by default */
	return 0;
}
