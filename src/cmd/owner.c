// SPDX-License-Identifier: GPL-2.0-or-later
/* physlens owner: who maps a frame, where, and what the kernel says it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/frames.h"
#include "analysis/layout.h"
#include "base/io.h"
#include "base/scope.h"
#include "cmd/commands.h"
#include "cmd/naming.h"
#include "cmd/processes.h"
#include "proc/cgroup.h"
#include "proc/kpage.h"

/* --- columns ------------------------------------------------------------------------------ */

enum {
	COL_PFN,
	COL_PADDR,
	COL_KIND,
	COL_PID,
	COL_COMMAND,
	COL_VADDR,
	COL_PERMS,
	COL_REGION,
	COL_OFFSET,
	COL_OBJECT,
	COL_MAPPERS,
	COL_COUNTED,
	COL_FLAGS,
	COL_ORDER,
	COL_HEAD,
	COL_CGROUP,
	COL_RESOURCE,
	COL_NODE,
};

static const struct column columns[] = {
	[COL_PFN] = {"PFN", CELL_HEX, 8, 0, "the frame"},
	[COL_PADDR] = {"PADDR", CELL_HEX, 11, 0, "its physical address"},
	[COL_KIND] = {"KIND", CELL_TEXT, 10, 0,
		      "what it is: anon, file, slab, free, hole, device, …"},
	[COL_PID] = {"PID", CELL_NUMBER, 7, 0, "who maps it; empty: nobody"},
	[COL_COMMAND] = {"COMMAND", CELL_TEXT, 15, 0, "the name of the process"},
	[COL_VADDR] = {"VADDR", CELL_HEX, 14, 0, "where it maps the frame"},
	[COL_PERMS] = {"PERMS", CELL_TEXT, 0, 0, "of the area: rwx, then p private, s shared"},
	[COL_REGION] = {"REGION", CELL_TEXT, 8, COLUMN_YIELDS(7),
			"what is there: .text, heap, stack, …"},
	[COL_OFFSET] = {"OFFSET", CELL_HEX, 8, COLUMN_YIELDS(8), "of the page, in the mapped file"},
	[COL_OBJECT] = {"OBJECT", CELL_TEXT, 0, COLUMN_ELASTIC,
			"the mapped file, or the kernel's name"},
	[COL_MAPPERS] = {"MAPPERS", CELL_NUMBER, 0, 0,
			 "page-table entries that point at it, as found"},
	[COL_COUNTED] = {"COUNTED", CELL_NUMBER, 0, 0,
			 "the same as the kernel counts; on some kernels an estimate"},
	[COL_FLAGS] = {"FLAGS", CELL_TEXT, 40, COLUMN_YIELDS(9),
		       "flags of the frame by name; unknown ones as bitN"},
	[COL_ORDER] = {"ORDER", CELL_NUMBER, 0, 0,
		       "its folio has 2^ORDER frames; empty: a single one"},
	[COL_HEAD] = {"HEAD", CELL_HEX, 0, 0, "first frame of its folio"},
	[COL_CGROUP] = {"CGROUP", CELL_TEXT, 0, 0, "memory cgroup that it is charged to"},
	[COL_RESOURCE] = {"RESOURCE", CELL_TEXT, 0, 0, "what /proc/iomem has at its address"},
	[COL_NODE] = {"NODE", CELL_NUMBER, 0, 0, "its NUMA node"},
};

static const struct table_spec table_spec = {
	.name = "owner",
	.title = "owner",
	.columns = columns,
	.count = sizeof(columns) / sizeof(columns[0]),
	.defaults =
		"PFN,PADDR,KIND,PID,COMMAND,VADDR,PERMS,REGION,OFFSET,OBJECT,MAPPERS,COUNTED,FLAGS,"
		"ORDER,HEAD,CGROUP,RESOURCE,NODE",
	.screen = "PFN,KIND,PID,COMMAND,VADDR,REGION,OFFSET,OBJECT,FLAGS",
	.streaming = true,
};

/* --- options ------------------------------------------------------------------------------ */

