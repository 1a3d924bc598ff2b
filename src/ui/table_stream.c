// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows printed as they come, in constant memory: raw output, and aligned text whose widths are
 * those of the first rows (which are kept back until they are known) and grow later where they
 * must.
 */
#include <stdlib.h>
#include <string.h>

#include "ui/escape.h"
#include "ui/table_backend.h"

enum { ROWS_KEPT_BACK = 500 };

struct stream_cell {
	size_t text; /* in state->texts, NUL-terminated */
	size_t width;
	enum cell_color color;
};

struct stream_state {
	bool raw;
	bool flowing;   /* the widths are known: headings and the first rows are out */
	size_t *widths; /* by position */
	text_buffer texts;
	VEC(struct stream_cell) cells; /* of the rows kept back, row after row */
};

static struct error *stream_create(struct table *table)
{
	struct stream_state *state = calloc(1, sizeof(*state));

	table->state = state;
	if (!state)
		return error_nomem();
	state->raw = table->options.format == FORMAT_RAW;
	state->widths = calloc(table->shown_count, sizeof(*state->widths));
	if (!state->widths)
		return error_nomem();
	for (size_t i = 0; i < table->shown_count; i++) {
		const struct column *column = &table->spec->columns[table->shown[i]];
		size_t heading = table->options.noheadings ? 0 : strlen(column->name);
		size_t least = column->width > 0 ? (size_t)column->width : 0;

		state->widths[i] = heading > least ? heading : least;
	}
	return NULL;
}

static void stream_destroy(struct table *table)
{
	struct stream_state *state = table->state;

	if (!state)
		return;
	free(state->widths);
	vec_deinit(&state->texts);
	vec_deinit(&state->cells);
	free(state);
}

static void print_spaces(FILE *out, size_t count)
{
	static const char spaces[] = "                                ";

	while (count > 0) {
		size_t some = count < sizeof(spaces) - 1 ? count : sizeof(spaces) - 1;

		fwrite(spaces, 1, some, out);
		count -= some;
	}
}

static void print_aligned(struct table *table, size_t position, const char *text, size_t width,
			  enum cell_color color)
{
	struct stream_state *state = table->state;
	bool right = column_is_right(&table->spec->columns[table->shown[position]]);
	bool last = position + 1 == table->shown_count;
	bool painted = table->color && color != CELL_PLAIN && width > 0;

	if (width > state->widths[position])
		state->widths[position] = width;
	if (right)
		print_spaces(table->out, state->widths[position] - width);
	if (painted)
		fputs(table_color_sequence(color), table->out);
	fputs(text, table->out);
	if (painted)
		fputs(TABLE_COLOR_RESET, table->out);
	if (!right && !last)
		print_spaces(table->out, state->widths[position] - width);
	fputc(last ? '\n' : ' ', table->out);
}

static void print_kept_row(struct table *table, const struct stream_cell *cells)
{
	const struct stream_state *state = table->state;

	for (size_t i = 0; i < table->shown_count; i++)
		print_aligned(table, i, state->texts.items + cells[i].text, cells[i].width,
			      cells[i].color);
}

static void print_headings(struct table *table)
{
	const struct stream_state *state = table->state;

	if (table->options.noheadings)
		return;
	for (size_t i = 0; i < table->shown_count; i++) {
		const char *name = table->spec->columns[table->shown[i]].name;

		if (state->raw)
			fprintf(table->out, "%s%c", name, i + 1 < table->shown_count ? ' ' : '\n');
		else
			print_aligned(table, i, name, strlen(name), CELL_PLAIN);
	}
}

/* The widths are now as good as they get: prints the headings and what was kept back. */
static void start_flowing(struct table *table)
{
	struct stream_state *state = table->state;

	for (size_t i = 0; i < state->cells.count; i++) {
		size_t *width = &state->widths[i % table->shown_count];

		*width =
			state->cells.items[i].width > *width ? state->cells.items[i].width : *width;
	}
	print_headings(table);
	for (size_t i = 0; i < state->cells.count; i += table->shown_count)
		print_kept_row(table, &state->cells.items[i]);
	state->cells.count = 0;
	state->texts.count = 0;
	state->flowing = true;
}

static struct error *keep_row(struct table *table)
{
	struct stream_state *state = table->state;

	for (size_t i = 0; i < table->shown_count; i++) {
		struct stream_cell cell = {.text = state->texts.count,
					   .color = table->cells[table->shown[i]].color};

		TRY(table_render(table, table->shown[i], &state->texts));
		TRY(buffer_append(&state->texts, "", 1));
		cell.width = display_width(state->texts.items + cell.text);
		TRY(vec_push(&state->cells, cell));
	}
	return NULL;
}

/* In raw output a space would end the cell and an empty cell would vanish: \x20 and "-". */
static void print_raw_cell(FILE *out, const char *text)
{
	if (!*text)
		fputc('-', out);
	for (; *text; text++) {
		if (*text == ' ')
			fputs("\\x20", out);
		else
			fputc(*text, out);
	}
}

static struct error *print_raw_row(struct table *table)
{
	struct stream_state *state = table->state;

	for (size_t i = 0; i < table->shown_count; i++) {
		state->texts.count = 0;
		TRY(table_render(table, table->shown[i], &state->texts));
		TRY(buffer_append(&state->texts, "", 1));
		print_raw_cell(table->out, state->texts.items);
		fputc(i + 1 < table->shown_count ? ' ' : '\n', table->out);
	}
	return NULL;
}

static struct error *stream_row(struct table *table)
{
	struct stream_state *state = table->state;

	if (state->raw) {
		if (!state->flowing)
			start_flowing(table);
		return print_raw_row(table);
	}
	TRY(keep_row(table));
	if (state->flowing) {
		print_kept_row(table, state->cells.items);
		state->cells.count = 0;
		state->texts.count = 0;
	} else if (state->cells.count >= ROWS_KEPT_BACK * table->shown_count) {
		start_flowing(table);
	}
	return NULL;
}

static struct error *stream_finish(struct table *table)
{
	struct stream_state *state = table->state;

	if (!state->flowing)
		start_flowing(table);
	return NULL;
}

const struct table_backend table_backend_stream = {
	.create = stream_create,
	.row = stream_row,
	.finish = stream_finish,
	.destroy = stream_destroy,
};
