// SPDX-License-Identifier: GPL-2.0-or-later
/* physlens map: the page table of a process, a row an object, a region, or a run of like pages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/layout.h"
#include "analysis/runs.h"
#include "analysis/tally.h"
#include "base/scope.h"
#include "cmd/arguments.h"
#include "cmd/commands.h"
#include "cmd/map.h"
#include "cmd/naming.h"
#include "cmd/physical.h"
#include "cmd/processes.h"
#include "proc/kpage.h"
#include "ui/prose.h"

/* --- columns ------------------------------------------------------------------------------ */

enum {
	REGION_REGION,
	REGION_START,
	REGION_END,
	REGION_PERMS,
	REGION_PAGES,
	REGION_PRESENT,
	REGION_PRIVATE,
	REGION_SHARED,
	REGION_COW,
	REGION_ZERO,
	REGION_SWAPPED,
	REGION_IN_FILE,
	REGION_UNTOUCHED,
	REGION_GUARD,
	REGION_MIGRATING,
	REGION_SPECIAL,
	REGION_OFFSET,
	REGION_OBJECT,
};

static const struct column region_columns[] = {
	[REGION_REGION] = {"REGION", CELL_TEXT, 0, 0, "what is there: .text, .bss, heap, stack, …"},
	[REGION_START] = {"START", CELL_HEX, 0, COLUMN_YIELDS(8), "first address"},
	[REGION_END] = {"END", CELL_HEX, 0, 0, "the address behind the last one"},
	[REGION_PERMS] = {"PERMS", CELL_TEXT, 0, COLUMN_YIELDS(9),
			  "of the area: rwx, then p private, s shared"},
	[REGION_PAGES] = {"PAGES", CELL_PAGES, 0, 0, "pages, whatever their state"},
	[REGION_PRESENT] = {"PRESENT", CELL_PAGES, 0, 0, "pages that a frame of RAM is behind"},
	[REGION_PRIVATE] = {"PRIVATE", CELL_PAGES, 0, COLUMN_YIELDS(1),
			    "present, and mapped nowhere else"},
	[REGION_SHARED] = {"SHARED", CELL_PAGES, 0, 0, "present, and mapped more than once"},
	[REGION_COW] = {"COW", CELL_PAGES, 0, COLUMN_YIELDS(3),
			"present, and a write now would copy it"},
	[REGION_ZERO] = {"ZERO", CELL_PAGES, 0, COLUMN_YIELDS(4),
			 "read but never written: the shared zero page"},
	[REGION_SWAPPED] = {"SWAPPED", CELL_PAGES, 0, COLUMN_YIELDS(2), "in swap"},
	[REGION_IN_FILE] = {"IN-FILE", CELL_PAGES, 0, COLUMN_YIELDS(5),
			    "not mapped yet; the bytes are in the file"},
	[REGION_UNTOUCHED] = {"UNTOUCHED", CELL_PAGES, 0, COLUMN_YIELDS(6),
			      "never touched: nothing is there"},
	[REGION_GUARD] = {"GUARD", CELL_PAGES, 0, COLUMN_YIELDS(7),
			  "guard pages: a touch is SIGSEGV"},
	[REGION_MIGRATING] = {"MIGRATING", CELL_PAGES, 0, COLUMN_YIELDS(7),
			      "on the way to another frame"},
	[REGION_SPECIAL] = {"SPECIAL", CELL_PAGES, 0, COLUMN_YIELDS(7),
			    "past the file's end, poisoned, or the kernel's or a device's own"},
	[REGION_OFFSET] = {"OFFSET", CELL_HEX, 0, 0, "of the first page, in the mapped file"},
	[REGION_OBJECT] = {"OBJECT", CELL_TEXT, 0, COLUMN_ELASTIC,
			   "the mapped file, or the kernel's name"},
};

static const struct table_spec region_table = {
	.name = "map",
	.title = "map",
	.columns = region_columns,
	.count = sizeof(region_columns) / sizeof(region_columns[0]),
	.defaults = "REGION,START,END,PERMS,PAGES,PRESENT,PRIVATE,SHARED,COW,ZERO,SWAPPED,IN-FILE,"
		    "UNTOUCHED,GUARD,MIGRATING,SPECIAL,OFFSET,OBJECT",
	.screen = "REGION,START,PERMS,PAGES,PRESENT,PRIVATE,SHARED,COW,ZERO,SWAPPED,IN-FILE,"
		  "UNTOUCHED,"
		  "OBJECT",
};

