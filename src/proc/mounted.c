// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/mounted.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/scope.h"
#include "proc/mounts.h"

struct error *proc_check_mounted(void)
{
	char self[16];
	struct statfs fs;
	ssize_t length = readlink("/proc/self", self, sizeof(self) - 1);

	if (length < 0)
		return error_new(ERROR_UNSUPPORTED, "/proc is not mounted");
	if (statfs("/proc", &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return error_new(ERROR_UNSUPPORTED,
				 "/proc is not the kernel's: something else is mounted there");
	self[length] = '\0';
	if (strtol(self, NULL, 10) == getpid())
		return NULL;
	return error_new(ERROR_UNSUPPORTED, "/proc is that of another PID namespace: mount one of "
					    "this (mount -t proc proc /proc)");
}

static char processes[32] = "/proc";

static bool has_covers(void)
{
	_cleanup_free_ char *text = NULL;
	covered_vec list = {0};
	struct error *error = mounts_read_own(&text);

	if (!error)
		error = mounts_over_processes(text, &list);
	bool has = list.count > 0;
	vec_deinit(&list);
	error_free(error); /* then nobody knows, and what lies over one process is met there */
	return has;
}

/* Of our PID namespace, as that at /proc is; attached nowhere, it ends with this program. */
static void look_beneath(void)
{
	_cleanup_close_ int context = -1;

	if (!has_covers())
		return;
	context = (int)syscall(SYS_fsopen, "proc", FSOPEN_CLOEXEC);
	if (context < 0 || syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return;
	int fd = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC,
			      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (fd >= 0)
		snprintf(processes, sizeof(processes), "/proc/self/fd/%d", fd);
}

const char *proc_root(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, look_beneath);
	return processes;
}

void proc_path(char path[PROC_PATH], pid_t pid, const char *name)
{
	snprintf(path, PROC_PATH, "%s/%d%s%s", proc_root(), (int)pid, *name ? "/" : "", name);
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
