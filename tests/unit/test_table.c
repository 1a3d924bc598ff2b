// SPDX-License-Identifier: GPL-2.0-or-later
/* src/ui/table: the same rows as aligned text, raw cells, JSON, flat and as a tree. */
#include <locale.h>
#include <malloc.h>
#include <pthread.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#include "unit.h"

#include "ui/size.h"
#include "ui/table.h"

enum { NAME, COUNT, PAGES, ADDRESS, FLAG };

static const struct column columns[] = {
	[NAME] = {"NAME", CELL_TEXT, 0, COLUMN_TREE, "a name"},
	[COUNT] = {"COUNT", CELL_NUMBER, 0, 0, "a number"},
	[PAGES] = {"PAGES", CELL_PAGES, 0, 0, "some pages"},
	[ADDRESS] = {"ADDRESS", CELL_HEX, 14, 0, "where"},
	[FLAG] = {"FLAG", CELL_BOOL, 0, 0, "yes or no"},
};

static const struct column flat_columns[] = {
	[NAME] = {"NAME", CELL_TEXT, 0, 0, "a name"},
	[COUNT] = {"COUNT", CELL_NUMBER, 0, 0, "a number"},
	[PAGES] = {"PAGES", CELL_PAGES, 0, 0, "some pages"},
	[ADDRESS] = {"ADDRESS", CELL_HEX, 14, 0, "where"},
	[FLAG] = {"FLAG", CELL_BOOL, 0, 0, "yes or no"},
};

static const struct table_spec tree = {.name = "tree",
				       .title = "tree",
				       .columns = columns,
				       .count = 5,
				       .defaults = "NAME,COUNT",
				       .streaming = false};
static const struct table_spec flat = {.name = "flat",
				       .title = "flat",
				       .columns = flat_columns,
				       .count = 5,
				       .defaults = "NAME,COUNT",
				       .streaming = false};
static const struct table_spec stream = {.name = "stream",
					 .title = "stream",
					 .columns = flat_columns,
					 .count = 5,
					 .defaults = "NAME,COUNT",
					 .streaming = true};

/* A table that prints into a string. */
struct fixture {
	struct table *table;
	FILE *out;
	char *text;
	size_t length;
};

static void begin(struct fixture *f, const struct table_spec *spec,
		  const struct table_options *options)
{
	f->out = open_memstream(&f->text, &f->length);
	assert_non_null(f->out);
	assert_ok(table_create(spec, options, f->out, &f->table));
}

static void end(struct fixture *f, const char *expected)
{
	assert_ok(table_finish(f->table));
	table_destroy(f->table);
	fclose(f->out);
	assert_string_equal(f->text, expected);
	free(f->text);
}

/* A full row, and one that has only its name. */
static void two_rows(struct table *table)
{
	assert_ok(table_row(table));
	assert_ok(table_text(table, NAME, "first"));
	assert_ok(table_number(table, COUNT, UINT64_MAX));
	assert_ok(table_number(table, PAGES, 3));
	assert_ok(table_hex(table, ADDRESS, 0xffff888000000000));
	assert_ok(table_bool(table, FLAG, true));
	assert_ok(table_row(table));
	assert_ok(table_text(table, NAME, "x"));
	assert_ok(table_text(table, NAME, NULL));
}

static void check(const struct table_spec *spec, struct table_options options, const char *expected)
{
	struct fixture f;

	begin(&f, spec, &options);
	two_rows(f.table);
	end(&f, expected);
}

static void default_columns_as_text(void **state)
{
	(void)state;
	check(&flat, (struct table_options){0},
	      "NAME                 COUNT\nfirst 18446744073709551615\nx     \n");
	check(&stream, (struct table_options){0},
	      "NAME                 COUNT\n"
	      "first 18446744073709551615\n"
	      "x                         \n");
}

static void columns_are_chosen(void **state)
{
	(void)state;
	check(&stream, (struct table_options){.columns = "flag,Name", .noheadings = true},
	      "yes first\n    x\n");
	check(&stream, (struct table_options){.columns = "+flag,name", .format = FORMAT_RAW},
	      "NAME COUNT FLAG\nfirst 18446744073709551615 yes\nx - -\n");
	check(&stream,
	      (struct table_options){
		      .columns = "NAME,NAME,", .format = FORMAT_RAW, .noheadings = true},
	      "first\nx\n");
}

