// SPDX-License-Identifier: GPL-2.0-or-later
#include "ui/hexdump.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "ui/escape.h"

enum {
	HEX_WIDTH = 1 + HEXDUMP_LINE * 3 + 1, /* " 00" each, and one more space before and amid */
	TEXT_WIDTH = HEXDUMP_LINE + 2,        /* between bars */
};

void hexdump_init(struct hexdump *dump, FILE *out)
{
	*dump = (struct hexdump){.out = out};
}

/* By hand, since printf() a byte would cost more than reading the memory. */
static void put_hex(char *line, size_t column, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";
	char *at = line + 2 + column * 3 + (column >= HEXDUMP_LINE / 2);

	at[0] = digits[byte >> 4];
	at[1] = digits[byte & 15];
}

/* Bytes [first, first + count) of a line. */
static void print_line(const struct hexdump *dump, uint64_t address, size_t first,
		       const unsigned char *bytes, size_t count)
{
	char line[HEX_WIDTH + 2 + TEXT_WIDTH + 1], *text = line + HEX_WIDTH + 2;

	memset(line, ' ', sizeof(line));
	for (size_t i = 0; i < count; i++) {
		bool printable = bytes[i] >= ' ' && bytes[i] < 0x7f;

		put_hex(line, first + i, bytes[i]);
		text[1 + first + i] = printable ? (char)bytes[i] : '.';
	}
	text[0] = '|';
	text[1 + first + count] = '|';
	text[2 + first + count] = '\n';
	fprintf(dump->out, "%012" PRIx64, address);
	fwrite(line, 1, (size_t)(text - line) + 3 + first + count, dump->out);
}

static void put_line(struct hexdump *dump, uint64_t address, const unsigned char *bytes,
		     size_t count)
{
	size_t first = (size_t)(address % HEXDUMP_LINE);
	bool whole = count == HEXDUMP_LINE;

	if (whole && dump->has_last && memcmp(bytes, dump->last, HEXDUMP_LINE) == 0) {
		if (!dump->squeezed)
			fputs("*\n", dump->out);
		dump->squeezed = true;
		return;
	}
	print_line(dump, address - first, first, bytes, count);
	dump->squeezed = false;
	dump->has_last = whole;
	if (whole)
		memcpy(dump->last, bytes, HEXDUMP_LINE);
}

void hexdump_bytes(struct hexdump *dump, uint64_t address, const void *bytes, size_t count)
{
	const unsigned char *at = bytes;

	while (count > 0) {
		size_t some = HEXDUMP_LINE - (size_t)(address % HEXDUMP_LINE);

		if (some > count)
			some = count;
		put_line(dump, address, at, some);
		address += some;
		at += some;
		count -= some;
	}
}

struct error *hexdump_mark(struct hexdump *dump, const char *text)
{
	_cleanup_free_ char *escaped = NULL;

	TRY(escape_terminal_dup(text, &escaped));
	fprintf(dump->out, "# %s\n", escaped);
	dump->has_last = dump->squeezed = false;
	return NULL;
}

void hexdump_end(struct hexdump *dump, uint64_t address)
{
	fprintf(dump->out, "%012" PRIx64 "\n", address);
}
