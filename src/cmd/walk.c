// SPDX-License-Identifier: GPL-2.0-or-later
/* physlens walk: the hardware's page tables, from CR3 to the page, beside the kernel's pagemap. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/locate.h"
#include "analysis/walk.h"
#include "base/scope.h"
#include "cmd/arguments.h"
#include "cmd/commands.h"
#include "cmd/naming.h"
#include "cmd/physical.h"
#include "cmd/processes.h"
#include "cmd/walktext.h"

/* --- columns ------------------------------------------------------------------------------ */

enum { COL_LEVEL, COL_INDEX, COL_ENTRY, COL_VALUE, COL_FRAME, COL_FLAGS, COL_AGREES };

static const struct column columns[] = {
	[COL_LEVEL] = {"LEVEL", CELL_TEXT, 7, 0,
		       "CR3, then the table: PGD, P4D, PUD, PMD, PTE; then pagemap"},
	[COL_INDEX] = {"INDEX", CELL_NUMBER, 5, 0,
		       "of the entry in its table: bits of the address"},
	[COL_ENTRY] = {"ENTRY", CELL_HEX, 11, 0, "physical address of the entry"},
	[COL_VALUE] = {"VALUE", CELL_HEX, 18, 0, "the entry as it was read"},
	[COL_FRAME] = {"FRAME", CELL_HEX, 8, 0, "frame that it points at: a table, or the page"},
	[COL_FLAGS] = {"FLAGS", CELL_TEXT, 0, 0, "its other bits by name; what is not present"},
	[COL_AGREES] = {"AGREES", CELL_BOOL, 0, 0,
			"of pagemap: whether it says the same; empty: it passes over such memory"},
};

static const struct table_spec levels_table = {
	.name = "walk",
	.title = "walk",
	.columns = columns,
	.count = sizeof(columns) / sizeof(columns[0]),
	.defaults = "LEVEL,INDEX,ENTRY,VALUE,FRAME,FLAGS,AGREES",
};

enum {
	RUN_VADDR,
	RUN_VPN,
	RUN_PAGES,
	RUN_PFN,
	RUN_SIZE,
	RUN_KIND,
	RUN_PTE,
	RUN_ACCESSED,
	RUN_DIRTY,
	RUN_SOFT_DIRTY,
	RUN_FLAGS,
	RUN_VALUE,
	RUN_AGREE,
};

static const struct column run_columns[] = {
	[RUN_VADDR] = {"VADDR", CELL_HEX, 14, 0, "address of the first page"},
	[RUN_VPN] = {"VPN", CELL_HEX, 11, 0, "its virtual page number"},
	[RUN_PAGES] = {"PAGES", CELL_PAGES, 6, 0, "pages of 4 KiB in the run, whatever its size"},
	[RUN_PFN] = {"PFN", CELL_HEX, 8, 0, "frame of the first page; the next ones follow"},
	[RUN_SIZE] = {"SIZE", CELL_TEXT, 4, 0, "what one entry maps: 4K, 2M, 1G"},
	[RUN_KIND] = {"KIND", CELL_TEXT, 9, 0,
		      "page, prot-none, swap, special, marker, bad: what the entries are"},
	[RUN_PTE] = {"PTE", CELL_TEXT, 4, 0,
		     "what the hardware allows: r, rw, rx, rwx; none; empty where no page is"},
	[RUN_ACCESSED] = {"ACCESSED", CELL_BOOL, 8, 0, "the hardware has seen an access"},
	[RUN_DIRTY] = {"DIRTY", CELL_BOOL, 5, 0, "the hardware has seen a write"},
	[RUN_SOFT_DIRTY] = {"SOFT-DIRTY", CELL_BOOL, 10, 0, "written since clear_refs said so"},
	[RUN_FLAGS] = {"FLAGS", CELL_TEXT, 0, 0, "bits of the entries by name"},
	[RUN_VALUE] = {"VALUE", CELL_HEX, 18, 0, "the first entry as it was read"},
	[RUN_AGREE] = {"AGREE", CELL_PAGES, 6, 0, "pages of which pagemap says the same"},
};

static const struct table_spec runs_table = {
	.name = "walk",
	.title = "walk --all, --range",
	.columns = run_columns,
	.count = sizeof(run_columns) / sizeof(run_columns[0]),
	.defaults = "VADDR,PAGES,PFN,SIZE,KIND,PTE,ACCESSED,DIRTY,SOFT-DIRTY,FLAGS",
	.streaming = true,
};

