// SPDX-License-Identifier: GPL-2.0-or-later
#include "ui/table.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/scope.h"
#include "ui/escape.h"
#include "ui/size.h"
#include "ui/table_backend.h"

bool color_wanted(enum color_mode mode, FILE *out)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (mode != COLOR_AUTO)
		return mode == COLOR_ALWAYS;
	return isatty(fileno(out)) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

bool table_format_parse(const char *name, enum table_format *format)
{
	static const char *const names[] = {
		[FORMAT_TABLE] = "table",   [FORMAT_RAW] = "raw", [FORMAT_JSON] = "json",
		[FORMAT_NDJSON] = "ndjson", [FORMAT_CSV] = "csv", [FORMAT_TSV] = "tsv",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name) == 0) {
			*format = (enum table_format)i;
			return true;
		}
	}
	return false;
}

static size_t find_column(const struct table_spec *spec, const char *name, size_t length)
{
	size_t i;

	for (i = 0; i < spec->count; i++) {
		const char *known = spec->columns[i].name;

		if (strlen(known) == length && strncasecmp(known, name, length) == 0)
			break;
	}
	return i;
}

static struct error *unknown_column(const struct table_spec *spec, const char *name, size_t length)
{
	char known[1024] = "";

	for (size_t i = 0; i < spec->count; i++) {
		size_t used = strlen(known);

		snprintf(known + used, sizeof(known) - used, " %s", spec->columns[i].name);
	}
	return error_new(ERROR_INPUT, "unknown column: %.*s (there are:%s)",
			 (int)(length < 64 ? length : 64), name, known);
}

/* Adds the columns of a comma-separated list to those shown; one named twice is shown once. */
static struct error *show_columns(struct table *table, const char *list, bool asked)
{
	for (const char *name = list; *name;) {
		size_t length = strcspn(name, ",");
		size_t column = find_column(table->spec, name, length);

		if (column == table->spec->count)
			return unknown_column(table->spec, name, length);
		table->asked |= asked ? COLUMN_BIT(column) : 0;
		if (!table->wanted[column]) {
			table->wanted[column] = true;
			table->shown[table->shown_count++] = column;
		}
		name += length;
		name += *name == ',';
	}
	return NULL;
}

static struct error *choose_columns(struct table *table)
{
	const char *list = table->options.columns;
	bool screen = table->options.format == FORMAT_TABLE && table->spec->screen;

	if (!list || *list == '+')
		TRY(show_columns(table, screen ? table->spec->screen : table->spec->defaults,
				 false));
	if (list)
		TRY(show_columns(table, list + (*list == '+'), true));
	if (table->shown_count == 0)
		return error_new(ERROR_INPUT, "no columns to show");
	return NULL;
}

static const struct table_backend *choose_backend(const struct table *table)
{
	static const struct table_backend *const backends[] = {
		[FORMAT_RAW] = &table_backend_stream,   [FORMAT_JSON] = &table_backend_json,
		[FORMAT_NDJSON] = &table_backend_lines, [FORMAT_CSV] = &table_backend_lines,
		[FORMAT_TSV] = &table_backend_lines,
	};

	if (table->options.format != FORMAT_TABLE)
		return backends[table->options.format];
	return table->spec->streaming ? &table_backend_stream : &table_backend_scols;
}

struct error *table_create(const struct table_spec *spec, const struct table_options *options,
			   FILE *out, struct table **result)
{
	struct table *table = calloc(1, sizeof(*table));

	*result = NULL;
	if (!table)
		return error_nomem();
	assert(spec->count <= COLUMNS_MAX);
	*table = (struct table){.spec = spec, .options = *options, .out = out};
	table->color = options->format == FORMAT_TABLE && color_wanted(options->color, out);
	table->shown = calloc(spec->count, sizeof(*table->shown));
	table->wanted = calloc(spec->count, sizeof(*table->wanted));
	table->cells = calloc(spec->count, sizeof(*table->cells));
	struct error *error = table->shown && table->wanted && table->cells ? choose_columns(table)
									    : error_nomem();
	if (!error) {
		table->backend = choose_backend(table);
		if (table->backend == &table_backend_stream && options->format == FORMAT_TABLE)
			error = stream_columns_yield(table);
		if (!error)
			error = table->backend->create(table);
	}
	if (error) {
		table_destroy(table);
		return error;
	}
	*result = table;
	return NULL;
}

void table_destroy(struct table *table)
{
	if (!table)
		return;
	if (table->backend)
		table->backend->destroy(table);
	for (size_t i = 0; table->cells && i < table->spec->count; i++)
		vec_deinit(&table->cells[i].text);
	vec_deinit(&table->summary);
	free(table->shown);
	free(table->wanted);
	free(table->cells);
	free(table);
}

