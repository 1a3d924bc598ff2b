// SPDX-License-Identifier: GPL-2.0-or-later
/* From what a user writes to an address, and from an address to all that is known of its page. */
#ifndef PHYSLENS_ANALYSIS_LOCATE_H
#define PHYSLENS_ANALYSIS_LOCATE_H

#include <stdint.h>

#include "analysis/layout.h"

/*
 * The address that `text` means in the process of `layout`:
 *
 *   0x7f1c2a426123   an address, in hexadecimal
 *   7f1c2a426123     the same, as maps and kallsyms print it
 *   c000000000       the same, unless a symbol has that name; with fewer than eight digits only
 *                    where something is mapped
 *   main+0x10        a symbol of any object, and an offset (decimal, or hexadecimal with 0x)
 *   libc.so.6!malloc a symbol of the objects whose path or file name matches
 *
 * ERROR_LOOKUP when there is no such symbol, or more than one: the message then names them.
 */
struct error *locate_parse(struct layout *layout, const char *text, uint64_t *address);

/* What is at one address. */
struct location {
	uint64_t address;
	const struct region *region;
	const char *region_name; /* of the section that holds the address, else the region's */
	uint64_t word;           /* of its page; 0 for an empty one */
	enum page_state state;
	bool cow;
	const char *symbol; /* the nearest at or before it, or NULL; bytes from a file */
	uint64_t symbol_offset;
};

/* ERROR_LOOKUP when nothing is mapped at `address`; ERROR_GONE when the process ended. */
struct error *locate_address(struct layout *layout, uint64_t address, struct location *location);

#endif
