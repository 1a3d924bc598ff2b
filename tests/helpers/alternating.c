// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * alternating FILE FILE: a child maps the two in turn at one address, executable, reads every page,
 * and goes on doing so until its parent, which waits, has ended. Prints "alternating PID", the
 * child's, and then "ready PID".
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "helper.h"

enum { PAGES = 16 };

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		helper_die("alternating: open");
	return fd;
}

static void show(char *at, int fd, size_t page)
{
	if (mmap(at, PAGES * page, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0) != at)
		helper_die("alternating: mmap");
	for (size_t i = 0; i < PAGES; i++)
		(void)*(volatile char *)(at + i * page);
}

static void alternate(char *const paths[2])
{
	size_t page = helper_page();
	int fds[2] = {open_file(paths[0]), open_file(paths[1])};
	char *at = mmap(NULL, PAGES * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		helper_die("alternating: mmap");
	for (unsigned i = 0;; i++)
		show(at, fds[i % 2], page);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: alternating FILE FILE\n");
		return 2;
	}
	helper_init();
	pid_t parent = getpid(), child = fork();
	if (child == 0) {
		signal(SIGTERM, SIG_DFL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			alternate(argv + 1);
		_exit(1);
	}
	if (child < 0)
		helper_die("alternating: fork");
	printf("alternating %d\n", (int)child);
	helper_ready();
	helper_wait();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}
