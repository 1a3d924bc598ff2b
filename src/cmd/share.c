// SPDX-License-Identifier: GPL-2.0-or-later
/* physlens share: which frames processes share, and what is private to each and why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/share.h"
#include "base/scope.h"
#include "cmd/commands.h"
#include "cmd/naming.h"
#include "cmd/processes.h"
#include "ui/prose.h"

/* --- columns ------------------------------------------------------------------------------ */

enum {
	COL_REGION,
	COL_PID,
	COL_COMMAND,
	COL_VADDR,
	COL_PERMS,
	COL_FRAMES,
	COL_PRESENT,
	COL_SHARED,
	COL_COMMON,
	COL_PRIVATE,
	COL_WHY,
	COL_OBJECT,
};

static const struct column columns[] = {
	[COL_REGION] = {"REGION", CELL_TEXT, 0, COLUMN_TREE,
			"what is there: .text, .bss, heap, stack, …"},
	[COL_PID] = {"PID", CELL_NUMBER, 0, 0, "process; empty in the row of all of them"},
	[COL_COMMAND] = {"COMMAND", CELL_TEXT, 0, COLUMN_YIELDS(6), "its name"},
	[COL_VADDR] = {"VADDR", CELL_HEX, 0, COLUMN_YIELDS(5), "where it has the region"},
	[COL_PERMS] = {"PERMS", CELL_TEXT, 0, COLUMN_YIELDS(6),
		       "of the area: rwx, then p private, s shared"},
	[COL_FRAMES] = {"FRAMES", CELL_PAGES, 0, 0, "distinct frames of all the processes"},
	[COL_PRESENT] = {"PRESENT", CELL_PAGES, 0, COLUMN_YIELDS(2),
			 "pages that a frame of RAM is behind"},
	[COL_SHARED] = {"SHARED", CELL_PAGES, 0, 0,
			"of them: mapped by more than one of the processes"},
	[COL_COMMON] = {"COMMON", CELL_PAGES, 0, COLUMN_YIELDS(4),
			"of them: mapped by all of the processes"},
	[COL_PRIVATE] = {"PRIVATE", CELL_PAGES, 0, 0,
			 "of them: mapped by none of the other processes"},
	[COL_WHY] = {"WHY", CELL_TEXT, 0, COLUMN_YIELDS(3),
		     "why they are private, with the number of pages"},
	[COL_OBJECT] = {"OBJECT", CELL_TEXT, 0, COLUMN_ELASTIC,
			"the mapped file, or the kernel's name"},
};

static const struct table_spec region_table = {
	.name = "share",
	.title = "share",
	.columns = columns,
	.count = sizeof(columns) / sizeof(columns[0]),
	.defaults = "REGION,PID,VADDR,FRAMES,PRESENT,SHARED,COMMON,PRIVATE,WHY,OBJECT",
};

enum {
	PAGES_PFN,
	PAGES_PAGES,
	PAGES_PROCESSES,
	PAGES_PID,
	PAGES_COMMAND,
	PAGES_VADDR,
	PAGES_REGION,
	PAGES_OBJECT,
	PAGES_OFFSET,
};

static const struct column pages_columns[] = {
	[PAGES_PFN] = {"PFN", CELL_HEX, 8, 0, "the first frame; the next ones follow"},
	[PAGES_PAGES] = {"PAGES", CELL_PAGES, 6, 0, "frames in the row"},
	[PAGES_PROCESSES] = {"PROCESSES", CELL_NUMBER, 9, 0, "how many of the processes map them"},
	[PAGES_PID] = {"PID", CELL_NUMBER, 7, 0, "process"},
	[PAGES_COMMAND] = {"COMMAND", CELL_TEXT, 15, 0, "its name"},
	[PAGES_VADDR] = {"VADDR", CELL_HEX, 14, 0, "where it maps the first frame"},
	[PAGES_REGION] = {"REGION", CELL_TEXT, 10, 0, "what is there: .text, heap, …"},
	[PAGES_OBJECT] = {"OBJECT", CELL_TEXT, 0, COLUMN_ELASTIC,
			  "the mapped file, or the kernel's name"},
	[PAGES_OFFSET] = {"OFFSET", CELL_HEX, 8, COLUMN_YIELDS(5),
			  "in the mapped file; empty: no file"},
};

static const struct table_spec pages_table = {
	.name = "share",
	.title = "share --pages",
	.columns = pages_columns,
	.count = sizeof(pages_columns) / sizeof(pages_columns[0]),
	.defaults = "PFN,PAGES,PROCESSES,PID,VADDR,REGION,OFFSET,OBJECT",
	.streaming = true,
};

/* --- options ------------------------------------------------------------------------------ */

enum { OPTION_REGION = OPTION_LONG, OPTION_OBJECT };

