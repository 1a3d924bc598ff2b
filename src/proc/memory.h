// SPDX-License-Identifier: GPL-2.0-or-later
/* /proc/PID/mem: a process's memory as the process itself would see it. */
#ifndef PHYSLENS_PROC_MEMORY_H
#define PHYSLENS_PROC_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* Opens it for reading, which needs what ptrace(2) attach needs. */
struct error *process_memory_open(pid_t pid, int *fd);

/* All of the bytes, or an errno: EIO where nothing is mapped. */
int process_memory_read(int fd, uint64_t address, void *buffer, size_t length);

#endif
