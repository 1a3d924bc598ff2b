// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

struct error *library_load(const char *soname, const struct library_function *functions,
			   size_t count)
{
	/* Never closed: some keep what they allocate for the next call, which would be lost. */
	void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return error_new(ERROR_UNSUPPORTED, "cannot load a library: %s", dlerror());
	for (size_t i = 0; i < count; i++) {
		void *symbol = dlsym(library, functions[i].name);

		if (!symbol)
			return error_new(ERROR_UNSUPPORTED, "%s lacks %s", soname,
					 functions[i].name);
		/* As dlsym(3) has it: C knows no cast from one to the other. */
		memcpy(functions[i].place, &symbol, sizeof(symbol));
	}
	return NULL;
}
