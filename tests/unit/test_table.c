// SPDX-License-Identifier: GPL-2.0-or-later
/* src/ui/table: the same rows as aligned text, raw cells, JSON, flat and as a tree. */
#include "unit.h"

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
		cmocka_unit_test(only_what_is_shown_is_wanted),
		cmocka_unit_test(columns_are_listed),
	};

	unsetenv("NO_COLOR");
	return TESTS_RUN(tests);
}
