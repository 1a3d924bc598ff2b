// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/process.h"

#include <errno.h>
#include <fcntl.h>
#include <libproc2/pids.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* Raw capget(2): libcap would be one more library for one bit. */
static bool can_ptrace(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};

	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	return data[0].effective & (1U << CAP_SYS_PTRACE);
}

struct error *process_refused(int dirfd, pid_t pid)
{
	struct stat st;

	if (can_ptrace())
		return error_new(ERROR_DENIED,
				 "process %d is protected: the kernel refuses it even to "
				 "CAP_SYS_PTRACE (a security module, or another user namespace)",
				 (int)pid);
	/* The directory belongs to the process's user, dumpable or not (task_dump_owner()). */
	if (fstat(dirfd, &st) == 0 && st.st_uid != geteuid())
		return error_new(ERROR_DENIED,
				 "process %d belongs to another user (uid %u): CAP_SYS_PTRACE is "
				 "missing (run as root)",
				 (int)pid, st.st_uid);
	return error_new(ERROR_DENIED,
			 "process %d is protected (more privileged, or not dumpable): "
			 "CAP_SYS_PTRACE is missing (run as root)",
			 (int)pid);
}
