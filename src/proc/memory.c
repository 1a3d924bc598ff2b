// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/memory.h"

#include <errno.h>
#include <fcntl.h>

#include "base/io.h"
#include "proc/mounted.h"
#include "proc/process.h"

struct error *process_memory_open(pid_t pid, int *fd)
{
	char path[PROC_PATH];

	proc_path(path, process_thread_with_memory(pid), "mem");
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	return *fd < 0 ? error_errno(errno, "%s", path) : NULL;
}

int process_memory_read(int fd, uint64_t address, void *buffer, size_t length)
{
	size_t got;
	int errnum = pread_full(fd, buffer, length, address, &got);

	return errnum ? errnum : got == length ? 0 : EIO;
}
