// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory cgroups: which one a process is in, and which one an inode of /proc/kpagecgroup means.
 *
 * With version 1 the memory controller has a hierarchy of its own, with version 2 there is one for
 * all: the first is taken where both are mounted (mm/memcontrol.c, page_cgroup_ino()).
 */
#ifndef PHYSLENS_PROC_CGROUP_H
#define PHYSLENS_PROC_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * The path of a process's memory cgroup in its hierarchy ("/", "/user.slice"), from the text of
 * /proc/PID/cgroup; NULL when it names none. Caller frees.
 */
struct error *cgroup_parse(const char *text, char **path);
struct error *cgroup_of_process(pid_t pid, char **path);

struct cgroup_name {
	uint64_t inode;
	char *path;
};

/* The names of all memory cgroups, by inode; empty when no hierarchy is mounted. */
struct cgroups {
	struct cgroup_name *items;
	size_t count;
	size_t capacity;
};

struct error *cgroups_load(struct cgroups *cgroups);
void cgroups_deinit(struct cgroups *cgroups);

/* NULL when there is none of that inode, any more for one. */
const char *cgroups_find(const struct cgroups *cgroups, uint64_t inode);

/* The mount point in a line of mountinfo if it is one; NULL otherwise. The line is cut up. */
char *cgroup_mount_parse(char *line, int version);

#endif
