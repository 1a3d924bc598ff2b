// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/mounts.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/scope.h"

/* fs.mount-max is 100,000 by default, and a line rarely longer than a few hundred bytes. */
#define MOUNTS_LIMIT ((size_t)256 << 20)

/* "36 35 98:0 /root /mnt rw,noatime shared:1 - ext3 /dev/root rw": blanks in paths are escaped. */
static const char *skip_fields(const char *at, int count)
{
	for (; at && count > 0; count--) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at;
}

static bool parse_line(char *line, struct mount *mount)
{
	const char *device = skip_fields(line, 2), *type = strstr(line, " - ");
	char *end;

	if (!device || !type || type < device)
		return false;
	mount->major = (uint32_t)strtoul(device, &end, 10);
	if (end == device || *end != ':')
		return false;
	device = end + 1;
	mount->minor = (uint32_t)strtoul(device, &end, 10);
	if (end == device || *end != ' ')
		return false;
	type += 3;
	size_t length = strcspn(type, " ");
	if (length >= sizeof(mount->type))
		length = sizeof(mount->type) - 1;
	memcpy(mount->type, type, length);
	mount->type[length] = '\0';
	mount->virtio = strstr(type + length, "trans=virtio") != NULL;
	return length > 0;
}

struct error *mounts_parse(const char *text, mount_vec *mounts)
{
	_cleanup_free_ char *copy = strdup(text);

	if (!copy)
		return error_nomem();
	for (char *line = copy, *end; *line; line = end + 1) {
		struct mount mount;

		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		if (!end || !parse_line(line, &mount))
			return error_new(ERROR_INPUT, "mountinfo: not a line of it: %.80s", line);
		TRY(vec_push(mounts, mount));
	}
	return NULL;
}

struct error *mounts_read(int proc_fd, mount_vec *mounts)
{
	_cleanup_free_ char *text = NULL;

	TRY(read_file_at(proc_fd, "mountinfo", MOUNTS_LIMIT, &text, NULL));
	return mounts_parse(text, mounts);
}

struct error *mounts_read_own(char **text)
{
	return read_file_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTS_LIMIT, text, NULL);
}

/* "/proc/4711" and what is below it; a place that is not there any more ends in "//deleted". */
static bool parse_place(const char *place, size_t length, struct covered_process *process)
{
	static const char proc[] = "/proc/";
	char *end;

	if (strncmp(place, proc, strlen(proc)) != 0 || place[strlen(proc)] < '1' ||
	    place[strlen(proc)] > '9')
		return false;
	unsigned long pid = strtoul(place + strlen(proc), &end, 10);
	if (pid > INT_MAX || (*end != '/' && *end != ' ') || strncmp(end, "//", 2) == 0)
		return false;
	process->pid = (pid_t)pid;
	snprintf(process->place, sizeof(process->place), "%.*s", (int)length, place);
	return true;
}

static int compare_covered(const void *left, const void *right)
{
	const struct covered_process *a = left, *b = right;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return strcmp(a->place, b->place);
}

void covered_sort(covered_vec *list)
{
	size_t kept = 0;

	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), compare_covered);
	for (size_t i = 0; i < list->count; i++) {
		if (!kept || list->items[kept - 1].pid != list->items[i].pid)
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
}

struct error *mounts_over_processes(const char *text, covered_vec *list)
{
	for (const char *line = text, *next; *line; line = next) {
		struct covered_process process = {0};
		size_t length = strcspn(line, "\n");
		char *copy = strndup(line, length);

		next = line + length + (line[length] != '\0');
		if (!copy)
			return error_nomem();
		const char *place = skip_fields(copy, 4), *type = strstr(copy, " - ");
		bool found = place && type && place < type &&
			     parse_place(place, strcspn(place, " "), &process);
		if (found)
			snprintf(process.type, sizeof(process.type), "%.*s",
				 (int)strcspn(type + 3, " "), type + 3);
		free(copy);
		if (found)
			TRY(vec_push(list, process));
	}
	covered_sort(list);
	return NULL;
}
