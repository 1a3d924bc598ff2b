// SPDX-License-Identifier: GPL-2.0-or-later
/* src/proc/process, identity: what /proc/PID/stat, auxv and environ tell. */
#include "unit.h"

#include <elf.h>
#include <fcntl.h>

#include "proc/identity.h"
#include "proc/process.h"

#define TO_FLAGS    " 1 2 3 0 -1 4194560 "
#define KERNEL      " 2 0 0 0 -1 2129984 "
#define FROM_FAULTS "101 7 3 9 0 0 0 0 20 0 1 0 55 4096 9 18446744073709551615 4096 8192 12288"

static void a_process(void **state)
{
	struct process_stat stat;

	(void)state;
	assert_true(process_stat_parse(
		"12 (cat) S" TO_FLAGS FROM_FAULTS
		" 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 16384 20480 24576 28672 28700 28701 28999 0\n",
		&stat));
	assert_string_equal(stat.command, "cat");
	assert_int_equal(stat.state, 'S');
	assert_false(stat.kernel_thread);
	assert_int_equal(stat.minor_faults, 101);
	assert_int_equal(stat.major_faults, 3);
	assert_int_equal(stat.start_code, 4096);
	assert_int_equal(stat.start_stack, 12288);
	assert_int_equal(stat.start_brk, 24576);
	assert_int_equal(stat.start_arguments, 28672);
	assert_int_equal(stat.end_arguments, 28700);
	assert_int_equal(stat.start_environ, 28701);
	assert_int_equal(stat.end_environ, 28999);
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

static void auxv_of_both_sizes(void **state)
{
	const uint64_t wide[] = {AT_SYSINFO_EHDR, 0x7ffc0000, AT_ENTRY, 0x555500001000, AT_NULL, 0};
	const uint32_t narrow[] = {AT_SYSINFO, 0xf7f00000, AT_ENTRY, 0x8049000, AT_NULL, 0};
	const uint64_t unended[] = {AT_ENTRY, 7};

	(void)state;
	assert_int_equal(auxv_value(wide, sizeof(wide), AT_ENTRY), 0x555500001000);
	assert_int_equal(auxv_value(narrow, sizeof(narrow), AT_ENTRY), 0x8049000);
	assert_int_equal(auxv_value(wide, sizeof(wide), AT_PHDR), 0);
	/* What is cut is not there. */
	assert_int_equal(auxv_value(wide, 24, AT_ENTRY), 0);
	assert_int_equal(auxv_value(unended, sizeof(unended), AT_ENTRY), 7);
	assert_int_equal(auxv_value(unended, sizeof(unended), AT_PHDR), 0);
	assert_int_equal(auxv_value(wide, 0, AT_ENTRY), 0);
}

static void variables(void **state)
{
	static const char text[] = "PATH=/bin\0LD_PRELOADED=x\0=\0\0LD_PRELOAD=/a.so b.so\0cut";

	(void)state;
	assert_string_equal(environ_value(text, sizeof(text) - 1, "LD_PRELOAD"), "/a.so b.so");
	assert_string_equal(environ_value(text, sizeof(text) - 1, "PATH"), "/bin");
	assert_null(environ_value(text, sizeof(text) - 1, "cut"));
	assert_null(environ_value(text, 10, "LD_PRELOAD"));
	assert_null(environ_value("", 0, "PATH"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process),        cmocka_unit_test(any_bytes_are_a_name),
		cmocka_unit_test(what_is_not_told), cmocka_unit_test(what_is_no_stat),
		cmocka_unit_test(our_own),          cmocka_unit_test(auxv_of_both_sizes),
		cmocka_unit_test(variables),
	};

	return TESTS_RUN(tests);
}