enum {
	PAGES_VADDR,
	PAGES_VPN,
	PAGES_PAGES,
	PAGES_PFN,
	PAGES_STATE,
	PAGES_PERMS,
	PAGES_PTE,
	PAGES_COW,
	PAGES_REGION,
	PAGES_OBJECT,
	PAGES_OFFSET,
	PAGES_FLAGS,
	PAGES_MAPPERS,
	PAGES_ACCESSED,
	PAGES_DIRTY,
	PAGES_SOFT_DIRTY,
	PAGES_SIZE,
};

static const struct column pages_columns[] = {
	[PAGES_VADDR] = {"VADDR", CELL_HEX, 14, 0, "address of the first page"},
	[PAGES_VPN] = {"VPN", CELL_HEX, 11, 0, "its virtual page number"},
	[PAGES_PAGES] = {"PAGES", CELL_PAGES, 6, 0, "pages in the run"},
	[PAGES_PFN] = {"PFN", CELL_HEX, 8, 0, "frame of the first page; the next ones follow"},
	[PAGES_STATE] = {"STATE", CELL_TEXT, 9, 0,
			 "present, zero, swapped, in-file, untouched, guard, migrating, special"},
	[PAGES_PERMS] = {"PERMS", CELL_TEXT, 0, COLUMN_YIELDS(5),
			 "of the area: rwx, then p private, s shared"},
	[PAGES_PTE] = {"PTE", CELL_TEXT, 0, 0,
		       "what the page tables allow: r, rw, rx, rwx, none; empty: not known"},
	[PAGES_COW] = {"COW", CELL_BOOL, 0, 0, "present, and a write now would copy it"},
	[PAGES_REGION] = {"REGION", CELL_TEXT, 8, 0, "what is there: .text, .bss, heap, stack, …"},
	[PAGES_OBJECT] = {"OBJECT", CELL_TEXT, 0, COLUMN_ELASTIC,
			  "the mapped file, or the kernel's name"},
	[PAGES_OFFSET] = {"OFFSET", CELL_HEX, 0, 0, "of the first page, in the mapped file"},
	[PAGES_FLAGS] = {"FLAGS", CELL_TEXT, 0, 0, "of page and frame, by name"},
	[PAGES_MAPPERS] = {"MAPPERS", CELL_NUMBER, 0, 0,
			   "page-table entries that point at each frame, as the kernel counts"},
	[PAGES_ACCESSED] = {"ACCESSED", CELL_BOOL, 0, 0, "the hardware has seen an access"},
	[PAGES_DIRTY] = {"DIRTY", CELL_BOOL, 0, 0, "the hardware has seen a write"},
	[PAGES_SOFT_DIRTY] = {"SOFT-DIRTY", CELL_BOOL, 0, 0, "written since clear_refs said so"},
	[PAGES_SIZE] = {"SIZE", CELL_TEXT, 0, 0, "what one page-table entry maps: 4K, 2M, 1G"},
};

static const struct table_spec pages_table = {
	.name = "map",
	.title = "map --pages",
	.columns = pages_columns,
	.count = sizeof(pages_columns) / sizeof(pages_columns[0]),
	.defaults = "VADDR,PAGES,PFN,STATE,PERMS,COW,REGION,OBJECT",
	.streaming = true,
};

/* --- options ------------------------------------------------------------------------------ */

enum { OPTION_RANGE = OPTION_LONG, OPTION_REGION, OPTION_OBJECT, OPTION_OBJECTS, OPTION_REGIONS };

static const struct command_option map_options[] = {
	{OPTION_OBJECTS, "objects", NULL, "a row an object: the program, a library, the heap, …"},
	{OPTION_REGIONS, "regions", NULL, "a row a region: .text, .data, .bss, heap, …"},
	{'p', "pages", NULL, "a row a run of like pages"},
	{OPTION_RANGE, "range", "A-B", "only pages from address A up to B (hexadecimal)"},
	{OPTION_REGION, "region", "NAME", "only regions of this name (.text, heap, …)"},
	{OPTION_OBJECT, "object", "GLOB", "only objects whose path or file name matches"},
};

