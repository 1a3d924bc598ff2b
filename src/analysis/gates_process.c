// SPDX-License-Identifier: GPL-2.0-or-later
/* Gates of other processes: whose memory may be looked at, and how. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "analysis/gates_internal.h"
#include "base/io.h"
#include "base/scope.h"

/* The name in map_files of a file that we map, such as this program: "5581c0-5581d0". */
static struct error *own_mapped_file(const struct prober *prober, char *name, size_t size)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;

	TRY(read_file_at(prober->root, "proc/self/maps", 64 << 20, &text, NULL));
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		size_t length = strcspn(line, " ");

		if (!strchr(line, '/') || length >= size)
			continue;
		memcpy(name, line, length);
		name[length] = '\0';
		return NULL;
	}
	return error_new(ERROR_INPUT, "proc/self/maps: no mapped file");
}

/* Following a link in map_files needs a capability (fs/proc/base.c, proc_map_files_get_link()). */
struct error *gate_map_files(struct prober *prober, struct gate *gate)
{
	char path[128] = "proc/self/map_files/";
	size_t length = strlen(path);
	int errnum;

	TRY(own_mapped_file(prober, path + length, sizeof(path) - length));
	_cleanup_close_ int fd = prober_open_own(prober, path, O_RDONLY, &errnum);
	if (fd >= 0) {
		gate_is(gate, GATE_OPEN, "open");
		return NULL;
	}
	if (errnum == ENOENT) {
		gate_is(gate, GATE_CLOSED, "absent");
		return gate_detail(gate, "/%s: %s", path, strerror(errnum));
	}
	gate_is(gate, GATE_CLOSED, "denied");
	return gate_wants(prober, gate, CAP_MASK(CAP_CHECKPOINT_RESTORE));
}

/* A kernel thread and a zombie have no command line, and no memory that could be refused. */
static bool has_memory(const struct prober *prober, const char *pid)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	size_t length = 0;

	snprintf(path, sizeof(path), "proc/%.20s/cmdline", pid);
	error_free(read_file_at(prober->root, path, 16 << 20, &text, &length));
	return length > 0;
}

/* Whether pagemap of process `pid` opens: 1 yes, 0 no, -1 when it tells nothing. */
static int try_process(const struct prober *prober, const char *pid)
{
	char path[64];
	struct stat status;
	int errnum;

	snprintf(path, sizeof(path), "proc/%.20s/pagemap", pid);
	if (fstatat(prober->root, path, &status, 0) != 0 || status.st_uid == geteuid())
		return -1;
	if (!has_memory(prober, pid))
		return -1;
	_cleanup_close_ int fd = prober_open(prober, path, &errnum);
	if (fd >= 0)
		return 1;
	return errnum == EACCES || errnum == EPERM ? 0 : -1;
}

/*
 * Whether any process of somebody else opens: a single one that does not proves nothing, since a
 * security module may guard it [seen: PID 1 kept from root]. Where all are ours, our capabilities
 * tell.
 */
static bool others_open(const struct prober *prober)
{
	int found = -1;
	struct dirent *entry;
	_cleanup_closedir_ DIR *dir = NULL;
	int fd = openat(prober->root, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir && fd >= 0)
		close(fd);
	while (dir && found < 1 && (entry = readdir(dir))) {
		int told = -1;

		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			told = try_process(prober, entry->d_name);
		found = told > found ? told : found;
	}
	return found < 0 ? prober_has(prober, CAP_MASK(CAP_SYS_PTRACE)) : found;
}

/* Reading maps and pagemap is PTRACE_MODE_READ, which Yama leaves alone. */
struct error *gate_ptrace(struct prober *prober, struct gate *gate)
{
	if (others_open(prober)) {
		gate_is(gate, GATE_OPEN, "open");
		return NULL;
	}
	gate_is(gate, GATE_LIMITED, "own");
	TRY(gate_detail(gate, "processes of this user only"));
	/* The files of others are mode 0400 besides. */
	return gate_wants(prober, gate, CAP_MASK(CAP_SYS_PTRACE) | CAP_MASK(CAP_DAC_READ_SEARCH));
}

/* Yama's scope (security/yama/yama_lsm.c); 0 without Yama. */
static struct error *load_scope(const struct prober *prober, uint64_t *scope)
{
	struct error *error =
		read_number_at(prober->root, "proc/sys/kernel/yama/ptrace_scope", scope);

	if (error && error_errnum(error) == ENOENT) {
		error_free(error);
		*scope = 0;
		return NULL;
	}
	return error;
}

struct error *gate_attach(struct prober *prober, struct gate *gate)
{
	static const char *const states[] = {"own", "children", "none"};
	uint64_t ptrace = CAP_MASK(CAP_SYS_PTRACE), scope = 0;

	TRY(load_scope(prober, &scope));
	if (scope >= 3) {
		gate_is(gate, GATE_CLOSED, "off");
		TRY(gate_detail(gate, "kernel.yama.ptrace_scope is 3, which nothing lowers"));
		return gate_remedy(gate, "set kernel.yama.ptrace_scope below 3 in /etc/sysctl.d "
					 "and boot again");
	}
	if (prober->capabilities & ptrace) {
		gate_is(gate, GATE_OPEN, "open");
		return NULL;
	}
	gate_is(gate, scope == 2 ? GATE_CLOSED : GATE_LIMITED, states[scope]);
	TRY(gate_wants(prober, gate, ptrace));
	if (scope != 1)
		return NULL;
	TRY(gate_detail(gate, "kernel.yama.ptrace_scope is 1: own children only"));
	_cleanup_free_ char *capability = scope_take(gate->remedy, NULL);
	return gate_remedy(gate, "%s; for own processes: sysctl kernel.yama.ptrace_scope=0",
			   capability);
}

struct error *gate_kcmp(struct prober *prober, struct gate *gate)
{
	pid_t self = getpid();

	if (syscall(SYS_kcmp, self, self, KCMP_VM, 0, 0) == 0) {
		gate_is(gate, GATE_OPEN, "open");
		return NULL;
	}
	if (errno == ENOSYS) {
		gate_is(gate, GATE_CLOSED, "absent");
		return gate_remedy(gate, "a kernel with CONFIG_KCMP=y");
	}
	gate_is(gate, GATE_CLOSED, "denied");
	TRY(gate_detail(gate, "kcmp: %s", strerror(errno)));
	return gate_wants(prober, gate, CAP_MASK(CAP_SYS_PTRACE));
}
