// SPDX-License-Identifier: GPL-2.0-or-later
/* physlens cow PARENT CHILD: two processes, region by region or page by page. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/family.h"
#include "base/scope.h"
#include "cmd/arguments.h"
#include "cmd/cow.h"
#include "cmd/physical.h"
#include "cmd/processes.h"
#include "ui/prose.h"

/* --- columns ------------------------------------------------------------------------------ */

enum {
	COL_REGION,
	COL_START,
	COL_END,
	COL_PAGES,
	COL_SHARED,
	COL_COW,
	COL_DIVERGED,
	COL_BY_PARENT,
	COL_BY_CHILD,
	COL_BY_BOTH,
	COL_UNKNOWN,
	COL_PARENT_ONLY,
	COL_CHILD_ONLY,
	COL_ZERO,
	COL_SWAPPED,
	COL_OTHER,
	COL_SAVES,
	COL_COSTS,
	COL_PARENT_RW,
	COL_CHILD_RW,
	COL_OBJECT,
};

static const struct column columns[] = {
	[COL_REGION] = {"REGION", CELL_TEXT, 0, 0,
			"what is there: .data, .bss, heap, stack, …; total"},
	[COL_START] = {"START", CELL_HEX, 0, COLUMN_YIELDS(9), "first address"},
	[COL_END] = {"END", CELL_HEX, 0, 0, "the address behind the last one"},
	[COL_PAGES] = {"PAGES", CELL_PAGES, 0, 0, "pages, whatever their state"},
	[COL_SHARED] = {"SHARED", CELL_PAGES, 0, 0, "in the same frame in both"},
	[COL_COW] = {"COW", CELL_PAGES, 0, 0,
		     "of the shared ones: anonymous, or a write would copy them"},
	[COL_DIVERGED] = {"DIVERGED", CELL_PAGES, 0, 0, "in different frames: the next four"},
	[COL_BY_PARENT] = {"BY-PARENT", CELL_PAGES, 0, 0, "the parent alone has written"},
	[COL_BY_CHILD] = {"BY-CHILD", CELL_PAGES, 0, 0, "the child alone has written"},
	[COL_BY_BOTH] = {"BY-BOTH", CELL_PAGES, 0, COLUMN_YIELDS(2), "both have written"},
	[COL_UNKNOWN] = {"UNKNOWN", CELL_PAGES, 0, COLUMN_YIELDS(2),
			 "the kernel does not let us know who wrote"},
	[COL_PARENT_ONLY] = {"PARENT-ONLY", CELL_PAGES, 0, COLUMN_YIELDS(5),
			     "the child has no entry: it never needed one, or dropped it"},
	[COL_CHILD_ONLY] = {"CHILD-ONLY", CELL_PAGES, 0, COLUMN_YIELDS(4),
			    "the parent has no entry"},
	[COL_ZERO] = {"ZERO", CELL_PAGES, 0, 0, "the zero page in both"},
	[COL_SWAPPED] = {"SWAPPED", CELL_PAGES, 0, COLUMN_YIELDS(3), "in swap, in one or both"},
	[COL_OTHER] = {"OTHER", CELL_PAGES, 0, 0, "guard pages, markers, pages on their way"},
	[COL_SAVES] = {"SAVES", CELL_NUMBER, 0, 0,
		       "bytes that fork saves here: anonymous frames that serve both"},
	[COL_COSTS] = {"COSTS", CELL_NUMBER, 0, 0, "bytes of the copies: a frame a diverged page"},
	[COL_PARENT_RW] = {"PARENT-RW", CELL_PAGES, 0, 0,
			   "pages the hardware lets the parent write; needs a source"},
	[COL_CHILD_RW] = {"CHILD-RW", CELL_PAGES, 0, 0, "the same of the child"},
	[COL_OBJECT] = {"OBJECT", CELL_TEXT, 0, COLUMN_ELASTIC,
			"the mapped file, or the kernel's name"},
};

const struct table_spec cow_region_table = {
	.name = "cow",
	.title = "cow PARENT CHILD",
	.columns = columns,
	.count = sizeof(columns) / sizeof(columns[0]),
	.defaults = "REGION,START,PAGES,SHARED,COW,DIVERGED,BY-PARENT,BY-CHILD,BY-BOTH,UNKNOWN,"
		    "PARENT-ONLY,CHILD-ONLY,ZERO,SWAPPED,OTHER,SAVES,COSTS,OBJECT",
	.screen = "REGION,START,SHARED,DIVERGED,BY-PARENT,BY-CHILD,BY-BOTH,UNKNOWN,PARENT-ONLY,"
		  "CHILD-ONLY,SWAPPED,OBJECT",
};

