// SPDX-License-Identifier: GPL-2.0-or-later
/* Whether the kernel's own file systems are there, and show all that they have. */
#ifndef PHYSLENS_PROC_MOUNTED_H
#define PHYSLENS_PROC_MOUNTED_H

#include <stdbool.h>

#include "base/error.h"

/* ERROR_UNSUPPORTED where there is no /proc, or one in which PIDs are others than here. */
struct error *proc_check_mounted(void);

/* Whether /proc shows only some processes (hidepid: fs/proc/root.c, and proc(5)). */
bool proc_hides_processes(void);

/* Whether there is a sysfs at "sys" below the open directory `root`; AT_FDCWD for "/". */
bool sysfs_is_mounted(int root);

#endif
