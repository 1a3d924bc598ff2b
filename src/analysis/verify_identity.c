// SPDX-License-Identifier: GPL-2.0-or-later
/* Is what runs what it is taken for? */
#include <fnmatch.h>
#include <string.h>

#include "analysis/verify_internal.h"

/* --- files that are no programs ------------------------------------------------------------------
 */

bool verify_is_program(const struct verify_file *file, const struct vma *vma)
{
	const struct object *object = file->file->object;
	struct range part = {vma->offset, vma->offset + range_length(vma->range)};

	return !object || object_is_elf(object) ||
	       (object_is_pe(object) && object_pe_executes(object, part));
}

/*
 * Files into which libraries write code, to map them twice where memory may not be written and
 * executed at once, or that have a page executable for its name's sake. A name proves nothing, so
 * there is a row all the same.
 */
static const struct {
	const char *name; /* a pattern */
	const char *what;
} caches[] = {
	{"*/ffi?????? (deleted)", "by its name closures of libffi"},
	{"*/orcexec.?????? (deleted)", "by its name code of liborc"},
	{"*/.gl?????? (deleted)", "by its name code of NVIDIA's OpenGL"},
	{"*/jit-*.dump", "by its name what a JIT compiler tells perf"},
	{"*/classes*.jsa", "by its name an archive of Java's classes"},
};

const char *verify_known_cache(const char *path)
{
	for (size_t i = 0; i < sizeof(caches) / sizeof(caches[0]); i++) {
		if (fnmatch(caches[i].name, path, 0) == 0)
			return caches[i].what;
	}
	return NULL;
}
