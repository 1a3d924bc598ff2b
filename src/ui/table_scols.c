// SPDX-License-Identifier: GPL-2.0-or-later
/* Whole tables and trees as aligned text, laid out by libsmartcols (its only user). */
#include <errno.h>
#include <libsmartcols.h>
#include <stdlib.h>

#include "base/scope.h"
#include "ui/table_backend.h"

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
	if (column->flags & COLUMN_ELASTIC)
		flags |= SCOLS_FL_WRAP;
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

static void scols_destroy(struct table *table)
{
	struct scols_state *state = table->state;

	if (!state)
		return;
	scols_unref_table(state->table);
	vec_deinit(&state->text);
	vec_deinit(&state->lines);
	free(state);
}

static struct error *set_cell(struct table *table, struct libscols_line *line, size_t position)
{
	struct scols_state *state = table->state;
	size_t column = table->shown[position];
	enum cell_color color = table->cells[column].color;

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

static struct error *scols_row(struct table *table)
{
	struct scols_state *state = table->state;
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

static struct error *scols_finish(struct table *table)
{
	const struct scols_state *state = table->state;
	int result;

	/* libsmartcols prints nothing at all for an empty table; headings still say what it is of.
	 */
	if (table->row_count == 0 && !table->options.noheadings) {
		for (size_t i = 0; i < table->shown_count; i++)
			fprintf(table->out, "%s%c", table->spec->columns[table->shown[i]].name,
				i + 1 < table->shown_count ? ' ' : '\n');
		return NULL;
	}
	result = scols_print_table(state->table);
	return result ? error_errno(-result, "cannot lay out the table") : NULL;
}

const struct table_backend table_backend_scols = {
	.create = scols_create,
	.row = scols_row,
	.finish = scols_finish,
	.destroy = scols_destroy,
};