/* --- options ------------------------------------------------------------------------------ */

enum { OPTION_RANGE = OPTION_LONG, OPTION_ALL, OPTION_COMPARE };

enum { KNOWN_FLAGS = 64 };

static const struct command_option options[] = {
	{OPTION_ALL, "all", NULL, "everything that is mapped: a row a run of like entries"},
	{OPTION_RANGE, "range", "A-B", "the same from address A up to B (hexadecimal)"},
	{OPTION_COMPARE, "compare", NULL, "with --all or --range: compare every page with pagemap"},
};

struct walk {
	struct invocation *invocation;
	bool all;
	const char *range;
	bool compare;
	struct space *space;
	struct page_table page_table;
	struct table *table;
	struct walk_totals totals;
	/* The flags of pages seen of late, by their attributes: there are few kinds. */
	struct known_flags {
		const struct page_table_level *level; /* NULL: none yet */
		uint64_t attributes;
		char text[128];
	} known[KNOWN_FLAGS];
};

static int parse_options(struct walk *w, struct invocation *invocation)
{
	int key;

	while ((key = invocation_option(invocation)) > 0) {
		switch (key) {
		case OPTION_ALL:
			w->all = true;
			break;
		case OPTION_RANGE:
			w->range = invocation->argument;
			break;
		case OPTION_COMPARE:
			w->compare = true;
			break;
		}
	}
	if (w->compare && !invocation->table.columns)
		invocation->table.columns = "+AGREE";
	return key;
}

static bool is_text(const struct walk *w)
{
	return w->invocation->table.format == FORMAT_TABLE && !w->invocation->table.noheadings;
}

/* --- one address -------------------------------------------------------------------------- */

/* The mapped page, or what else an entry points at; false when it points at nothing. */
static bool points_at_frame(const struct page_table_entry *entry)
{
	return entry->kind == ENTRY_TABLE || entry->kind == ENTRY_PAGE ||
	       entry->kind == ENTRY_PROT_NONE || entry->kind == ENTRY_SPECIAL;
}

static struct error *put_root(struct walk *w)
{
	TRY(table_row(w->table));
	TRY(table_text(w->table, COL_LEVEL, "CR3"));
	TRY(table_hex(w->table, COL_VALUE, w->page_table.root));
	return table_hex(w->table, COL_FRAME, w->page_table.root >> 12);
}

static struct error *put_step(struct walk *w, const struct page_table_step *step)
{
	char text[256];

	w->page_table.format->text(step->level->shift, &step->entry, text, sizeof(text));
	TRY(table_row(w->table));
	TRY(table_text(w->table, COL_LEVEL, step->level->name));
	TRY(table_number(w->table, COL_INDEX, step->index));
	TRY(table_hex(w->table, COL_ENTRY, step->address));
	TRY(table_hex(w->table, COL_VALUE, step->entry.value));
	TRY(table_text(w->table, COL_FLAGS, text));
	if (step->entry.kind == ENTRY_BAD)
		table_color(w->table, COL_FLAGS, CELL_RED);
	return points_at_frame(&step->entry) ? table_hex(w->table, COL_FRAME, step->entry.frame)
					     : NULL;
}

static struct error *put_pagemap(struct walk *w, const struct walk_result *result)
{
	if (!result->compared)
		return NULL;
	TRY(table_row(w->table));
	TRY(table_text(w->table, COL_LEVEL, "pagemap"));
	TRY(table_hex(w->table, COL_VALUE, result->word));
	TRY(table_text(w->table, COL_FLAGS, walk_word_text(result->word)));
	if (result->verdict != WALK_SILENT) {
		bool agrees = result->verdict == WALK_AGREES;

		TRY(table_bool(w->table, COL_AGREES, agrees));
		table_color(w->table, COL_AGREES, agrees ? CELL_GREEN : CELL_RED);
	}
	if (!(result->word & PAGEMAP_PRESENT))
		return NULL;
	return w->space->pfns_visible ? table_hex(w->table, COL_FRAME, result->word & PAGEMAP_PFN)
				      : table_hidden(w->table, COL_FRAME, "hidden");
}

static struct error *put_walk(struct walk *w, const struct walk_result *result)
{
	TRY(put_root(w));
	for (size_t i = 0; i < result->walk.count; i++)
		TRY(put_step(w, &result->walk.steps[i]));
	TRY(put_pagemap(w, result));
	return table_finish(w->table);
}

