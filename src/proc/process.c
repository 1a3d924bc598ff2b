// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libproc2/pids.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/io.h"
#include "base/library.h"
#include "base/scope.h"
#include "proc/mounted.h"

/* include/linux/sched.h; field 9 of /proc/PID/stat has it. */
#define PF_EXITING 0x00000004UL
#define PF_KTHREAD 0x00200000UL

static struct error *no_such_process(pid_t pid)
{
	TRY(proc_check_mounted());
	return error_new(ERROR_LOOKUP, "no such process%s: %d",
			 proc_hides_processes() ? ", or hidden by hidepid" : "", (int)pid);
}

/* libproc2, which brings libsystemd and seven libraries more. */
struct proc2 {
	__typeof__(procps_pids_new) *new;
	__typeof__(procps_pids_get) *get;
	__typeof__(procps_pids_unref) *unref;
};

LIBRARY_NOTE(proc2, PROC2_SONAME, "processes", "the list of processes");

static struct error *proc2_load(struct proc2 *proc2)
{
	const struct library_function functions[] = {
		{"procps_pids_new", &proc2->new},
		{"procps_pids_get", &proc2->get},
		{"procps_pids_unref", &proc2->unref},
	};

	return library_load(PROC2_SONAME, functions, sizeof(functions) / sizeof(functions[0]));
}

struct error *process_check_library(void)
{
	struct proc2 proc2;

	return proc2_load(&proc2);
}

/* What the macro PIDS_VAL stands for is written out: libproc2 4.0.7 has taken an argument from it.
 * One process after the other: a snapshot of all by procps_pids_reap() would be kept in memory. */
static struct error *get_all(const struct proc2 *proc2, struct pids_info *info, process_vec *list)
{
	enum { PID, COMMAND, STATE, FLAGS, PPID, UID, STARTED };
	struct pids_stack *stack;

	errno = 0;
	while ((stack = proc2->get(info, PIDS_FETCH_TASKS_ONLY))) {
		const char *command = stack->head[COMMAND].result.str;
		struct process process = {
			.pid = stack->head[PID].result.s_int,
			.state = stack->head[STATE].result.s_ch,
			.kernel_thread = stack->head[FLAGS].result.ul_int & PF_KTHREAD,
			.ppid = stack->head[PPID].result.s_int,
			.uid = stack->head[UID].result.u_int,
			.started = stack->head[STARTED].result.ull_int,
		};

		snprintf(process.command, sizeof(process.command), "%s", command ? command : "");
		TRY(vec_push(list, process));
		errno = 0;
	}
	return list->count
		       ? NULL
		       : error_errno(errno ? errno : ENOENT, "cannot read the list of processes");
}

/*
 * "PID (COMM) STATE PPID PGRP SESSION TTY TPGID FLAGS …" (fs/proc/array.c, do_task_stat()). COMM
 * may be any bytes, so the last parenthesis is the one that ends it. Fields are numbered from 1, as
 * in proc_pid_stat(5); one that is not there is 0.
 */
bool process_stat_parse(const char *text, struct process_stat *stat)
{
	enum {
		STATE = 3,
		PPID = 4,
		FLAGS = 9,
		MINFLT = 10,
		MAJFLT = 12,
		STARTED = 22,
		START_CODE = 26,
		START_STACK = 28,
		START_BRK = 47,
		START_ARGUMENTS = 48,
		END_ARGUMENTS = 49,
		START_ENVIRON = 50,
		END_ENVIRON = 51,
		FIELDS,
	};
	const char *name = strchr(text, '('), *field = strrchr(text, ')');
	uint64_t values[FIELDS] = {0};

	if (!name || !field || field < name || field[1] != ' ' || field[2] == '\0')
		return false;
	*stat = (struct process_stat){.state = field[2]};
	snprintf(stat->command, sizeof(stat->command), "%.*s", (int)(field - name - 1), name + 1);
	field++;
	int number = STATE;
	for (; number < FIELDS && field; number++) {
		/* A negative number is one of those that nobody here asks for. */
		values[number] = strtoull(field, NULL, 10);
		field = strchr(field + 1, ' ');
	}
	stat->ppid = (pid_t)values[PPID];
	stat->kernel_thread = values[FLAGS] & PF_KTHREAD;
	stat->exiting = values[FLAGS] & PF_EXITING;
	stat->minor_faults = values[MINFLT];
	stat->major_faults = values[MAJFLT];
	stat->started = values[STARTED];
	stat->start_code = values[START_CODE];
	stat->start_stack = values[START_STACK];
	stat->start_brk = values[START_BRK];
	stat->start_arguments = values[START_ARGUMENTS];
	stat->end_arguments = values[END_ARGUMENTS];
	stat->start_environ = values[START_ENVIRON];
	stat->end_environ = values[END_ENVIRON];
	return number > FLAGS;
}

