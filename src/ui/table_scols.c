// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whole tables and trees as aligned text, laid out by libsmartcols (its only user), which keeps and
 * measures every cell. A flat table that becomes long goes on as a stream: memory does not grow
 * with it.
 */
#include <errno.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "ui/escape.h"
#include "ui/locale.h"
#include "ui/table_backend.h"

enum { ROWS_LAID_OUT = 4096 };

struct scols_state {
	struct libscols_table *table;
	text_buffer text;
	VEC(struct libscols_line *) lines; /* by row number, for the children of a tree */
};

static struct error *add_column(struct scols_state *state, const struct column *column)
{
	int flags = 0;

	if (column_is_right(column))
		flags |= SCOLS_FL_RIGHT;
	if (column->flags & COLUMN_TREE)
		flags |= SCOLS_FL_TREE;
	if (!scols_table_new_column(state->table, column->name, 0, flags))
		return error_nomem();
	return NULL;
}

static struct error *scols_create(struct table *table)
{
	struct scols_state *state = calloc(1, sizeof(*state));

	table->state = state;
	if (!state)
		return error_nomem();
	scols_init_debug(0);
	state->table = scols_new_table();
	if (!state->table)
		return error_nomem();
	/* Cells come to it escaped: it must not escape the escapes. */
	scols_table_enable_noencoding(state->table, 1);
	scols_table_enable_noheadings(state->table, table->options.noheadings);
	scols_table_enable_colors(state->table, table->color);
	scols_table_set_stream(state->table, table->out);
	for (size_t i = 0; i < table->shown_count; i++)
		TRY(add_column(state, &table->spec->columns[table->shown[i]]));
	return NULL;
}

static void scols_state_destroy(struct scols_state *state)
{
	if (!state)
		return;
	scols_unref_table(state->table);
	vec_deinit(&state->text);
	vec_deinit(&state->lines);
	free(state);
}

static void scols_destroy(struct table *table)
{
	scols_state_destroy(table->state);
}

static struct error *set_cell(struct table *table, struct libscols_line *line, size_t position)
{
	struct scols_state *state = table->state;
	size_t column = table->shown[position];
	enum cell_color color = cell_color(table, column);

	state->text.count = 0;
	TRY(table_render(table, column, &state->text));
	TRY(buffer_append(&state->text, "", 1));
	if (scols_line_set_data(line, position, state->text.items) != 0)
		return error_nomem();
	if (color != CELL_PLAIN && table->color)
		scols_cell_set_color(scols_line_get_cell(line, position),
				     table_color_sequence(color));
	return NULL;
}

static const char *cell_text(struct libscols_line *line, size_t position)
{
	const char *text = scols_cell_get_data(scols_line_get_cell(line, position));

	return text ? text : "";
}

static enum cell_color cell_sequence_color(struct libscols_line *line, size_t position)
{
	const char *sequence = scols_cell_get_color(scols_line_get_cell(line, position));
	enum cell_color color = sequence ? CELL_COLORS : CELL_PLAIN;

	while (color != CELL_PLAIN && --color != CELL_PLAIN) {
		if (strcmp(table_color_sequence(color), sequence) == 0)
			return color;
	}
	return CELL_PLAIN;
}

/* Hands on the cells of a row, which has the columns `had`, in those that the table has now. */
static struct error *hand_on(struct table *table, struct libscols_line *line, const size_t *had)
{
	for (size_t i = 0, j = 0; i < table->shown_count; i++, j++) {
		while (had[j] != table->shown[i])
			j++;
		TRY(stream_keep_cell(table, i, cell_text(line, j), cell_sequence_color(line, j)));
	}
	return NULL;
}

/*
 * The rest of the table is a stream, in which the rows so far are the first. What later rows have
 * is not known: no column is left out because it was 0 until now, only for want of room.
 */
static struct error *become_stream(struct table *table)
{
	struct scols_state *state = table->state;
	size_t had[COLUMNS_MAX];

	memcpy(had, table->shown, table->shown_count * sizeof(*had));
	table->state = NULL;
	table->backend = &table_backend_stream;
	struct error *error = stream_columns_yield(table);
	if (!error)
		error = table->backend->create(table);
	for (size_t i = 0; !error && i < state->lines.count; i++)
		error = hand_on(table, state->lines.items[i], had);
	scols_state_destroy(state);
	return error ? error : table->backend->row(table);
}

static struct error *scols_row(struct table *table)
{
	struct scols_state *state = table->state;

	if (state->lines.count == ROWS_LAID_OUT && !table_is_tree(table))
		return become_stream(table);
	struct libscols_line *parent =
		table->parent < state->lines.count ? state->lines.items[table->parent] : NULL;
	struct libscols_line *line = scols_table_new_line(state->table, parent);

