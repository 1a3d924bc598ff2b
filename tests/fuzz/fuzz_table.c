// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tables in every format: rows made of the input's bytes, and what comes out parses: JSON as one
 * value with a row an object, raw as so many words a line, aligned text as so many lines.
 */
#include "fuzz.h"
#include "json.h"
#include "ui/table.h"

/* More rows than a streaming table keeps back; libsmartcols, and trees of ours, have few. */
enum { COLUMNS = 6, ROWS_MAX = 2000, ROWS_LAID_OUT = 64 };

static const struct column columns[COLUMNS] = {
	{"NAME", CELL_TEXT, 0, 0, "a text"},
	{"NUMBER", CELL_NUMBER, 5, 0, "a number"},
	{"PAGES", CELL_PAGES, 5, 0, "pages"},
	{"HEX", CELL_HEX, 10, 0, "an address"},
	{"BOOL", CELL_BOOL, 0, 0, "yes or no"},
	{"PATH", CELL_TEXT, 0, COLUMN_ELASTIC, "another text"},
};

static const struct column tree_columns[COLUMNS] = {
	{"NAME", CELL_TEXT, 0, COLUMN_TREE, "a text"}, {"NUMBER", CELL_NUMBER, 5, 0, "a number"},
	{"PAGES", CELL_PAGES, 5, 0, "pages"},          {"HEX", CELL_HEX, 10, 0, "an address"},
	{"BOOL", CELL_BOOL, 0, 0, "yes or no"},        {"PATH", CELL_TEXT, 0, 0, "another text"},
};

static struct error *put_cell(struct table *table, size_t column, struct input *input)
{
	char *text;
	struct error *error;

	switch (columns[column].type) {
	case CELL_TEXT:
		text = take_text(input, take_byte(input));
		error = table_text(table, column, text);
		free(text);
		return error;
	case CELL_NUMBER:
		return table_number(table, column, take_word(input));
	case CELL_PAGES:
		return table_bytes(table, column, take_word(input));
	case CELL_HEX:
		return table_hex(table, column, take_word(input));
	default:
		return table_bool(table, column, take_byte(input) & 1);
	}
}

/* Which cells it has is in the bits of a byte. */
static void put_row(struct table *table, struct input *input, size_t row, bool tree)
{
	uint8_t set = take_byte(input), how = take_byte(input);
	size_t parent = row && how & 1 ? how % row : TABLE_ROOT;

	if (tree)
		must(fine(table_child_row(table, parent, NULL)));
	else
		must(fine(row && how & 2 ? table_row_again(table) : table_row(table)));
	for (size_t i = 0; i < COLUMNS; i++) {
		if (!(set >> i & 1))
			continue;
		if (how & 4 && i == how >> 5)
			must(fine(table_hidden(table, i, "hidden")));
		else
			must(fine(put_cell(table, i, input)));
		if (how & 8)
			table_color(table, i, (enum cell_color)(how >> 5 & 3));
	}
}

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; (text = strchr(text, '\n')); text++)
		lines++;
	return lines;
}

/* Words between single blanks, as many a line as there are columns. */
static void check_raw(const char *text, bool headings, size_t rows)
{
	must(count_lines(text) == rows + headings);
	for (const char *line = text; *line;) {
		size_t words = 1;

		for (; *line != '\n'; line++) {
			must(*line != ' ' || (line[1] != ' ' && line[1] != '\n'));
			words += *line == ' ';
		}
		must(words == COLUMNS);
		line++;
	}
}

static void check_bytes(const char *text, bool color)
{
	must(is_utf8(text));
	for (const char *at = text; *at; at++)
		must((unsigned char)*at >= 0x20 || *at == '\n' || (color && *at == '\033'));
}

static void check(const char *text, const struct table_options *options, size_t rows)
{
	bool headings = !options->noheadings;

	if (options->format == FORMAT_JSON) {
		/* The whole, its summary, and the rows. */
		must(json_check(text).objects == rows + 2);
		return;
	}
	check_bytes(text, options->color == COLOR_ALWAYS);
	if (options->format == FORMAT_RAW)
		check_raw(text, headings, rows);
	else
		must(rows == 0 || count_lines(text) == rows + headings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	uint8_t shape = take_byte(&input);
	enum table_format formats[] = {FORMAT_TABLE, FORMAT_RAW, FORMAT_JSON, FORMAT_JSON};
	struct table_options options = {.format = formats[shape & 3],
					.noheadings = shape & 4,
					.bytes = shape & 8,
					.color = shape & 16 ? COLOR_ALWAYS : COLOR_NEVER,
					.page_shift = 12};
	bool streaming = shape & 32,
	     tree = !streaming && options.format != FORMAT_RAW && shape & 64;
	struct table_spec spec = {.name = "rows",
				  .columns = tree ? tree_columns : columns,
				  .count = COLUMNS,
				  .defaults = "NAME,NUMBER,PAGES,HEX,BOOL,PATH",
				  .streaming = streaming};
	struct table *table;
	char *text = NULL;
	size_t length = 0, rows = 0;
	FILE *out = open_memstream(&text, &length);

	must(out && fine(table_create(&spec, &options, out, &table)));
	for (; input.size > 0 && rows < (streaming ? ROWS_MAX : ROWS_LAID_OUT); rows++)
		put_row(table, &input, rows, tree);
	must(fine(table_summary(table, "rows", rows)));
	must(fine(table_finish(table)));
	table_destroy(table);
	must(fclose(out) == 0);
	must(strlen(text) == length);
	check(text, &options, rows);
	free(text);
	return 0;
}
