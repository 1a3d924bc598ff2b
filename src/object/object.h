// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files that processes map: what an ELF file says of its segments, sections, build-id and symbols.
 *
 * The files are whatever a process chose to map, so nothing in them is believed: every offset and
 * length is checked, and a part that does not hold together is left out with a reason
 * (object_defect()), never an error that hides the rest. Read with pread, never mapped: a file
 * truncated under us must not be a SIGBUS. This room is the only user of libelf.
 */
#ifndef PHYSLENS_OBJECT_OBJECT_H
#define PHYSLENS_OBJECT_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/range.h"

enum object_perms { OBJECT_READ = 4, OBJECT_WRITE = 2, OBJECT_EXEC = 1 }; /* as PF_R, PF_W, PF_X */

/* A PT_LOAD segment, in the order of the program headers. memsz >= filesz. */
struct object_segment {
	uint64_t offset; /* in the file */
	uint64_t filesz;
	uint64_t vaddr; /* as linked: add the load bias */
	uint64_t memsz;
	unsigned perms; /* enum object_perms */
};

/* A section that occupies memory (SHF_ALLOC, not thread-local .tbss), sorted by vaddr. */
struct object_section {
	const char *name; /* owned by the object; bytes from the file */
	uint64_t vaddr;   /* as linked */
	uint64_t size;
	uint64_t offset; /* in the file; meaningless when nobits */
	bool nobits;     /* .bss and its like: no bytes in the file */
};

struct object_symbol {
	const char *name; /* owned by the object; bytes from the file */
	uint64_t value;   /* as linked: add the load bias */
	uint64_t size;    /* 0 when the file does not say */
	bool function;    /* STT_FUNC or STT_GNU_IFUNC, else data or untyped */
	bool global;      /* STB_GLOBAL, STB_WEAK or STB_GNU_UNIQUE */
};

struct object;

/*
 * Examines the regular file open at `fd`. The fd is dup'ed: the caller keeps its own. A file that
 * is no ELF file is an object too (object_is_elf() false, no segments). Errors only for system
 * calls and memory. `debug_root` is the directory of separate debug files ("/usr/lib/debug"), or
 * NULL.
 */
struct error *object_open(int fd, const char *debug_root, struct object **object);
void object_close(struct object *object); /* NULL is fine */

bool object_is_elf(const struct object *object);
unsigned object_bits(const struct object *object);         /* 32 or 64; 0 when not ELF */
bool object_is_pie_or_shared(const struct object *object); /* ET_DYN */
uint64_t object_size(const struct object *object); /* of the file, in bytes, when it was opened */

/* The first thing that did not hold together ("section headers past the end"), or NULL. */
const char *object_defect(const struct object *object);

const struct object_segment *object_segments(const struct object *object, size_t *count);
const struct object_section *object_sections(const struct object *object, size_t *count);

/* The NT_GNU_BUILD_ID note's bytes, or NULL with *length 0. */
const uint8_t *object_build_id(const struct object *object, size_t *length);

/*
 * Symbols of .symtab, .dynsym and, found by build-id under debug_root, of the separate debug file
 * (whose own build-id must be the same). Read at the first call, then kept. Section, file, TLS and
 * undefined symbols are left out; so are duplicates of one name and value.
 *
 * object_symbol_at(): the symbol whose extent holds `vaddr` (as linked), the innermost and, among
 * aliases, a global one; failing that the nearest before it without a size in the same section.
 * *symbol is NULL where there is none.
 * object_symbols_named(): all symbols called `name` — a versioned one also as "name@VERSION" when
 * that is what was asked for — one for each distinct value; *matches points into the object, sorted
 * by value, and *count may be 0.
 */
struct error *object_symbol_at(struct object *object, uint64_t vaddr,
			       const struct object_symbol **symbol);
struct error *object_symbols_named(struct object *object, const char *name,
				   const struct object_symbol *const **matches, size_t *count);

#endif
