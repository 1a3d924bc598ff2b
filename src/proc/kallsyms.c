// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/kallsyms.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/scope.h"

enum { KALLSYMS_LINE = 4096 }; /* KSYM_NAME_LEN is 512, the longest of any version */

struct symbol {
	uint64_t address;
	char type;
	const char *name;
	bool foreign; /* of a module, or of an eBPF program ("[bpf]") */
};

/* "ffffffff81000000 T _text", then perhaps "\t[module]"; the line is cut up. */
static bool parse_line(char *line, struct symbol *symbol)
{
	char *rest = line;
	const char *address = strsep(&rest, " ");
	const char *type = strsep(&rest, " ");

	if (!rest || !parse_hex(address, &symbol->address) || strlen(type) != 1)
		return false;
	symbol->type = *type;
	symbol->name = strsep(&rest, "\t\n");
	symbol->foreign = rest && *rest == '[';
	return *symbol->name != '\0';
}

static void answer(struct kallsyms_lookup *lookups, size_t count, const struct symbol *symbol)
{
	for (size_t i = 0; i < count; i++) {
		struct kallsyms_lookup *lookup = &lookups[i];

		if (lookup->found || strcmp(lookup->name, symbol->name) != 0)
			continue;
		lookup->found = true;
		lookup->type = symbol->type;
		lookup->address = symbol->address;
	}
}

static void summarize(struct kallsyms_summary *summary, const struct symbol *symbol)
{
	summary->count++;
	if (symbol->address)
		summary->hidden = false;
	if (strcmp(symbol->name, "init_task") == 0)
		summary->data = true;
}

static void forget(struct kallsyms_lookup *lookups, size_t count)
{
	for (size_t i = 0; i < count; i++)
		lookups[i] = (struct kallsyms_lookup){.name = lookups[i].name};
}

struct error *kallsyms_read(FILE *file, struct kallsyms_lookup *lookups, size_t count,
			    struct kallsyms_summary *summary)
{
	char line[KALLSYMS_LINE];
	unsigned long number = 0;

	forget(lookups, count);
	*summary = (struct kallsyms_summary){.hidden = true};
	while (fgets(line, sizeof(line), file)) {
		struct symbol symbol;

		number++;
		if (!strchr(line, '\n') || !parse_line(line, &symbol))
			return error_new(ERROR_INPUT, "kallsyms: line %lu is malformed", number);
		if (symbol.foreign)
			continue;
		summarize(summary, &symbol);
		answer(lookups, count, &symbol);
	}
	if (ferror(file))
		return error_errno(errno, "kallsyms");
	summary->hidden = summary->hidden && summary->count;
	return NULL;
}

struct error *kallsyms_load(int root, struct kallsyms_lookup *lookups, size_t count,
			    struct kallsyms_summary *summary)
{
	_cleanup_fclose_ FILE *file = NULL;
	int fd = openat(root, "proc/kallsyms", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(errno, "proc/kallsyms");
	file = fdopen(fd, "r");
	if (!file) {
		close(fd);
		return error_nomem();
	}
	return kallsyms_read(file, lookups, count, summary);
}