/*
 * Not by libproc2: of what it keeps for the next call each thread has its own, 256 KiB that nobody
 * frees when the thread ends; and many threads ask this, of processes that end while they are read.
 */
struct error *process_stat_read(int dirfd, const char *path, struct process_stat *stat)
{
	_cleanup_free_ char *text = NULL;

	TRY(read_file_at(dirfd, path, 1 << 16, &text, NULL));
	return process_stat_parse(text, stat)
		       ? NULL
		       : error_new(ERROR_INPUT, "%s: not what the kernel writes", path);
}

char process_state_of(pid_t pid)
{
	struct process_stat stat;
	char path[PROC_PATH];

	proc_path(path, pid, "stat");
	_cleanup_error_ struct error *error = process_stat_read(AT_FDCWD, path, &stat);
	return error ? '\0' : stat.state;
}

static bool is_dead(pid_t pid)
{
	char state = process_state_of(pid);

	return state == '\0' || state == 'Z' || state == 'X';
}

pid_t process_thread_with_memory(pid_t pid)
{
	struct dirent *entry;
	char path[PROC_PATH];

	if (!is_dead(pid))
		return pid;
	proc_path(path, pid, "task");
	_cleanup_closedir_ DIR *dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		uint64_t tid;

		if (parse_decimal(entry->d_name, &tid) && (pid_t)tid != pid && !is_dead((pid_t)tid))
			return (pid_t)tid;
	}
	return pid;
}

/* A process is as alive as the thread that has its memory. */
static void wake(process_vec *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct process *process = &list->items[i];

		process->tid = process->state == 'Z' ? process_thread_with_memory(process->pid)
						     : process->pid;
		if (process->tid != process->pid)
			process->state = process_state_of(process->tid);
	}
}

struct error *process_examine(pid_t pid, struct process *process)
{
	struct process_stat stat;
	char path[PROC_PATH];

	proc_path(path, pid, "stat");
	_cleanup_error_ struct error *error = process_stat_read(AT_FDCWD, path, &stat);
	if (error && (error_errnum(error) == ENOENT || error_errnum(error) == ESRCH))
		return no_such_process(pid);
	if (error)
		return scope_take(error, NULL);
	*process = (struct process){.pid = pid,
				    .state = stat.state,
				    .kernel_thread = stat.kernel_thread,
				    .ppid = stat.ppid,
				    .started = stat.started};
	memcpy(process->command, stat.command, sizeof(process->command));
	return NULL;
}

static int compare_pids(const void *left, const void *right)
{
	pid_t a = ((const struct process *)left)->pid, b = ((const struct process *)right)->pid;

	return (a > b) - (a < b);
}

/* The effective user, or that of who owns the directory where that is not told. */
static uid_t read_user(pid_t pid)
{
	_cleanup_free_ char *text = NULL;
	unsigned long real, effective;
	struct stat st = {0};
	char path[PROC_PATH];

	proc_path(path, pid, "status");
	error_free(read_file_at(AT_FDCWD, path, 1 << 16, &text, NULL));
	const char *line = text ? strstr(text, "\nUid:") : NULL;
	if (line && sscanf(line + 5, "%lu %lu", &real, &effective) == 2)
		return (uid_t)effective;
	proc_path(path, pid, "");
	return stat(path, &st) == 0 ? st.st_uid : 0;
}

