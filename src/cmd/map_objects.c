// SPDX-License-Identifier: GPL-2.0-or-later
/* physlens map --objects: a row an object, in sizes, so that a process fits the screen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "cmd/map.h"
#include "cmd/naming.h"
#include "ui/prose.h"
#include "ui/size.h"

enum {
	COL_SIZE,
	COL_RSS,
	COL_PRIVATE,
	COL_SHARED,
	COL_COW,
	COL_ZERO,
	COL_SWAPPED,
	COL_IN_FILE,
	COL_UNTOUCHED,
	COL_GUARD,
	COL_MIGRATING,
	COL_SPECIAL,
	COL_REGIONS,
	COL_OBJECT,
};

static const struct column columns[] = {
	[COL_SIZE] = {"SIZE", CELL_SIZE, 0, 0, "addresses, whatever is behind them"},
	[COL_RSS] = {"RSS", CELL_SIZE, 0, 0, "present: frames of RAM are behind it"},
	[COL_PRIVATE] = {"PRIVATE", CELL_SIZE, 0, COLUMN_YIELDS(1),
			 "present, and mapped nowhere else"},
	[COL_SHARED] = {"SHARED", CELL_SIZE, 0, COLUMN_YIELDS(2),
			"present, and mapped more than once"},
	[COL_COW] = {"COW", CELL_SIZE, 0, COLUMN_NONZERO | COLUMN_YIELDS(4),
		     "present, and a write now would copy it"},
	[COL_ZERO] = {"ZERO", CELL_SIZE, 0, COLUMN_NONZERO | COLUMN_YIELDS(7),
		      "read but never written: the shared zero page"},
	[COL_SWAPPED] = {"SWAPPED", CELL_SIZE, 0, COLUMN_NONZERO | COLUMN_YIELDS(3), "in swap"},
	[COL_IN_FILE] = {"IN-FILE", CELL_SIZE, 0, COLUMN_NONZERO | COLUMN_YIELDS(5),
			 "not mapped yet; the bytes are in the file"},
	[COL_UNTOUCHED] = {"UNTOUCHED", CELL_SIZE, 0, COLUMN_NONZERO | COLUMN_YIELDS(6),
			   "never touched: nothing is there"},
	[COL_GUARD] = {"GUARD", CELL_SIZE, 0, COLUMN_NONZERO | COLUMN_YIELDS(9),
		       "guard pages: a touch is SIGSEGV"},
	[COL_MIGRATING] = {"MIGRATING", CELL_SIZE, 0, COLUMN_NONZERO | COLUMN_YIELDS(8),
			   "on the way to another frame"},
	[COL_SPECIAL] = {"SPECIAL", CELL_SIZE, 0, COLUMN_NONZERO | COLUMN_YIELDS(9),
			 "past the file's end, poisoned, or the kernel's or a device's own"},
	[COL_REGIONS] = {"REGIONS", CELL_NUMBER, 0, 0, "regions that it has"},
	[COL_OBJECT] = {"OBJECT", CELL_TEXT, 0, COLUMN_ELASTIC,
			"the mapped file, the kernel's name, or anonymous"},
};

const struct table_spec map_object_table = {
	.name = "map",
	.title = "map --objects",
	.columns = columns,
	.count = sizeof(columns) / sizeof(columns[0]),
	.defaults = "SIZE,RSS,PRIVATE,SHARED,COW,ZERO,SWAPPED,IN-FILE,UNTOUCHED,GUARD,MIGRATING,"
		    "SPECIAL,REGIONS,OBJECT",
	.screen = "SIZE,RSS,PRIVATE,SHARED,COW,ZERO,SWAPPED,IN-FILE,UNTOUCHED,GUARD,MIGRATING,"
		  "SPECIAL,OBJECT",
};

/* What is of one object. */
struct object_row {
	const char *name;
	uint64_t start; /* its lowest address */
	uint64_t regions;
	struct tally tally;
};

typedef VEC(struct object_row) object_rows;

static const char *name_of(const struct region *region)
{
	return region->object ? region->object : "anonymous";
}

static int compare_names(const void *left, const void *right)
{
	const struct object_row *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	return order ? order : (a->start > b->start) - (a->start < b->start);
}

static int compare_sizes(const void *left, const void *right)
{
	const struct object_row *a = left, *b = right;
	uint64_t a_rss = a->tally.state[STATE_PRESENT], b_rss = b->tally.state[STATE_PRESENT];

	if (a_rss != b_rss)
		return a_rss > b_rss ? -1 : 1;
	return (a->start > b->start) - (a->start < b->start);
}

