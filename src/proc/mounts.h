// SPDX-License-Identifier: GPL-2.0-or-later
/* /proc/PID/mountinfo: which file system a device number stands for (fs/proc_namespace.c,
 * show_mountinfo()). */
#ifndef PHYSLENS_PROC_MOUNTS_H
#define PHYSLENS_PROC_MOUNTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/vec.h"

/* The numbers are the superblock's, as maps has them; stat(2) may say others (btrfs, overlay). */
struct mount {
	uint32_t major;
	uint32_t minor;
	char type[32]; /* "ext4", "fuse.sshfs"; cut if it is longer */
	bool virtio;   /* 9p: by the hypervisor, not a server elsewhere */
};

typedef VEC(struct mount) mount_vec;

/* Appends the mounts of a text. ERROR_INPUT names the line that is none. */
struct error *mounts_parse(const char *text, mount_vec *mounts);

/* The same of "mountinfo" in an open directory /proc/PID. Nothing is asked of a file system. */
struct error *mounts_read(int proc_fd, mount_vec *mounts);

/* A process whose directory below /proc, or something in it, lies beneath another mount. */
struct covered_process {
	pid_t pid;
	char place[48]; /* "/proc/4711/maps", as mountinfo has it, cut */
	char type[32];  /* of what lies over it; of "proc" itself it is another process's */
};

typedef VEC(struct covered_process) covered_vec;

/* The text of our own mountinfo; caller frees. */
struct error *mounts_read_own(char **text);

/* Appends those that the text of a mountinfo has, and sorts the list; what is no line is passed
 * over. */
struct error *mounts_over_processes(const char *text, covered_vec *list);

/* By PID, and each process once. */
void covered_sort(covered_vec *list);

#endif