static const struct command_option options[] = {
	PROCESS_FILTER_OPTIONS,
	{'p', "pages", NULL, "a row a run of frames and process that maps it"},
	{OPTION_REGION, "region", "NAME", "only regions of this name (.text, heap, …)"},
	{OPTION_OBJECT, "object", "GLOB", "only objects whose path or file name matches"},
	{'f', "freeze", "[=SECONDS]", "hold the processes still while they are read"},
};

struct sharer {
	struct invocation *invocation;
	struct target *target;
	struct process_filter filter;
	bool pages;
	bool freeze;
	struct region_selection selection;
	process_vec processes;
	struct freeze held;
	struct index index;
	struct space **spaces;  /* by space number */
	struct layout *layouts; /* the same */
	struct share share;
	struct table *table;
	size_t missing; /* processes that were asked for and are not shown */
};

static int parse_options(struct sharer *s, struct invocation *invocation)
{
	struct error *error = NULL;
	int key = 0;

	while (!error && (key = invocation_option(invocation)) > 0) {
		switch (key) {
		case 'p':
			s->pages = true;
			break;
		case OPTION_REGION:
			s->selection.name = invocation->argument;
			break;
		case OPTION_OBJECT:
			s->selection.object_glob = invocation->argument;
			break;
		case 'f':
			s->freeze = true;
			error = processes_freeze_option(invocation->argument, &s->held);
			break;
		default:
			process_filter_option(&s->filter, key, invocation->argument);
		}
	}
	if (!error)
		return key;
	invocation->status = invocation_fail(invocation, error);
	return -1;
}

/* --- the processes ------------------------------------------------------------------------- */

static bool is_chosen(const struct sharer *s, pid_t pid)
{
	for (size_t i = 0; i < s->index.spaces.count; i++) {
		if (s->index.spaces.items[i].pid == pid)
			return true;
	}
	return false;
}

/* One that cannot be read is named, and the others are shown. */
static struct error *choose(struct sharer *s, pid_t pid)
{
	struct space *space;

	if (is_chosen(s, pid)) {
		invocation_warn(s->invocation, "process %d was given twice", (int)pid);
		return NULL;
	}
	struct error *error = target_open_space(s->target, pid, &space);
	if (error_is(error, ERROR_NOMEM))
		return error;
	if (error) {
		invocation_fail(s->invocation, error);
		s->missing++;
		return NULL;
	}
	error = index_add(&s->index, pid, space->command);
	space_close(space);
	return error;
}

static struct error *choose_all(struct sharer *s)
{
	for (size_t i = 0; i < s->invocation->argument_count; i++) {
		pid_t pid;

		TRY(process_named(s->target, s->invocation->arguments[i], &pid));
		TRY(choose(s, pid));
	}
	if (!process_filter_is_set(&s->filter))
		return NULL;
	TRY(target_processes(s->target, &s->processes));
	TRY(processes_select(&s->processes, &s->filter));
	for (size_t i = 0; i < s->processes.count; i++) {
		if (!is_chosen(s, s->processes.items[i].pid))
			TRY(choose(s, s->processes.items[i].pid));
	}
	return NULL;
}

static struct error *check_distinct(struct sharer *s)
{
	size_t distinct = 0;

	for (size_t i = 0; i < s->index.spaces.count; i++) {
		const struct index_space *space = &s->index.spaces.items[i];

		distinct += space->fate == INDEX_READ;
		if (space->fate == INDEX_SAME)
			invocation_warn(s->invocation,
					"process %d has the address space of process %d: counted "
					"once",
					(int)space->pid, (int)space->same_as);
	}
	if (distinct >= 2)
		return NULL;
	return error_new(ERROR_INPUT, "at least two processes with address spaces of their own are "
				      "needed");
}

/* The areas, before the frames: of one that ends meanwhile nothing is counted. */
static struct error *read_layouts(struct sharer *s)
{
	for (size_t i = 0; i < s->index.spaces.count; i++) {
		struct index_space *one = &s->index.spaces.items[i];

		if (one->fate != INDEX_READ)
			continue;
		struct error *error = target_open_space(s->target, one->pid, &s->spaces[i]);
		if (!error)
			error = layout_read(&s->layouts[i], s->spaces[i]);
		TRY(index_settle(one, error));
	}
	return NULL;
}

/* Files are opened last: nobody is held any more, and opening one may disturb its pages. */
static struct error *name_layouts(struct sharer *s)
{
	for (size_t i = 0; i < s->index.spaces.count; i++) {
		if (s->index.spaces.items[i].fate == INDEX_READ)
			TRY(layout_name(&s->layouts[i]));
	}
	processes_explain_served(s->invocation, s->layouts, s->index.spaces.count);
	return NULL;
}

static struct error *read_all(struct sharer *s)
{
	struct index_options wanted = {.spaces = s->spaces};