/* A row a region first: a process may have as many objects as regions. */
static struct error *count_regions(struct map *map, object_rows *rows)
{
	for (size_t i = 0; i < map->layout.regions.count; i++) {
		struct object_row row = {.regions = 1};
		struct region region;

		if (!region_select(&map->layout.regions.items[i], &map->selection, &region))
			continue;
		row.name = name_of(&region);
		row.start = region.range.start;
		TRY(tally_region(&map->layout, &region, &row.tally));
		TRY(vec_push(rows, row));
	}
	return space_check_alive(map->layout.space);
}

/* Those of one name become one row; then the rows are put in the order they are shown in. */
static void join_rows(object_rows *rows)
{
	size_t kept = 0;

	if (rows->count == 0)
		return;
	qsort(rows->items, rows->count, sizeof(*rows->items), compare_names);
	for (size_t i = 1; i < rows->count; i++) {
		struct object_row *last = &rows->items[kept];

		if (strcmp(last->name, rows->items[i].name) != 0) {
			rows->items[++kept] = rows->items[i];
			continue;
		}
		last->regions++;
		tally_add(&last->tally, &rows->items[i].tally);
	}
	rows->count = kept + 1;
	qsort(rows->items, rows->count, sizeof(*rows->items), compare_sizes);
}

static struct error *put_row(struct map *map, const struct object_row *row)
{
	static const struct {
		size_t column;
		enum page_state state;
	} states[] = {
		{COL_RSS, STATE_PRESENT},     {COL_ZERO, STATE_ZERO},
		{COL_SWAPPED, STATE_SWAPPED}, {COL_IN_FILE, STATE_IN_FILE},
		{COL_GUARD, STATE_GUARD},     {COL_UNTOUCHED, STATE_UNTOUCHED},
		{COL_SPECIAL, STATE_SPECIAL}, {COL_MIGRATING, STATE_MIGRATING},
	};
	static const size_t unknown[] = {COL_RSS, COL_SHARED, COL_COW, COL_ZERO};
	const struct tally *tally = &row->tally;
	struct table *table = map->table;

	TRY(table_row(table));
	TRY(table_number(table, COL_SIZE, tally->pages));
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		TRY(table_number(table, states[i].column, tally->state[states[i].state]));
	TRY(table_number(table, COL_PRIVATE, tally->exclusive));
	TRY(table_number(table, COL_SHARED, tally->state[STATE_PRESENT] - tally->exclusive));
	TRY(table_number(table, COL_COW, tally->cow));
	if (tally->cow)
		table_color(table, COL_COW, CELL_YELLOW);
	TRY(table_number(table, COL_REGIONS, row->regions));
	TRY(table_text(table, COL_OBJECT, row->name));
	if (map->layout.space->zero_visible || !tally->like_zero)
		return NULL;
	/* Pages of the zero page cannot be told from shared ones: four columns are unknown. */
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		TRY(table_hidden(table, unknown[i], "hidden"));
	return NULL;
}

static const char *amount(const struct map *map, uint64_t pages, char text[24])
{
	uint64_t bytes = pages << map->invocation->table.page_shift;

	if (!map->invocation->table.bytes)
		return size_text(bytes, text);
	snprintf(text, 24, "%llu bytes", (unsigned long long)bytes);
	return text;
}

/* Short enough for a line of a terminal. */
static void print_sums(const struct map *map, const struct tally *total)
{
	uint64_t present = total->state[STATE_PRESENT], swapped = total->state[STATE_SWAPPED];
	char size[24], rss[24], private[24], shared[24], swap[24];

	prose_printf("\nProcess %d: %s, of it %s in RAM (%s private, %s shared)",
		     (int)map->layout.space->pid, amount(map, total->pages, size),
		     amount(map, present, rss), amount(map, total->exclusive, private),
		     amount(map, present - total->exclusive, shared));
	if (swapped)
		prose_printf(", %s in swap", amount(map, swapped, swap));
	prose_printf(".\n");
}

static struct error *show_rows(struct map *map, const object_rows *rows)
{
	struct tally total = {0};

	for (size_t i = 0; i < rows->count; i++) {
		TRY(put_row(map, &rows->items[i]));
		tally_add(&total, &rows->items[i].tally);
	}
	TRY(table_finish(map->table));
	if (rows->count == 0)
		return nothing_selected(&map->layout, &map->selection);
	if (map->invocation->table.format == FORMAT_TABLE && !map->invocation->table.noheadings)
		print_sums(map, &total);
	return NULL;
}

struct error *map_objects(struct map *map)
{
	object_rows rows = {0};
	struct error *error = count_regions(map, &rows);

	if (!error) {
		join_rows(&rows);
		error = show_rows(map, &rows);
	}
	vec_deinit(&rows);
	return error;
}
