// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Grids of letters, side by side: a map of something, a cell each. Colour only underlines what the
 * letters say.
 */
#ifndef PHYSLENS_UI_GRID_H
#define PHYSLENS_UI_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ui/table.h"

/* What a cell can be. */
struct grid_kind {
	char letter;
	enum cell_color color;
	const char *help; /* for the legend */
};

struct grid {
	FILE *out;
	bool color;
	const struct grid_kind *kinds;
	size_t kind_count;
	size_t width; /* columns of the terminal */
};

enum { GRID_LABEL = 14 }; /* columns of the label before each line */

/* Columns of the terminal that `out` is, or else of $COLUMNS, or else 80. */
size_t drawing_width(FILE *out);

/* Its width is that of the terminal. */
void grid_init(struct grid *grid, FILE *out, enum color_mode color, const struct grid_kind *kinds,
	       size_t kind_count);

/* How many cells a line of each of `panes` grids side by side has: a multiple of 8, at least 8. */
size_t grid_cells(const struct grid *grid, size_t panes);

/* A line above the panes, one title each. */
void grid_titles(const struct grid *grid, size_t panes, const char *const *titles);

/*
 * Draws `count` cells of each pane (cells[pane][i] is an index of kinds), line by line; the label
 * of a line is the address `start` and `step` bytes more for each cell.
 */
void grid_draw(const struct grid *grid, size_t panes, const unsigned char *const *cells,
	       size_t count, uint64_t start, uint64_t step);

/* One line for each kind that `used` says was drawn. */
void grid_legend(const struct grid *grid, const bool *used);

#endif