/*
 * libproc2 passes over what it cannot read, whatever the reason, and says nothing: those that /proc
 * has and the list has not are asked for once more, and what is in the way is an error.
 */
static struct error *add_missing(process_vec *list, size_t first)
{
	size_t listed = list->count - first;
	_cleanup_closedir_ DIR *dir = opendir(proc_root());
	struct dirent *entry;

	if (!dir)
		return error_errno(errno, "/proc");
	if (listed)
		qsort(list->items + first, listed, sizeof(*list->items), compare_pids);
	for (;;) {
		struct process key = {0};
		uint64_t pid;

		TRY(next_entry(dir, proc_root(), &entry));
		if (!entry)
			break;
		if (!parse_decimal(entry->d_name, &pid) || pid > INT_MAX)
			continue;
		key.pid = (pid_t)pid;
		if (listed && bsearch(&key, list->items + first, listed, sizeof(key), compare_pids))
			continue;
		struct error *error = process_examine(key.pid, &key);
		if (error_is(error, ERROR_LOOKUP)) {
			error_free(error);
			continue;
		}
		TRY(error);
		key.uid = read_user(key.pid);
		TRY(vec_push(list, key));
	}
	qsort(list->items + first, list->count - first, sizeof(*list->items), compare_pids);
	return NULL;
}

static struct error *list_by_library(process_vec *list)
{
	enum pids_item items[] = {PIDS_ID_PID,  PIDS_CMD,     PIDS_STATE,     PIDS_FLAGS,
				  PIDS_ID_PPID, PIDS_ID_EUID, PIDS_TICS_BEGAN};
	struct pids_info *info = NULL;
	struct proc2 proc2 = {0};

	TRY(proc2_load(&proc2));
	int result = proc2.new(&info, items, (int)(sizeof(items) / sizeof(items[0])));
	struct error *error = result < 0 ? error_errno(-result, "cannot read the list of processes")
					 : get_all(&proc2, info, list);
	if (info)
		proc2.unref(&info);
	return error;
}

/* The library knows /proc alone: what lies over processes there it takes for them. */
struct error *process_list(process_vec *list)
{
	size_t first = list->count;

	TRY(proc_check_mounted());
	if (strcmp(proc_root(), "/proc") == 0)
		TRY(list_by_library(list));
	TRY(add_missing(list, first));
	wake(list);
	return NULL;
}

struct error *process_levels_below_proc(int root, unsigned *levels)
{
	_cleanup_free_ char *text = NULL;

	*levels = 0;
	TRY(read_file_at(root, "proc/self/status", 1 << 16, &text, NULL));
	char *line = strstr(text, "\nNSpid:");
	if (!line)
		return NULL;
	line[1 + strcspn(line + 1, "\n")] = '\0';
	for (char *tab = strchr(line, '\t'); tab; tab = strchr(tab + 1, '\t'))
		++*levels;
	*levels -= *levels > 0;
	return NULL;
}

/* "NSpid:\t4711\t12\t1", the innermost last. */
pid_t process_inner_pid(pid_t pid)
{
	_cleanup_free_ char *text = NULL;
	char path[PROC_PATH];

	proc_path(path, pid, "status");
	error_free(read_file_at(AT_FDCWD, path, 1 << 16, &text, NULL));
	char *line = text ? strstr(text, "\nNSpid:") : NULL;
	if (!line)
		return 0;
	line[1 + strcspn(line + 1, "\n")] = '\0';
	const char *last = strrchr(line, '\t');
	long inner = last ? strtol(last + 1, NULL, 10) : 0;
	return inner > 0 && inner <= INT_MAX ? (pid_t)inner : 0;
}

