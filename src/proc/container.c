// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/container.h"

#include <stddef.h>
#include <string.h>

enum { ID_LENGTH = 64, ID_LEAST = 4 };

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t hex_length(const char *text)
{
	size_t length = 0;

	while (hex_value(text[length]) >= 0)
		length++;
	return length;
}

static bool ends_in(const char *text, size_t length, const char *end)
{
	size_t end_length = strlen(end);

	return length >= end_length && memcmp(text + length - end_length, end, end_length) == 0;
}

static bool begins_with(const char *text, size_t length, const char *start)
{
	return length > strlen(start) && strncmp(text, start, strlen(start)) == 0;
}

/*
 *	docker-0123….scope, libpod-0123….scope, cri-containerd-0123….scope, 0123…
 *
 * What watches over a container ("libpod-conmon-0123….scope") is not in it.
 */
static bool take_id(const char *part, size_t length, char *name)
{
	if (ends_in(part, length, ".scope"))
		length -= strlen(".scope");
	if (length < ID_LENGTH)
		return false;
	size_t before = length - ID_LENGTH;
	if (hex_length(part + before) != ID_LENGTH || (before > 0 && part[before - 1] != '-') ||
	    ends_in(part, before, "conmon-"))
		return false;
	memcpy(name, part + before, ID_LENGTH);
	name[ID_LENGTH] = '\0';
	return true;
}

/* systemd.unit(5), "String escaping": \x2d is a dash. What does not fit is no name. */
static bool unescape(const char *text, size_t length, char *name)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (c == '\\' && length - i >= 4 && text[i + 1] == 'x' &&
		    hex_value(text[i + 2]) >= 0 && hex_value(text[i + 3]) >= 0) {
			c = (char)(hex_value(text[i + 2]) << 4 | hex_value(text[i + 3]));
			i += 3;
		}
		if (c == '\0' || used + 1 == CONTAINER_LENGTH)
			return false;
		name[used++] = c;
	}
	name[used] = '\0';
	return used > 0;
}

/* How names stand in a part of a path. */
static const struct {
	const char *start, *end;
} namings[] = {
	{"machine-", ".scope"},          /* systemd-nspawn by hand */
	{"systemd-nspawn@", ".service"}, /* machinectl start */
	{"lxc.payload.", ""},
};

static bool take_name(const char *part, size_t length, char *name)
{
	/* Machines of libvirt are no containers. */
	if (begins_with(part, length, "machine-qemu"))
		return false;
	for (size_t i = 0; i < sizeof(namings) / sizeof(namings[0]); i++) {
		size_t start = strlen(namings[i].start), end = strlen(namings[i].end);

		if (begins_with(part, length, namings[i].start) && length > start + end &&
		    ends_in(part, length, namings[i].end))
			return unescape(part + start, length - start - end, name);
	}
	return false;
}

bool container_of_cgroup(const char *path, char name[CONTAINER_LENGTH])
{
	char found[CONTAINER_LENGTH];
	bool any = false, in_lxc = false;

	for (const char *part = path; *part; part += strcspn(part, "/")) {
		part += strspn(part, "/");
		size_t length = strcspn(part, "/");

		/* "/lxc/NAME", of LXC before 4 */
		if (take_id(part, length, found) || take_name(part, length, found) ||
		    (in_lxc && length > 0 && unescape(part, length, found))) {
			memcpy(name, found, strlen(found) + 1);
			any = true;
		}
		in_lxc = length == 3 && strncmp(part, "lxc", 3) == 0;
	}
	return any;
}

static bool is_id(const char *name)
{
	return strlen(name) == ID_LENGTH && hex_length(name) == ID_LENGTH;
}

bool container_is_called(const char *name, const char *wanted)
{
	size_t length = strlen(wanted);

	return strcmp(name, wanted) == 0 ||
	       (is_id(name) && length >= ID_LEAST && strncmp(name, wanted, length) == 0);
}

void container_shorten(char name[CONTAINER_LENGTH])
{
	if (is_id(name))
		name[CONTAINER_SHOWN] = '\0';
}