enum {
	PAGES_VADDR,
	PAGES_PAGES,
	PAGES_PARENT_PFN,
	PAGES_CHILD_PFN,
	PAGES_STATE,
	PAGES_PARENT_PTE,
	PAGES_CHILD_PTE,
	PAGES_REGION,
	PAGES_OBJECT,
};

static const struct column pages_columns[] = {
	[PAGES_VADDR] = {"VADDR", CELL_HEX, 14, 0, "address of the first page"},
	[PAGES_PAGES] = {"PAGES", CELL_PAGES, 6, COLUMN_YIELDS(1), "pages in the run"},
	[PAGES_PARENT_PFN] = {"PARENT-PFN", CELL_HEX, 10, 0,
			      "the parent's frame of the first page; the next ones follow"},
	[PAGES_CHILD_PFN] = {"CHILD-PFN", CELL_HEX, 10, 0, "the child's"},
	[PAGES_STATE] =
		{"STATE", CELL_TEXT, 11, 0,
		 "who wrote: by-parent, by-child, by-both, unknown; or with --all the others"},
	[PAGES_PARENT_PTE] = {"PARENT-PTE", CELL_TEXT, 10, 0,
			      "what the page tables allow the parent: r, rw, …; needs a source"},
	[PAGES_CHILD_PTE] = {"CHILD-PTE", CELL_TEXT, 9, 0, "the same of the child"},
	[PAGES_REGION] = {"REGION", CELL_TEXT, 8, 0, "what is there: .data, heap, stack, …"},
	[PAGES_OBJECT] = {"OBJECT", CELL_TEXT, 0, COLUMN_ELASTIC,
			  "the mapped file, or the kernel's name"},
};

const struct table_spec cow_pages_table = {
	.name = "cow",
	.title = "cow --pages",
	.columns = pages_columns,
	.count = sizeof(pages_columns) / sizeof(pages_columns[0]),
	.defaults = "VADDR,PAGES,PARENT-PFN,CHILD-PFN,STATE,REGION,OBJECT",
	.streaming = true,
};

struct pair_view {
	struct cow *cow;
	struct cow_pair pair;
	struct hardware hardware[2];
	cow_region_vec regions;
	struct table *table;
	/* the run of pages in hand */
	const struct cow_region *region;
	struct cow_page first;
	unsigned access[2];
	bool has_access[2];
	uint64_t pages;
};

/* --- a row a region ------------------------------------------------------------------------ */

static struct error *put_counts(struct pair_view *view, const struct cow_counts *counts)
{
	static const struct {
		size_t column;
		enum cow_class class;
	} classes[] = {
		{COL_SHARED, COW_SHARED},         {COL_BY_PARENT, COW_BY_PARENT},
		{COL_BY_CHILD, COW_BY_CHILD},     {COL_BY_BOTH, COW_BY_BOTH},
		{COL_UNKNOWN, COW_UNKNOWN},       {COL_PARENT_ONLY, COW_PARENT_ONLY},
		{COL_CHILD_ONLY, COW_CHILD_ONLY}, {COL_ZERO, COW_ZERO},
		{COL_SWAPPED, COW_SWAPPED},       {COL_OTHER, COW_OTHER},
	};
	struct table *table = view->table;
	unsigned shift = view->cow->target->page_shift;

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		TRY(table_number(table, classes[i].column, counts->of[classes[i].class]));
	if (counts->of[COW_SHARED])
		table_color(table, COL_SHARED, CELL_GREEN);
	TRY(table_number(table, COL_COW, counts->cow));
	TRY(table_number(table, COL_DIVERGED, cow_diverged(counts)));
	if (cow_diverged(counts))
		table_color(table, COL_DIVERGED, CELL_YELLOW);
	TRY(table_number(table, COL_SAVES, counts->anonymous << shift));
	return table_number(table, COL_COSTS, cow_diverged(counts) << shift);
}

struct counting_writable {
	const struct hardware *hardware;
	int side;
	uint64_t pages;
};

static struct error *count_writable(void *argument, const struct cow_page *page)
{
	struct counting_writable *counting = argument;
	unsigned access;

	counting->pages += hardware_access(counting->hardware, page->vpn,
					   page->words[counting->side], &access) &&
			   access & ENTRY_WRITE;
	return NULL;
}

static struct error *put_writable(struct pair_view *view, struct range range)
{
	for (int side = 0; side < 2; side++) {
		struct counting_writable counting = {&view->hardware[side], side, 0};

		if (!view->hardware[side].known)
			continue;
		TRY(cow_pair_walk(&view->pair, range, count_writable, &counting));
		TRY(table_number(view->table, side ? COL_CHILD_RW : COL_PARENT_RW, counting.pages));
	}
	return NULL;
}

