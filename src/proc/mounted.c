// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/mounted.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct error *proc_check_mounted(void)
{
	char self[16];
	ssize_t length = readlink("/proc/self", self, sizeof(self) - 1);

	if (length < 0)
		return error_new(ERROR_UNSUPPORTED, "/proc is not mounted");
	self[length] = '\0';
	if (strtol(self, NULL, 10) == getpid())
		return NULL;
	return error_new(ERROR_UNSUPPORTED, "/proc is that of another PID namespace: mount one of "
					    "this (mount -t proc proc /proc)");
}

/* Every PID namespace has a process 1, as long as it has any. */
bool proc_hides_processes(void)
{
	return faccessat(AT_FDCWD, "/proc/1", F_OK, 0) < 0 && errno == ENOENT;
}

bool sysfs_is_mounted(int root)
{
	return faccessat(root, root < 0 ? "/sys/kernel" : "sys/kernel", F_OK, 0) == 0;
}
