// SPDX-License-Identifier: GPL-2.0-or-later
#include "ui/grid.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ui/table_backend.h"

enum { DEFAULT_WIDTH = 80, WIDTH_MAX = 1000, GROUP = 8, GAP = 2 };

size_t drawing_width(FILE *out)
{
	const char *columns = getenv("COLUMNS");
	long width = columns ? strtol(columns, NULL, 10) : 0;
	struct winsize size;

	if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		width = size.ws_col;
	return width > 0 && width <= WIDTH_MAX ? (size_t)width : DEFAULT_WIDTH;
}

void grid_init(struct grid *grid, FILE *out, enum color_mode color, const struct grid_kind *kinds,
	       size_t kind_count)
{
	*grid = (struct grid){.out = out,
			      .color = color_wanted(color, out),
			      .kinds = kinds,
			      .kind_count = kind_count,
			      .width = drawing_width(out)};
}

size_t grid_cells(const struct grid *grid, size_t panes)
{
	size_t left = grid->width > GRID_LABEL ? grid->width - GRID_LABEL : 0;
	size_t cells = left / panes > GAP ? left / panes - GAP : 0;

	return cells < GROUP ? GROUP : cells / GROUP * GROUP;
}

void grid_titles(const struct grid *grid, size_t panes, const char *const *titles)
{
	fprintf(grid->out, "%*s", GRID_LABEL, "");
	for (size_t i = 0; i < panes; i++)
		fprintf(grid->out, "  %-*s", i + 1 < panes ? (int)grid_cells(grid, panes) : 0,
			titles[i]);
	fputc('\n', grid->out);
}

/* A run of one kind takes one pair of sequences. */
static void draw_run(const struct grid *grid, unsigned char kind, size_t count)
{
	const char *begin = grid->color ? table_color_sequence(grid->kinds[kind].color) : "";

	fputs(begin, grid->out);
	for (size_t i = 0; i < count; i++)
		fputc(grid->kinds[kind].letter, grid->out);
	if (*begin)
		fputs(TABLE_COLOR_RESET, grid->out);
}

static void draw_cells(const struct grid *grid, const unsigned char *cells, size_t count)
{
	for (size_t i = 0, run; i < count; i += run) {
		for (run = 1; i + run < count && cells[i + run] == cells[i];)
			run++;
		draw_run(grid, cells[i], run);
	}
}

void grid_draw(const struct grid *grid, size_t panes, const unsigned char *const *cells,
	       size_t count, uint64_t start, uint64_t step)
{
	size_t line = grid_cells(grid, panes);

	for (size_t i = 0; i < count; i += line) {
		size_t here = count - i < line ? count - i : line;

		fprintf(grid->out, "%#*" PRIx64, GRID_LABEL, start + i * step);
		for (size_t pane = 0; pane < panes; pane++) {
			fputs("  ", grid->out);
			draw_cells(grid, cells[pane] + i, here);
			if (pane + 1 < panes)
				fprintf(grid->out, "%*s", (int)(line - here), "");
		}
		fputc('\n', grid->out);
	}
}

void grid_legend(const struct grid *grid, const bool *used)
{
	for (size_t i = 0; i < grid->kind_count; i++) {
		if (!used[i])
			continue;
		fputs("  ", grid->out);
		draw_run(grid, (unsigned char)i, 1);
		fprintf(grid->out, "  %s\n", grid->kinds[i].help);
	}
}
