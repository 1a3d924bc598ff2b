// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Libraries that few commands need, loaded when one does: with what they bring along, loading them
 * takes about as long as mapping a small process.
 */
#ifndef PHYSLENS_BASE_LIBRARY_H
#define PHYSLENS_BASE_LIBRARY_H

#include <stddef.h>
#include <stdint.h>

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

/*
 * Says in the program itself that it may load a library, for who packages it or makes an initrd of
 * it: an ELF note whose text is JSON, as https://systemd.io/ELF_DLOPEN_METADATA/ has it. `name` is
 * an identifier, the others are literals.
 */
#define LIBRARY_NOTE(name, soname, feature, description)                                           \
	LIBRARY_NOTE_OF(name,                                                                      \
			"[{\"soname\":[\"" soname "\"],\"feature\":\"" feature                     \
			"\",\"description\":\"" description "\",\"priority\":\"recommended\"}]")

#define LIBRARY_NOTE_TYPE 0x407c0c0aU

#define LIBRARY_NOTE_OF(name, json)                                                                \
	static const struct {                                                                      \
		uint32_t owner_size, text_size, type;                                              \
		char owner[4];                                                                     \
		char text[sizeof(json)];                                                           \
	} name##_note __attribute__((used, aligned(4), section(".note.dlopen"))) = {               \
		4, sizeof(json), LIBRARY_NOTE_TYPE, "FDO", json}

#endif