static bool has_any(const struct cow_counts *counts)
{
	for (int i = COW_NONE + 1; i < COW_CLASSES; i++) {
		if (counts->of[i])
			return true;
	}
	return false;
}

/* Whether copy-on-write has to do with the region: text and constants fill pages of their own. */
static bool concerns(const struct cow_counts *counts)
{
	return counts->cow || cow_diverged(counts) || counts->of[COW_SWAPPED] ||
	       counts->of[COW_CHILD_ONLY];
}

static uint64_t pages_in(const struct pair_view *view, struct range range)
{
	return range_length(range) >> view->cow->target->page_shift;
}

static struct error *put_region(struct pair_view *view, const struct cow_region *region)
{
	const struct region *name = cow_region_name(region);
	struct table *table = view->table;

	TRY(table_row(table));
	TRY(table_text(table, COL_REGION, name->name));
	TRY(table_hex(table, COL_START, region->range.start));
	TRY(table_hex(table, COL_END, region->range.end));
	TRY(table_number(table, COL_PAGES, pages_in(view, region->range)));
	TRY(put_counts(view, &region->counts));
	TRY(put_writable(view, region->range));
	return table_text(table, COL_OBJECT, name->object);
}

static struct error *put_total(struct pair_view *view, const struct cow_counts *total,
			       uint64_t pages)
{
	TRY(table_row(view->table));
	TRY(table_text(view->table, COL_REGION, "total"));
	TRY(table_number(view->table, COL_PAGES, pages));
	return put_counts(view, total);
}

static void print_summary(const struct pair_view *view, const struct cow_counts *total)
{
	static const struct {
		enum cow_class class;
		const char *what;
	} parts[] = {{COW_BY_PARENT, "written by the parent"},
		     {COW_BY_CHILD, "by the child"},
		     {COW_BY_BOTH, "by both"},
		     {COW_UNKNOWN, "by whom is unknown"}};
	unsigned shift = view->cow->target->page_shift;
	uint64_t diverged = cow_diverged(total);
	const char *separator = ": ";
	char text[32];

	prose_printf("\nSharing saves %s now: %llu anonymous %s in one frame for both.\n",
		     cow_size_text(total->anonymous << shift, text),
		     (unsigned long long)total->anonymous,
		     noun(total->anonymous, "page is", "pages are"));
	prose_printf("Copies have cost %s: %llu %s diverged",
		     cow_size_text(diverged << shift, text), (unsigned long long)diverged,
		     noun(diverged, "page has", "pages have"));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!total->of[parts[i].class])
			continue;
		prose_printf("%s%llu %s", separator, (unsigned long long)total->of[parts[i].class],
			     parts[i].what);
		separator = ", ";
	}
	prose_printf(".\n");
}

static struct error *show_regions(struct pair_view *view)
{
	struct cow_counts total = {0};
	uint64_t pages = 0;
	size_t left_out = 0;

	for (size_t i = 0; i < view->regions.count; i++) {
		const struct cow_region *region = &view->regions.items[i];

		if (!has_any(&region->counts))
			continue;
		cow_counts_add(&total, &region->counts);
		pages += pages_in(view, region->range);
		if (!view->cow->all && cow_is_text(view->cow) && !concerns(&region->counts)) {
			left_out++;
			continue;
		}
		TRY(put_region(view, region));
	}
	TRY(put_total(view, &total, pages));
	TRY(table_finish(view->table));
	if (cow_is_text(view->cow))
		print_summary(view, &total);
	if (left_out)
		prose_printf("%zu %s of files that nothing was copied of %s in the total, but not "
			     "shown: --all shows %s.\n",
			     left_out, noun(left_out, "region", "regions"),
			     noun(left_out, "is", "are"), noun(left_out, "it", "them"));
	return NULL;
}

/* --- a row a run of pages -------------------------------------------------------------------- */

static struct error *put_frame(struct table *table, size_t column, uint64_t word)
{
	return word & PAGEMAP_PRESENT ? table_hex(table, column, word & PAGEMAP_PFN) : NULL;
}

static struct error *flush_run(struct pair_view *view)
{
	struct table *table = view->table;
	unsigned shift = view->cow->target->page_shift;
	const struct cow_page *first = &view->first;

