// SPDX-License-Identifier: GPL-2.0-or-later
/* A line a row for other programs, written as it comes: CSV, TSV and NDJSON. */
#include <stdlib.h>
#include <string.h>

#include "ui/table_backend.h"

struct lines_state {
	bool tree;
	bool begun;
	text_buffer cell, line;
	/* Of a tree's rows their cells as they are written, one behind the other, each with its
	 * NUL; and where each row's begin, by its number. */
	text_buffer texts;
	VEC(size_t) rows;
};

static struct error *lines_create(struct table *table)
{
	struct lines_state *state = calloc(1, sizeof(*state));

	table->state = state;
	if (!state)
		return error_nomem();
	state->tree = table_is_tree(table);
	return NULL;
}

static void lines_destroy(struct table *table)
{
	struct lines_state *state = table->state;

	if (!state)
		return;
	vec_deinit(&state->cell);
	vec_deinit(&state->line);
	vec_deinit(&state->texts);
	vec_deinit(&state->rows);
	free(state);
}

/*
 * Names are chosen by whoever is looked at, and CSV is opened in spreadsheets, which take what
 * begins so for a formula. "-" alone begins permissions, too: it must go on like a formula.
 */
static bool is_formula(const char *text)
{
	return *text == '=' || *text == '+' || *text == '@' ||
	       (*text == '-' && strpbrk(text, "(!|") != NULL);
}

static bool needs_quotes(const char *text)
{
	return strpbrk(text, ",\"\r\n") || *text == ' ' || (*text && text[strlen(text) - 1] == ' ');
}

static struct error *append_csv(text_buffer *line, const char *text, bool is_text)
{
	char first[8] = "";

	if (is_text && is_formula(text))
		snprintf(first, sizeof(first), "\\x%02x", (unsigned char)*text++);
	bool quotes = needs_quotes(text);
	if (quotes)
		TRY(vec_push(line, '"'));
	TRY(buffer_append(line, first, strlen(first)));
	for (; *text; text++) {
		if (*text == '"')
			TRY(vec_push(line, '"'));
		TRY(vec_push(line, *text));
	}
	return quotes ? vec_push(line, '"') : NULL;
}

/* The cell at `position` that the row above has, or NULL. */
static const char *inherited(const struct table *table, size_t position)
{
	const struct lines_state *state = table->state;

	if (!state->tree || table->parent >= state->rows.count)
		return NULL;
	const char *text = state->texts.items + state->rows.items[table->parent];
	while (position-- > 0)
		text += strlen(text) + 1;
	return text;
}

/* The cell of the row in hand, as it is written but for CSV's quotes, with its NUL. */
static struct error *render(struct table *table, size_t position)
{
	struct lines_state *state = table->state;
	size_t column = table->shown[position];
	const char *above = cell_is(table->set, column) ? NULL : inherited(table, position);

	state->cell.count = 0;
	if (above)
		return buffer_append(&state->cell, above, strlen(above) + 1);
	TRY(table->options.format == FORMAT_NDJSON ? table_render_json(table, column, &state->cell)
						   : table_render(table, column, &state->cell));
	return buffer_append(&state->cell, "", 1);
}

static struct error *append_cell(struct table *table, size_t position)
{
	struct lines_state *state = table->state;
	size_t column = table->shown[position];
	text_buffer *line = &state->line;

	TRY(render(table, position));
	if (state->tree)
		TRY(buffer_append(&state->texts, state->cell.items, state->cell.count));
	if (table->options.format == FORMAT_CSV)
		return append_csv(line, state->cell.items,
				  table->spec->columns[column].type == CELL_TEXT);
	if (table->options.format == FORMAT_NDJSON) {
		TRY(buffer_append(line, "\"", 1));
		TRY(append_key(table, column, line));
		TRY(buffer_append(line, "\":", 2));
	}
	return buffer_append(line, state->cell.items, state->cell.count - 1);
}

/* Between this cell and the one before it, if there is one. */
static struct error *append_separator(const struct table *table, size_t position, text_buffer *line)
{
	if (position == 0 && !table->options.time)
		return NULL;
	return vec_push(line, table->options.format == FORMAT_TSV ? '\t' : ',');
}

/* What is before the first cell. */
static struct error *append_beginning(const struct table *table, text_buffer *line)
{
	bool json = table->options.format == FORMAT_NDJSON;
	const char *time = table->options.time;

	if (json)
		TRY(buffer_append(line, "{", 1));
	if (!time)
		return NULL;
	if (json)
		TRY(buffer_append(line, "\"time\":\"", 8));
	TRY(buffer_append(line, time, strlen(time)));
	return json ? buffer_append(line, "\"", 1) : NULL;
}

static void write_line(struct table *table)
{
	struct lines_state *state = table->state;

	fwrite(state->line.items, 1, state->line.count, table->out);
}

/* Names of columns are those of JSON's keys. */
static struct error *write_headings(struct table *table)
{
	struct lines_state *state = table->state;
	text_buffer *line = &state->line;

	if (state->begun)
		return NULL;
	state->begun = true;
	if (table->options.format == FORMAT_NDJSON || table->options.noheadings)
		return NULL;
	line->count = 0;
	if (table->options.time)
		TRY(buffer_append(line, "time", 4));
	for (size_t i = 0; i < table->shown_count; i++) {
		TRY(append_separator(table, i, line));
		TRY(append_key(table, table->shown[i], line));
	}
	TRY(vec_push(line, '\n'));
	write_line(table);
	return NULL;
}

static struct error *lines_row(struct table *table)
{
	struct lines_state *state = table->state;

	TRY(write_headings(table));
	state->line.count = 0;
	TRY(append_beginning(table, &state->line));
	if (state->tree) /* its cells are for those below it */
		TRY(vec_push(&state->rows, state->texts.count));
	for (size_t i = 0; i < table->shown_count; i++) {
		TRY(append_separator(table, i, &state->line));
		TRY(append_cell(table, i));
	}
	if (table->options.format == FORMAT_NDJSON)
		TRY(vec_push(&state->line, '}'));
	TRY(vec_push(&state->line, '\n'));
	write_line(table);
	return NULL;
}

static struct error *lines_finish(struct table *table)
{
	TRY(write_headings(table));
	if (table->options.format == FORMAT_NDJSON && table->summary.count)
		fprintf(table->out, "{\"summary\":{%.*s}}\n", (int)table->summary.count,
			table->summary.items);
	return NULL;
}

const struct table_backend table_backend_lines = {
	.create = lines_create,
	.row = lines_row,
	.finish = lines_finish,
	.destroy = lines_destroy,
};
