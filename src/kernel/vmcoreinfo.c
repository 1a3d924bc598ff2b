// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/vmcoreinfo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/scope.h"

#define VMCOREINFO_PATH  "sys/kernel/vmcoreinfo"
#define VMCOREINFO_LIMIT ((size_t)1 << 20) /* it is a page or two */

/* "10c0d6000 1024": the physical address and the size, both hexadecimal (kernel/ksysfs.c). */
static bool parse_place(const char *line, uint64_t *paddr, uint64_t *size)
{
	char first[32], second[32];

	return sscanf(line, "%31s %31s", first, second) == 2 && parse_hex(first, paddr) &&
	       parse_hex(second, size);
}

struct error *vmcoreinfo_load(int root, struct source *source, char **text, size_t *length)
{
	_cleanup_free_ char *line = NULL, *note = NULL;
	uint64_t paddr, size;
	size_t got;

	TRY(read_file_at(root, VMCOREINFO_PATH, 4096, &line, NULL));
	if (!parse_place(line, &paddr, &size) || size == 0 || size > VMCOREINFO_LIMIT)
		return error_new(ERROR_INPUT, "/" VMCOREINFO_PATH ": not an address and a size");
	note = malloc(size + 1);
	if (!note)
		return error_nomem();
	TRY(source_read(source, paddr, note, size, &got));
	if (got != size)
		return error_fault(paddr + got, "VMCOREINFO cannot be read at 0x%llx",
				   (unsigned long long)(paddr + got));
	note[size] = '\0';
	*length = size;
	*text = scope_take(note, NULL);
	return NULL;
}

/* What follows "KIND(name)=" at the start of a line, copied; false when there is none. */
static bool find_value(const char *text, size_t length, const char *kind, const char *name,
		       char value[32])
{
	char key[96];
	int size = snprintf(key, sizeof(key), "%s(%s)=", kind, name);
	const char *found = size > 0 && (size_t)size < sizeof(key)
				    ? memmem(text, length, key, (size_t)size)
				    : NULL;

	if (!found)
		return false;
	const char *start = found + size, *end = text + length;
	size_t used = 0;
	for (; start + used < end && start[used] != '\n' && start[used]; used++) {
		if (used == 31)
			return false;
		value[used] = start[used];
	}
	value[used] = '\0';
	return true;
}

bool vmcoreinfo_symbol(const char *text, size_t length, const char *name, uint64_t *address)
{
	char value[32];

	return find_value(text, length, "SYMBOL", name, value) && parse_hex(value, address);
}

bool vmcoreinfo_number(const char *text, size_t length, const char *name, uint64_t *number)
{
	char value[32];
	bool negative;

	if (!find_value(text, length, "NUMBER", name, value))
		return false;
	negative = value[0] == '-';
	if (!parse_decimal(value + negative, number))
		return false;
	if (negative)
		*number = -*number;
	return true;
}
