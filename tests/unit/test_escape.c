// SPDX-License-Identifier: GPL-2.0-or-later
/* src/ui/escape: what comes from outside reaches a terminal or a JSON reader only like this. */
#include <locale.h>

#include "unit.h"

#include "ui/escape.h"

typedef size_t (*escaper)(char *buffer, size_t size, const char *text);

static void assert_escapes(escaper escape, const char *text, const char *expected)
{
	char buffer[256];

	assert_int_equal(escape(buffer, sizeof(buffer), text), strlen(expected));
	assert_string_equal(buffer, expected);
	assert_int_equal(escape(NULL, 0, text), strlen(expected));
}

static void for_a_terminal(void **state)
{
	static const char *const cases[][2] = {
		{"", ""},
		{"/usr/bin/a b~", "/usr/bin/a b~"},
		{"caf\u00e9 \u4e2d \U0001f600", "caf\u00e9 \u4e2d \U0001f600"},
		{"a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd"},
		{"\033[31mred", "\\x1b[31mred"},
		{"\x7f", "\\x7f"},
		/* C1 controls, alone and as UTF-8: 0x9b is CSI to some terminals */
		{"\x9b", "\\x9b"},
		{"\xc2\x9b", "\\xc2\\x9b"},
		/* not UTF-8: alone, cut, overlong, a surrogate, beyond the last code point */
		{"\xff", "\\xff"},
		{"\xe4\xb8", "\\xe4\\xb8"},
		{"\xc0\xaf", "\\xc0\\xaf"},
		{"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
		{"\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80"},
		/* it turns the direction of writing; invisible */
		{"a\u202eb", "a\\xe2\\x80\\xaeb"},
		{"a\u200bb", "a\\xe2\\x80\\x8bb"},
		{"\ufeff", "\\xef\\xbb\\xbf"},
		/* what looks like one of our escapes is told from one */
		{"\\x41", "\\x5cx41"},
		{"\\n \\", "\\n \\"},
		/* as the kernel writes a newline in a path */
		{"new\\012line", "new\\012line"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_escapes(escape_terminal, cases[i][0], cases[i][1]);
}

static void for_json(void **state)
{
	static const char *const cases[][2] = {
		{"", ""},
		{"/usr/bin/a b~", "/usr/bin/a b~"},
		{"say \"no\" \\ yes", "say \\\"no\\\" \\\\ yes"},
		{"a\nb\tc\rd\be\ff", "a\\nb\\tc\\rd\\be\\ff"},
		{"\033[31m", "\\u001b[31m"},
		{"\x7f", "\\u007f"},
		{"\xc2\x9b", "\\u009b"},
		{"caf\u00e9 \U0001f600", "caf\u00e9 \U0001f600"},
		{"a\u202eb", "a\\u202eb"},
		{"\U000e0001", "\\udb40\\udc01"},
		/* not UTF-8: JSON has no bytes, so they become what the terminal would show */
		{"\xff", "\\\\xff"},
		{"\xe4\xb8", "\\\\xe4\\\\xb8"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_escapes(escape_json, cases[i][0], cases[i][1]);
}

/* A terminal without UTF-8 may take a byte inside of a character for a control: 0x9b is CSI. */
static void for_a_terminal_of_single_bytes(void **state)
{
	(void)state;
	setlocale(LC_CTYPE, "C");
	assert_escapes(escape_terminal, "m\u011bsto \u2192", "m\\xc4\\x9bsto \\xe2\\x86\\x92");
	assert_escapes(escape_terminal, "/usr/bin/a b~\n", "/usr/bin/a b~\\x0a");
	assert_escapes(escape_json, "m\u011bsto", "m\u011bsto");
	setlocale(LC_CTYPE, "C.UTF-8");
}

/* Every byte and every pair of bytes: nothing but printable ASCII and whole UTF-8 comes out. */
static void nothing_raw_gets_through(void **state)
{
	static const escaper escapers[] = {escape_terminal, escape_json};
	char text[3] = "", buffer[64];

	(void)state;
	for (unsigned pair = 1; pair < 65536; pair++) {
		text[0] = (char)(pair & 255);
		text[1] = (char)(pair >> 8);
		for (size_t e = 0; e < 2; e++) {
			size_t length = escapers[e](buffer, sizeof(buffer), text);

			assert_int_equal(length, strlen(buffer));
			for (const char *p = buffer; *p; p++)
				assert_true((unsigned char)*p >= ' ' && *p != 0x7f);
		}
	}
}

static void a_sequence_is_never_cut(void **state)
{
	char buffer[64];
	const char *text = "ab\n\u00e9\033";

	(void)state;
	for (size_t size = 1; size < sizeof(buffer); size++) {
		memset(buffer, '#', sizeof(buffer));
		assert_int_equal(escape_terminal(buffer, size, text), 12);
		size_t length = strlen(buffer);
		assert_true(length < size);
		/* a, b, \x0a, é, \x1b: as many of them as fit */
		assert_true(length == 0 || length == 1 || length == 2 || length == 6 ||
			    length == 8 || length == 12);
		if (size < sizeof(buffer))
			assert_int_equal(buffer[size], '#');
	}
}

static void in_a_string_of_its_own(void **state)
{
	char *text = NULL;

	(void)state;
	assert_ok(escape_terminal_dup("a\tb", &text));
	assert_string_equal(text, "a\\x09b");
	free(text);
	assert_ok(escape_json_dup("a\tb", &text));
	assert_string_equal(text, "a\\tb");
	free(text);
}

static void width_in_columns(void **state)
{
	(void)state;
	assert_int_equal(display_width(""), 0);
	assert_int_equal(display_width("abc"), 3);
	if (!setlocale(LC_ALL, "C.UTF-8"))
		skip();
	assert_int_equal(display_width("caf\u00e9"), 4);
	assert_int_equal(display_width("\u4e2d\u6587"), 4);
	assert_int_equal(display_width("e\u0301"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(for_a_terminal),
		cmocka_unit_test(for_a_terminal_of_single_bytes),
		cmocka_unit_test(for_json),
		cmocka_unit_test(nothing_raw_gets_through),
		cmocka_unit_test(a_sequence_is_never_cut),
		cmocka_unit_test(in_a_string_of_its_own),
		cmocka_unit_test(width_in_columns),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 77;
	return TESTS_RUN(tests);
}
