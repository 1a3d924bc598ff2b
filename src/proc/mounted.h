// SPDX-License-Identifier: GPL-2.0-or-later
/* Whether the kernel's own file systems are there, and show all that they have. */
#ifndef PHYSLENS_PROC_MOUNTED_H
#define PHYSLENS_PROC_MOUNTED_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* ERROR_UNSUPPORTED where there is no /proc, or something else is mounted there, or one in which
 * PIDs are others than here. */
struct error *proc_check_mounted(void);

/*
 * The directory that has the processes: "/proc", or where mounts lie over some of them there, a
 * procfs of our own that nobody else sees, if we may have one (CAP_SYS_ADMIN). May be called by
 * several threads; lasts.
 */
const char *proc_root(void);

/* The path of /proc/PID/NAME in it; of /proc/PID where the name is "". */
enum { PROC_PATH = 96 };
void proc_path(char path[PROC_PATH], pid_t pid, const char *name);

/* Whether /proc shows only some processes (hidepid: fs/proc/root.c, and proc(5)). */
bool proc_hides_processes(void);

/* Whether there is a sysfs at "sys" below the open directory `root`; AT_FDCWD for "/". */
bool sysfs_is_mounted(int root);

#endif
