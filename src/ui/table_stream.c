// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows printed as they come, in constant memory: raw output, and aligned text whose widths are
 * those of the first rows (which are kept back until they are known) and grow later where they
 * must; what they grow by the elastic column gives up, on a terminal.
 */
#include <stdlib.h>
#include <string.h>

#include "ui/escape.h"
#include "ui/table_backend.h"

enum { ROWS_KEPT_BACK = 500 };

struct stream_cell {
	size_t text;   /* in state->texts, NUL-terminated */
	size_t length; /* bytes */
	size_t width;  /* columns of a terminal */
	enum cell_color color;
};

struct stream_state {
	bool raw;
	bool flowing;   /* the widths are known: headings and the first rows are out */
	size_t *widths; /* by position, as the next three */
	bool *right;
	bool *sized;      /* shown as "1.2M" */
	bool *ascii;      /* no wider than long: numbers are */
	text_buffer line; /* being put together; while rows flow, the last one */
	text_buffer texts;
	VEC(struct stream_cell) cells; /* of the rows kept back, row after row */
	size_t *starts; /* by position, and its end: where each field of the last row begins */
	text_buffer field;
	size_t terminal; /* how wide it is; 0: there is none */
	size_t elastic;  /* a position, or shown_count */
	size_t limit;    /* the elastic column is no wider */
	bool grown;      /* another is wider than when the limit was set */
};

static struct error *append_text(text_buffer *buffer, const char *text)
{
	return buffer_append(buffer, text, strlen(text));
}

static struct error *stream_create(struct table *table)
{
	struct stream_state *state = calloc(1, sizeof(*state));

	table->state = state;
	if (!state)
		return error_nomem();
	state->raw = table->options.format == FORMAT_RAW;
	state->widths = calloc(table->shown_count, sizeof(*state->widths));
	state->right = calloc(table->shown_count, sizeof(*state->right));
	state->sized = calloc(table->shown_count, sizeof(*state->sized));
	state->ascii = calloc(table->shown_count, sizeof(*state->ascii));
	state->starts = calloc(table->shown_count + 1, sizeof(*state->starts));
	if (!state->widths || !state->right || !state->sized || !state->ascii || !state->starts)
		return error_nomem();
	for (size_t i = 0; i < table->shown_count; i++) {
		const struct column *column = &table->spec->columns[table->shown[i]];
		size_t heading = table->options.noheadings ? 0 : strlen(column->name);
		size_t least = column->width > 0 ? (size_t)column->width : 0;

		state->widths[i] = heading > least ? heading : least;
		state->right[i] = column_is_right(column);
		state->sized[i] = column_is_size(table, table->shown[i]);
		state->ascii[i] = column->type != CELL_TEXT;
	}
	state->elastic = elastic_position(table);
	state->limit = SIZE_MAX;
	return NULL;
}

static void stream_destroy(struct table *table)
{
	struct stream_state *state = table->state;

	if (!state)
		return;
	free(state->starts);
	vec_deinit(&state->field);
	free(state->widths);
	free(state->right);
	free(state->sized);
	free(state->ascii);
	vec_deinit(&state->line);
	vec_deinit(&state->texts);
	vec_deinit(&state->cells);
	free(state);
}

static void widen(struct stream_state *state, size_t position, size_t width)
{
	if (width <= state->widths[position])
		return;
	state->widths[position] = width;
	state->grown |= position != state->elastic;
}

/* Cuts the elastic column down to what the others leave of the terminal; false: that is as before.
 */
static bool fit_terminal(struct table *table)
{
	struct stream_state *state = table->state;
	size_t others = 0, before = state->limit;

	state->grown = false;
	if (state->elastic == table->shown_count)
		return false;
	for (size_t i = 0; i < table->shown_count; i++)
		others += i == state->elastic ? 0 : state->widths[i] + 1;
	state->limit = elastic_width(state->terminal, others);
	if (state->widths[state->elastic] > state->limit)
		state->widths[state->elastic] = state->limit;
	return state->limit != before;
}

/* Adds one aligned cell, and what separates it from the next, to the line: a field. */
static struct error *align_cell(struct table *table, text_buffer *line, size_t position,
				const char *text, size_t length, size_t width,
				enum cell_color color)
{
	struct stream_state *state = table->state;
	bool right = state->right[position];
	bool last = position + 1 == table->shown_count;
	bool painted = table->color && color != CELL_PLAIN && width > 0;
	bool cut = position == state->elastic && width > state->limit;

