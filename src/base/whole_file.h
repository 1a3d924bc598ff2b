// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A regular file that has its name only once it is whole: until then it has none, and what was
 * there stays. Whatever ends the program before leaves nothing behind.
 */
#ifndef PHYSLENS_BASE_WHOLE_FILE_H
#define PHYSLENS_BASE_WHOLE_FILE_H

#include <stdbool.h>

#include "base/error.h"

struct whole_file {
	char *path;    /* NULL: there is none */
	bool replaces; /* another file of that name */
};

/*
 * A file for `path` that has no name yet, for its owner only, open for writing; or -1 where it is
 * to be written in place: what is there is no regular file, or this file system has none without a
 * name.
 */
int whole_file_open(struct whole_file *file, const char *path);

/* Gives `fd`, which is that file, its name. */
struct error *whole_file_name(struct whole_file *file, int fd);

void whole_file_deinit(struct whole_file *file);

#endif
