// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/process.h"

#include <errno.h>
#include <fcntl.h>
#include <libproc2/pids.h>
#include <stdio.h>
#include <string.h>

/* include/linux/sched.h; field 9 of /proc/PID/stat has it. */
#define PF_KTHREAD 0x00200000UL

static struct error *no_such_process(pid_t pid)
{
	return error_new(ERROR_LOOKUP, "no such process: %d", (int)pid);
}

static struct error *fill(struct pids_info *info, pid_t pid, struct process *process)
{
	enum { COMMAND, STATE, FLAGS };
	unsigned wanted = (unsigned)pid;
	struct pids_fetch *fetch = procps_pids_select(info, &wanted, 1, PIDS_SELECT_PID);

	if (!fetch)
		return error_errno(errno, "cannot read the state of process %d", (int)pid);
	if (fetch->counts->total != 1)
		return no_such_process(pid);

	struct pids_stack *stack = fetch->stacks[0];
	process->pid = pid;
	process->state = PIDS_VAL(STATE, s_ch, stack, info);
	process->kernel_thread = PIDS_VAL(FLAGS, ul_int, stack, info) & PF_KTHREAD;
	const char *command = PIDS_VAL(COMMAND, str, stack, info);
	snprintf(process->command, sizeof(process->command), "%s", command ? command : "");
	return NULL;
}

struct error *process_examine(pid_t pid, struct process *process)
{
	enum pids_item items[] = {PIDS_CMD, PIDS_STATE, PIDS_FLAGS};
	struct pids_info *info = NULL;
	int result = procps_pids_new(&info, items, (int)(sizeof(items) / sizeof(items[0])));

	if (result < 0)
		return error_errno(-result, "cannot read the list of processes");
	struct error *error = fill(info, pid, process);
	procps_pids_unref(&info);
	return error;
}

struct error *process_open(pid_t pid, int *dirfd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	*dirfd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*dirfd >= 0)
		return NULL;
	return errno == ENOENT ? no_such_process(pid) : error_errno(errno, "%s", path);
}