enum { OPTION_PADDR = OPTION_LONG, OPTION_PROCESS, OPTION_REGION, OPTION_OBJECT };

static const struct command_option options[] = {
	{OPTION_PADDR, "paddr", NULL, "the arguments are physical addresses, not frame numbers"},
	{OPTION_PROCESS, "process", "PID", "the frames of this process"},
	{OPTION_REGION, "region", "NAME",
	 "of them, those of regions of this name (.text, heap, …)"},
	{OPTION_OBJECT, "object", "GLOB", "of them, those of objects whose path or name matches"},
	{'f', "freeze", "[=SECONDS]", "hold all processes still while they are read"},
};

/* One mapper of one frame. */
struct mapper {
	uint64_t pfn;
	uint64_t vpn;
	size_t space;
};

/* Where the pages of a process are, opened when the first of them is shown. */
struct place {
	struct space *space;
	struct layout layout;
	bool opened;
};

struct owner {
	struct invocation *invocation;
	struct target *target;
	bool physical;
	bool freeze;
	const char *process;
	struct region_selection selection;
	struct place wanted;      /* of --process */
	VEC(uint64_t) pfns;       /* wanted, in the order asked for */
	VEC(struct range) ranges; /* the same, ascending and merged */
	process_vec processes;
	struct freeze held;
	struct index index;
	VEC(struct mapper) mappers; /* ascending by frame, space, address */
	struct place *places;       /* by space number */
	struct cgroups cgroups;
	struct table *table;
};

static int parse_options(struct owner *o, struct invocation *invocation)
{
	struct error *error = NULL;
	int key = 0;

	while (!error && (key = invocation_option(invocation)) > 0) {
		switch (key) {
		case OPTION_PADDR:
			o->physical = true;
			break;
		case OPTION_PROCESS:
			o->process = invocation->argument;
			break;
		case OPTION_REGION:
			o->selection.name = invocation->argument;
			break;
		case OPTION_OBJECT:
			o->selection.object_glob = invocation->argument;
			break;
		case 'f':
			o->freeze = true;
			error = processes_freeze_option(invocation->argument, &o->held);
			break;
		}
	}
	if (!error)
		return key;
	invocation->status = invocation_fail(invocation, error);
	return -1;
}

/* --- which frames --------------------------------------------------------------------------- */

static struct error *parse_frame(const struct owner *o, const char *text, uint64_t *pfn)
{
	if (!parse_hex(text, pfn))
		return error_new(ERROR_INPUT, "not a %s (hexadecimal): %s",
				 o->physical ? "physical address" : "frame number", text);
	if (o->physical)
		*pfn >>= o->target->page_shift;
	return NULL;
}

/* "4711" is hexadecimal here, as frames are everywhere: who meant a process hears of it. */
static void warn_of_processes(const struct owner *o)
{
	for (size_t i = 0; i < o->invocation->argument_count; i++) {
		const char *text = o->invocation->arguments[i];
		char taken[64], instead[64];

		snprintf(taken, sizeof(taken), "the %s 0x%.20s",
			 o->physical ? "physical address" : "frame", text);
		snprintf(instead, sizeof(instead), "owner --process %.20s", text);
		warn_also_process(o->invocation, text, taken, instead);
	}
}

static struct error *take_words(void *argument, const struct region *region, uint64_t vpn,
				const uint64_t *words, size_t count)
{
	struct owner *o = argument;

	(void)region;
	(void)vpn;
	for (size_t i = 0; i < count; i++) {
		if (words[i] & PAGEMAP_PRESENT)
			TRY(vec_push(&o->pfns, words[i] & PAGEMAP_PFN));
	}
	return NULL;
}

static struct error *pass_empty(void *argument, const struct region *region, uint64_t vpn,
				uint64_t end)
{
	(void)argument;
	(void)region;
	(void)vpn;
	(void)end;
	return NULL;
}

static struct error *frames_of_process(struct owner *o)
{
	const struct layout *layout = &o->wanted.layout;
	struct region_sink sink = {take_words, pass_empty, o};
	bool any = false;