static struct error *walk_one(struct walk *w, struct layout *layout)
{
	const char *input = w->invocation->arguments[1];
	struct walk_result result;
	uint64_t address;

	TRY(locate_parse(layout, input, &address));
	TRY(walk_address(w->space, &w->page_table, &layout->vmas, address, &result));
	TRY(space_check_alive(w->space));
	if (is_text(w))
		TRY(walk_text_heading(layout, input, address, stdout));
	TRY(put_walk(w, &result));
	if (is_text(w))
		walk_text_explain(&w->page_table, w->space, address, &result, stdout);
	return NULL;
}

static struct error *walk_in_layout(struct walk *w)
{
	struct layout layout;

	TRY(layout_init(&layout, w->space));
	processes_explain_served(w->invocation, &layout, 1);
	struct error *error = walk_one(w, &layout);
	layout_deinit(&layout);
	return error;
}

/* --- many --------------------------------------------------------------------------------- */

static struct error *put_bits(struct walk *w, const struct leaf_run *run)
{
	const struct page_table_entry *entry = &run->first.entry;
	bool page = entry->kind == ENTRY_PAGE || entry->kind == ENTRY_PROT_NONE;
	char access[8];

	if (page) {
		entry_access_text(run->first.access, access);
		TRY(table_text(w->table, RUN_PTE, access));
		TRY(table_bool(w->table, RUN_ACCESSED, entry->bits & ENTRY_ACCESSED));
		TRY(table_bool(w->table, RUN_DIRTY, entry->bits & ENTRY_DIRTY));
	}
	if (page || entry->kind == ENTRY_SWAP)
		TRY(table_bool(w->table, RUN_SOFT_DIRTY, entry->bits & ENTRY_SOFT_DIRTY));
	return NULL;
}

/* Accessed and dirty are bits 5 and 6 of an attribute, and differ most; nx is the highest. */
static struct known_flags *known_flags(struct walk *w, uint64_t attributes)
{
	return &w->known[(attributes >> 5 ^ attributes >> 1 ^ attributes >> 58) % KNOWN_FLAGS];
}

static const char *flags_text(struct walk *w, const struct leaf_run *run)
{
	const struct page_table_entry *entry = &run->first.entry;
	struct known_flags *known = known_flags(w, entry->attributes);

	if (entry->kind == ENTRY_PAGE && known->level == run->level &&
	    known->attributes == entry->attributes)
		return known->text;
	w->page_table.format->text(run->level->shift, entry, known->text, sizeof(known->text));
	known->level = entry->kind == ENTRY_PAGE ? run->level : NULL;
	known->attributes = entry->attributes;
	return known->text;
}

static struct error *put_run(void *argument, const struct leaf_run *run)
{
	struct walk *w = argument;
	const struct page_table_entry *entry = &run->first.entry;

	TRY(table_row(w->table));
	TRY(table_hex(w->table, RUN_VADDR, run->first.address));
	TRY(table_hex(w->table, RUN_VPN, run->first.address >> 12));
	TRY(table_number(w->table, RUN_PAGES, leaf_run_pages(run)));
	if (points_at_frame(entry))
		TRY(table_hex(w->table, RUN_PFN, entry->frame));
	TRY(table_text(w->table, RUN_SIZE, page_table_size_text(run->level->shift)));
	TRY(table_text(w->table, RUN_KIND, entry_kind_name(entry->kind)));
	TRY(table_hex(w->table, RUN_VALUE, entry->value));
	if (w->compare && (run->agreeing || !(entry->bits & ENTRY_UNMANAGED))) {
		TRY(table_number(w->table, RUN_AGREE, run->agreeing));
		if (run->agreeing != leaf_run_pages(run))
			table_color(w->table, RUN_AGREE, CELL_RED);
	}
	TRY(put_bits(w, run));
	return table_wants(w->table, RUN_FLAGS)
		       ? table_text(w->table, RUN_FLAGS, flags_text(w, run))
		       : NULL;
}

/* The lower half of the address space, which is the process's own. */
static struct range user_half(const struct page_table *table)
{
	return (struct range){0, UINT64_C(1) << (table->format->address_bits - 1)};
}

