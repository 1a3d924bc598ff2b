// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the dynamic loader writes into an object: its relocations, and what else it initialises
 * before it makes the pages read-only (RELRO).
 *
 * They are read through a callback, so that a reader past the page cache can be behind it, by the
 * program headers and the dynamic section, as the loader itself reads them. Nothing in the file is
 * believed: what does not hold together is left out with a defect. Of x86-64 and i386 only.
 */
#ifndef PHYSLENS_OBJECT_RELOCATIONS_H
#define PHYSLENS_OBJECT_RELOCATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/range.h"
#include "base/vec.h"

/* What the word at the place of a relocation must be, where B is the load bias and A the addend. */
enum relocation_kind {
	RELOCATION_RELATIVE,  /* B + A */
	RELOCATION_IFUNC,     /* code that the resolver at B + A chose */
	RELOCATION_CODE,      /* the address of a function, or of one that would look it up */
	RELOCATION_SYMBOL,    /* the address of a symbol + A */
	RELOCATION_DISTANCE,  /* from here to a symbol, + A */
	RELOCATION_MODULE,    /* the number of a module with thread-local data */
	RELOCATION_TLS,       /* an offset in thread-local data */
	RELOCATION_TLS_CALL,  /* two words: code, and what it is given */
	RELOCATION_COPY,      /* bytes copied from another object: relocations->copies has them */
	RELOCATION_UNDEFINED, /* of a type that is not known: nothing is accounted for */
};

struct relocation {
	uint64_t place; /* as linked */
	int64_t addend; /* of REL (i386) the bytes of the file are it: see in_place */
	uint32_t size;  /* bytes written */
	uint8_t kind;   /* enum relocation_kind */
	bool in_place;
};

/* A slot of the dynamic section. */
struct dynamic_slot {
	uint64_t place; /* of d_un, as linked */
	bool debug;     /* DT_DEBUG: the loader puts an address here; else it may add the bias */
};

/*
 * The end of a segment's last page, from p_filesz on, as linked: it is in the file as well, and is
 * zeroes once the segment was loaded (fs/binfmt_elf.c, padzero(); elf/dl-map-segments.h).
 */
struct zero_tail {
	struct range range;
	/* Whoever loads it: the kernel does not where the segment is not writable, and ld.so stops
	 * at the end of p_memsz. */
	bool certain;
};

/* The pages of the file that a segment has, as linked. */
struct loaded_segment {
	struct range pages;
	bool writable;
};

struct relocations {
	unsigned word;      /* bytes of an address: 8 or 4; 0: not an ELF file known here */
	struct range relro; /* PT_GNU_RELRO as linked, its end rounded up as loaders do */
	bool text;          /* DT_TEXTREL: segments that are not written to have some, too */
	bool loader;        /* the loader itself, or the C library: see below */
	uint64_t pltgot;    /* DT_PLTGOT, or 0 */
	const char *defect; /* the first thing that did not hold together, or NULL; a literal */
	uint32_t longest;   /* bytes that one of them writes */
	VEC(struct relocation) items; /* by place, at most two of one place; none that copies */
	VEC(struct range) copies; /* where copy relocations write: in order, none meets another */
	VEC(struct dynamic_slot) slots;
	VEC(struct zero_tail) tails;
	VEC(struct loaded_segment) segments; /* as the program headers have them */
};

/* *got bytes, less than `length` only past the end of the file: 0 or an errno. */
typedef int (*relocations_reader)(void *argument, uint64_t offset, void *buffer, size_t length,
				  size_t *got);

/*
 * Reads those relocations whose place is in `wanted` (as linked). The loader (ld.so), the C library
 * and static programs also have variables of their own in RELRO that they set when they start
 * (glibc: attribute_relro): relocations->loader says that the object is such a one.
 */
struct error *relocations_read(relocations_reader read, void *argument, struct range wanted,
			       struct relocations *relocations);
void relocations_deinit(struct relocations *relocations);

/*
 * Makes of the file's bytes at `linked`, `size` of them, what they are once they were loaded. Of a
 * tail that is not certain `memory` decides: all zeroes, or the file's. True when a tail is there.
 */
bool relocations_load(const struct relocations *relocations, uint64_t linked, size_t size,
		      const uint8_t *memory, uint8_t *bytes);

/* Whether the page at `linked` is of a segment that the program may write to. */
bool relocations_may_be_written(const struct relocations *relocations, uint64_t linked);

/* The index of the first one that may write at or behind `place`. */
size_t relocations_from(const struct relocations *relocations, uint64_t place);

/* The index of the first copy that ends behind `place`. */
size_t relocations_copy_from(const struct relocations *relocations, uint64_t place);

#endif
