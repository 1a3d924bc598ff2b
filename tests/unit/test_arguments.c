// SPDX-License-Identifier: GPL-2.0-or-later
/* src/cmd/arguments: process IDs and ranges of addresses. */
#include "unit.h"

#include "cmd/arguments.h"
#include "cmd/nearest.h"

static void process_ids(void **state)
{
	static const struct {
		const char *text;
		pid_t pid; /* 0: refused */
	} cases[] = {{"1", 1},
		     {"4194304", 4194304},
		     {"2147483647", 2147483647},
		     {"2147483648", 0},
		     {"0", 0},
		     {"-1", 0},
		     {"+1", 0},
		     {"", 0},
		     {" 1", 0},
		     {"1x", 0},
		     {"0x1", 0},
		     {"self", 0},
		     {"4294967297", 0},
		     {"1.0", 0},
		     {"18446744073709551617", 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pid_t pid = 0;
		struct error *error = parse_pid(cases[i].text, &pid);

		assert_int_equal(pid, cases[i].pid);
		if (!cases[i].pid)
			assert_error(error, ERROR_INPUT, "not a process ID: ");
		else
			assert_null(error);
	}
}

static void ranges_become_whole_pages(void **state)
{
	struct range r;

	(void)state;
	assert_ok(parse_address_range("0x1000-0x2000", 12, &r));
	assert_int_equal(r.start, 0x1000);
	assert_int_equal(r.end, 0x2000);
	assert_ok(parse_address_range("1fff-2001", 12, &r));
	assert_int_equal(r.start, 0x1000);
	assert_int_equal(r.end, 0x3000);
	assert_ok(parse_address_range("7f0000000000-7f0000000001", 16, &r));
	assert_int_equal(range_length(r), 0x10000);
	/* Up to the end: the last page alone cannot be named, its end has no number. */
	assert_ok(parse_address_range("0-ffffffffffffffff", 12, &r));
	assert_int_equal(r.start, 0);
	assert_int_equal(r.end, UINT64_MAX - 0xfff);
}

static void what_is_no_range(void **state)
{
	static const char *const cases[] = {"",
					    "-",
					    "1000",
					    "1000-",
					    "-1000",
					    "1000-2000-3000",
					    "1000 - 2000",
					    "g-h",
					    "0x1000:0x2000",
					    "10000000000000000-10000000000001000"};
	struct range r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_error(parse_address_range(cases[i], 12, &r), ERROR_INPUT,
			     "not a range of addresses");
	assert_error(parse_address_range("2000-1000", 12, &r), ERROR_INPUT, "empty range");
	assert_error(parse_address_range("2000-2000", 12, &r), ERROR_INPUT, "empty range");
}

static void the_nearest_words(void **state)
{
	struct nearest nearest;
	char text[64];

	(void)state;
	assert_int_equal(word_distance("map", "mpa"), 1);
	assert_int_equal(word_distance("", "abc"), 3);
	assert_int_equal(word_distance("a-word-of-more-than-thirty-two-letters", "a"), NEAREST_FAR);
	nearest_init(&nearest, ".txet");
	nearest_offer(&nearest, "heap");
	nearest_offer(&nearest, ".text");
	nearest_offer(&nearest, "heap");
	nearest_offer(&nearest, ".data");
	assert_int_equal(nearest.count, 3);
	nearest_keep_like(&nearest);
	nearest_text(&nearest, text, sizeof(text));
	assert_string_equal(text, "'.text'");

	/* More than are kept: the nearest push the others out. */
	static const char *const words[] = {"aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd",
					    "eeeeeeee", "ffffffff", "gggggggg", "hhhhhhhh"};
	nearest_init(&nearest, "near");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		nearest_offer(&nearest, words[i]);
	nearest_offer(&nearest, "not-near-at-all");
	nearest_offer(&nearest, "near");
	assert_int_equal(nearest.count, NEAREST_KEPT);
	assert_string_equal(nearest.words[0], "near");
	assert_string_equal(nearest.words[1], "not-near-at-all");
	nearest_text(&nearest, text, 8);
	assert_int_equal(strlen(text), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(process_ids),
		cmocka_unit_test(ranges_become_whole_pages),
		cmocka_unit_test(what_is_no_range),
		cmocka_unit_test(the_nearest_words),
	};

	return TESTS_RUN(tests);
}
