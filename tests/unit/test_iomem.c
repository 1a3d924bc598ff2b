// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/range.h"
#include "proc/iomem.h"
#include "tree.h"

static void load(const char *machine, struct iomem *iomem)
{
	struct tree tree;

	tree_unpack(&tree, machine);
	assert_null(iomem_load(tree.fd, iomem));
	tree_deinit(&tree);
}

/* The inclusive end becomes half-open, once, here. */
static void ends_are_half_open(void **state)
{
	struct iomem iomem;

	(void)state;
	assert_null(iomem_parse("00001000-0009fbff : System RAM\n", &iomem));
	assert_int_equal(iomem.state, IOMEM_VISIBLE);
	assert_int_equal(iomem.entries.count, 1);
	assert_int_equal(iomem.entries.items[0].range.start, 0x1000);
	assert_int_equal(iomem.entries.items[0].range.end, 0x9fc00);
	assert_string_equal(iomem.entries.items[0].name, "System RAM");
	iomem_deinit(&iomem);
}

static void real_machine(void **state)
{
	struct iomem iomem;
	range_vec ram = {0};
	struct range code;

	(void)state;
	load("machines/firecracker-6.18", &iomem);
	assert_int_equal(iomem.state, IOMEM_VISIBLE);
	assert_null(iomem_system_ram(&iomem, &ram));
	assert_int_equal(ram.count, 3);
	assert_int_equal(ram.items[0].start, 0x1000);
	assert_int_equal(ram.items[1].start, 0x100000);
	assert_int_equal(ram.items[1].end, 0xc0000000);
	assert_int_equal(ram.items[2].end, 0x640000000);
	assert_true(iomem_kernel_code(&iomem, &code));
	assert_int_equal(code.start, 0x1000000);
	assert_int_equal(code.end, 0x22090c8);
	vec_deinit(&ram);
	iomem_deinit(&iomem);
}

static void tree_of_entries(void **state)
{
	static const char text[] = "b0000000-bfffffff : PCI ECAM 0000 [bus 00-ff]\n"
				   "  b0000000-bfffffff : Reserved\n"
				   "    b0000000-bfffffff : pnp : 00:04\n"
				   "  bf000000-bfffffff : Reserved\n"
				   "c0000000-febfffff : PCI Bus 0000:00\n";
	struct iomem iomem;
	struct range code;

	(void)state;
	assert_null(iomem_parse(text, &iomem));
	assert_int_equal(iomem.entries.count, 5);
	assert_true(iomem.entries.items[0].parent == IOMEM_NO_PARENT);
	assert_int_equal(iomem.entries.items[1].parent, 0);
	assert_int_equal(iomem.entries.items[2].parent, 1);
	assert_int_equal(iomem.entries.items[2].depth, 2);
	assert_string_equal(iomem.entries.items[2].name, "pnp : 00:04");
	assert_int_equal(iomem.entries.items[3].parent, 0);
	assert_true(iomem.entries.items[4].parent == IOMEM_NO_PARENT);
	assert_false(iomem_kernel_code(&iomem, &code));
	iomem_deinit(&iomem);
}

/* Without privilege every line is there, with zeros: neither empty nor RAM at 0. */
static void hidden_is_not_empty(void **state)
{
	struct iomem iomem;
	range_vec ram = {0};
	struct range code;

	(void)state;
	load("machines/firecracker-6.18-user", &iomem);
	assert_int_equal(iomem.state, IOMEM_HIDDEN);
	assert_true(iomem.entries.count > 10);
	assert_null(iomem_system_ram(&iomem, &ram));
	assert_int_equal(ram.count, 0);
	assert_false(iomem_kernel_code(&iomem, &code));
	iomem_deinit(&iomem);

	assert_null(iomem_parse("", &iomem));
	assert_int_equal(iomem.state, IOMEM_EMPTY);
	iomem_deinit(&iomem);
}

static void ram_is_merged(void **state)
{
	static const char text[] = "140000000-23fffffff : Persistent Memory\n"
				   "  140000000-23fffffff : dax0.0\n"
				   "    140000000-23fffffff : System RAM (kmem)\n"
				   "100000000-13fffffff : System RAM\n"
				   "300000000-3ffffffff : System RAMBO\n";
	struct iomem iomem;
	range_vec ram = {0};

	(void)state;
	assert_null(iomem_parse(text, &iomem));
	assert_null(iomem_system_ram(&iomem, &ram));
	assert_int_equal(ram.count, 1);
	assert_int_equal(ram.items[0].start, 0x100000000);
	assert_int_equal(ram.items[0].end, 0x240000000);
	vec_deinit(&ram);
	iomem_deinit(&iomem);
}

static void end_of_everything(void **state)
{
	struct iomem iomem;

	(void)state;
	assert_null(iomem_parse("0-ffffffffffffffff : PCI mem\n", &iomem));
	assert_true(iomem.entries.items[0].range.end == UINT64_MAX);
	iomem_deinit(&iomem);
}

static void malformed(void **state)
{
	static const char *const texts[] = {
		"00001000 : System RAM\n",
		"00001000-00000fff : reversed\n",
		"00001000-zzzz : System RAM\n",
		"-00001000 : no start\n",
		"00001000-00001fff System RAM\n",
		" 00001000-00001fff : odd indentation\n",
		"  00001000-00001fff : a child without a parent\n",
		"00001000-00001fff : a\n    00001000-00001fff : a grandchild at once\n",
		"10000000000000000-10000000000000001 : beyond 64 bits\n",
		"00001000-00001fff : a\n\n00001000-00001fff : b\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct iomem iomem;
		struct error *error = iomem_parse(texts[i], &iomem);

		assert_true(error_is(error, ERROR_INPUT));
		assert_null(iomem.text);
		error_free(error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_are_half_open), cmocka_unit_test(real_machine),
		cmocka_unit_test(tree_of_entries),    cmocka_unit_test(hidden_is_not_empty),
		cmocka_unit_test(ram_is_merged),      cmocka_unit_test(end_of_everything),
		cmocka_unit_test(malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