static void report(const struct walk *w)
{
	const struct walk_totals *t = &w->totals;
	uint64_t disagreeing = t->compared - t->agreeing;

	if (t->bad)
		invocation_warn(w->invocation, "%" PRIu64 " entries make no sense: see KIND bad",
				t->bad);
	if (!w->compare)
		return;
	if (is_text(w))
		printf("\n%'" PRIu64 " pages compared with pagemap: %'" PRIu64 " agree.\n",
		       t->compared, t->agreeing);
	if (disagreeing)
		invocation_warn(w->invocation,
				"%" PRIu64 " of %" PRIu64
				" pages differ from pagemap, however often "
				"both are read; the first is at 0x%" PRIx64,
				disagreeing, t->compared, t->first);
}

/* What is not shown does not make two entries unlike. */
static bool shows_attributes(const struct walk *w)
{
	return table_wants(w->table, RUN_ACCESSED) || table_wants(w->table, RUN_DIRTY) ||
	       table_wants(w->table, RUN_SOFT_DIRTY) || table_wants(w->table, RUN_FLAGS) ||
	       table_wants(w->table, RUN_VALUE);
}

static struct error *walk_many(struct walk *w)
{
	struct range range = user_half(&w->page_table);
	struct walk_options walking = {.attributes = shows_attributes(w)};
	struct vma_list vmas = {0};

	if (w->range)
		TRY(parse_address_range(w->range, w->space->target->page_shift, &range));
	if (w->compare)
		TRY(space_vmas(w->space, &vmas));
	walking.vmas = w->compare ? &vmas : NULL;
	struct error *error =
		walk_range(w->space, &w->page_table, range, &walking, put_run, w, &w->totals);
	vma_list_deinit(&vmas);
	if (!error)
		error = space_check_alive(w->space);
	if (!error)
		error = table_finish(w->table);
	if (!error)
		report(w);
	return error;
}

/* --- the command -------------------------------------------------------------------------- */

static struct error *walk_in_space(struct walk *w)
{
	TRY(physical_error(w->invocation, space_page_table(w->space, &w->page_table)));
	return w->all || w->range ? walk_many(w) : walk_in_layout(w);
}

static struct error *walk_process(struct walk *w, struct target *target)
{
	pid_t pid;

	TRY(process_named(target, w->invocation->arguments[0], &pid));
	TRY(invocation_table(w->invocation, w->all || w->range ? &runs_table : &levels_table,
			     &w->table));
	struct error *error = target_open_space(target, pid, &w->space);
	if (!error) {
		error = walk_in_space(w);
		space_close(w->space);
	}
	table_destroy(w->table);
	return error;
}

static int check_arguments(const struct walk *w)
{
	const struct invocation *invocation = w->invocation;
	bool many = w->all || w->range;

	if (w->all && w->range)
		return invocation_misused(invocation, "--all and --range exclude each other");
	if (w->compare && !many)
		return invocation_misused(invocation, "--compare goes with --all or --range");
	if (many && invocation->argument_count != 1)
		return invocation_misused(invocation, "one process ID is needed, and no address");
	if (!many && invocation->argument_count != 2)
		return invocation_misused(invocation,
					  "a process ID and an address or symbol are needed");
	return EXIT_DONE;
}

static int run(struct invocation *invocation)
{
	struct walk w = {.invocation = invocation};
	struct target *target;

	if (parse_options(&w, invocation) < 0)
		return invocation->status;
	if (invocation->list_columns) {
		table_list_columns(w.all || w.range ? &runs_table : &levels_table, stdout, "");
		return EXIT_DONE;
	}
	if (check_arguments(&w) != EXIT_DONE)
		return EXIT_CANNOT;
	struct error *error = invocation_target(invocation, &target);
	if (!error) {
		error = walk_process(&w, target);
		invocation_target_end(invocation, target);
	}
	if (error)
		return invocation_fail(invocation, error);
	return w.totals.compared > w.totals.agreeing || w.totals.bad ? EXIT_FINDINGS : EXIT_DONE;
}

const struct command command_walk = {
	.name = "walk",
	.summary = "walk the hardware's page tables, from CR3 to the page",
	.synopsis = "[options] PID {ADDRESS | [OBJECT!]SYMBOL[+OFFSET]}\n"
		    " physlens walk [options] {--all | --range A-B} PID",
	.description =
		"Walk the page tables of a process as the processor does, read from physical "
		"memory: a\n"
		"row a level, from CR3 to the page or to where nothing is. It ends with "
		"what pagemap\n"
		"says of the same page. With --all or --range, a row a run of like entries.",
	.options = options,
	.option_count = sizeof(options) / sizeof(options[0]),
	.tables = (const struct table_spec *const[]){&levels_table, &runs_table, NULL},
	.run = run,
	.processes = 1,
};