static int parse_options(struct map *map, struct invocation *invocation)
{
	int key;

	while ((key = invocation_option(invocation)) > 0) {
		switch (key) {
		case 'p':
			map->rows = ROWS_RUNS;
			break;
		case OPTION_OBJECTS:
			map->rows = ROWS_OBJECTS;
			break;
		case OPTION_REGIONS:
			map->rows = ROWS_REGIONS;
			break;
		case OPTION_RANGE:
			map->range = invocation->argument;
			break;
		case OPTION_REGION:
			map->selection.name = invocation->argument;
			break;
		case OPTION_OBJECT:
			map->selection.object_glob = invocation->argument;
			break;
		}
	}
	return key;
}

/* --- a row a region ----------------------------------------------------------------------- */

struct region_row {
	struct region region;
	struct tally tally;
};

static uint64_t offset_of(const struct region *region, uint64_t address)
{
	return address - region->vma->range.start + region->vma->offset;
}

static struct error *put_place(struct table *table, const struct region *region, size_t perms,
			       size_t object)
{
	char text[5];

	vma_perms_text(region->vma->perms, text);
	TRY(table_text(table, perms, text));
	return table_text(table, object, region->object);
}

/* Where pages of the zero page cannot be told from shared ones, four columns are unknown. */
static struct error *put_hidden_counts(struct table *table)
{
	static const size_t unknown[] = {REGION_PRESENT, REGION_SHARED, REGION_COW, REGION_ZERO};

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		TRY(table_hidden(table, unknown[i], "hidden"));
	return NULL;
}

static struct error *put_counts(struct map *map, const struct tally *tally)
{
	static const struct {
		size_t column;
		enum page_state state;
	} states[] = {
		{REGION_PRESENT, STATE_PRESENT}, {REGION_SWAPPED, STATE_SWAPPED},
		{REGION_IN_FILE, STATE_IN_FILE}, {REGION_UNTOUCHED, STATE_UNTOUCHED},
		{REGION_GUARD, STATE_GUARD},     {REGION_MIGRATING, STATE_MIGRATING},
		{REGION_SPECIAL, STATE_SPECIAL}, {REGION_ZERO, STATE_ZERO},
	};
	struct table *table = map->table;

	TRY(table_number(table, REGION_PAGES, tally->pages));
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		TRY(table_number(table, states[i].column, tally->state[states[i].state]));
	TRY(table_number(table, REGION_PRIVATE, tally->exclusive));
	TRY(table_number(table, REGION_SHARED, tally->state[STATE_PRESENT] - tally->exclusive));
	TRY(table_number(table, REGION_COW, tally->cow));
	if (!map->layout.space->zero_visible && tally->like_zero)
		return put_hidden_counts(table);
	if (tally->cow)
		table_color(table, REGION_COW, CELL_YELLOW);
	return NULL;
}

static struct error *put_region_row(struct map *map, const struct region_row *row)
{
	const struct region *region = &row->region;

	TRY(table_row(map->table));
	TRY(table_text(map->table, REGION_REGION, region->name));
	TRY(table_hex(map->table, REGION_START, region->range.start));
	TRY(table_hex(map->table, REGION_END, region->range.end));
	if (region->file)
		TRY(table_hex(map->table, REGION_OFFSET, offset_of(region, region->range.start)));
	TRY(put_place(map->table, region, REGION_PERMS, REGION_OBJECT));
	return put_counts(map, &row->tally);
}

/* A count for the summary: pages, or bytes with --bytes. */
static unsigned long long amount(const struct map *map, uint64_t pages)
{
	const struct table_options *options = &map->invocation->table;

	return options->bytes ? pages << options->page_shift : pages;
}

