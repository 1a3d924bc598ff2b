// SPDX-License-Identifier: GPL-2.0-or-later
/* Containers by the paths that their makers give to cgroups. */
#ifndef PHYSLENS_PROC_CONTAINER_H
#define PHYSLENS_PROC_CONTAINER_H

#include <stdbool.h>

enum {
	CONTAINER_LENGTH = 128, /* of a name, with its NUL */
	CONTAINER_SHOWN = 12,   /* digits of an ID that are enough for people */
};

/*
 * The container that the cgroup at `path` belongs to, the innermost one: the ID that docker,
 * podman, containerd and CRI-O give it (64 hexadecimal digits), or the name that systemd-nspawn and
 * LXC know. False: it is in none that can be told so.
 */
bool container_of_cgroup(const char *path, char name[CONTAINER_LENGTH]);

/* Whether a user who says `wanted` means it: its name, its ID, or four digits or more of its
 * beginning. */
bool container_is_called(const char *name, const char *wanted);

/* Cuts an ID to what is shown of it; a name stays. */
void container_shorten(char name[CONTAINER_LENGTH]);

#endif