	TRY(index_identify(&s->index));
	if (!s->index.identity_known)
		invocation_warn(s->invocation, "whether processes share an address space cannot be "
					       "told: kcmp is missing (CONFIG_KCMP)");
	TRY(check_distinct(s));
	if (s->freeze)
		TRY(processes_freeze(&s->index, &s->held));
	struct error *error = read_layouts(s);
	if (!error)
		error = index_read(&s->index, &wanted);
	processes_release(s->invocation, &s->held);
	if (error)
		return error;
	s->missing += processes_explain(s->invocation, &s->index, true);
	TRY(check_distinct(s));
	TRY(name_layouts(s));
	TRY(index_sort(&s->index));
	return share_init(&s->share, &s->index, s->layouts, &s->selection);
}

/* --- a row a region -------------------------------------------------------------------------- */

static struct error *put_why(struct sharer *s, const struct share_part *part)
{
	char text[256] = "";

	for (int reason = 0; reason < PRIVATE_COUNT; reason++) {
		size_t used = strlen(text);

		if (part->reasons[reason])
			snprintf(text + used, sizeof(text) - used, "%s%llu %s", used ? ", " : "",
				 (unsigned long long)part->reasons[reason],
				 private_reason_name((enum private_reason)reason));
	}
	return table_text(s->table, COL_WHY, *text ? text : NULL);
}

static struct error *put_part(struct sharer *s, const struct share_part *part, size_t parent)
{
	const struct index_space *space = &s->index.spaces.items[part->space];
	struct table *table = s->table;
	char perms[5];

	vma_perms_text(part->region->vma->perms, perms);
	TRY(table_child_row(table, parent, NULL));
	TRY(table_number(table, COL_PID, (uint64_t)space->pid));
	TRY(table_text(table, COL_COMMAND, space->command));
	TRY(table_hex(table, COL_VADDR, part->region->range.start));
	TRY(table_text(table, COL_PERMS, perms));
	TRY(table_number(table, COL_PRESENT, part->present));
	TRY(table_number(table, COL_SHARED, part->shared));
	if (part->shared)
		table_color(table, COL_SHARED, CELL_GREEN);
	TRY(table_number(table, COL_PRIVATE, part->present - part->shared));
	return put_why(s, part);
}

static struct error *put_group(struct sharer *s, size_t number)
{
	const struct share_group *group = &s->share.groups.items[number];
	size_t row;

	TRY(table_child_row(s->table, TABLE_ROOT, &row));
	TRY(table_text(s->table, COL_REGION, group->name));
	TRY(table_text(s->table, COL_OBJECT, group->object));
	TRY(table_number(s->table, COL_FRAMES, group->frames));
	TRY(table_number(s->table, COL_SHARED, group->shared));
	TRY(table_number(s->table, COL_COMMON, group->common));
	for (size_t i = 0; i < s->share.parts.count; i++) {
		const struct share_part *part = &s->share.parts.items[i];

		if (part->group == number && part->present)
			TRY(put_part(s, part, row));
	}
	return NULL;
}

static void print_summary(const struct sharer *s)
{
	uint64_t present = 0, shared = 0;

	for (size_t i = 0; i < s->share.parts.count; i++) {
		present += s->share.parts.items[i].present;
		shared += s->share.parts.items[i].shared;
	}
	prose_printf("\n%zu processes have %llu %s present here; %llu of them %s in frames that "
		     "another of them maps, too.\n",
		     s->share.space_count, (unsigned long long)present,
		     noun(present, "page", "pages"), (unsigned long long)shared,
		     noun(shared, "is", "are"));
}

static struct error *show_regions(struct sharer *s)
{
	/* A region that no frame backs in any of the processes has nothing to share. */
	for (size_t i = 0; i < s->share.groups.count; i++) {
		if (s->share.groups.items[i].frames)
			TRY(put_group(s, i));
	}
	TRY(table_finish(s->table));
	if (s->invocation->table.format == FORMAT_TABLE && !s->invocation->table.noheadings)
		print_summary(s);
	return NULL;
}

/* --- a row a run of frames -------------------------------------------------------------------- */

static struct error *put_mapper(struct sharer *s, const struct share_piece *piece, size_t i)
{
	const struct index_mapper *mapper = &piece->mappers[i];
	const struct region *region = piece->parts[i]->region;
	const struct index_space *space = &s->index.spaces.items[mapper->space];
	uint64_t address = (mapper->vpn + piece->offset) << s->target->page_shift;
	struct table *table = s->table;