static void print_summary(const struct map *map, const struct tally *total)
{
	static const struct {
		enum page_state state;
		const char *of;
	} parts[] = {{STATE_ZERO, "of the zero page"},
		     {STATE_SWAPPED, "swapped"},
		     {STATE_IN_FILE, "still in their files"},
		     {STATE_UNTOUCHED, "untouched"},
		     {STATE_GUARD, "guard"},
		     {STATE_MIGRATING, "migrating"},
		     {STATE_SPECIAL, "special"}};
	uint64_t present = total->state[STATE_PRESENT];

	prose_printf("\n%llu %s of process %d: %llu present (%llu private, %llu shared)",
		     amount(map, total->pages), map->invocation->table.bytes ? "bytes" : "pages",
		     (int)map->layout.space->pid, amount(map, present),
		     amount(map, total->exclusive), amount(map, present - total->exclusive));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (total->state[parts[i].state])
			prose_printf(", %llu %s", amount(map, total->state[parts[i].state]),
				     parts[i].of);
	}
	prose_printf(".\n");
}

/* Everything is counted before anything is printed: a process that ends midway gives no rows. */
static struct error *map_regions(struct map *map)
{
	VEC(struct region_row) rows = {0};
	struct tally total = {0};
	struct error *error = NULL;

	for (size_t i = 0; !error && i < map->layout.regions.count; i++) {
		struct region_row row = {0};

		if (!region_select(&map->layout.regions.items[i], &map->selection, &row.region))
			continue;
		error = tally_region(&map->layout, &row.region, &row.tally);
		tally_add(&total, &row.tally);
		if (!error)
			error = vec_push(&rows, row);
	}
	if (!error)
		error = space_check_alive(map->layout.space);
	for (size_t i = 0; !error && i < rows.count; i++)
		error = put_region_row(map, &rows.items[i]);
	if (!error)
		error = table_finish(map->table);
	if (!error && rows.count == 0)
		error = nothing_selected(&map->layout, &map->selection);
	else if (!error && map->invocation->table.format == FORMAT_TABLE &&
		 !map->invocation->table.noheadings)
		print_summary(map, &total);
	vec_deinit(&rows);
	return error;
}

/* --- a row a run -------------------------------------------------------------------------- */

static const struct {
	uint64_t bit;
	const char *name;
} word_flags[] = {
	{PAGEMAP_FILE, "file"},
	{PAGEMAP_EXCLUSIVE, "exclusive"},
	{PAGEMAP_SOFT_DIRTY, "soft-dirty"},
	{PAGEMAP_UFFD_WP, "uffd-wp"},
};

static struct error *put_flags(struct table *table, const struct run *run)
{
	char text[1024];
	size_t used = 0;

	if (!table_wants(table, PAGES_FLAGS))
		return NULL;
	*text = '\0';
	for (size_t i = 0; i < sizeof(word_flags) / sizeof(word_flags[0]); i++) {
		if (run->word & word_flags[i].bit)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
						 used ? "," : "", word_flags[i].name);
	}
	if (run->has_frame && run->frame.flags) {
		if (used)
			text[used++] = ',';
		kpage_flags_text(run->frame.flags, text + used, sizeof(text) - used);
	}
	return table_text(table, PAGES_FLAGS, *text ? text : NULL);
}

static enum cell_color state_color(enum page_state state)
{
	static const enum cell_color colors[STATE_COUNT] = {
		[STATE_PRESENT] = CELL_GREEN, [STATE_ZERO] = CELL_CYAN,
		[STATE_SWAPPED] = CELL_RED,   [STATE_UNTOUCHED] = CELL_DIM,
		[STATE_IN_FILE] = CELL_DIM,
	};

	return colors[state];
}

static struct error *put_frame(struct map *map, const struct run *run)
{
	struct table *table = map->table;

	if (!(run->word & PAGEMAP_PRESENT))
		return NULL;
	if (!map->layout.space->pfns_visible) {
		TRY(table_hidden(table, PAGES_MAPPERS, "hidden"));
		return table_hidden(table, PAGES_PFN, "hidden");
	}
	TRY(table_hex(table, PAGES_PFN, run->word & PAGEMAP_PFN));
	if (!table_wants(table, PAGES_MAPPERS))
		return NULL;
	return run->has_frame ? table_number(table, PAGES_MAPPERS, run->frame.mappers)
			      : table_hidden(table, PAGES_MAPPERS, "hidden");
}