bool table_wants(const struct table *table, size_t column)
{
	return table->wanted[column];
}

static struct error *end_row(struct table *table)
{
	if (!table->open)
		return NULL;
	table->open = false;
	table->row_count++;
	table->changed |= table->set ^ table->before;
	return table->backend->row(table);
}

struct error *table_child_row(struct table *table, size_t parent, size_t *number)
{
	TRY(end_row(table));
	table->changed = table->hidden | table->painted;
	table->before = table->set & ~table->changed;
	table->set = table->hidden = table->painted = 0;
	table->open = true;
	table->parent = parent;
	if (number)
		*number = table->row_count;
	return NULL;
}

struct error *table_row(struct table *table)
{
	return table_child_row(table, TABLE_ROOT, NULL);
}

struct error *table_row_again(struct table *table)
{
	TRY(end_row(table));
	table->changed = 0;
	table->before = table->set & ~(table->hidden | table->painted);
	table->open = true;
	return NULL;
}

struct error *table_finish(struct table *table)
{
	TRY(end_row(table));
	return table->backend->finish(table);
}

/* Whether the cell, which is now set and plain, was so in the row before and may be as it was. */
static bool set_plain(struct table *table, size_t column)
{
	column_set bit = COLUMN_BIT(column);

	table->set |= bit;
	table->hidden &= ~bit;
	table->painted &= ~bit;
	return table->before & bit;
}

static struct error *keep_text(struct table *table, size_t column, const char *text)
{
	text_buffer *kept = &table->cells[column].text;

	table->changed |= COLUMN_BIT(column);
	kept->count = 0;
	return buffer_append(kept, text, strlen(text) + 1);
}

struct error *table_text(struct table *table, size_t column, const char *text)
{
	if (!table->wanted[column] || !text ||
	    (set_plain(table, column) && strcmp(table->cells[column].text.items, text) == 0))
		return NULL;
	return keep_text(table, column, text);
}

struct error *table_hidden(struct table *table, size_t column, const char *word)
{
	if (!table->wanted[column])
		return NULL;
	set_plain(table, column);
	table->hidden |= COLUMN_BIT(column);
	table_color(table, column, CELL_DIM);
	return keep_text(table, column, word);
}

static struct error *set_number(struct table *table, size_t column, uint64_t number)
{
	uint64_t *kept = &table->cells[column].number;

	if (set_plain(table, column) && *kept == number)
		return NULL;
	table->changed |= COLUMN_BIT(column);
	*kept = number;
	return NULL;
}

struct error *table_number(struct table *table, size_t column, uint64_t number)
{
	enum cell_type type = table->spec->columns[column].type;

	if (type == CELL_SIZE || (type == CELL_PAGES && table->options.bytes))
		number <<= table->options.page_shift;
	return set_number(table, column, number);
}

struct error *table_bytes(struct table *table, size_t column, uint64_t bytes)
{
	unsigned shift = table->options.page_shift;

	if (!table->options.bytes && shift > 0)
		bytes = (bytes + (UINT64_C(1) << (shift - 1))) >> shift;
	return set_number(table, column, bytes);
}

struct error *table_hex(struct table *table, size_t column, uint64_t number)
{
	return set_number(table, column, number);
}

struct error *table_bool(struct table *table, size_t column, bool value)
{
	return set_number(table, column, value);
}

void table_color(struct table *table, size_t column, enum cell_color color)
{
	if (!table->color || color == CELL_PLAIN)
		return;
	table->painted |= COLUMN_BIT(column);
	table->changed |= COLUMN_BIT(column);
	table->cells[column].color = color;
}

const char *table_color_sequence(enum cell_color color)
{
	static const char *const sequences[] = {
		[CELL_PLAIN] = "",       [CELL_GREEN] = "\033[32m", [CELL_YELLOW] = "\033[33m",
		[CELL_RED] = "\033[31m", [CELL_CYAN] = "\033[36m",  [CELL_DIM] = "\033[2m",
	};

	return sequences[color];
}

bool table_is_tree(const struct table *table)
{
	for (size_t i = 0; i < table->spec->count; i++) {
		if (table->spec->columns[i].flags & COLUMN_TREE)
			return true;
	}
	return false;
}

bool column_is_right(const struct column *column)
{
	return column->type == CELL_NUMBER || column->type == CELL_PAGES ||
	       column->type == CELL_HEX || column->type == CELL_SIZE;
}