	if (view->pages == 0)
		return NULL;
	TRY(table_row(table));
	TRY(table_hex(table, PAGES_VADDR, first->vpn << shift));
	TRY(table_number(table, PAGES_PAGES, view->pages));
	TRY(put_frame(table, PAGES_PARENT_PFN, first->words[COW_PARENT]));
	TRY(put_frame(table, PAGES_CHILD_PFN, first->words[COW_CHILD]));
	TRY(table_text(table, PAGES_STATE, cow_class_name(first->class)));
	if (cow_is_diverged(first->class))
		table_color(table, PAGES_STATE, CELL_YELLOW);
	for (int side = 0; side < 2; side++) {
		char text[8];

		if (!view->has_access[side])
			continue;
		entry_access_text(view->access[side], text);
		TRY(table_text(table, side ? PAGES_CHILD_PTE : PAGES_PARENT_PTE, text));
	}
	view->pages = 0;
	TRY(table_text(table, PAGES_REGION, cow_region_name(view->region)->name));
	return table_text(table, PAGES_OBJECT, cow_region_name(view->region)->object);
}

static bool frame_continues(const struct pair_view *view, const struct cow_page *page, int side)
{
	uint64_t before = view->first.words[side], word = page->words[side];

	if (!(before & PAGEMAP_PRESENT) || !(word & PAGEMAP_PRESENT))
		return !(before & PAGEMAP_PRESENT) && !(word & PAGEMAP_PRESENT);
	if (before & word & PAGE_ZERO)
		return (before & PAGEMAP_PFN) == (word & PAGEMAP_PFN);
	return (before & PAGEMAP_PFN) + view->pages == (word & PAGEMAP_PFN);
}

static struct error *take_page(void *argument, const struct cow_page *page)
{
	struct pair_view *view = argument;
	unsigned access[2] = {0};
	bool known[2], continues = view->pages > 0 && view->first.vpn + view->pages == page->vpn &&
				   view->first.class == page->class;

	if (!view->cow->all && !cow_is_diverged(page->class))
		return NULL;
	for (int side = 0; side < 2; side++) {
		known[side] = hardware_access(&view->hardware[side], page->vpn, page->words[side],
					      &access[side]);
		continues = continues && frame_continues(view, page, side) &&
			    view->has_access[side] == known[side] &&
			    view->access[side] == access[side];
	}
	if (!continues) {
		TRY(flush_run(view));
		view->first = *page;
		memcpy(view->access, access, sizeof(access));
		memcpy(view->has_access, known, sizeof(known));
	}
	view->pages++;
	return NULL;
}

static struct error *show_pages(struct pair_view *view)
{
	for (size_t i = 0; i < view->regions.count; i++) {
		view->region = &view->regions.items[i];
		TRY(cow_pair_walk(&view->pair, view->region->range, take_page, view));
		TRY(flush_run(view));
	}
	return table_finish(view->table);
}

/* --- the two processes ------------------------------------------------------------------------ */

static void say_relation(const struct cow *cow, pid_t parent, pid_t child)
{
	switch (family_relation(&cow->processes, parent, child)) {
	case RELATION_CHILD:
	case RELATION_DESCENDANT:
		break;
	case RELATION_REVERSED:
		invocation_warn(cow->invocation,
				"process %d descends from process %d: they are taken for child and "
				"parent the other way round",
				(int)parent, (int)child);
		break;
	case RELATION_NONE:
		invocation_warn(cow->invocation,
				"process %d does not descend from process %d, as far as parents' "
				"numbers tell: compared all the same",
				(int)child, (int)parent);
		break;
	}
}

/* An exec gives a new heap: what was shared by fork is gone then. */
static void say_exec(const struct pair_view *view, pid_t child)
{
	uint64_t a = view->pair.side[0].space->heap_start, b = view->pair.side[1].space->heap_start;

	if (a && b && a != b)
		invocation_warn(view->cow->invocation,
				"process %d has executed a program of its own: only files can be "
				"shared",
				(int)child);
}

static bool wants_hardware(const struct pair_view *view)
{
	return view->cow->pages ? table_wants(view->table, PAGES_PARENT_PTE) ||
					  table_wants(view->table, PAGES_CHILD_PTE)
				: table_wants(view->table, COL_PARENT_RW) ||
					  table_wants(view->table, COL_CHILD_RW);
}

/* Opens the source of physical memory: not to be done while anybody is held. */
static struct error *open_hardware(struct pair_view *view)
{
	struct page_table table;

	return wants_hardware(view)
		       ? physical_error(view->cow->invocation,
					space_page_table(view->pair.side[0].space, &table))
		       : NULL;
}

