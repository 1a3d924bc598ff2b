// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the files of this room share; nobody else includes it.
 *
 * libelf reads the headers and the symbol tables, from the object's own fd and with pread
 * (ELF_C_READ). String tables are read here, for they must outlive the Elf handle and end in a NUL.
 */
#ifndef PHYSLENS_OBJECT_IMPL_H
#define PHYSLENS_OBJECT_IMPL_H

#include <errno.h>
#include <gelf.h>

#include "base/vec.h"
#include "object/object.h"

/*
 * What is believed of a file at most. A sparse file costs its maker nothing at any size, so the
 * size of the file alone is no bound. The largest real tables are far below: some two million
 * symbols and 200 MiB of mangled names.
 */
enum {
	MAX_SEGMENTS = 1 << 17,
	MAX_SYMBOL_TABLE = 128 << 20,
	MAX_STRING_TABLE = 512 << 20,
	MAX_SECTION_NAMES = 16 << 20,
	MAX_NOTES = 1 << 20,
	MAX_BUILD_ID = 64,
	MAX_VERSION_NAME = 255,
	MAX_PROGRAM_HEADER_IMAGE = 4 << 20,
};

/* A string table, with a NUL of our own behind it. */
struct strings {
	char *text;
	size_t length; /* without that NUL */
};

/* Symbol `symbol` (an index into `all`) is also known as name@version. */
struct symbol_version {
	uint32_t symbol;
	const char *version;
};

/* Local symbols from `symbol` (an index into `all`) on are of this source file; NULL: of none. */
struct symbol_file {
	uint32_t symbol;
	const char *name;
};

/* A name to find a symbol by: `version` is NULL for the plain name. */
struct symbol_key {
	const char *version;
	uint32_t hash; /* of the name, and of "@version" behind it if there is one */
	uint32_t symbol;
};

/* Addresses from `start` to the next piece's are `symbol`'s, or nobody's (NO_SYMBOL). */
struct symbol_piece {
	uint64_t start;
	uint32_t symbol;
};

#define NO_SYMBOL UINT32_MAX

struct symbols {
	bool loaded, have_names, have_pieces;
	bool have_symtab; /* of the file, or of its debug file */
	VEC(struct object_symbol) all;
	VEC(struct symbol_version) versions;
	VEC(struct symbol_file) files;                 /* by symbol */
	VEC(struct strings) strings;                   /* what the names point into */
	VEC(struct symbol_piece) pieces;               /* by address */
	VEC(struct symbol_key) keys;                   /* by hash, name, version and value */
	VEC(const struct object_symbol *) key_symbols; /* the symbol of each key */
};

struct object {
	int fd;
	bool is_elf;
	Elf *elf;    /* NULL for what is no ELF file, and after object_release_file() */
	char *image; /* what `elf` reads instead of a file whose section count is unfit */
	uint64_t size;
	GElf_Ehdr header;
	bool has_sections; /* the section headers are fit to be asked for */
	const char *defect;
	char *debug_root;
	uint64_t *symbol_bytes; /* or NULL: see object_limit() */
	VEC(struct object_segment) segments;
	VEC(struct object_section) sections;
	struct strings section_names;
	uint8_t build_id[MAX_BUILD_ID];
	size_t build_id_length;
	struct symbols symbols;
	VEC(struct range) pe_code; /* of a PE file: bytes that are to be executed */
};

/* Remembers the first defect; `defect` is a string literal. */
void object_set_defect(struct object *object, const char *defect);

/*
 * libelf fails alike for what a file holds and for what the system refuses it. The latter sets
 * errno, which is 0 before the call: then this is the error; else NULL, and the file is to blame.
 */
struct error *object_libelf_error(const char *what);

/* Only what was linked to run has addresses: those of relocatable and core files mean nothing. */
bool object_is_linked(const struct object *object);

/* Does start + length wrap around in the words of the file's class? 2^32 or 2^64 - 1 is an end. */
bool object_wraps(const struct object *object, uint64_t start, uint64_t length);

/* Are all `length` bytes at `offset` in the file? */
bool object_has_bytes(const struct object *object, uint64_t offset, uint64_t length);

/*
 * The string table in section `index`, at most `limit` bytes; strings->text stays NULL, with a
 * defect set, when it is not fit to use.
 */
struct error *object_read_strings(struct object *object, size_t index, size_t limit,
				  struct strings *strings);

/* The string at `offset`, or NULL when it is not in the table. */
const char *strings_at(const struct strings *strings, uint64_t offset);

struct error *object_read_segments(struct object *object);
struct error *object_read_sections(struct object *object);
void object_read_build_id(struct object *object);

/* Of a file that is no ELF file: object->pe_code, if it is a PE file. */
struct error *object_read_pe(struct object *object);

/* Appends the symbols of `from`'s own tables to `into`, which may belong to another object. */
struct error *symbols_read(struct object *from, struct symbols *into);
struct error *symbols_load(struct object *object);
void symbols_deinit(struct symbols *symbols);

/* Whether so many bytes more may be read of symbols in this run (see object_limit()). */
bool object_take_bytes(struct object *object, uint64_t bytes);

/*
 * The compressed file in the object's section .gnu_debugdata, or NULL in *mini when there is none
 * that can be read.
 */
struct error *object_open_mini_debug(struct object *object, struct object **mini);

/* The separate debug file of this very build-id, or NULL in *debug when there is none. */
struct error *object_open_debug_file(struct object *object, struct object **debug);

#endif
