// SPDX-License-Identifier: GPL-2.0-or-later
/* src/proc/process: what /proc/PID/stat tells. */
#include "unit.h"

#include <fcntl.h>

#include "proc/process.h"

#define TO_FLAGS    " 1 2 3 0 -1 4194560 "
#define KERNEL      " 2 0 0 0 -1 2129984 "
#define FROM_FAULTS "101 7 3 9 0 0 0 0 20 0 1 0 55 4096 9 18446744073709551615 4096 8192 12288"

static void a_process(void **state)
{
	struct process_stat stat;

	(void)state;
	assert_true(process_stat_parse("12 (cat) S" TO_FLAGS FROM_FAULTS
				       " 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 16384 20480 24576 0 0\n",
				       &stat));
	assert_string_equal(stat.command, "cat");
	assert_int_equal(stat.state, 'S');
	assert_false(stat.kernel_thread);
	assert_int_equal(stat.minor_faults, 101);
	assert_int_equal(stat.major_faults, 3);
	assert_int_equal(stat.start_code, 4096);
	assert_int_equal(stat.start_stack, 12288);
	assert_int_equal(stat.start_brk, 24576);
}

static void any_bytes_are_a_name(void **state)
{
	static const char *const names[] = {
		"", ")", ") Z 1 2", "a (b) c", "\n", "(", ") S 0 0", "\033[2J", "0123456789abcde",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct process_stat stat;
		char text[256];

		snprintf(text, sizeof(text), "7 (%s) R" KERNEL FROM_FAULTS "\n", names[i]);
		assert_true(process_stat_parse(text, &stat));
		assert_string_equal(stat.command, names[i]);
		assert_int_equal(stat.state, 'R');
		assert_true(stat.kernel_thread);
		assert_int_equal(stat.minor_faults, 101);
	}
}

/* A kernel that is older tells less: what it does not tell is 0. */
static void what_is_not_told(void **state)
{
	struct process_stat stat;

	(void)state;
	assert_true(process_stat_parse("12 (cat) Z" TO_FLAGS "101", &stat));
	assert_int_equal(stat.minor_faults, 101);
	assert_int_equal(stat.start_stack, 0);
	assert_int_equal(stat.start_brk, 0);
}

static void what_is_no_stat(void **state)
{
	static const char *const texts[] = {
		"", "12", "12 (cat", "12 cat) S 1", ")(", "12 (cat)", "12 (cat) ", "12 (cat) S 1 2",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct process_stat stat;

		assert_false(process_stat_parse(texts[i], &stat));
	}
}

static void our_own(void **state)
{
	struct process_stat stat;

	(void)state;
	assert_ok(process_stat_read(AT_FDCWD, "/proc/self/stat", &stat));
	assert_int_equal(stat.state, 'R');
	assert_true(stat.start_stack > 0 && stat.start_code > 0 && stat.minor_faults > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process),        cmocka_unit_test(any_bytes_are_a_name),
		cmocka_unit_test(what_is_not_told), cmocka_unit_test(what_is_no_stat),
		cmocka_unit_test(our_own),
	};

	return TESTS_RUN(tests);
}