/* Columns of what only the page tables know, and the bits of an entry behind each. */
static const struct {
	size_t column;
	unsigned bits;
} entry_columns[] = {
	{PAGES_PTE, ENTRY_ACCESS},
	{PAGES_ACCESSED, ENTRY_ACCESSED},
	{PAGES_DIRTY, ENTRY_DIRTY},
	{PAGES_SOFT_DIRTY, ENTRY_SOFT_DIRTY},
};

enum { ENTRY_COLUMNS = sizeof(entry_columns) / sizeof(entry_columns[0]) };

static struct error *put_entry(struct table *table, const struct run *run)
{
	char access[8];

	if (!run->has_entry)
		return NULL;
	entry_access_text(run->bits, access);
	TRY(table_text(table, PAGES_PTE, access));
	for (size_t i = 1; i < ENTRY_COLUMNS; i++)
		TRY(table_bool(table, entry_columns[i].column, run->bits & entry_columns[i].bits));
	return table_text(table, PAGES_SIZE, page_table_size_text(run->shift));
}

/* Opens the page tables where a column asks for them; without them those columns are empty. */
static void ask_for_entries(const struct map *map, struct page_table *page_table,
			    struct run_options *options)
{
	options->size = table_wants(map->table, PAGES_SIZE);
	for (size_t i = 0; i < ENTRY_COLUMNS; i++)
		options->bits |= table_wants(map->table, entry_columns[i].column)
					 ? entry_columns[i].bits
					 : 0;
	if (!options->size && !options->bits)
		return;
	_cleanup_error_ struct error *error =
		physical_error(map->invocation, space_page_table(map->layout.space, page_table));
	if (error && strcmp(map->invocation->source, "none") != 0)
		invocation_warn(map->invocation, "what only the page tables tell is left empty: %s",
				error_message(error));
	options->table = error ? NULL : page_table;
}

/* What tells two runs apart that are alike: where they are, here and in RAM. */
static struct error *put_where(struct map *map, const struct run *run)
{
	struct table *table = map->table;
	uint64_t address = run->vpn << map->layout.space->target->page_shift;

	TRY(table_hex(table, PAGES_VADDR, address));
	TRY(table_hex(table, PAGES_VPN, run->vpn));
	TRY(table_number(table, PAGES_PAGES, run->pages));
	if (run->region->file)
		TRY(table_hex(table, PAGES_OFFSET, offset_of(run->region, address)));
	return put_frame(map, run);
}

static struct error *put_run(void *argument, const struct run *run)
{
	struct map *map = argument;
	struct table *table = map->table;

	if (run->alike) {
		TRY(table_row_again(table));
		return put_where(map, run);
	}
	TRY(table_row(table));
	TRY(put_where(map, run));
	TRY(table_text(table, PAGES_STATE, page_state_name(run->state)));
	table_color(table, PAGES_STATE, state_color(run->state));
	TRY(table_bool(table, PAGES_COW, run->cow));
	TRY(table_text(table, PAGES_REGION, run->region->name));
	TRY(put_place(table, run->region, PAGES_PERMS, PAGES_OBJECT));
	TRY(put_entry(table, run));
	return put_flags(table, run);
}

/* What of the columns asked for this user may not see: one line each, before the table. */
static void explain_hidden(const struct map *map, struct run_options *options)
{
	struct target *target = map->layout.space->target;
	uint64_t frame = 0;
	struct frame ignored;

	if (!map->layout.space->pfns_visible) {
		if (table_wants(map->table, PAGES_PFN) || options->frames)
			invocation_warn(map->invocation, PFNS_HIDDEN);
		return;
	}
	if (!options->frames)
		return;
	_cleanup_error_ struct error *error = target_frames(target, &frame, 1, &ignored);
	if (error) {
		invocation_warn(map->invocation, "what the kernel says of frames is hidden: %s",
				error_message(error));
		options->frames = false;
	}
}

static struct error *map_pages(struct map *map)
{
	bool flags = table_wants(map->table, PAGES_FLAGS);
	struct run_options options = {.words = flags,
				      .frames = flags || table_wants(map->table, PAGES_MAPPERS)};

	struct page_table page_table;
	size_t selected = 0;

