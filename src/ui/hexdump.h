// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The canonical hexdump, as hexdump -C has it:
 *
 *     7f1c2a426000  7f 45 4c 46 02 01 01 00  00 00 00 00 00 00 00 00  |.ELF............|
 *
 * Lines begin at multiples of 16. A line whose bytes equal those of the line before it is left out,
 * and one "*" stands for any number of them. Marks stand between the lines.
 */
#ifndef PHYSLENS_UI_HEXDUMP_H
#define PHYSLENS_UI_HEXDUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

enum { HEXDUMP_LINE = 16 };

struct hexdump {
	FILE *out;
	unsigned char last[HEXDUMP_LINE];
	bool has_last; /* a whole line before this one, with nothing between them */
	bool squeezed; /* its "*" is printed */
};

void hexdump_init(struct hexdump *dump, FILE *out);

/* Prints bytes; a line that they fill in part only is padded. */
void hexdump_bytes(struct hexdump *dump, uint64_t address, const void *bytes, size_t count);

/* Prints a line "# text", escaped; the line after it is never left out. Fails for want of memory
 * only. */
struct error *hexdump_mark(struct hexdump *dump, const char *text);

/* Prints the address behind the last byte, which tells how many lines a last "*" stands for. */
void hexdump_end(struct hexdump *dump, uint64_t address);

#endif
