// SPDX-License-Identifier: GPL-2.0-or-later
/* physlens cow --grid: the pages of parent and child side by side. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "cmd/cow.h"
#include "ui/escape.h"
#include "ui/grid.h"

/* In the order in which a cell of many pages is one of them: the first that any page is. */
enum cell {
	CELL_BOTH,
	CELL_PARENT,
	CELL_CHILD,
	CELL_DIVERGED,
	CELL_SWAP,
	CELL_ALONE,
	CELL_SHARED,
	CELL_ZEROED,
	CELL_SPECIAL,
	CELL_IN_FILE,
	CELL_UNTOUCHED,
	CELL_KINDS,
};

static const struct grid_kind kinds[CELL_KINDS] = {
	[CELL_BOTH] = {'B', CELL_RED, "both have written: two copies"},
	[CELL_PARENT] = {'P', CELL_YELLOW, "copied, written by the parent"},
	[CELL_CHILD] = {'C', CELL_CYAN, "copied, written by the child"},
	[CELL_DIVERGED] = {'?', CELL_RED, "in two frames, it is not known who wrote"},
	[CELL_SWAP] = {'w', CELL_RED, "swapped"},
	[CELL_ALONE] = {'o', CELL_PLAIN, "only this side has an entry"},
	[CELL_SHARED] = {'S', CELL_GREEN, "shared: one frame for both"},
	[CELL_ZEROED] = {'0', CELL_DIM, "the zero page: read, never written"},
	[CELL_SPECIAL] = {'x', CELL_DIM, "special: guard pages, markers, the kernel's own"},
	[CELL_IN_FILE] = {'f', CELL_DIM, "in the file: not mapped yet"},
	[CELL_UNTOUCHED] = {'.', CELL_DIM, "untouched: nothing is there"},
};

enum { LINES_MAX = 8 }; /* of a region: a larger one gets more pages a cell */

struct drawing {
	const struct cow *cow;
	struct grid grid;
	bool used[CELL_KINDS];
	/* of the region in hand */
	uint64_t first; /* page number */
	uint64_t scale; /* pages a cell */
	size_t count;
	unsigned char *cells[2];
};

static const unsigned char class_cells[COW_CLASSES] = {
	[COW_SHARED] = CELL_SHARED,  [COW_ZERO] = CELL_ZEROED,       [COW_BY_PARENT] = CELL_PARENT,
	[COW_BY_CHILD] = CELL_CHILD, [COW_BY_BOTH] = CELL_BOTH,      [COW_UNKNOWN] = CELL_DIVERGED,
	[COW_SWAPPED] = CELL_SWAP,   [COW_PARENT_ONLY] = CELL_ALONE, [COW_CHILD_ONLY] = CELL_ALONE,
	[COW_OTHER] = CELL_SPECIAL,
};

/* A side without an entry stays what it is: in the file, or untouched. */
static struct error *take_page(void *argument, const struct cow_page *page)
{
	struct drawing *drawing = argument;
	size_t at = (size_t)((page->vpn - drawing->first) / drawing->scale);
	unsigned char kind = class_cells[page->class];

	for (int side = 0; side < 2; side++) {
		unsigned char *cell = &drawing->cells[side][at];

		if (page->words[side] & PAGEMAP_POPULATED && kind < *cell)
			*cell = kind;
	}
	return NULL;
}

static unsigned char empty_cell(enum page_state state)
{
	if (state == STATE_IN_FILE)
		return CELL_IN_FILE;
	return state == STATE_UNTOUCHED ? CELL_UNTOUCHED : CELL_SPECIAL;
}

/* What the cells are before any page is in them. */
static void fill_empty(struct drawing *drawing, const struct cow_region *region, int side)
{
	const struct region *r = region->sides[side];
	unsigned shift = drawing->cow->target->page_shift;

	for (size_t i = 0; i < drawing->count; i++) {
		uint64_t until, vpn = drawing->first + i * drawing->scale;

		drawing->cells[side][i] = CELL_UNTOUCHED;
		if (r && range_contains(r->range, vpn << shift))
			drawing->cells[side][i] = empty_cell(
				region_empty_state(r, shift, vpn, vpn + drawing->scale, &until));
	}
}