	TRY(table_row(table));
	TRY(table_hex(table, PAGES_PFN, piece->pfn));
	TRY(table_number(table, PAGES_PAGES, piece->pages));
	TRY(table_number(table, PAGES_PROCESSES, piece->spaces));
	TRY(table_number(table, PAGES_PID, (uint64_t)space->pid));
	TRY(table_text(table, PAGES_COMMAND, space->command));
	TRY(table_hex(table, PAGES_VADDR, address));
	TRY(table_text(table, PAGES_REGION, region->name));
	TRY(table_text(table, PAGES_OBJECT, region->object));
	if (!region->file)
		return NULL;
	return table_hex(table, PAGES_OFFSET,
			 address - region->vma->range.start + region->vma->offset);
}

/* Whether mapper `a` comes before `b`: by process, then by address. */
static bool is_before(const struct index_mapper *a, const struct index_mapper *b)
{
	return a->space != b->space ? a->space < b->space : a->vpn < b->vpn;
}

/* In order: of those behind the last one put, the first. */
static struct error *put_piece(void *argument, const struct share_piece *piece)
{
	const struct index_mapper *last = NULL;

	for (;;) {
		size_t best = piece->count;

		for (size_t i = 0; i < piece->count; i++) {
			const struct index_mapper *m = &piece->mappers[i];

			if (piece->parts[i] && (!last || is_before(last, m)) &&
			    (best == piece->count || is_before(m, &piece->mappers[best])))
				best = i;
		}
		if (best == piece->count)
			return NULL;
		last = &piece->mappers[best];
		TRY(put_mapper(argument, piece, best));
	}
}

/* --- the command -------------------------------------------------------------------------- */

static struct error *show(struct sharer *s)
{
	if (s->share.lost && !s->selection.name && !s->selection.object_glob)
		invocation_warn(s->invocation,
				"%llu %s not shown: what they were in was unmapped while it was "
				"read (see --freeze)",
				(unsigned long long)s->share.lost,
				noun(s->share.lost, "page is", "pages are"));
	if (s->share.groups.count == 0 && (s->selection.name || s->selection.object_glob))
		return nothing_selected(&s->layouts[0], &s->selection);
	if (!s->pages)
		return show_regions(s);
	TRY(share_walk(&s->share, put_piece, s));
	return table_finish(s->table);
}

static struct error *share_in_target(struct sharer *s)
{
	TRY(choose_all(s));
	TRY(invocation_table(s->invocation, s->pages ? &pages_table : &region_table, &s->table));
	s->spaces = calloc(s->index.spaces.count + 1, sizeof(struct space *));
	s->layouts = calloc(s->index.spaces.count + 1, sizeof(struct layout));
	if (!s->spaces || !s->layouts)
		return error_nomem();
	TRY(read_all(s));
	return show(s);
}

static void sharer_deinit(struct sharer *s)
{
	freeze_deinit(&s->held);
	table_destroy(s->table);
	share_deinit(&s->share);
	for (size_t i = 0; s->layouts && i < s->index.spaces.count; i++)
		layout_deinit(&s->layouts[i]);
	for (size_t i = 0; s->spaces && i < s->index.spaces.count; i++)
		space_close(s->spaces[i]);
	free(s->layouts);
	free(s->spaces);
	index_deinit(&s->index);
	vec_deinit(&s->processes);
	invocation_target_end(s->invocation, s->target);
}

static int run(struct invocation *invocation)
{
	struct sharer s = {.invocation = invocation};

	if (parse_options(&s, invocation) < 0)
		return invocation->status;
	if (invocation->list_columns) {
		table_list_columns(s.pages ? &pages_table : &region_table, stdout, "");
		return EXIT_DONE;
	}
	if (invocation->argument_count == 0 && !process_filter_is_set(&s.filter))
		return invocation_misused(invocation, "two or more process IDs are needed");
	struct error *error = invocation_target(invocation, &s.target);
	if (error)
		return invocation_fail(invocation, error);
	index_init(&s.index, s.target);
	error = s.target->pfns_visible ? share_in_target(&s) : error_new(ERROR_DENIED, PFNS_HIDDEN);
	sharer_deinit(&s);
	if (error)
		return invocation_fail(invocation, error);
	return s.missing ? EXIT_CANNOT : EXIT_DONE;
}

const struct command command_share = {
	.name = "share",
	.summary = "show which frames processes share, and what is private and why",
	.synopsis = "[options] PID PID …|--name REGEX|--cgroup GLOB|--container ID",
	.description = "Show for each object and region which frames of RAM back it in the given "
		       "processes: how\n"
		       "many there are, and how many of them more than one process maps, or all "
		       "of them. Below\n"
		       "it a row for each process, with its own virtual address, what it shares, "
		       "what it has\n"
		       "alone, and why.",
	.options = options,
	.option_count = sizeof(options) / sizeof(options[0]),
	.tables = (const struct table_spec *const[]){&region_table, &pages_table, NULL},
	.run = run,
	.processes = SIZE_MAX,
};
