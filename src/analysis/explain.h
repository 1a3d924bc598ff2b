// SPDX-License-Identifier: GPL-2.0-or-later
/* Which bytes of a page that was copied the dynamic loader accounts for. */
#ifndef PHYSLENS_ANALYSIS_EXPLAIN_H
#define PHYSLENS_ANALYSIS_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "object/relocations.h"

/* What is at an address of the process. */
enum place {
	PLACE_NOTHING,  /* unmapped, or memory of no object: heap, stack, anonymous */
	PLACE_WRITABLE, /* the same, mapped: a pointer that is no part of any code may lead there */
	PLACE_OBJECT,   /* data of a mapped file, its .bss included */
	PLACE_CODE,     /* executable, of a mapped file */
	PLACE_OWN_CODE, /* executable, of the object itself */
	PLACE_KERNEL,   /* the vdso */
	PLACE_ROGUE,    /* executable memory of no file, but for heap and stack */
};

typedef enum place (*explain_place)(void *argument, uint64_t address);

/* One page of a loaded object. `before` is of the file, `after` of the memory. */
struct explain_page {
	const struct relocations *relocations;
	uint64_t bias;
	uint64_t linked; /* address as linked */
	size_t size;
	const uint8_t *before;
	const uint8_t *after;
	explain_place place;
	void *argument;
};

/* Whether the page lies in RELRO, wholly or in part. */
bool explain_is_relro(const struct explain_page *page);

/*
 * Sets explained[] for each byte that the loader accounts for: the word of a relocation if its
 * value is what that makes it (load bias and addend to the bit; of a symbol only that it leads into
 * an object, of a function that it leads into code); in RELRO also the dynamic section and, in the
 * loader and the C library, variables that do not lead into code of others. True when anything that
 * the loader may write lies on the page.
 */
bool explain_page(const struct explain_page *page, uint8_t *explained);

#endif
