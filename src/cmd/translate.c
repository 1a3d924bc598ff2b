// SPDX-License-Identifier: GPL-2.0-or-later
/* physlens translate: from addresses and symbols of a process to physical addresses. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/locate.h"
#include "base/scope.h"
#include "cmd/commands.h"
#include "cmd/explain.h"
#include "cmd/naming.h"
#include "cmd/processes.h"

enum {
	COL_VADDR,
	COL_VPN,
	COL_POFFSET,
	COL_PADDR,
	COL_PFN,
	COL_STATE,
	COL_PERMS,
	COL_COW,
	COL_REGION,
	COL_SYMBOL,
	COL_OBJECT,
	COL_NODE,
	COL_INPUT,
	COL_PGD,
	COL_P4D,
	COL_PUD,
	COL_PMD,
	COL_PTE,
	COL_CACHE,
};

static const struct column columns[] = {
	[COL_VADDR] = {"VADDR", CELL_HEX, 14, 0, "the virtual address"},
	[COL_VPN] = {"VPN", CELL_HEX, 11, 0, "its page number"},
	[COL_POFFSET] = {"POFFSET", CELL_HEX, 5, 0, "its offset in the page"},
	[COL_PADDR] = {"PADDR", CELL_HEX, 11, 0, "the physical address; empty: no frame"},
	[COL_PFN] = {"PFN", CELL_HEX, 8, 0, "the frame"},
	[COL_STATE] = {"STATE", CELL_TEXT, 9, 0,
		       "present, zero, swapped, in-file, untouched, guard, migrating, special"},
	[COL_PERMS] = {"PERMS", CELL_TEXT, 0, 0, "of the area: rwx, then p private, s shared"},
	[COL_COW] = {"COW", CELL_BOOL, 0, 0, "present, and a write now would copy the page"},
	[COL_REGION] = {"REGION", CELL_TEXT, 0, 0, "the section or kind of memory"},
	[COL_SYMBOL] = {"SYMBOL", CELL_TEXT, 0, 0, "the nearest symbol, with the offset from it"},
	[COL_OBJECT] = {"OBJECT", CELL_TEXT, 0, COLUMN_ELASTIC,
			"the mapped file, or the kernel's name"},
	[COL_NODE] = {"NODE", CELL_NUMBER, 0, 0, "NUMA node of the frame"},
	[COL_INPUT] = {"INPUT", CELL_TEXT, 0, 0, "the address or symbol as it was given"},
	[COL_PGD] = {"PGD", CELL_NUMBER, 0, 0, "index into the page global directory"},
	[COL_P4D] = {"P4D", CELL_NUMBER, 0, 0, "index at the fourth level, where there are five"},
	[COL_PUD] = {"PUD", CELL_NUMBER, 0, 0, "index into the page upper directory"},
	[COL_PMD] = {"PMD", CELL_NUMBER, 0, 0, "index into the page middle directory"},
	[COL_PTE] = {"PTE", CELL_NUMBER, 0, 0, "index into the page table"},
	[COL_CACHE] = {"CACHE", CELL_TEXT, 0, 0, "set of the byte, colour of the frame, by cache"},
};

static const struct table_spec table_spec = {
	.name = "translate",
	.title = "translate",
	.columns = columns,
	.count = sizeof(columns) / sizeof(columns[0]),
	.defaults = "VADDR,VPN,POFFSET,PADDR,PFN,STATE,PERMS,REGION,SYMBOL,OBJECT,NODE",
	.streaming = true,
};

/* What --explain adds to JSON and raw output, which have no pictures. */
#define EXPLAIN_COLUMNS "+PGD,P4D,PUD,PMD,PTE,CACHE"

static const struct command_option options[] = {
	{'e', "explain", NULL, "take each address apart, for a reader who is learning"},
};

struct translate {
	struct invocation *invocation;
	bool explain;
	bool pictures; /* --explain as text, not as columns */
	struct layout layout;
	struct explainer explainer;
	struct table *table; /* NULL with pictures */
	size_t shown;
	size_t failed;
};