static void columns_that_are_not_there(void **state)
{
	static const char *const lists[] = {"NAMES", "NAM",   "NAME,,COUNT",
					    "+NOPE", " NAME", "NAME;COUNT"};
	struct table *table = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct table_options options = {.columns = lists[i]};

		assert_error(table_create(&flat, &options, stdout, &table), ERROR_INPUT,
			     "(there are: NAME COUNT PAGES ADDRESS FLAG)");
		assert_null(table);
	}
	assert_error(table_create(&flat, &(struct table_options){.columns = ""}, stdout, &table),
		     ERROR_INPUT, "no columns to show");
}

static void pages_in_bytes(void **state)
{
	(void)state;
	check(&stream,
	      (struct table_options){.columns = "PAGES,COUNT",
				     .bytes = true,
				     .page_shift = 12,
				     .format = FORMAT_RAW,
				     .noheadings = true},
	      "12288 18446744073709551615\n- -\n");
}

static void json(void **state)
{
	const char *members = "NAME,COUNT,PAGES,ADDRESS,FLAG";
	const char *rows = "\n  {\"name\":\"first\",\"count\":18446744073709551615,\"pages\":3,"
			   "\"address\":\"0xffff888000000000\",\"flag\":true},"
			   "\n  {\"name\":\"x\",\"count\":null,\"pages\":null,\"address\":null,"
			   "\"flag\":null}\n]}\n";
	char expected[1024];

	(void)state;
	snprintf(expected, sizeof(expected), "{\"flat\":[%s", rows);
	check(&flat, (struct table_options){.format = FORMAT_JSON, .columns = members}, expected);
	snprintf(expected, sizeof(expected), "{\"stream\":[%s", rows);
	check(&stream, (struct table_options){.format = FORMAT_JSON, .columns = members}, expected);
	snprintf(expected, sizeof(expected), "{\"tree\":[%s", rows);
	check(&tree, (struct table_options){.format = FORMAT_JSON, .columns = members}, expected);
}

static void a_tree(void **state)
{
	static const char *const expected[] = {
		"{\"tree\":[\n  {\"name\":\"a\",\"children\":[\n    {\"name\":\"aa\",\"children\":["
		"\n      {\"name\":\"aaa\"}]},\n    {\"name\":\"ab\"}]},\n  {\"name\":\"b\"}\n]}\n",
		"a\n|-aa\n| `-aaa\n`-ab\nb\n",
	};
	static const enum table_format formats[] = {FORMAT_JSON, FORMAT_TABLE};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct table_options options = {
			.format = formats[i], .columns = "NAME", .noheadings = true};
		struct fixture f;
		size_t a, aa, b;

		begin(&f, &tree, &options);
		assert_ok(table_child_row(f.table, TABLE_ROOT, &a));
		assert_ok(table_text(f.table, NAME, "a"));
		assert_ok(table_child_row(f.table, a, &aa));
		assert_ok(table_text(f.table, NAME, "aa"));
		assert_ok(table_child_row(f.table, TABLE_ROOT, &b));
		assert_ok(table_text(f.table, NAME, "b"));
		assert_ok(table_child_row(f.table, a, NULL));
		assert_ok(table_text(f.table, NAME, "ab"));
		assert_ok(table_child_row(f.table, aa, NULL));
		assert_ok(table_text(f.table, NAME, "aaa"));
		end(&f, expected[i]);
	}
}

