// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ELF core files that hold memory, /proc/kcore above all: which addresses are where in the file,
 * and the notes. Checked like any other file: nothing in it is believed.
 */
#ifndef PHYSLENS_OBJECT_CORE_H
#define PHYSLENS_OBJECT_CORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/vec.h"

/* A PT_LOAD segment whose bytes are in the file. */
struct core_segment {
	uint64_t vaddr;
	uint64_t paddr; /* as the file has it: /proc/kcore says UINT64_MAX for none */
	uint64_t offset;
	uint64_t size;
};

struct core_note {
	const char *name; /* "CORE", "VMCOREINFO"; bytes from the file */
	uint32_t type;
	const void *bytes;
	size_t size;
};

struct core {
	size_t header_count;               /* of all types; /proc/kcore's layout follows from it */
	VEC(struct core_segment) segments; /* in the order of the file */
	VEC(struct core_note) notes;
	VEC(void *) buffers; /* what the notes point into */
};

/*
 * Reads the headers and the notes of the core file open at `fd`, which stays the caller's. `name`
 * is for the messages. ERROR_INPUT when it is no ELF core file or does not hold together.
 */
struct error *core_read(int fd, const char *name, struct core *core);
void core_deinit(struct core *core);

/* The number of program headers that the file has now, without reading them. */
struct error *core_header_count(int fd, const char *name, size_t *count);

/* The first note of this name and type, or NULL. */
const struct core_note *core_find_note(const struct core *core, const char *name, uint32_t type);

#endif
