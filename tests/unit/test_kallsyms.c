// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proc/kallsyms.h"
#include "tree.h"

static void load(const char *machine, struct kallsyms_lookup *lookups, size_t count,
		 struct kallsyms_summary *summary)
{
	struct tree tree;

	tree_unpack(&tree, machine);
	assert_null(kallsyms_load(tree.fd, lookups, count, summary));
	tree_deinit(&tree);
}

static struct error *parse(const char *text, struct kallsyms_lookup *lookups, size_t count,
			   struct kallsyms_summary *summary)
{
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

	assert_non_null(file);
	struct error *error = kallsyms_read(file, lookups, count, summary);
	fclose(file);
	return error;
}

static void data_is_there(void **state)
{
	struct kallsyms_lookup lookups[] = {
		{.name = "init_task"}, {.name = "_text"}, {.name = "no_such_symbol"}};
	struct kallsyms_summary summary;

	(void)state;
	load("machines/qemu-numa-6.12", lookups, 3, &summary);
	assert_true(summary.data);
	assert_false(summary.hidden);
	assert_true(lookups[0].found);
	assert_int_equal(lookups[0].type, 'D');
	assert_true(lookups[0].address == 0xffffffff96a10940);
	assert_true(lookups[1].found);
	assert_int_equal(lookups[1].type, 'T');
	assert_false(lookups[2].found);
}

/* Section marks such as __start_rodata have type D: they are not data symbols. */
static void functions_only(void **state)
{
	struct kallsyms_lookup lookups[] = {{.name = "__start_rodata"},
					    {.name = "bpf_probe_read_kernel"}};
	struct kallsyms_summary summary;

	(void)state;
	load("machines/firecracker-6.18", lookups, 2, &summary);
	assert_true(lookups[0].found);
	assert_int_equal(lookups[0].type, 'D');
	assert_true(lookups[1].found);
	assert_false(summary.data);
	assert_false(summary.hidden);
}

static void hidden(void **state)
{
	struct kallsyms_lookup lookup = {.name = "_text"};
	struct kallsyms_summary summary;

	(void)state;
	load("machines/firecracker-6.18-user", &lookup, 1, &summary);
	assert_true(summary.hidden);
	assert_true(summary.count > 0);
	assert_true(lookup.found);
	assert_true(lookup.address == 0);
}

/* A per-CPU symbol at 0 among others does not make a table hidden; none at all is not hidden. */
static void zero_is_not_hidden(void **state)
{
	struct kallsyms_summary summary;

	(void)state;
	assert_null(parse("0000000000000000 A __per_cpu_start\nffffffff81000000 T _text\n", NULL, 0,
			  &summary));
	assert_false(summary.hidden);
	assert_int_equal(summary.count, 2);
	FILE *nothing = fopen("/dev/null", "r");
	assert_null(kallsyms_read(nothing, NULL, 0, &summary));
	fclose(nothing);
	assert_false(summary.hidden);
	assert_int_equal(summary.count, 0);
}

static void modules_do_not_count(void **state)
{
	struct kallsyms_lookup lookup = {.name = "init_task"};
	struct kallsyms_summary summary;

	(void)state;
	assert_null(parse("ffffffffc05c9010 d init_task\t[evil]\n"
			  "ffffffffc0000000 t bpf_prog_1\t[bpf]\n"
			  "ffffffff81000000 T _text\n",
			  &lookup, 1, &summary));
	assert_false(lookup.found);
	assert_false(summary.data);
	assert_int_equal(summary.count, 1);
}

static void first_of_a_name(void **state)
{
	struct kallsyms_lookup lookup = {.name = "seq_show", .found = true, .address = 7};
	struct kallsyms_summary summary;

	(void)state;
	assert_null(parse("ffffffff81000010 t seq_show\nffffffff81000020 t seq_show\n", &lookup, 1,
			  &summary));
	assert_true(lookup.address == 0xffffffff81000010);
}

static void malformed(void **state)
{
	static const char *const texts[] = {
		"ffffffff81000000\n",
		"ffffffff81000000 T\n",
		"ffffffff81000000 TT _text\n",
		"ffffffff81000000 T \n",
		"xyz T _text\n",
		"1ffffffff81000000 T _text\n",
		" T _text\n",
		"ffffffff81000000 T cut_off",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct kallsyms_summary summary;
		struct error *error = parse(texts[i], NULL, 0, &summary);

		assert_true(error_is(error, ERROR_INPUT));
		error_free(error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_is_there),
		cmocka_unit_test(functions_only),
		cmocka_unit_test(hidden),
		cmocka_unit_test(zero_is_not_hidden),
		cmocka_unit_test(modules_do_not_count),
		cmocka_unit_test(first_of_a_name),
		cmocka_unit_test(malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
