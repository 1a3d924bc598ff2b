// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * zombie: keeps a child that has exited and that nobody has waited for. Prints
 * "zombie PID" of the child, then "ready PID" of itself, and waits.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sys/wait.h>

#include "helper.h"

int main(void)
{
	siginfo_t info;
	pid_t child;

	helper_init();
	child = fork();
	if (child < 0)
		helper_die("zombie: fork");
	if (child == 0)
		_exit(0);
	/* WNOWAIT: wait until it is dead, and leave it so. */
	if (waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) != 0)
		helper_die("zombie: waitid");
	printf("zombie %ld\n", (long)child);
	helper_ready();
	helper_wait();
	waitpid(child, NULL, 0);
	return 0;
}
