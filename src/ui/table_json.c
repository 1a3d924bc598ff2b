// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * JSON as util-linux writes it: {"NAME":[row,…]}, a tree's rows under "children". A flat table is
 * written as it comes; a tree when it is whole.
 */
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "ui/table_backend.h"

struct tree_row {
	size_t text; /* the row's members, in state->texts, NUL-terminated */
	size_t first_child, last_child, next; /* row numbers, or TABLE_ROOT for none */
};

struct json_state {
	text_buffer line;  /* the row being written */
	text_buffer texts; /* rows of a tree, kept */
	VEC(struct tree_row) rows;
	size_t first, last; /* of the roots */
	bool tree;
	bool begun;
};

static struct error *json_create(struct table *table)
{
	struct json_state *state = calloc(1, sizeof(*state));

	if (!state)
		return error_nomem();
	state->tree = table_is_tree(table);
	state->first = state->last = TABLE_ROOT;
	table->state = state;
	return NULL;
}

static void json_destroy(struct table *table)
{
	struct json_state *state = table->state;

	if (!state)
		return;
	vec_deinit(&state->line);
	vec_deinit(&state->texts);
	vec_deinit(&state->rows);
	free(state);
}

/* The members of the row in hand, without the braces. */
static struct error *render_members(struct table *table, text_buffer *line)
{
	line->count = 0;
	for (size_t i = 0; i < table->shown_count; i++) {
		if (i > 0)
			TRY(buffer_append(line, ",", 1));
		TRY(buffer_append(line, "\"", 1));
		TRY(append_key(table, table->shown[i], line));
		TRY(buffer_append(line, "\":", 2));
		TRY(table_render_json(table, table->shown[i], line));
	}
	return NULL;
}

static void begin(struct table *table)
{
	struct json_state *state = table->state;

	if (!state->begun && table->options.time)
		fprintf(table->out, "{\"time\":\"%s\",", table->options.time);
	else if (!state->begun)
		fputc('{', table->out);
	if (!state->begun)
		fprintf(table->out, "\"%s\":[", table->spec->name);
	state->begun = true;
}

static struct error *keep_row(struct table *table)
{
	struct json_state *state = table->state;
	struct tree_row row = {.text = state->texts.count,
			       .first_child = TABLE_ROOT,
			       .last_child = TABLE_ROOT,
			       .next = TABLE_ROOT};
	size_t number = state->rows.count;

	TRY(buffer_append(&state->line, "", 1));
	TRY(buffer_append(&state->texts, state->line.items, state->line.count));
	TRY(vec_push(&state->rows, row));

	bool root = table->parent >= number;
	size_t *first = root ? &state->first : &state->rows.items[table->parent].first_child;
	size_t *last = root ? &state->last : &state->rows.items[table->parent].last_child;
	if (*last == TABLE_ROOT)
		*first = number;
	else
		state->rows.items[*last].next = number;
	*last = number;
	return NULL;
}

static struct error *json_row(struct table *table)
{
	struct json_state *state = table->state;

	TRY(render_members(table, &state->line));
	if (state->tree)
		return keep_row(table);
	begin(table);
	fputs(table->row_count > 1 ? "," : "", table->out);
	fputs(table->options.time ? "{" : "\n  {", table->out);
	fwrite(state->line.items, 1, state->line.count, table->out);
	fputc('}', table->out);
	return NULL;
}

/* Depth is that of the tables we make (two or three levels), so recursion is bounded. */
static void print_rows(struct table *table, size_t number, int depth)
{
	const struct json_state *state = table->state;

	for (; number != TABLE_ROOT; number = state->rows.items[number].next) {
		const struct tree_row *row = &state->rows.items[number];

		if (!table->options.time)
			fprintf(table->out, "\n%*s", 2 * depth, "");
		fprintf(table->out, "{%s", state->texts.items + row->text);
		if (row->first_child != TABLE_ROOT) {
			fputs(",\"children\":[", table->out);
			print_rows(table, row->first_child, depth + 1);
			fputc(']', table->out);
		}
		fputs(row->next != TABLE_ROOT ? "}," : "}", table->out);
	}
}

static struct error *json_finish(struct table *table)
{
	const struct json_state *state = table->state;

	begin(table);
	if (state->tree)
		print_rows(table, state->first, 1);
	const char *line = table->options.time ? "" : "\n";
	fprintf(table->out, "%s]", line);
	if (table->summary.count)
		fprintf(table->out, ",%s\"summary\":{%.*s}", line, (int)table->summary.count,
			table->summary.items);
	fputs("}\n", table->out);
	return NULL;
}

const struct table_backend table_backend_json = {
	.create = json_create,
	.row = json_row,
	.finish = json_finish,
	.destroy = json_destroy,
};