	explain_hidden(map, &options);
	ask_for_entries(map, &page_table, &options);
	for (size_t i = 0; i < map->layout.regions.count; i++) {
		struct region region;

		if (!region_select(&map->layout.regions.items[i], &map->selection, &region))
			continue;
		TRY(runs_of_region(&map->layout, &region, &options, put_run, map));
		selected++;
	}
	TRY(space_check_alive(map->layout.space));
	TRY(table_finish(map->table));
	return selected ? NULL : nothing_selected(&map->layout, &map->selection);
}

/* --- the command -------------------------------------------------------------------------- */

static const struct {
	const struct table_spec *table;
	struct error *(*show)(struct map *map);
} forms[] = {
	[ROWS_OBJECTS] = {&map_object_table, map_objects},
	[ROWS_REGIONS] = {&region_table, map_regions},
	[ROWS_RUNS] = {&pages_table, map_pages},
};

static struct error *map_space(struct map *map, struct space *space)
{
	TRY(layout_init(&map->layout, space));
	if (map->layout.refused)
		invocation_warn(map->invocation,
				"%zu mapped %s may not be opened, so %s sections have no names: "
				"CAP_SYS_PTRACE or CAP_SYS_ADMIN is missing (run as root)",
				map->layout.refused, noun(map->layout.refused, "file", "files"),
				noun(map->layout.refused, "its", "their"));
	processes_explain_served(map->invocation, &map->layout, 1);
	struct error *error = forms[map->rows].show(map);
	layout_deinit(&map->layout);
	return error;
}

static struct error *map_process(struct map *map, struct target *target, const char *pid_text)
{
	struct space *space;
	pid_t pid;

	TRY(process_named(target, pid_text, &pid));
	if (map->range)
		TRY(parse_address_range(map->range, target->page_shift, &map->selection.range));
	TRY(invocation_table(map->invocation, forms[map->rows].table, &map->table));
	struct error *error = target_open_space(target, pid, &space);
	if (!error) {
		error = map_space(map, space);
		space_close(space);
	}
	table_destroy(map->table);
	return error;
}

/*
 * Who asks what is in memory gets an answer that fits the screen. A program that reads it, and who
 * asks for a part of it or for columns, gets regions.
 */
static enum map_rows rows_unsaid(const struct map *map)
{
	const struct invocation *invocation = map->invocation;
	const struct region_selection *selection = &map->selection;
	bool part = map->range || selection->name || selection->object_glob;

	if (invocation->list_columns || invocation->table.format != FORMAT_TABLE ||
	    invocation->table.columns || part)
		return ROWS_REGIONS;
	return ROWS_OBJECTS;
}

static int run(struct invocation *invocation)
{
	struct map map = {.invocation = invocation, .rows = ROWS_UNSAID};
	struct target *target;

	if (parse_options(&map, invocation) < 0)
		return invocation->status;
	if (map.rows == ROWS_UNSAID)
		map.rows = rows_unsaid(&map);
	if (invocation->list_columns) {
		table_list_columns(forms[map.rows].table, stdout, "");
		return EXIT_DONE;
	}
	if (invocation->argument_count != 1)
		return invocation_misused(invocation, "one process ID is needed");
	struct error *error = invocation_target(invocation, &target);
	if (!error) {
		error = map_process(&map, target, invocation->arguments[0]);
		invocation_target_end(invocation, target);
	}
	return error ? invocation_fail(invocation, error) : EXIT_DONE;
}

const struct command command_map = {
	.name = "map",
	.summary = "show where every page of a process is",
	.synopsis = "[options] PID",
	.description =
		"Show where every page of a process is: in which frame of RAM, in swap, "
		"still in its\n"
		"file, or nowhere yet. A row an object (program, library, heap, …) in sizes, "
		"the largest\n"
		"first; with --regions a row a region (an area, cut where the sections of "
		"its ELF file\n"
		"change) in pages, as also with -J, -r, -o, --range, --region and --object; "
		"with --pages\n"
		"a row a run of like pages.",
	.options = map_options,
	.option_count = sizeof(map_options) / sizeof(map_options[0]),
	.tables = (const struct table_spec *const[]){&region_table, &map_object_table, &pages_table,
						     NULL},
	.run = run,
	.processes = 1,
};
