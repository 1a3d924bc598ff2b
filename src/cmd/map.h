// SPDX-License-Identifier: GPL-2.0-or-later
/* What the files of `physlens map` share. */
#ifndef PHYSLENS_CMD_MAP_H
#define PHYSLENS_CMD_MAP_H

#include "analysis/layout.h"
#include "analysis/tally.h"
#include "cmd/command.h"

enum map_rows { ROWS_OBJECTS, ROWS_REGIONS, ROWS_RUNS, ROWS_UNSAID };

struct map {
	struct invocation *invocation;
	enum map_rows rows;
	const char *range;
	struct region_selection selection;
	struct layout layout;
	struct table *table;
};

extern const struct table_spec map_object_table;

/* Prints a row an object, what is most in RAM first, and the sums. */
struct error *map_objects(struct map *map);

#endif