static void print_heading(const struct drawing *drawing, const struct cow_region *region,
			  uint64_t pages)
{
	const struct region *name = cow_region_name(region);
	const char *object = name->object ? name->object : "";
	_cleanup_free_ char *text = NULL, *where = NULL;
	struct error *error = escape_terminal_dup(name->name, &text);

	if (!error)
		error = escape_terminal_dup(
			strcmp(object, "[heap]") && strcmp(object, "[stack]") ? object : "",
			&where);
	error_free(error);
	printf("\n%s  %s%s%llu %s", text ? text : "", where ? where : "",
	       where && *where ? "  " : "", (unsigned long long)pages,
	       noun(pages, "page", "pages"));
	if (drawing->scale > 1)
		printf(", %llu a cell", (unsigned long long)drawing->scale);
	putchar('\n');
}

static struct error *draw(struct drawing *drawing, const struct cow_pair *pair,
			  const struct cow_region *region, uint64_t pages)
{
	for (int side = 0; side < 2; side++)
		fill_empty(drawing, region, side);
	TRY(cow_pair_walk(pair, region->range, take_page, drawing));
	for (size_t i = 0; i < drawing->count; i++) {
		drawing->used[drawing->cells[0][i]] = true;
		drawing->used[drawing->cells[1][i]] = true;
	}
	print_heading(drawing, region, pages);
	grid_draw(&drawing->grid, 2,
		  (const unsigned char *const[]){drawing->cells[0], drawing->cells[1]},
		  drawing->count, region->range.start,
		  drawing->scale << drawing->cow->target->page_shift);
	return NULL;
}

static struct error *draw_region(struct drawing *drawing, const struct cow_pair *pair,
				 const struct cow_region *region)
{
	unsigned shift = drawing->cow->target->page_shift;
	uint64_t pages = range_length(region->range) >> shift;
	uint64_t room = grid_cells(&drawing->grid, 2) * LINES_MAX;

	drawing->first = region->range.start >> shift;
	for (drawing->scale = 1; (pages - 1) / drawing->scale >= room;)
		drawing->scale *= 2;
	drawing->count = (size_t)((pages - 1) / drawing->scale) + 1;
	_cleanup_free_ unsigned char *cells = calloc(drawing->count, 2);
	if (!cells)
		return error_nomem();
	drawing->cells[0] = cells;
	drawing->cells[1] = cells + drawing->count;
	return draw(drawing, pair, region, pages);
}

static bool has_entries(const struct cow_counts *counts)
{
	for (int i = COW_NONE + 1; i < COW_CLASSES; i++) {
		if (counts->of[i])
			return true;
	}
	return false;
}

struct error *cow_grid_show(struct cow *cow, const struct cow_pair *pair,
			    const cow_region_vec *regions)
{
	struct drawing drawing = {.cow = cow};
	char titles[2][128];

	grid_init(&drawing.grid, stdout, cow->invocation->table.color, kinds, CELL_KINDS);
	for (int side = 0; side < 2; side++) {
		const struct space *space = pair->side[side].space;
		char name[96];

		escape_terminal(name, sizeof(name), space->command);
		snprintf(titles[side], sizeof(titles[side]), "%s %d %s", side ? "child" : "parent",
			 (int)space->pid, name);
	}
	grid_titles(&drawing.grid, 2, (const char *const[]){titles[0], titles[1]});
	for (size_t i = 0; i < regions->count; i++) {
		if (has_entries(&regions->items[i].counts))
			TRY(draw_region(&drawing, pair, &regions->items[i]));
	}
	putchar('\n');
	grid_legend(&drawing.grid, drawing.used);
	return NULL;
}
