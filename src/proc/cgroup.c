// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/scope.h"
#include "base/vec.h"
#include "proc/mounted.h"

enum { TEXT_LIMIT = 16 << 20, DEPTH_MAX = 64 };

/* Whether `word` is one of the comma-separated words of `list`. */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += length) {
		if ((at == list || at[-1] == ',') && (at[length] == ',' || at[length] == '\0'))
			return true;
	}
	return false;
}

/* "4:memory:/user.slice" and "0::/user.slice"; the path may hold colons. */
struct error *cgroup_parse(const char *text, char **path)
{
	_cleanup_free_ char *copy = strdup(text);
	const char *found = NULL;
	char *rest = copy, *line;
	bool by_controller = false;

	*path = NULL;
	if (!copy)
		return error_nomem();
	while ((line = strsep(&rest, "\n"))) {
		char *controllers = strchr(line, ':');
		char *where = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!where || by_controller)
			continue;
		*controllers++ = *where++ = '\0';
		by_controller = has_word(controllers, "memory");
		if (by_controller || (!*controllers && strcmp(line, "0") == 0))
			found = where;
	}
	if (!found)
		return NULL;
	*path = strdup(found);
	return *path ? NULL : error_nomem();
}

struct error *cgroup_of_process(pid_t pid, char **path)
{
	_cleanup_free_ char *text = NULL;
	char name[PROC_PATH];

	*path = NULL;
	proc_path(name, pid, "cgroup");
	TRY(read_file_at(AT_FDCWD, name, TEXT_LIMIT, &text, NULL));
	return cgroup_parse(text, path);
}

/*
 *	31 23 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
 *	35 23 0:30 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate
 */
char *cgroup_mount_parse(char *line, int version)
{
	char *behind = strstr(line, " - "), *point = line, *end;

	if (!behind)
		return NULL;
	*behind = '\0';
	behind += 3;
	char *type = strsep(&behind, " ");
	strsep(&behind, " ");
	if (!behind || strcmp(type, version == 1 ? "cgroup" : "cgroup2") != 0 ||
	    (version == 1 && !has_word(behind, "memory")))
		return NULL;
	for (int field = 1; field < 5; field++) {
		point = strchr(point, ' ');
		if (!point)
			return NULL;
		point++;
	}
	end = strchr(point, ' ');
	if (end)
		*end = '\0';
	return point;
}

/* NULL when that hierarchy is not mounted. The first mount is it, others show parts of it. */
static struct error *find_mount(const char *text, int version, char **point)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *line;

	*point = NULL;
	if (!copy)
		return error_nomem();
	while ((line = strsep(&rest, "\n"))) {
		char *found = cgroup_mount_parse(line, version);

		if (!found)
			continue;
		*point = strdup(found);
		return *point ? NULL : error_nomem();
	}
	return NULL;
}

static struct error *add(struct cgroups *cgroups, int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return NULL;
	struct cgroup_name name = {st.st_ino, strdup(path)};
	if (!name.path)
		return error_nomem();
	struct error *error = vec_push(cgroups, name);
	if (error)
		free(name.path);
	return error;
}

/* Takes `fd`, a directory of the hierarchy. One that vanishes meanwhile is passed over. */
static struct error *add_below(struct cgroups *cgroups, int fd, const char *path, int depth)
{
	struct dirent *entry;
	struct error *error = add(cgroups, fd, *path ? path : "/");
	_cleanup_closedir_ DIR *dir = fdopendir(fd);

	if (!dir)
		close(fd);
	while (!error && dir && depth < DEPTH_MAX && (entry = readdir(dir))) {
		_cleanup_free_ char *below = NULL;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		int child = openat(dirfd(dir), entry->d_name,
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child < 0)
			continue;
		if (asprintf(&below, "%s/%s", path, entry->d_name) < 0) {
			below = NULL;
			close(child);
			return error_nomem();
		}
		error = add_below(cgroups, child, below, depth + 1);
	}
	return error;
}

struct error *cgroups_load(struct cgroups *cgroups)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *point = NULL;

	*cgroups = (struct cgroups){0};
	TRY(read_file_at(AT_FDCWD, "/proc/self/mountinfo", TEXT_LIMIT, &text, NULL));
	TRY(find_mount(text, 1, &point));
	if (!point)
		TRY(find_mount(text, 2, &point));
	if (!point)
		return NULL;
	int fd = open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error *error =
		fd < 0 ? error_errno(errno, "%s", point) : add_below(cgroups, fd, "", 0);
	if (error)
		cgroups_deinit(cgroups);
	return error;
}

void cgroups_deinit(struct cgroups *cgroups)
{
	for (size_t i = 0; i < cgroups->count; i++)
		free(cgroups->items[i].path);
	vec_deinit(cgroups);
}

const char *cgroups_find(const struct cgroups *cgroups, uint64_t inode)
{
	for (size_t i = 0; i < cgroups->count; i++) {
		if (cgroups->items[i].inode == inode)
			return cgroups->items[i].path;
	}
	return NULL;
}
