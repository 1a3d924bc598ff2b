// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef PHYSLENS_BASE_PATH_H
#define PHYSLENS_BASE_PATH_H

#include <string.h>

/* The last component of a path: what is behind its last slash, or all of it. Within `path`. */
static inline const char *path_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

#endif