	TRY(space_require_pfns(layout->space));
	for (size_t i = 0; i < layout->regions.count; i++) {
		struct region region;

		if (!region_select(&layout->regions.items[i], &o->selection, &region))
			continue;
		any = true;
		TRY(region_walk(&o->wanted.layout, &region, &sink));
	}
	if (!any)
		return nothing_selected(layout, &o->selection);
	return space_check_alive(layout->space);
}

/* Reads files, and a file system may be a process: so before they are held still. */
static struct error *open_process(struct owner *o)
{
	pid_t pid;

	if (!o->process)
		return NULL;
	TRY(process_named(o->target, o->process, &pid));
	TRY(target_open_space(o->target, pid, &o->wanted.space));
	TRY(layout_init(&o->wanted.layout, o->wanted.space));
	processes_explain_served(o->invocation, &o->wanted.layout, 1);
	return NULL;
}

static struct error *choose_frames(struct owner *o)
{
	for (size_t i = 0; i < o->invocation->argument_count; i++) {
		uint64_t pfn;

		TRY(parse_frame(o, o->invocation->arguments[i], &pfn));
		TRY(vec_push(&o->pfns, pfn));
	}
	return o->process ? frames_of_process(o) : NULL;
}

static int compare_numbers(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* Sorted, each once; and as ranges, for the index. */
static struct error *sort_frames(struct owner *o)
{
	size_t kept = 0;

	if (o->pfns.count)
		qsort(o->pfns.items, o->pfns.count, sizeof(*o->pfns.items), compare_numbers);
	for (size_t i = 0; i < o->pfns.count; i++) {
		uint64_t pfn = o->pfns.items[i];
		struct range *last = o->ranges.count ? &o->ranges.items[o->ranges.count - 1] : NULL;

		if (kept && o->pfns.items[kept - 1] == pfn)
			continue;
		o->pfns.items[kept++] = pfn;
		if (last && last->end == pfn)
			last->end++;
		else if (pfn < UINT64_MAX)
			TRY(vec_push(&o->ranges, ((struct range){pfn, pfn + 1})));
	}
	o->pfns.count = kept;
	return NULL;
}

/* --- who maps them ---------------------------------------------------------------------------- */

static int compare_mappers(const void *left, const void *right)
{
	const struct mapper *a = left, *b = right;

	if (a->pfn != b->pfn)
		return a->pfn < b->pfn ? -1 : 1;
	if (a->space != b->space)
		return a->space < b->space ? -1 : 1;
	return (a->vpn > b->vpn) - (a->vpn < b->vpn);
}

static struct error *list_span(void *argument, const struct index_span *span)
{
	struct owner *o = argument;

	for (size_t i = 0; i < span->count; i++) {
		const struct index_mapper *m = &span->mappers[i];

		for (uint64_t j = 0; j < span->pages; j++)
			TRY(vec_push(&o->mappers,
				     ((struct mapper){span->pfn + j, m->vpn + j, m->space})));
	}
	return NULL;
}

static struct error *list_mappers(struct owner *o)
{
	TRY(index_sort(&o->index));
	TRY(index_walk(&o->index, list_span, o));
	if (o->mappers.count)
		qsort(o->mappers.items, o->mappers.count, sizeof(*o->mappers.items),
		      compare_mappers);
	return NULL;
}

static struct error *find_mappers(struct owner *o)
{
	/* An empty list of ranges is not NULL, which would mean all frames. */
	static const struct range none;
	struct index_options wanted = {.flags = INDEX_VMAS,
				       .frames = o->ranges.items ? o->ranges.items : &none,
				       .frame_count = o->ranges.count};

	TRY(processes_add(&o->index, &o->processes));
	TRY(index_identify(&o->index));
	TRY(index_read(&o->index, &wanted));
	processes_release(o->invocation, &o->held);
	processes_explain_hidden(o->invocation);
	processes_explain(o->invocation, &o->index, geteuid() == 0);
	return list_mappers(o);
}

/* --- rows --------------------------------------------------------------------------------------
 */

/* The region of a page now; NULL when the process, or the area, has gone since it was read. */
static struct error *find_region(struct owner *o, const struct mapper *mapper,
				 const struct region **region)
{
	struct place *place = &o->places[mapper->space];
	struct error *error = NULL;

	*region = NULL;
	if (!place->opened) {
		place->opened = true;
		error = target_open_space(o->target, o->index.spaces.items[mapper->space].pid,
					  &place->space);
		if (!error)
			error = layout_init(&place->layout, place->space);
		if (!error)
			processes_explain_served(o->invocation, &place->layout, 1);
	}
	if (error_is(error, ERROR_NOMEM))
		return error;
	if (error && !error_is(error, ERROR_GONE) && !error_is(error, ERROR_LOOKUP))
		invocation_warn(o->invocation, "%s: its regions have no names",
				error_message(error));
	error_free(error);
	*region = layout_find(&place->layout, mapper->vpn << o->target->page_shift);
	return NULL;
}

static struct error *put_mapper(struct owner *o, const struct mapper *mapper)
{
	const struct index_space *space = &o->index.spaces.items[mapper->space];
	const struct vma *vma = index_vma(&o->index, mapper->space, mapper->vpn);
	uint64_t address = mapper->vpn << o->target->page_shift;
	const struct region *region = NULL;
	char perms[5];

	TRY(table_number(o->table, COL_PID, (uint64_t)space->pid));
	TRY(table_text(o->table, COL_COMMAND, space->command));
	TRY(table_hex(o->table, COL_VADDR, address));
	if (table_wants(o->table, COL_REGION) || table_wants(o->table, COL_OBJECT))
		TRY(find_region(o, mapper, &region));
	if (region) {
		TRY(table_text(o->table, COL_REGION, region->name));
		TRY(table_text(o->table, COL_OBJECT, region->object));
	} else if (vma && *vma->name) {
		TRY(table_text(o->table, COL_OBJECT, vma->name));
	}
	if (!vma)
		return NULL;
	vma_perms_text(vma->perms, perms);
	TRY(table_text(o->table, COL_PERMS, perms));
	if (!vma->inode)
		return NULL;
	return table_hex(o->table, COL_OFFSET, address - vma->range.start + vma->offset);
}

static struct error *put_cgroup(struct owner *o, const struct frame_facts *facts)
{
	const char *path = cgroups_find(&o->cgroups, facts->cgroup);
	char inode[32];

	if (!facts->has_cgroup)
		return table_hidden(o->table, COL_CGROUP, "hidden");
	if (facts->cgroup == 0)
		return NULL;
	snprintf(inode, sizeof(inode), "inode %llu", (unsigned long long)facts->cgroup);
	return table_text(o->table, COL_CGROUP, path ? path : inode);
}

static struct error *put_flags(struct owner *o, const struct frame_facts *facts)
{
	char text[1024];

	if (!facts->has_flags) {
		TRY(table_hidden(o->table, COL_FLAGS, "hidden"));
		return table_hidden(o->table, COL_COUNTED, "hidden");
	}
	kpage_flags_text(facts->flags, text, sizeof(text));
	TRY(table_text(o->table, COL_FLAGS, *text ? text : NULL));
	TRY(table_number(o->table, COL_COUNTED, facts->counted));
	if (!facts->has_order)
		return NULL;
	TRY(table_number(o->table, COL_ORDER, facts->order));
	return table_hex(o->table, COL_HEAD, facts->head);
}

static struct error *put_frame(struct owner *o, const struct frame_facts *facts, size_t mappers)
{
	struct table *table = o->table;

	TRY(table_row(table));
	TRY(table_hex(table, COL_PFN, facts->pfn));
	if (facts->pfn <= UINT64_MAX >> o->target->page_shift)
		TRY(table_hex(table, COL_PADDR, facts->pfn << o->target->page_shift));
	TRY(table_text(table, COL_KIND, frame_what(facts)));
	TRY(table_number(table, COL_MAPPERS, mappers));
	TRY(put_flags(o, facts));
	TRY(put_cgroup(o, facts));
	TRY(table_text(table, COL_RESOURCE, facts->resource));
	if (table_wants(table, COL_NODE) && facts->place == PLACE_RAM) {
		int node = target_node(o->target, facts->pfn);

		if (node >= 0)
			return table_number(table, COL_NODE, (uint64_t)node);
	}
	return NULL;
}

/* The mappers of `pfn` from number *next on: *next is then behind them. */
static size_t count_mappers(const struct owner *o, uint64_t pfn, size_t *next)
{
	size_t first = *next;

	while (*next < o->mappers.count && o->mappers.items[*next].pfn == pfn)
		++*next;
	return *next - first;
}

static struct error *put_rows(struct owner *o)
{
	size_t next = 0;

	for (size_t i = 0; i < o->pfns.count; i++) {
		struct frame_facts facts;
		size_t first = next, count = count_mappers(o, o->pfns.items[i], &next);

		TRY(frame_lookup(o->target, o->pfns.items[i], &facts));
		for (size_t j = 0; j < count || j == 0; j++) {
			TRY(put_frame(o, &facts, count));
			if (count)
				TRY(put_mapper(o, &o->mappers.items[first + j]));
		}
	}
	return table_finish(o->table);
}

/* --- the command -------------------------------------------------------------------------- */

static struct error *owner_in_target(struct owner *o)
{
	TRY(invocation_table(o->invocation, &table_spec, &o->table));
	TRY(open_process(o));
	warn_of_processes(o);
	if (o->freeze)
		TRY(processes_freeze_all(o->target, &o->processes, &o->held));
	else
		TRY(target_processes(o->target, &o->processes));
	TRY(choose_frames(o));
	TRY(sort_frames(o));
	TRY(find_mappers(o));
	if (table_wants(o->table, COL_CGROUP))
		TRY(cgroups_load(&o->cgroups));
	o->places = calloc(o->index.spaces.count + 1, sizeof(*o->places));
	return o->places ? put_rows(o) : error_nomem();
}

static void place_deinit(struct place *place)
{
	layout_deinit(&place->layout);
	space_close(place->space);
}

static void owner_deinit(struct owner *o)
{
	freeze_deinit(&o->held);
	table_destroy(o->table);
	for (size_t i = 0; o->places && i < o->index.spaces.count; i++)
		place_deinit(&o->places[i]);
	place_deinit(&o->wanted);
	free(o->places);
	cgroups_deinit(&o->cgroups);
	vec_deinit(&o->mappers);
	vec_deinit(&o->pfns);
	vec_deinit(&o->ranges);
	vec_deinit(&o->processes);
	index_deinit(&o->index);
	invocation_target_end(o->invocation, o->target);
}

static int run(struct invocation *invocation)
{
	struct owner o = {.invocation = invocation};

	if (parse_options(&o, invocation) < 0)
		return invocation->status;
	if (invocation->list_columns) {
		table_list_columns(&table_spec, stdout, "");
		return EXIT_DONE;
	}
	if (invocation->argument_count == 0 && !o.process)
		return invocation_misused(invocation, "a frame number is needed, or --process");
	if ((o.selection.name || o.selection.object_glob) && !o.process)
		return invocation_misused(invocation, "--region and --object need --process");
	struct error *error = invocation_target(invocation, &o.target);
	if (error)
		return invocation_fail(invocation, error);
	index_init(&o.index, o.target);
	error = owner_in_target(&o);
	owner_deinit(&o);
	return error ? invocation_fail(invocation, error) : EXIT_DONE;
}

const struct command command_owner = {
	.name = "owner",
	.summary = "show who maps a frame of RAM, and what it is",
	.synopsis = "[options] PFN … | --paddr ADDRESS … | --process PID [--region NAME]",
	.description = "Show for each frame of RAM who maps it, a row a mapper: which process, at "
		       "which address,\n"
		       "in which region; and what the kernel says of it. A frame that nobody maps "
		       "has a row, too.\n"
		       "Frame numbers and addresses are hexadecimal.",
	.options = options,
	.option_count = sizeof(options) / sizeof(options[0]),
	.tables = (const struct table_spec *const[]){&table_spec, NULL},
	.run = run,
};