	if (cut) {
		const char *end = elastic_end(text, state->limit);

		length -= (size_t)(end - text);
		text = end;
		width = 1 + display_width(end);
	}
	widen(state, position, width);
	size_t padding = state->widths[position] - width;
	if (right)
		TRY(buffer_fill(line, ' ', padding));
	if (painted)
		TRY(append_text(line, table_color_sequence(color)));
	if (cut)
		TRY(append_text(line, elastic_mark()));
	TRY(buffer_append(line, text, length));
	if (painted)
		TRY(append_text(line, TABLE_COLOR_RESET));
	if (!right && !last)
		TRY(buffer_fill(line, ' ', padding));
	return buffer_append(line, last ? "\n" : " ", 1);
}

static void write_line(struct table *table)
{
	struct stream_state *state = table->state;

	fwrite_unlocked(state->line.items, 1, state->line.count, table->out);
}

/* Prints a row whose cells are in state->texts. */
static struct error *print_cells(struct table *table, const struct stream_cell *cells)
{
	struct stream_state *state = table->state;

	state->line.count = 0;
	for (size_t i = 0; i < table->shown_count; i++)
		TRY(align_cell(table, &state->line, i, state->texts.items + cells[i].text,
			       cells[i].length, cells[i].width, cells[i].color));
	write_line(table);
	return NULL;
}

static struct error *print_headings(struct table *table)
{
	struct stream_state *state = table->state;

	if (table->options.noheadings)
		return NULL;
	state->line.count = 0;
	for (size_t i = 0; i < table->shown_count; i++) {
		const char *name = table->spec->columns[table->shown[i]].name;

		if (!state->raw) {
			TRY(align_cell(table, &state->line, i, name, strlen(name), strlen(name),
				       CELL_PLAIN));
			continue;
		}
		TRY(append_text(&state->line, name));
		TRY(append_text(&state->line, i + 1 < table->shown_count ? " " : "\n"));
	}
	write_line(table);
	return NULL;
}

/* The widths are now as good as they get: prints the headings and what was kept back. */
static struct error *start_flowing(struct table *table)
{
	struct stream_state *state = table->state;

	for (size_t i = 0; i < state->cells.count; i++)
		widen(state, i % table->shown_count, state->cells.items[i].width);
	state->terminal = state->raw ? 0 : terminal_width(table->out);
	fit_terminal(table);
	TRY(print_headings(table));
	for (size_t i = 0; i < state->cells.count; i += table->shown_count)
		TRY(print_cells(table, &state->cells.items[i]));
	state->cells.count = 0;
	state->texts.count = 0;
	state->line.count = 0; /* no row has flowed yet */
	state->flowing = true;
	return NULL;
}

/* Ends the cell whose text is what is in state->texts from `start` on. */
static struct error *keep_cell(struct stream_state *state, size_t position, size_t start,
			       enum cell_color color)
{
	struct stream_cell cell = {
		.text = start, .length = state->texts.count - start, .color = color};

	TRY(buffer_append(&state->texts, "", 1));
	cell.width =
		state->ascii[position] ? cell.length : display_width(state->texts.items + start);
	return vec_push(&state->cells, cell);
}

struct error *stream_keep_cell(struct table *table, size_t position, const char *text,
			       enum cell_color color)
{
	struct stream_state *state = table->state;
	size_t start = state->texts.count;

	TRY(append_text(&state->texts, text));
	return keep_cell(state, position, start, color);
}

static struct error *render_row(struct table *table)
{
	struct stream_state *state = table->state;

	for (size_t i = 0; i < table->shown_count; i++) {
		size_t start = state->texts.count;

		TRY(table_render(table, table->shown[i], &state->texts));
		TRY(keep_cell(state, i, start, cell_color(table, table->shown[i])));
	}
	return NULL;
}

/* In raw output a space would end the cell and an empty cell would vanish: \x20 and "-". */
static struct error *append_raw_cell(text_buffer *line, const char *text)
{
	if (!*text)
		return append_text(line, "-");
	while (*text) {
		size_t length = strcspn(text, " ");

		TRY(buffer_append(line, text, length));
		text += length;
		if (*text)
			TRY(append_text(line, "\\x20"));
		text += *text == ' ';
	}
	return NULL;
}

static struct error *print_raw_row(struct table *table)
{
	struct stream_state *state = table->state;

