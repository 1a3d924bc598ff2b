// SPDX-License-Identifier: GPL-2.0-or-later
/* What a process is called, and what the kernel knows of the program that it runs. */
#include "proc/identity.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/scope.h"
#include "proc/mounted.h"
#include "proc/mounts.h"
#include "target/live/live.h"

enum {
	ENVIRON_MAX = 8 << 20, /* the kernel takes 6 MiB of arguments */
	WORDS_A_READ = 64,
};

/*
 * Whether all pages of these addresses are there. cmdline and environ are the process's memory: to
 * read a page that is not there may wait for who serves it, by FUSE or userfaultfd(2).
 */
static bool is_populated(const struct live_space *space, uint64_t start, uint64_t end)
{
	unsigned shift = space->base.target->page_shift;
	uint64_t vpn = start >> shift, last = (end - 1) >> shift, words[WORDS_A_READ];

	while (vpn <= last) {
		size_t count = last - vpn < WORDS_A_READ ? (size_t)(last - vpn) + 1 : WORDS_A_READ;
		size_t got = 0;

		if (pagemap_read(space->pagemap_fd, vpn, words, count, &got) != 0 || got != count)
			return false;
		for (size_t i = 0; i < count; i++) {
			if (!(words[i] & PAGEMAP_POPULATED))
				return false;
		}
		vpn += count;
	}
	return true;
}

/* The kernel looks at the last byte of the arguments, too: a title may go on behind them
 * (fs/proc/base.c, get_mm_cmdline()). */
static struct error *read_title(const struct live_space *space, const struct process_stat *stat,
				struct identity *identity)
{
	uint64_t start = stat->start_arguments, last = stat->end_arguments;
	uint64_t end = last > stat->end_environ ? last : stat->end_environ;

	/* No arguments at all are a title, too: the empty one. */
	identity->has_title = start && last == start;
	if (!start || last <= start)
		return NULL;
	if (end - start > sizeof(identity->title))
		end = start + sizeof(identity->title);
	if (!is_populated(space, start, end) || !is_populated(space, last - 1, last))
		return NULL;
	return process_title_read(space->proc_fd, identity->title, sizeof(identity->title),
				  &identity->has_title);
}

static struct error *read_link(const struct live_space *space, char **text)
{
	char link[PATH_MAX + 16];
	ssize_t length = readlinkat(space->proc_fd, "exe", link, sizeof(link) - 1);

	if (length < 0)
		return NULL;
	*text = strndup(link, (size_t)length);
	return *text ? NULL : error_nomem();
}

static struct error *read_entry(const struct live_space *space, uint64_t *entry)
{
	_cleanup_free_ char *auxv = NULL;
	size_t length;

	TRY(read_file_at(space->proc_fd, "auxv", 1 << 16, &auxv, &length));
	*entry = auxv_value(auxv, length, AT_ENTRY);
	return NULL;
}

struct error *live_identity(struct space *base, struct identity *identity)
{
	const struct live_space *space = live_space(base);
	struct process_stat stat = {0};
	struct file_status status;

	*identity = (struct identity){0};
	TRY(error_forgive(process_stat_read(space->proc_fd, "stat", &stat)));
	/* Set last by execve (fs/binfmt_elf.c, load_elf_binary()), and never to 0 by prctl(2); it
	 * is 1 to who may not see it. */
	identity->started = stat.start_code > 1;
	TRY(read_title(space, &stat, identity));
	TRY(error_forgive(read_entry(space, &identity->entry)));
	struct error *error = read_link(space, &identity->exe);
	if (!error && identity->exe)
		error = live_identify_program(base, &status);
	identity->exe_known = !error && identity->exe;
	if (identity->exe_known) {
		identity->exe_device = status.device;
		identity->exe_inode = status.inode;
	}
	error = error_forgive(error);
	if (error)
		identity_deinit(identity);
	return error;
}

struct error *live_environ(struct space *base, const char *name, char **value)
{
	const struct live_space *space = live_space(base);
	_cleanup_free_ char *text = NULL;
	struct process_stat stat = {0};
	size_t length = 0;

	*value = NULL;
	TRY(error_forgive(process_stat_read(space->proc_fd, "stat", &stat)));
	uint64_t start = stat.start_environ, end = stat.end_environ;
	if (!start || end <= start || end - start > ENVIRON_MAX || !is_populated(space, start, end))
		return NULL;
	TRY(error_forgive(read_file_at(space->proc_fd, "environ", ENVIRON_MAX, &text, &length)));
	const char *found = text ? environ_value(text, length, name) : NULL;
	if (found && !(*value = strdup(found)))
		return error_nomem();
	return NULL;
}

struct error *live_covered(struct target *target, covered_vec *list)
{
	_cleanup_free_ char *text = NULL;

	(void)target;
	TRY(error_forgive(mounts_read_own(&text)));
	if (!text)
		return NULL;
	TRY(mounts_over_processes(text, list));
	/* A thread of another number has a directory, too. */
	for (size_t i = 0; i < list->count; i++) {
		pid_t process = process_status_pid_of(list->items[i].pid, "Tgid");

		if (process && strcmp(proc_root(), "/proc") != 0)
			list->items[i].pid = process;
	}
	covered_sort(list);
	return NULL;
}