static struct error *read_hardware(struct pair_view *view)
{
	for (int side = 0; wants_hardware(view) && side < 2; side++)
		TRY(hardware_read(&view->hardware[side], view->pair.side[side].space));
	return NULL;
}

/* The regions that were selected, cut to the range. */
static struct error *select_regions(struct pair_view *view)
{
	struct region_selection selection = view->cow->selection;
	struct range within = range_is_empty(selection.range) ? RANGE_ALL : selection.range;
	cow_region_vec all = {0};
	struct error *error = cow_pair_regions(&view->pair, within, &all);

	selection.range = (struct range){0, 0};
	for (size_t i = 0; !error && i < all.count; i++) {
		struct region selected;

		if (region_select(cow_region_name(&all.items[i]), &selection, &selected))
			error = vec_push(&view->regions, all.items[i]);
	}
	vec_deinit(&all);
	if (!error && view->regions.count == 0)
		invocation_warn(view->cow->invocation, "no region is selected");
	return error;
}

static struct error *list_pair(void *argument, pid_vec *pids)
{
	const struct cow_pair *pair = argument;

	for (int side = 0; side < 2; side++)
		TRY(vec_push(pids, pair->side[side].space->pid));
	return NULL;
}

static struct error *read_pair(struct pair_view *view)
{
	const struct invocation *invocation = view->cow->invocation;
	_cleanup_error_ struct error *no_hardware = open_hardware(view);
	struct error *error = cow_hold(view->cow, list_pair, &view->pair);

	if (!error)
		error = cow_pair_read(&view->pair);
	if (!error && !no_hardware)
		no_hardware = read_hardware(view);
	cow_release(view->cow);
	if (!error)
		error = cow_pair_name(&view->pair);
	if (no_hardware && strcmp(invocation->source, "none") != 0)
		invocation_warn(invocation, "what only the page tables tell is left empty: %s",
				error_message(no_hardware));
	for (size_t i = 0; !error && i < 2; i++)
		processes_explain_served(invocation, &view->pair.side[i].layout, 1);
	if (!error && view->pair.blind)
		invocation_warn(invocation, "who wrote is unknown: %s",
				error_message(view->pair.blind));
	return error;
}

static struct error *show(struct pair_view *view)
{
	struct cow *cow = view->cow;

	TRY(read_pair(view));
	TRY(select_regions(view));
	if (cow->grid)
		return cow_grid_show(cow, &view->pair, &view->regions);
	return cow->pages ? show_pages(view) : show_regions(view);
}

static struct error *open_both(struct pair_view *view, pid_t parent, pid_t child)
{
	struct cow *cow = view->cow;
	pid_t pids[2] = {parent, child};
	int order;

	for (int side = 0; side < 2; side++)
		TRY(target_open_space(cow->target, pids[side], &view->pair.side[side].space));
	struct error *error = target_compare_spaces(cow->target, parent, child, &order);
	if (!error && order == 0)
		return error_new(ERROR_INPUT,
				 "processes %d and %d have one and the same address space: nothing "
				 "is copied",
				 (int)parent, (int)child);
	error_free(error);
	TRY(target_processes(cow->target, &cow->processes));
	say_relation(cow, parent, child);
	say_exec(view, child);
	view->pair.side[COW_PARENT].forked = family_forked_since(&cow->processes, parent, child);
	view->pair.side[COW_CHILD].forked = family_forked_since(&cow->processes, child, parent);
	view->pair.side[COW_CHILD].inherited =
		family_relation(&cow->processes, parent, child) != RELATION_CHILD;
	return NULL;
}

static void view_deinit(struct pair_view *view)
{
	cow_pair_deinit(&view->pair);
	for (int side = 0; side < 2; side++) {
		hardware_deinit(&view->hardware[side]);
		space_close(view->pair.side[side].space);
	}
	vec_deinit(&view->regions);
	table_destroy(view->table);
}

struct error *cow_pair_show(struct cow *cow, pid_t parent, pid_t child)
{
	struct pair_view view = {.cow = cow};
	struct table_options *options = &cow->invocation->table;

	if (cow->range)
		TRY(parse_address_range(cow->range, cow->target->page_shift,
					&cow->selection.range));
	/* Who names a source wants to see what it is for. */
	if (cow->invocation->source_given && !options->columns)
		options->columns = cow->pages ? "+PARENT-PTE,CHILD-PTE" : "+PARENT-RW,CHILD-RW";
	TRY(table_create(cow->pages ? &cow_pages_table : &cow_region_table, options, stdout,
			 &view.table));
	struct error *error = open_both(&view, parent, child);
	if (!error)
		error = show(&view);
	view_deinit(&view);
	return error;
}
