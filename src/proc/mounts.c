// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/mounts.h"

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
		at += at != NULL;
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