static int parse_options(struct translate *t, struct invocation *invocation)
{
	int key;

	while ((key = invocation_option(invocation)) > 0)
		t->explain = true;
	t->pictures = t->explain && invocation->table.format == FORMAT_TABLE;
	if (t->explain && !t->pictures && !invocation->table.columns)
		invocation->table.columns = EXPLAIN_COLUMNS;
	return key;
}

static size_t level_column(const char *name)
{
	for (size_t i = COL_PGD; i <= COL_PTE; i++) {
		if (strcmp(columns[i].name, name) == 0)
			return i;
	}
	return COL_PTE;
}

static struct error *put_levels(struct translate *t, uint64_t address)
{
	for (size_t i = 0; i < t->explainer.level_count; i++) {
		const struct page_table_level *level = &t->explainer.levels[i];

		TRY(table_number(t->table, level_column(level->name),
				 page_table_index(level, address)));
	}
	return NULL;
}

static struct error *put_frame(struct translate *t, const struct location *l)
{
	struct space *space = t->layout.space;
	unsigned shift = space->target->page_shift;
	uint64_t offset = l->address & ((UINT64_C(1) << shift) - 1);
	uint64_t pfn = l->word & PAGEMAP_PFN;
	char caches[256];

	if (!(l->word & PAGEMAP_PRESENT))
		return NULL;
	if (!space->pfns_visible) {
		TRY(table_hidden(t->table, COL_PADDR, "hidden"));
		TRY(table_hidden(t->table, COL_PFN, "hidden"));
		TRY(table_hidden(t->table, COL_CACHE, "hidden"));
		return table_hidden(t->table, COL_NODE, "hidden");
	}
	TRY(table_hex(t->table, COL_PADDR, (pfn << shift) + offset));
	TRY(table_hex(t->table, COL_PFN, pfn));
	if (table_wants(t->table, COL_NODE)) {
		int node = target_node(space->target, pfn);

		if (node >= 0)
			TRY(table_number(t->table, COL_NODE, (uint64_t)node));
	}
	if (!table_wants(t->table, COL_CACHE))
		return NULL;
	explain_caches(&t->explainer, pfn, (pfn << shift) + offset, caches, sizeof(caches));
	return table_text(t->table, COL_CACHE, *caches ? caches : NULL);
}

static struct error *put_symbol(struct translate *t, const struct location *l)
{
	_cleanup_free_ char *text = NULL;

	if (!l->symbol)
		return NULL;
	if (asprintf(&text, "%s+0x%llx", l->symbol, (unsigned long long)l->symbol_offset) < 0) {
		text = NULL;
		return error_nomem();
	}
	return table_text(t->table, COL_SYMBOL, text);
}

static struct error *put_row(struct translate *t, const char *input, const struct location *l)
{
	unsigned shift = t->layout.space->target->page_shift;
	char perms[5];

	vma_perms_text(l->region->vma->perms, perms);
	TRY(table_row(t->table));
	TRY(table_hex(t->table, COL_VADDR, l->address));
	TRY(table_hex(t->table, COL_VPN, l->address >> shift));
	TRY(table_hex(t->table, COL_POFFSET, l->address & ((UINT64_C(1) << shift) - 1)));
	TRY(put_frame(t, l));
	TRY(table_text(t->table, COL_STATE, page_state_name(l->state)));
	TRY(table_text(t->table, COL_PERMS, perms));
	TRY(table_bool(t->table, COL_COW, l->cow));
	TRY(table_text(t->table, COL_REGION, l->region_name));
	TRY(put_symbol(t, l));
	TRY(table_text(t->table, COL_OBJECT, l->region->object));
	TRY(table_text(t->table, COL_INPUT, input));
	return put_levels(t, l->address);
}

static struct error *show(struct translate *t, const char *input, const struct location *location)
{
	if (!t->pictures)
		return put_row(t, input, location);
	if (t->shown > 0)
		putchar('\n');
	return explain(&t->explainer, input, location, stdout);
}

static struct error *translate_one(struct translate *t, const char *input)
{
	struct location location;
	uint64_t address;

	TRY(locate_parse(&t->layout, input, &address));
	TRY(locate_address(&t->layout, address, &location));
	TRY(show(t, input, &location));
	t->shown++;
	return NULL;
}

