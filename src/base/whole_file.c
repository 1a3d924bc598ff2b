// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/scope.h"

/* Of its path, what is before the last slash. */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

/* Where the name leads to: a link stays one. NULL: nowhere, or to what is written in place. */
static char *find_place(const char *path, bool *exists)
{
	struct stat status;

	*exists = lstat(path, &status) == 0;
	if (!*exists)
		return errno == ENOENT ? strdup(path) : NULL;
	if (stat(path, &status) < 0 || !S_ISREG(status.st_mode))
		return NULL;
	return realpath(path, NULL);
}

int whole_file_open(struct whole_file *file, const char *path)
{
	*file = (struct whole_file){0};
	_cleanup_free_ char *place = find_place(path, &file->replaces);
	_cleanup_free_ char *directory = place ? directory_of(place) : NULL;
	if (!directory)
		return -1;
	int fd = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd >= 0)
		file->path = scope_take(place, NULL);
	return fd;
}

/* A second name, for a moment: only a rename replaces a file. */
static int replace(const char *own, const char *path)
{
	_cleanup_free_ char *directory = directory_of(path);
	_cleanup_free_ char *name = NULL;

	if (!directory || asprintf(&name, "%s/.physlens.%d", directory, (int)getpid()) < 0) {
		name = NULL;
		return ENOMEM;
	}
	if (linkat(AT_FDCWD, own, AT_FDCWD, name, AT_SYMLINK_FOLLOW) < 0)
		return errno;
	if (rename(name, path) == 0)
		return 0;
	int errnum = errno;
	unlink(name);
	return errnum;
}

/* What ends the program waits until the second name is gone. */
static int replace_undisturbed(const char *own, const char *path)
{
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	int errnum = replace(own, path);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return errnum;
}

struct error *whole_file_name(struct whole_file *file, int fd)
{
	char own[64];
	int errnum = 0;

	snprintf(own, sizeof(own), "/proc/self/fd/%d", fd);
	if (file->replaces)
		errnum = replace_undisturbed(own, file->path);
	else if (linkat(AT_FDCWD, own, AT_FDCWD, file->path, AT_SYMLINK_FOLLOW) < 0)
		errnum = errno;
	return errnum ? error_errno(errnum, "%s", file->path) : NULL;
}

void whole_file_deinit(struct whole_file *file)
{
	free(file->path);
	file->path = NULL;
}
