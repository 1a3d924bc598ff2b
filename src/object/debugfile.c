// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Separate debug files: DEBUG_ROOT/.build-id/ab/cdef….debug, named after the build-id in hex
 * (GDB manual, "Separate Debug Files").
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "object/impl.h"

static char *debug_path(const struct object *object)
{
	char hex[2 * MAX_BUILD_ID + 1];
	char *path;

	for (size_t i = 0; i < object->build_id_length; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned)object->build_id[i]);
	if (asprintf(&path, "%s/.build-id/%.2s/%s.debug", object->debug_root, hex, hex + 2) < 0)
		return NULL;
	return path;
}

static bool same_build_id(const struct object *a, const struct object *b)
{
	return a->build_id_length == b->build_id_length &&
	       memcmp(a->build_id, b->build_id, a->build_id_length) == 0;
}

/*
 * That there is none is the usual case. The file is the administrator's, but the link to it may be
 * wrong: O_NONBLOCK so that a FIFO does not hold us, and object_open() wants a regular file.
 */
struct error *object_open_debug_file(struct object *object, struct object **debug)
{
	*debug = NULL;
	if (!object->debug_root || object->build_id_length < 2)
		return NULL;

	_cleanup_free_ char *path = debug_path(object);
	if (!path)
		return error_nomem();
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			object_set_defect(object, "separate debug file: cannot be opened");
		return NULL;
	}

	struct object *opened;
	struct error *error = object_open(fd, NULL, &opened);
	if (error)
		return error_context(error, "%s", path);
	if (same_build_id(object, opened)) {
		*debug = opened;
		return NULL;
	}
	object_set_defect(object, "separate debug file: has another build-id");
	object_close(opened);
	return NULL;
}
