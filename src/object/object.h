// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files that processes map: what an ELF file says of its segments, sections, build-id and symbols.
 *
 * The files are whatever a process chose to map, so nothing in them is believed: every offset and
 * length is checked, and a part that does not hold together is left out with a reason
 * (object_defect()), never an error that hides the rest. Work and memory are bounded by the file's
 * size and by limits well above the largest real objects. Read with pread, never mapped: a file
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

/*
 * A PT_LOAD segment, in the order of the program headers. memsz >= filesz, and neither the memory
 * nor the file range wraps around; the file may have been cut off before its end.
 */
struct object_segment {
	uint64_t offset; /* in the file */
	uint64_t filesz;
	uint64_t vaddr; /* as linked: add the load bias */
	uint64_t memsz;
	unsigned perms; /* enum object_perms */
};

/*
 * A section that occupies memory (SHF_ALLOC, not empty, not thread-local .tbss), sorted by vaddr.
 * They do not overlap and do not wrap around.
 */
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
 * is no ELF file, or whose header is beyond reading, is an object too: object_is_elf() false,
 * nothing in it. Errors only for system calls and memory. `debug_root` is the directory of separate
 * debug files ("/usr/lib/debug"), or NULL. Relocatable (ET_REL) and core files have segments only:
 * their other addresses are nobody's.
 */
struct error *object_open(int fd, const char *debug_root, struct object **object);
void object_close(struct object *object); /* NULL is fine */

/*
 * Closes the object's file, which otherwise stays open until the symbols are read: for who keeps
 * many objects. Asking for symbols then is an error, unless they were read before, or
 * object_read_symbols() reads them of `fd`, the same file opened once more.
 */
void object_release_file(struct object *object);
bool object_lacks_symbols(const struct object *object); /* the file is closed, they were not read */
struct error *object_read_symbols(struct object *object, int fd);

/*
 * Counts in *bytes, which is that of all objects of a run, what is read of symbol tables and their
 * names. Where it comes to SYMBOL_BYTES_MAX in all, further tables are defects and not read: files
 * with holes are small on the disk, and may be many.
 */
#define SYMBOL_BYTES_MAX ((uint64_t)1 << 30)
void object_limit(struct object *object, uint64_t *bytes);

bool object_is_elf(const struct object *object);

/*
 * Whether some of the bytes `part` of a PE file, as Windows' programs and .NET's assemblies are,
 * belong to a section that is to be executed. False for any other file.
 */
bool object_pe_executes(const struct object *object, struct range part);

unsigned object_bits(const struct object *object);         /* 32 or 64; 0 when not ELF */
bool object_is_pie_or_shared(const struct object *object); /* ET_DYN */
uint64_t object_size(const struct object *object); /* of the file, in bytes, when it was opened */

/*
 * The first thing that did not hold together ("section headers: past the end of the file"), or
 * NULL. Symbol tables are judged when they are read.
 */
const char *object_defect(const struct object *object);

const struct object_segment *object_segments(const struct object *object, size_t *count);
const struct object_section *object_sections(const struct object *object, size_t *count);

/* The NT_GNU_BUILD_ID note's bytes, or NULL with *length 0. */
const uint8_t *object_build_id(const struct object *object, size_t *length);

/*
 * Symbols of .symtab, .dynsym and, found by build-id under debug_root, of the separate debug file
 * (whose own build-id must be the same), or, where neither has a .symtab, of the mini symbol table
 * in .gnu_debugdata (where liblzma is there to decompress it). Read at the first call, then kept,
 * and the file is closed. Section, file, TLS, absolute and undefined symbols are left out.
 *
 * object_symbol_at(): the symbol whose extent holds `vaddr` (as linked), the innermost and, among
 * aliases, a global one. A symbol without a size, outside every extent, reaches to the next symbol
 * or to the end of its section. *symbol is NULL where there is none.
 * object_symbol_after(): the first symbol that object_symbol_at() would give for an address behind
 * `vaddr` and before `end` at which it begins; NULL where none does.
 * object_symbols_named(): all symbols called `name`, one for each distinct value; *matches points
 * into the object, sorted by value, and *count may be 0. A symbol of a version that the object
 * defines is also found as "name@VERSION" or "name@@VERSION".
 */
struct error *object_symbol_at(struct object *object, uint64_t vaddr,
			       const struct object_symbol **symbol);
struct error *object_symbol_after(struct object *object, uint64_t vaddr, uint64_t end,
				  const struct object_symbol **symbol);
struct error *object_symbols_named(struct object *object, const char *name,
				   const struct object_symbol *const **matches, size_t *count);

/*
 * What tells a symbol from others of its name in the same object, each NULL where the file does not
 * say: the version by which it is also found ("GLIBC_2.2.5"), and the source file of a local one.
 * `symbol` is one that object_symbols_named() gave.
 */
struct object_symbol_origin {
	const char *version;
	const char *file;
};

/*
 * Whether the file has no .symtab, nor has the debug file that was found, if any was: only what the
 * dynamic loader needs has a name. False before symbols were asked for, and where there are none to
 * expect (no ELF file).
 */
bool object_is_stripped(const struct object *object);

struct object_symbol_origin object_symbol_origin(const struct object *object,
						 const struct object_symbol *symbol);

#endif