	if (!line)
		return error_nomem();
	TRY(vec_push(&state->lines, line));
	for (size_t i = 0; i < table->shown_count; i++)
		TRY(set_cell(table, line, i));
	return NULL;
}

static size_t column_width(const struct table *table, size_t position)
{
	const struct scols_state *state = table->state;
	size_t width = table->options.noheadings
			       ? 0
			       : strlen(table->spec->columns[table->shown[position]].name);

	for (size_t i = 0; i < state->lines.count; i++) {
		size_t cell = display_width(cell_text(state->lines.items[i], position));

		width = cell > width ? cell : width;
	}
	return width;
}

static struct error *cut_cell(struct libscols_line *line, size_t position, size_t width)
{
	const char *text = cell_text(line, position);
	_cleanup_free_ char *cut = NULL;

	if (display_width(text) <= width)
		return NULL;
	if (asprintf(&cut, "%s%s", elastic_mark(), elastic_end(text, width)) < 0) {
		cut = NULL;
		return error_nomem();
	}
	return scols_line_set_data(line, position, cut) ? error_nomem() : NULL;
}

/* Whether no row says anything there: 0 or nothing. What is hidden from us is something. */
static bool column_is_empty(const struct scols_state *state, size_t position)
{
	for (size_t i = 0; i < state->lines.count; i++) {
		const char *text = cell_text(state->lines.items[i], position);

		if (*text && strcmp(text, "0") != 0)
			return false;
	}
	return true;
}

static void hide_column(const struct scols_state *state, size_t position)
{
	struct libscols_column *column = scols_table_get_column(state->table, position);

	scols_column_set_flags(column, scols_column_get_flags(column) | SCOLS_FL_HIDDEN);
}

static struct error *cut_elastic(const struct table *table, size_t terminal, const size_t *widths,
				 const bool *hidden)
{
	const struct scols_state *state = table->state;
	size_t elastic = elastic_position(table), others = 0;

	if (!terminal || elastic == table->shown_count)
		return NULL;
	for (size_t i = 0; i < table->shown_count; i++)
		others += i == elastic || hidden[i] ? 0 : widths[i] + 1;
	size_t width = elastic_width(terminal, others);
	for (size_t i = 0; i < state->lines.count; i++)
		TRY(cut_cell(state->lines.items[i], elastic, width));
	return NULL;
}

/* Elsewhere than on a terminal nothing is ever cut, nor left out for want of room. */
static struct error *fit_terminal(struct table *table)
{
	const struct scols_state *state = table->state;
	size_t terminal = terminal_width(table->out), count = table->shown_count;
	_cleanup_free_ size_t *widths = calloc(count, sizeof(*widths));
	_cleanup_free_ bool *empty = calloc(count, sizeof(*empty));
	_cleanup_free_ bool *hidden = calloc(count, sizeof(*hidden));

	if (!widths || !empty || !hidden)
		return error_nomem();
	for (size_t i = 0; i < count; i++) {
		widths[i] = column_width(table, i);
		empty[i] = column_is_empty(state, i);
	}
	columns_yield(table, terminal, widths, empty, hidden);
	for (size_t i = 0; i < count; i++) {
		if (hidden[i])
			hide_column(state, i);
	}
	return cut_elastic(table, terminal, widths, hidden);
}

/*
 * libsmartcols draws the branches of a tree with Unicode's lines if the program's locale has them,
 * which is not always the user's (locale_start()).
 */
static struct error *draw_trees_in_ascii(const struct scols_state *state)
{
	struct libscols_symbols *symbols;

	if (locale_is_utf8())
		return NULL;
	symbols = scols_new_symbols();
	if (!symbols)
		return error_nomem();
	int result = scols_symbols_set_branch(symbols, "|-");
	if (!result)
		result = scols_symbols_set_vertical(symbols, "| ");
	if (!result)
		result = scols_symbols_set_right(symbols, "`-");
	if (!result)
		result = scols_table_set_symbols(state->table, symbols);
	scols_unref_symbols(symbols);
	return result ? error_nomem() : NULL;
}

static struct error *scols_finish(struct table *table)
{
	const struct scols_state *state = table->state;
	int result;

	/* Headings over nothing would only look like an answer. */
	if (table->row_count == 0)
		return NULL;
	TRY(fit_terminal(table));
	TRY(draw_trees_in_ascii(state));
	/* Too wide all the same, it is for the terminal to wrap: nothing else is cut. */
	scols_table_set_termforce(state->table, SCOLS_TERMFORCE_NEVER);
	result = scols_print_table(state->table);
	return result ? error_errno(-result, "cannot lay out the table") : NULL;
}

const struct table_backend table_backend_scols = {
	.create = scols_create,
	.row = scols_row,
	.finish = scols_finish,
	.destroy = scols_destroy,
};