/* One bad address spoils the exit status, not the others' rows. */
static struct error *translate_or_say(struct translate *t, const char *input)
{
	struct error *error = translate_one(t, input);

	if (!error_is(error, ERROR_LOOKUP) && !error_is(error, ERROR_INPUT))
		return error;
	invocation_fail(t->invocation, error);
	t->failed++;
	return NULL;
}

static struct error *translate_lines(struct translate *t, FILE *in)
{
	_cleanup_free_ char *line = NULL;
	struct error *error = NULL;
	size_t size = 0;

	while (!error && getline(&line, &size, in) >= 0) {
		char *start = line + strspn(line, " \t\r\n");

		start[strcspn(start, " \t\r\n")] = '\0';
		if (*start && *start != '#')
			error = translate_or_say(t, start);
	}
	if (!error && ferror(in))
		error = error_errno(errno, "standard input");
	return error;
}

static struct error *translate_arguments(struct translate *t)
{
	char **inputs = t->invocation->arguments + 1;

	if (!*inputs)
		return translate_lines(t, stdin);
	for (; *inputs; inputs++)
		TRY(strcmp(*inputs, "-") == 0 ? translate_lines(t, stdin)
					      : translate_or_say(t, *inputs));
	return NULL;
}

static void explain_hidden(const struct translate *t)
{
	if (t->layout.space->pfns_visible || t->pictures)
		return;
	if (table_wants(t->table, COL_PFN) || table_wants(t->table, COL_PADDR))
		invocation_warn(t->invocation, PFNS_HIDDEN);
}

static struct error *translate_in_layout(struct translate *t)
{
	TRY(explainer_init(&t->explainer, &t->layout));
	explain_hidden(t);
	struct error *error = translate_arguments(t);
	explainer_deinit(&t->explainer);
	if (!error)
		error = space_check_alive(t->layout.space);
	return error || t->pictures ? error : table_finish(t->table);
}

static struct error *translate_in_space(struct translate *t, struct space *space)
{
	TRY(layout_init(&t->layout, space));
	processes_explain_served(t->invocation, &t->layout, 1);
	struct error *error = translate_in_layout(t);
	layout_deinit(&t->layout);
	return error;
}

static struct error *translate(struct translate *t, struct target *target)
{
	struct space *space;
	pid_t pid;

	TRY(process_named(target, t->invocation->arguments[0], &pid));
	if (!t->pictures)
		TRY(invocation_table(t->invocation, &table_spec, &t->table));
	struct error *error = target_open_space(target, pid, &space);
	if (!error) {
		error = translate_in_space(t, space);
		space_close(space);
	}
	table_destroy(t->table);
	return error;
}

static int run(struct invocation *invocation)
{
	struct translate t = {.invocation = invocation};
	struct target *target;

	if (parse_options(&t, invocation) < 0)
		return invocation->status;
	if (invocation->list_columns) {
		table_list_columns(&table_spec, stdout, "");
		return EXIT_DONE;
	}
	if (invocation->argument_count < 1)
		return invocation_misused(invocation, "a process ID is needed");
	if (invocation->argument_count == 1 && isatty(STDIN_FILENO))
		return invocation_misused(invocation, "an address or a symbol is needed");
	struct error *error = invocation_target(invocation, &target);
	if (!error) {
		error = translate(&t, target);
		invocation_target_end(invocation, target);
	}
	if (error)
		return invocation_fail(invocation, error);
	return t.failed ? EXIT_CANNOT : EXIT_DONE;
}

const struct command command_translate = {
	.name = "translate",
	.summary = "give the physical address of addresses and symbols",
	.synopsis = "[options] PID [ADDRESS | [OBJECT!]SYMBOL[+OFFSET]] …",
	.description = "Give the physical address behind each address or symbol of a process, with "
		       "its frame,\n"
		       "state, region and nearest symbol. Without addresses, or for \"-\", they "
		       "are read from\n"
		       "standard input, one a line. Addresses are hexadecimal.",
	.options = options,
	.option_count = sizeof(options) / sizeof(options[0]),
	.tables = (const struct table_spec *const[]){&table_spec, NULL},
	.run = run,
	.processes = 1,
};
