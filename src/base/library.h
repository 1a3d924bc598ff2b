// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Libraries that few commands need, loaded when one does: with what they bring along, loading them
 * takes about as long as mapping a small process.
 */
#ifndef PHYSLENS_BASE_LIBRARY_H
#define PHYSLENS_BASE_LIBRARY_H

#include <stddef.h>

#include "base/error.h"

struct library_function {
	const char *name;
	void *place; /* of the pointer to the function */
};

/*
 * Loads a library by its soname (configure found it: LIBRARY_SONAME) and fills in where its
 * functions are. It stays loaded. ERROR_UNSUPPORTED: it is not there, or lacks one of them.
 */
struct error *library_load(const char *soname, const struct library_function *functions,
			   size_t count);

#endif