/* By hand, because listings of millions of rows spend their time here. */
char *number_write(enum cell_type type, uint64_t number, char *end)
{
	if (type != CELL_HEX) {
		do {
			*--end = (char)('0' + number % 10);
			number /= 10;
		} while (number);
		return end;
	}
	do {
		*--end = "0123456789abcdef"[number & 15];
		number >>= 4;
	} while (number);
	*--end = 'x';
	*--end = '0';
	return end;
}

static struct error *append_number(text_buffer *buffer, enum cell_type type, uint64_t number)
{
	char digits[NUMBER_LENGTH], *end = digits + sizeof(digits);
	const char *start = number_write(type, number, end);

	return buffer_append(buffer, start, (size_t)(end - start));
}

static struct error *append_escaped(text_buffer *buffer, const char *text,
				    size_t (*escape)(char *, size_t, const char *))
{
	size_t plain = escape_plain_length(text);

	if (!text[plain])
		return buffer_append(buffer, text, plain);
	size_t length = escape(NULL, 0, text);
	TRY(vec_reserve(buffer, length + 1));
	escape(buffer->items + buffer->count, length + 1, text);
	buffer->count += length;
	return NULL;
}

static struct error *append_word(text_buffer *buffer, const char *word)
{
	return buffer_append(buffer, word, strlen(word));
}

bool column_is_size(const struct table *table, size_t column)
{
	const struct column *c = &table->spec->columns[column];
	const struct table_options *options = &table->options;

	if (options->format != FORMAT_TABLE || options->bytes)
		return false;
	if (c->type != CELL_PAGES || table->spec->streaming)
		return c->type == CELL_SIZE;
	if (options->human != COLOR_AUTO)
		return options->human == COLOR_ALWAYS;
	return (c->flags & COLUMN_HUMAN) && terminal_width(table->out) > 0;
}

struct error *table_render(const struct table *table, size_t column, text_buffer *buffer)
{
	const struct cell *cell = &table->cells[column];
	enum cell_type type = table->spec->columns[column].type;

	if (!cell_is(table->set, column))
		return NULL;
	if (type == CELL_TEXT || cell_is(table->hidden, column))
		return append_escaped(buffer, cell->text.items, escape_terminal);
	if (type == CELL_BOOL)
		return append_word(buffer, cell->number ? "yes" : "no");
	if (column_is_size(table, column)) {
		unsigned shift = type == CELL_SIZE ? 0 : table->options.page_shift;
		char text[SIZE_LENGTH];

		return append_word(buffer, size_text(cell->number << shift, text));
	}
	return append_number(buffer, type, cell->number);
}

struct error *append_key(const struct table *table, size_t column, text_buffer *buffer)
{
	for (const char *p = table->spec->columns[column].name; *p; p++)
		TRY(vec_push(buffer, (char)tolower((unsigned char)*p)));
	return NULL;
}

static struct error *append_quoted(text_buffer *buffer, const char *text)
{
	TRY(buffer_append(buffer, "\"", 1));
	TRY(append_escaped(buffer, text, escape_json));
	return buffer_append(buffer, "\"", 1);
}

struct error *table_render_json(const struct table *table, size_t column, text_buffer *buffer)
{
	const struct cell *cell = &table->cells[column];
	enum cell_type type = table->spec->columns[column].type;

	if (!cell_is(table->set, column))
		return append_word(buffer, "null");
	if (type == CELL_TEXT || cell_is(table->hidden, column))
		return append_quoted(buffer, cell->text.items);
	if (type == CELL_BOOL)
		return append_word(buffer, cell->number ? "true" : "false");
	if (type != CELL_HEX)
		return append_number(buffer, type, cell->number);
	TRY(buffer_append(buffer, "\"", 1));
	TRY(append_number(buffer, type, cell->number));
	return buffer_append(buffer, "\"", 1);
}

struct error *table_summary(struct table *table, const char *key, uint64_t number)
{
	text_buffer *summary = &table->summary;

	if (summary->count)
		TRY(buffer_append(summary, ",", 1));
	TRY(append_quoted(summary, key));
	TRY(buffer_append(summary, ":", 1));
	return append_number(summary, CELL_NUMBER, number);
}

void table_list_columns(const struct table_spec *spec, FILE *out, const char *indent)
{
	int width = 0;

	for (size_t i = 0; i < spec->count; i++) {
		int length = (int)strlen(spec->columns[i].name);
		width = length > width ? length : width;
	}
	for (size_t i = 0; i < spec->count; i++)
		fprintf(out, "%s%*s  %s\n", indent, width, spec->columns[i].name,
			spec->columns[i].help);
}