	state->line.count = 0;
	for (size_t i = 0; i < table->shown_count; i++) {
		state->texts.count = 0;
		TRY(table_render(table, table->shown[i], &state->texts));
		TRY(buffer_append(&state->texts, "", 1));
		TRY(append_raw_cell(&state->line, state->texts.items));
		TRY(append_text(&state->line, i + 1 < table->shown_count ? " " : "\n"));
	}
	write_line(table);
	return NULL;
}

/* Appends the field of a cell of the row in hand to `line`. */
static struct error *append_field(struct table *table, text_buffer *line, size_t position)
{
	struct stream_state *state = table->state;
	size_t column = table->shown[position];

	state->texts.count = 0;
	TRY(table_render(table, column, &state->texts));
	size_t length = state->texts.count;
	TRY(buffer_append(&state->texts, "", 1));
	return align_cell(table, line, position, state->texts.items, length,
			  state->ascii[position] ? length : display_width(state->texts.items),
			  cell_color(table, column));
}

static struct error *build_line(struct table *table)
{
	struct stream_state *state = table->state;

	state->line.count = 0;
	for (size_t i = 0; i < table->shown_count; i++) {
		state->starts[i] = state->line.count;
		TRY(append_field(table, &state->line, i));
	}
	state->starts[table->shown_count] = state->line.count;
	return NULL;
}

/* Writes a number over the one before it, in a field that stays as wide; false: it is not so easy.
 */
static bool overwrite_number(struct table *table, size_t position)
{
	const struct stream_state *state = table->state;
	size_t column = table->shown[position], start = state->starts[position];
	size_t width = state->starts[position + 1] - start - 1;
	char text[NUMBER_LENGTH], *end = text + sizeof(text);

	if (!state->right[position] || state->sized[position] || width != state->widths[position] ||
	    width > sizeof(text) || !cell_is(table->set & ~table->hidden & ~table->painted, column))
		return false;
	memset(text, ' ', sizeof(text));
	const char *first =
		number_write(table->spec->columns[column].type, table->cells[column].number, end);
	if (first < end - width)
		return false;
	memcpy(state->line.items + start, end - width, width);
	return true;
}

/* Puts a field of the line anew, which may be longer or shorter than it was. */
static struct error *replace_field(struct table *table, size_t position)
{
	struct stream_state *state = table->state;
	text_buffer *line = &state->line, *field = &state->field;
	size_t start = state->starts[position], end = state->starts[position + 1];

	field->count = 0;
	TRY(append_field(table, field, position));
	TRY(vec_reserve(line, field->count));
	if (field->count != end - start) {
		memmove(line->items + start + field->count, line->items + end, line->count - end);
		for (size_t i = position + 1; i <= table->shown_count; i++)
			state->starts[i] = state->starts[i] - (end - start) + field->count;
		line->count = state->starts[table->shown_count];
	}
	memcpy(line->items + start, field->items, field->count);
	return NULL;
}

/*
 * From one row to the next most cells stay the same, and putting the line together anew would cost
 * more than the reading of the pages it tells of: only what changed is put into the last one.
 */
static struct error *flow_row(struct table *table)
{
	struct stream_state *state = table->state;

	if (state->line.count == 0)
		TRY(build_line(table));
	else
		for (size_t i = 0; i < table->shown_count; i++) {
			if (cell_is(table->changed, table->shown[i]) && !overwrite_number(table, i))
				TRY(replace_field(table, i));
		}
	if (state->grown && fit_terminal(table))
		TRY(build_line(table));
	write_line(table);
	return NULL;
}

static struct error *stream_row(struct table *table)
{
	struct stream_state *state = table->state;

	if (state->raw) {
		if (!state->flowing)
			TRY(start_flowing(table));
		return print_raw_row(table);
	}
	if (state->flowing)
		return flow_row(table);
	TRY(render_row(table));
	return state->cells.count < ROWS_KEPT_BACK * table->shown_count ? NULL
									: start_flowing(table);
}

static struct error *stream_finish(struct table *table)
{
	struct stream_state *state = table->state;

	/* Headings over nothing would only look like an answer. */
	return state->flowing || table->row_count == 0 ? NULL : start_flowing(table);
}

const struct table_backend table_backend_stream = {
	.create = stream_create,
	.row = stream_row,
	.finish = stream_finish,
	.destroy = stream_destroy,
};