/* By what the kernel has of the file: its server is not asked. */
bool process_runs_set_id(pid_t pid)
{
	char path[PROC_PATH];
	struct statx x;

	proc_path(path, pid, "exe");
	return statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_MODE, &x) == 0 &&
	       x.stx_mode & (S_ISUID | S_ISGID);
}

static pid_t read_status(int dirfd, const char *path, const char *key)
{
	_cleanup_free_ char *text = NULL;
	char start[32];
	int length = snprintf(start, sizeof(start), "\n%s:\t", key);

	error_free(read_file_at(dirfd, path, 1 << 16, &text, NULL));
	const char *line = text ? strstr(text, start) : NULL;
	long pid = line ? strtol(line + length, NULL, 10) : 0;
	return pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

pid_t process_status_pid(int dirfd, const char *key)
{
	return read_status(dirfd, "status", key);
}

pid_t process_status_pid_of(pid_t pid, const char *key)
{
	char path[PROC_PATH];

	proc_path(path, pid, "status");
	return read_status(AT_FDCWD, path, key);
}

struct error *process_check_own(int fd, pid_t pid, const char *name)
{
	struct statx x;
	struct statfs fs;

	if (fstatfs(fd, &fs) == 0 && fs.f_type != PROC_SUPER_MAGIC)
		TRY(proc_check_mounted());
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &x) < 0 ||
	    !(x.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return NULL;
	return error_new(ERROR_DENIED,
			 "process %d cannot be seen: another mount lies over /proc/%d%s%s",
			 (int)pid, (int)pid, *name ? "/" : "", name);
}

struct error *process_open(pid_t pid, int *dirfd)
{
	char path[PROC_PATH];

	proc_path(path, pid, "");
	*dirfd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*dirfd >= 0) {
		struct error *error = process_check_own(*dirfd, pid, "");

		if (error)
			scope_closep(dirfd);
		return error;
	}
	return errno == ENOENT ? no_such_process(pid) : error_errno(errno, "%s", path);
}

int process_open_own(int root, const char *path, int flags)
{
	int before = prctl(PR_GET_DUMPABLE);

	if (before != 1)
		prctl(PR_SET_DUMPABLE, 1);
	int fd = openat(root, path, flags | O_CLOEXEC | O_NOCTTY);
	int errnum = errno;
	if (before != 1)
		prctl(PR_SET_DUMPABLE, 0);
	errno = errnum;
	return fd;
}

/* Raw capget(2): libcap would be one more library for two bits. */
static uint32_t effective_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};

	return syscall(SYS_capget, &header, data) < 0 ? 0 : data[0].effective;
}

struct error *process_refused(int dirfd, pid_t pid)
{
	uint32_t capabilities = effective_capabilities();
	bool ptrace = capabilities & (1U << CAP_SYS_PTRACE);
	bool read = capabilities & (1U << CAP_DAC_READ_SEARCH | 1U << CAP_DAC_OVERRIDE);
	struct stat st;

	/* The directory belongs to the process's user, dumpable or not (task_dump_owner()). */
	bool other = fstat(dirfd, &st) == 0 && st.st_uid != geteuid();
	if (ptrace && (read || !other))
		return error_new(ERROR_DENIED,
				 "process %d is protected: the kernel refuses it even to "
				 "CAP_SYS_PTRACE (a security module, or another user namespace)",
				 (int)pid);
	const char *missing = ptrace ? "CAP_DAC_READ_SEARCH is"
			      : read ? "CAP_SYS_PTRACE is"
				     : "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH are";
	if (other)
		return error_new(ERROR_DENIED,
				 "process %d belongs to another user (uid %u): %s missing (run as "
				 "root)",
				 (int)pid, st.st_uid, missing);
	return error_new(ERROR_DENIED,
			 "process %d is protected (more privileged, or not dumpable): %s missing "
			 "(run as root)",
			 (int)pid, missing);
}
