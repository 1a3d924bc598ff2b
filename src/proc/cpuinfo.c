// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/cpuinfo.h"

#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/scope.h"

/* Up to 2 KiB a processor, and 8192 processors. */
#define CPUINFO_LIMIT ((size_t)16 << 20)

static bool has_word(const char *line, size_t length, const char *word)
{
	size_t wanted = strlen(word);

	for (size_t i = 0; i < length;) {
		size_t start = i + strspn(line + i, " \t");
		size_t end = start < length ? start + strcspn(line + start, " \t\n") : length;

		if (end <= length && end - start == wanted &&
		    strncmp(line + start, word, wanted) == 0)
			return true;
		i = end > i ? end : i + 1;
	}
	return false;
}

static unsigned parse_physical_bits(const char *text)
{
	const char *line = strstr(text, "\naddress sizes");
	const char *colon = line ? strchr(line, ':') : NULL;
	unsigned bits = 0;

	return colon && sscanf(colon, ": %2u bits physical", &bits) == 1 && bits <= 52 ? bits : 0;
}

void cpu_flags_parse(const char *text, struct cpu_flags *flags)
{
	const char *line = strncmp(text, "flags", 5) == 0 ? text : strstr(text, "\nflags");
	const char *colon = line ? strchr(line, ':') : NULL;

	*flags = (struct cpu_flags){.physical_bits = parse_physical_bits(text)};
	if (!colon)
		return;
	size_t length = strcspn(colon + 1, "\n");
	flags->la57 = has_word(colon + 1, length, "la57");
	flags->hypervisor = has_word(colon + 1, length, "hypervisor");
}

struct error *cpu_flags_load(int root, struct cpu_flags *flags)
{
	_cleanup_free_ char *text = NULL;

	*flags = (struct cpu_flags){0};
	TRY(read_file_at(root, "proc/cpuinfo", CPUINFO_LIMIT, &text, NULL));
	cpu_flags_parse(text, flags);
	return NULL;
}