static void no_rows(void **state)
{
	static const struct {
		const struct table_spec *spec;
		struct table_options options;
		const char *expected;
	} cases[] = {
		{&flat, {0}, ""},
		{&stream, {0}, ""},
		{&stream, {.format = FORMAT_RAW}, ""},
		{&flat, {.noheadings = true}, ""},
		{&stream, {.noheadings = true}, ""},
		{&flat, {.format = FORMAT_JSON}, "{\"flat\":[\n]}\n"},
		{&stream, {.format = FORMAT_JSON}, "{\"stream\":[\n]}\n"},
		{&tree, {.format = FORMAT_JSON}, "{\"tree\":[\n]}\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture f;

		begin(&f, cases[i].spec, &cases[i].options);
		end(&f, cases[i].expected);
	}
}

static void what_is_hidden_is_not_nothing(void **state)
{
	static const struct {
		struct table_options options;
		const char *expected;
	} cases[] = {
		{{.format = FORMAT_RAW, .columns = "ADDRESS,COUNT,NAME", .noheadings = true},
		 "hidden hidden -\n0x0 0 -\n"},
		{{.format = FORMAT_JSON, .columns = "ADDRESS,COUNT,NAME"},
		 "{\"stream\":[\n  {\"address\":\"hidden\",\"count\":\"hidden\",\"name\":null},"
		 "\n  {\"address\":\"0x0\",\"count\":0,\"name\":null}\n]}\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture f;

		begin(&f, &stream, &cases[i].options);
		assert_ok(table_row(f.table));
		assert_ok(table_hidden(f.table, ADDRESS, "hidden"));
		assert_ok(table_hidden(f.table, COUNT, "hidden"));
		assert_ok(table_hidden(f.table, PAGES, "hidden"));
		assert_ok(table_row(f.table));
		assert_ok(table_hex(f.table, ADDRESS, 0));
		assert_ok(table_number(f.table, COUNT, 0));
		end(&f, cases[i].expected);
	}
}

static const char hostile[] = "a b\n\033[2J\"\\\xff";

static void text_from_outside_is_escaped(void **state)
{
	static const struct {
		const struct table_spec *spec;
		enum table_format format;
		const char *expected;
	} cases[] = {
		{&flat, FORMAT_TABLE, "a b\\x0a\\x1b[2J\"\\\\xff\n"},
		{&stream, FORMAT_TABLE, "a b\\x0a\\x1b[2J\"\\\\xff\n"},
		{&stream, FORMAT_RAW, "a\\x20b\\x0a\\x1b[2J\"\\\\xff\n"},
		{&stream, FORMAT_JSON,
		 "{\"stream\":[\n  {\"name\":\"a b\\n\\u001b[2J\\\"\\\\\\\\xff\"}\n]}\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct table_options options = {
			.format = cases[i].format, .columns = "NAME", .noheadings = true};
		struct fixture f;

		begin(&f, cases[i].spec, &options);
		assert_ok(table_row(f.table));
		assert_ok(table_text(f.table, NAME, hostile));
		end(&f, cases[i].expected);
	}
}

static void colour_wraps_the_cell_alone(void **state)
{
	static const struct {
		struct table_options options;
		const char *expected;
	} cases[] = {
		{{.color = COLOR_ALWAYS}, "NAME COUNT\n\033[32mab\033[0m       1\nc        2\n"},
		{{.color = COLOR_NEVER}, "NAME COUNT\nab       1\nc        2\n"},
		{{.color = COLOR_AUTO}, "NAME COUNT\nab       1\nc        2\n"},
		{{.color = COLOR_ALWAYS, .format = FORMAT_RAW}, "NAME COUNT\nab 1\nc 2\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture f;

		begin(&f, &stream, &cases[i].options);
		assert_ok(table_row(f.table));
		assert_ok(table_text(f.table, NAME, "ab"));
		table_color(f.table, NAME, CELL_GREEN);
		assert_ok(table_number(f.table, COUNT, 1));
		assert_ok(table_row(f.table));
		assert_ok(table_text(f.table, NAME, "c"));
		assert_ok(table_number(f.table, COUNT, 2));
		end(&f, cases[i].expected);
	}
}

/* More rows than a streaming table holds back: all come, and wider cells later only push. */
static void a_stream_of_many_rows(void **state)
{
	enum { ROWS = 5000 };
	struct fixture f;
	size_t lines = 0;

	(void)state;
	begin(&f, &stream, &(struct table_options){.noheadings = true});
	for (uint64_t i = 0; i < ROWS; i++) {
		assert_ok(table_row(f.table));
		assert_ok(
			table_text(f.table, NAME, i < 1000 ? "short" : "much longer than before"));
		assert_ok(table_number(f.table, COUNT, i));
	}
	assert_ok(table_finish(f.table));
	table_destroy(f.table);
	fclose(f.out);
	for (char *line = strtok(f.text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
		const char *number = strrchr(line, ' ');

		assert_non_null(number);
		assert_int_equal(strtoul(number, NULL, 10), lines);
	}
	assert_int_equal(lines, ROWS);
	free(f.text);
}

/* --- a table that becomes long -------------------------------------------------------------- */

enum { LONG_ROWS = 30000 };

static void put_long_row(struct table *table, uint64_t i)
{
	char name[32];

	snprintf(name, sizeof(name), i < 20000 ? "row%u" : "long-name-%u", (unsigned)i);
	assert_ok(table_row(table));
	assert_ok(table_text(table, NAME, i % 7 ? name : NULL));
	if (i % 5)
		assert_ok(table_number(table, COUNT, i));
	if (i % 3 == 0)
		table_color(table, COUNT, CELL_RED);
}

/* Every row is there once and in order, before and after it goes on as a stream, in its colour. */
static void a_long_table_has_every_row(void **state)
{
	const struct table_options options = {.noheadings = true, .color = COLOR_ALWAYS};
	struct fixture f;
	size_t i = 0;

	(void)state;
	begin(&f, &flat, &options);
	for (; i < LONG_ROWS; i++)
		put_long_row(f.table, i);
	assert_ok(table_finish(f.table));
	table_destroy(f.table);
	fclose(f.out);
	i = 0;
	for (char *next = f.text, *line; (line = strsep(&next, "\n")) && *line; i++) {
		char name[32], number[48];

		snprintf(name, sizeof(name), i < 20000 ? "row%zu " : "long-name-%zu ", i);
		assert_int_equal(strncmp(line, name, strlen(name)) == 0, i % 7 != 0);
		snprintf(number, sizeof(number), i % 3 ? " %zu" : "\033[31m%zu\033[0m", i);
		const char *at = strstr(line, number);
		assert_int_equal(at && at[strlen(number)] == '\0', i % 5 != 0);
	}
	assert_int_equal(i, LONG_ROWS);
	free(f.text);
}

/* Sizes are as people read them in every row. */
static void a_long_table_of_sizes(void **state)
{
	static const struct column sizes[] = {{"NAME", CELL_TEXT, 0, 0, "a name"},
					      {"SIZE", CELL_SIZE, 0, 0, "a size"}};
	static const struct table_spec spec = {.name = "sizes",
					       .title = "sizes",
					       .columns = sizes,
					       .count = 2,
					       .defaults = "NAME,SIZE"};
	const struct table_options options = {.noheadings = true, .page_shift = 12};
	struct fixture f;
	size_t lines = 0;

	(void)state;
	begin(&f, &spec, &options);
	for (uint64_t i = 0; i < 6000; i++) {
		assert_ok(table_row(f.table));
		assert_ok(table_text(f.table, 0, "x"));
		/* The digits would have room: the first is the widest. */
		assert_ok(table_number(f.table, 1, i ? i % 2 + 1 : 999 * 256));
	}
	assert_ok(table_finish(f.table));
	table_destroy(f.table);
	fclose(f.out);
	for (char *next = f.text, *line; (line = strsep(&next, "\n")) && *line; lines++) {
		const char *size = strrchr(line, ' ') + 1;

		assert_true(strchr(size, lines ? 'K' : 'M'));
		assert_int_equal(strtoul(size, NULL, 10), lines ? 4 * (lines % 2 + 1) : 999);
	}
	assert_int_equal(lines, 6000);
	free(f.text);
}

static void a_long_table_takes_no_more_memory(void **state)
{
	FILE *out = fopen("/dev/null", "w");
	struct table *table;
	size_t before = 0;

	(void)state;
	assert_non_null(out);
	assert_ok(table_create(&flat, &(struct table_options){0}, out, &table));
	for (uint64_t i = 0; i < 3 * LONG_ROWS; i++) {
		put_long_row(table, i);
		if (i == LONG_ROWS)
			before = mallinfo2().uordblks;
	}
	assert_true(mallinfo2().uordblks <= before + 4096);
	assert_ok(table_finish(table));
	table_destroy(table);
	fclose(out);
}

/* A row may come before its parent's other rows in a tree: it waits for the last one. */
static void a_long_tree_stays_one(void **state)
{
	struct fixture f;
	size_t first, lines = 0;

	(void)state;
	begin(&f, &tree, &(struct table_options){.noheadings = true});
	assert_ok(table_child_row(f.table, TABLE_ROOT, &first));
	assert_ok(table_text(f.table, NAME, "first"));
	for (size_t i = 1; i < 6000; i++)
		assert_ok(table_row(f.table));
	assert_ok(table_child_row(f.table, first, NULL));
	assert_ok(table_text(f.table, NAME, "child"));
	assert_int_equal(fflush(f.out), 0);
	assert_int_equal(f.length, 0);
	assert_ok(table_finish(f.table));
	table_destroy(f.table);
	fclose(f.out);
	for (const char *p = f.text; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 6001);
	assert_ptr_equal(strstr(f.text, "child") < strchr(strchr(f.text, '\n') + 1, '\n'), true);
	free(f.text);
}

/* --- rows made again ------------------------------------------------------------------------ */

enum { AGAIN_ROWS = 1200 };

/* What a row is made of, from its number: kinds of rows alternate in stretches of like ones. */
static size_t kind_of(size_t row)
{
	return row / 7 % 6;
}

/* What all rows of a stretch have in common. */
static void put_common(struct table *table, size_t row)
{
	static const char *const names[] = {"a", "much longer", "a b\n", "\303\244", "", "a"};
	size_t kind = kind_of(row);

	assert_ok(table_text(table, NAME, names[kind]));
	if (kind == 1 || kind == 2)
		table_color(table, NAME, CELL_GREEN);
	if (kind == 3)
		assert_ok(table_hidden(table, PAGES, "hidden"));
	else if (kind != 4)
		assert_ok(table_number(table, PAGES, kind));
	if (kind != 5)
		assert_ok(table_bool(table, FLAG, kind == 2));
}

/* What differs within one: a number that grows wider than its column ever was, and shrinks. */
static void put_own(struct table *table, size_t row)
{
	static const uint64_t numbers[] = {7,          12345, 12345, UINT64_MAX, 0,
					   0x7fffffff, 3,     99999, 100000};
	uint64_t number = numbers[row % (row < AGAIN_ROWS / 2 ? 3 : 9)];

	assert_ok(table_number(table, COUNT, number));
	if (row % 5 == 0) /* the next row sets it anew, and may do so plain */
		table_color(table, COUNT, CELL_RED);
	if (kind_of(row) == 0 && row % 3 == 0)
		assert_ok(table_hidden(table, ADDRESS, "hidden"));
	else if (kind_of(row) != 4)
		assert_ok(table_hex(table, ADDRESS, number << (row % 13)));
}

static void make_rows(struct table *table, size_t rows, bool again)
{
	for (size_t row = 0; row < rows; row++) {
		if (again && row > 0 && kind_of(row) == kind_of(row - 1)) {
			assert_ok(table_row_again(table));
		} else {
			assert_ok(table_row(table));
			put_common(table, row);
		}
		put_own(table, row);
	}
}

/* The same rows, each made anew; the caller frees the text. */
static char *text_of_rows(const struct table_spec *spec, const struct table_options *options,
			  size_t rows, bool again)
{
	struct fixture f;

	begin(&f, spec, options);
	make_rows(f.table, rows, again);
	assert_ok(table_finish(f.table));
	table_destroy(f.table);
	fclose(f.out);
	return f.text;
}

static void rows_made_again_are_the_same(void **state)
{
	static const char *const lists[] = {"NAME,COUNT,PAGES,ADDRESS,FLAG", "FLAG,COUNT,NAME",
					    "ADDRESS", "COUNT,PAGES", "PAGES,FLAG"};
	static const struct table_spec *const specs[] = {&flat, &stream, &tree};
	/* A streaming table keeps the first 500 rows back. */
	static const size_t counts[] = {1, 2, 9, 499, 500, 501, AGAIN_ROWS};

	(void)state;
	for (size_t i = 0; i < 3 * 3 * 2 * 5 * 7; i++) {
		struct table_options options = {.format = (enum table_format)(i % 3),
						.color = i / 9 % 2 ? COLOR_ALWAYS : COLOR_NEVER,
						.bytes = i % 2,
						.page_shift = 12,
						.columns = lists[i / 18 % 5]};
		const struct table_spec *spec = specs[i / 3 % 3];
		char *anew = text_of_rows(spec, &options, counts[i / 90], false);
		char *again = text_of_rows(spec, &options, counts[i / 90], true);

		assert_string_equal(again, anew);
		free(anew);
		free(again);
	}
}

/* A row after one made again is empty until it is filled: nothing is left of the one before. */
static void a_new_row_begins_empty(void **state)
{
	struct table_options options = {.format = FORMAT_RAW, .noheadings = true};
	struct fixture f;

	(void)state;
	begin(&f, &stream, &options);
	assert_ok(table_row(f.table));
	assert_ok(table_text(f.table, NAME, "a"));
	assert_ok(table_number(f.table, COUNT, 1));
	assert_ok(table_row_again(f.table));
	assert_ok(table_hidden(f.table, COUNT, "hidden"));
	assert_ok(table_row_again(f.table));
	assert_ok(table_row_again(f.table));
	assert_ok(table_number(f.table, COUNT, 1));
	assert_ok(table_row(f.table));
	end(&f, "a 1\na hidden\na hidden\na 1\n- -\n");
}

/* --- on a terminal -------------------------------------------------------------------------- */

static const struct column narrow_columns[] = {
	[NAME] = {"NAME", CELL_TEXT, 0, COLUMN_ELASTIC, "a name"},
	[COUNT] = {"COUNT", CELL_NUMBER, 0, 0, "a number"},
};

static const struct table_spec narrow[] = {
	{.name = "n", .columns = narrow_columns, .count = 2, .defaults = "COUNT,NAME"},
	{.name = "n",
	 .columns = narrow_columns,
	 .count = 2,
	 .defaults = "COUNT,NAME",
	 .streaming = true},
};

struct terminal {
	int master;
	FILE *out;
	char text[1 << 20];
	size_t length;
	pthread_t reader;
};

static void *read_all(void *argument)
{
	struct terminal *t = argument;
	ssize_t got;

	while ((got = read(t->master, t->text + t->length, sizeof(t->text) - 1 - t->length)) > 0)
		t->length += (size_t)got;
	return NULL;
}

static void terminal_open(struct terminal *t, unsigned short width)
{
	struct winsize size = {.ws_row = 25, .ws_col = width};
	struct termios raw = {0};
	int slave;

	cfmakeraw(&raw);
	raw.c_cflag |= CREAD;
	memset(t, 0, sizeof(*t));
	assert_int_equal(openpty(&t->master, &slave, NULL, &raw, &size), 0);
	t->out = fdopen(slave, "w");
	assert_non_null(t->out);
	assert_int_equal(pthread_create(&t->reader, NULL, read_all, t), 0);
}

static void terminal_close(struct terminal *t)
{
	fclose(t->out);
	pthread_join(t->reader, NULL);
	close(t->master);
	t->text[t->length] = '\0';
}

static void put_pair(struct table *table, const char *name, uint64_t count)
{
	assert_ok(table_row(table));
	assert_ok(table_text(table, NAME, name));
	assert_ok(table_number(table, COUNT, count));
}

static const char *on_terminal(struct terminal *t, unsigned short width, size_t spec,
			       enum table_format format)
{
	struct table_options options = {.color = COLOR_NEVER, .format = format};
	struct table *table;

	terminal_open(t, width);
	assert_ok(table_create(&narrow[spec], &options, t->out, &table));
	put_pair(table, "0123456789012345", 1);
	put_pair(table, "a \303\244\303\266\303\274 23456789012", 2);
	put_pair(table, "short", 3);
	assert_ok(table_finish(table));
	table_destroy(table);
	terminal_close(t);
	return t->text;
}

static void a_narrow_terminal_cuts_the_elastic_column(void **state)
{
	static struct terminal t;
	static const char wide[] = "COUNT NAME\n"
				   "    1 0123456789012345\n"
				   "    2 a \303\244\303\266\303\274 23456789012\n"
				   "    3 short\n";

	(void)state;
	setlocale(LC_CTYPE, "C.UTF-8");
	for (size_t spec = 0; spec < 2; spec++) {
		assert_string_equal(on_terminal(&t, 80, spec, FORMAT_TABLE), wide);
		assert_string_equal(on_terminal(&t, 23, spec, FORMAT_TABLE), wide);
		assert_string_equal(on_terminal(&t, 20, spec, FORMAT_TABLE),
				    "COUNT NAME\n"
				    "    1 …3456789012345\n"
				    "    2 …\303\274 23456789012\n"
				    "    3 short\n");
		assert_string_equal(on_terminal(&t, 13, spec, FORMAT_TABLE),
				    "COUNT NAME\n    1 …012345\n    2 …789012\n    3 short\n");
		/* Too narrow for anything: it wraps, and as much is left as can be read. */
		assert_string_equal(
			on_terminal(&t, 12, spec, FORMAT_TABLE),
			"COUNT NAME\n    1 …56789012345\n    2 …23456789012\n    3 short\n");
		assert_non_null(strstr(on_terminal(&t, 13, spec, FORMAT_RAW), "0123456789012345"));
		assert_non_null(strstr(on_terminal(&t, 13, spec, FORMAT_JSON), "0123456789012345"));
	}
	setlocale(LC_CTYPE, "C");
}

/* When another column grows while rows flow, the elastic one gives up as much, at once. */
static void the_elastic_column_gives_way_while_rows_flow(void **state)
{
	static struct terminal t;
	struct table_options options = {.color = COLOR_NEVER, .noheadings = true};
	struct table *table;
	size_t row = 0;

	(void)state;
	terminal_open(&t, 20);
	assert_ok(table_create(&narrow[1], &options, t.out, &table));
	setlocale(LC_CTYPE, "C.UTF-8");
	for (; row < 1000; row++)
		put_pair(table, "0123456789012345678901234567", row < 700 ? 7 : 1234567);
	assert_ok(table_row_again(table));
	assert_ok(table_number(table, COUNT, 5));
	assert_ok(table_finish(table));
	table_destroy(table);
	terminal_close(&t);
	row = 0;
	for (char *line = strtok(t.text, "\n"); line; line = strtok(NULL, "\n"), row++)
		assert_string_equal(line, row < 700    ? "7 …12345678901234567"
					  : row < 1000 ? "1234567 …78901234567"
						       : "      5 …78901234567");
	assert_int_equal(row, 1001);
	setlocale(LC_CTYPE, "C");
}

static void only_what_is_shown_is_wanted(void **state)
{
	struct table *table;
	struct table_options options = {.columns = "+FLAG"};

	(void)state;
	assert_ok(table_create(&flat, &options, stdout, &table));
	assert_true(table_wants(table, NAME));
	assert_true(table_wants(table, COUNT));
	assert_true(table_wants(table, FLAG));
	assert_false(table_wants(table, PAGES));
	table_destroy(table);
	table_destroy(NULL);
}

static void columns_are_listed(void **state)
{
	char *text;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	table_list_columns(&flat, out, " ");
	fclose(out);
	assert_string_equal(text, "    NAME  a name\n   COUNT  a number\n   PAGES  some pages\n"
				  " ADDRESS  where\n    FLAG  yes or no\n");
	free(text);
}

static void lines_for_programs(void **state)
{
	static const struct {
		enum table_format format;
		const char *time, *text;
	} cases[] = {
		{FORMAT_CSV, NULL, "name,pages\n\"a,\"\"b\",3\n\\x3d1+1,4\n-x,5\n\\x2d1|x,\n,\n"},
		{FORMAT_CSV, "T",
		 "time,name,pages\nT,\"a,\"\"b\",3\nT,\\x3d1+1,4\nT,-x,5\n"
		 "T,\\x2d1|x,\nT,,\n"},
		{FORMAT_TSV, NULL, "name\tpages\na,\"b\t3\n=1+1\t4\n-x\t5\n-1|x\t\n\t\n"},
		{FORMAT_NDJSON, NULL,
		 "{\"name\":\"a,\\\"b\",\"pages\":3}\n{\"name\":\"=1+1\",\"pages\":4}\n"
		 "{\"name\":\"-x\",\"pages\":5}\n{\"name\":\"-1|x\",\"pages\":null}\n"
		 "{\"name\":null,\"pages\":null}\n{\"summary\":{\"rows\":5}}\n"},
		{FORMAT_JSON, "T",
		 "{\"time\":\"T\",\"flat\":[{\"name\":\"a,\\\"b\",\"pages\":3},{\"name\":\"=1+1\","
		 "\"pages\":4},{\"name\":\"-x\",\"pages\":5},{\"name\":\"-1|x\",\"pages\":null},"
		 "{\"name\":null,\"pages\":null}],\"summary\":{\"rows\":5}}\n"},
	};
	static const char *const names[] = {"a,\"b", "=1+1", "-x", "-1|x", NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct table_options options = {
			.format = cases[i].format, .time = cases[i].time, .columns = "name,pages"};
		struct fixture f;

		begin(&f, &flat, &options);
		for (uint64_t row = 0; row < 5; row++) {
			assert_ok(table_row(f.table));
			assert_ok(table_text(f.table, NAME, names[row]));
			if (row < 3)
				assert_ok(table_number(f.table, PAGES, row + 3));
		}
		assert_ok(table_summary(f.table, "rows", 5));
		end(&f, cases[i].text);
	}
}

static void sizes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0"},
		{1, "1"},
		{1023, "1023"},
		{1024, "1K"},
		{4096, "4K"},
		{1536, "1.5K"},
		{10 * 1024 + 511, "10K"},
		{10 * 1024 + 512, "11K"},
		{(1 << 20) - 513, "1023K"},
		{(1 << 20) - 512, "1M"},
		{(1 << 20) - 1, "1M"},
		{UINT64_C(9961) << 10, "9.7M"},
		{UINT64_C(10239) << 10, "10M"},
		{UINT64_C(340) << 20, "340M"},
		{UINT64_C(3) << 29, "1.5G"},
		{UINT64_C(1) << 40, "1T"},
		{UINT64_C(1) << 50, "1P"},
		{UINT64_MAX, "16E"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[SIZE_LENGTH];

		assert_string_equal(size_text(cases[i].bytes, text), cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_columns_as_text),
		cmocka_unit_test(columns_are_chosen),
		cmocka_unit_test(columns_that_are_not_there),
		cmocka_unit_test(pages_in_bytes),
		cmocka_unit_test(json),
		cmocka_unit_test(a_tree),
		cmocka_unit_test(no_rows),
		cmocka_unit_test(what_is_hidden_is_not_nothing),
		cmocka_unit_test(text_from_outside_is_escaped),
		cmocka_unit_test(colour_wraps_the_cell_alone),
		cmocka_unit_test(a_stream_of_many_rows),
		cmocka_unit_test(a_long_table_has_every_row),
		cmocka_unit_test(a_long_table_of_sizes),
		cmocka_unit_test(a_long_table_takes_no_more_memory),
		cmocka_unit_test(a_long_tree_stays_one),
		cmocka_unit_test(rows_made_again_are_the_same),
		cmocka_unit_test(a_new_row_begins_empty),
		cmocka_unit_test(a_narrow_terminal_cuts_the_elastic_column),
		cmocka_unit_test(the_elastic_column_gives_way_while_rows_flow),
		cmocka_unit_test(only_what_is_shown_is_wanted),
		cmocka_unit_test(columns_are_listed),
		cmocka_unit_test(lines_for_programs),
		cmocka_unit_test(sizes),
	};

	unsetenv("NO_COLOR");
	return TESTS_RUN(tests);
}
