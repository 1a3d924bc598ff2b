// SPDX-License-Identifier: GPL-2.0-or-later
/* src/proc/memblocks: which memory is offline; and src/phys/zeroes: which zeroes are believed. */
#include "unit.h"

#include <stdlib.h>

#include "phys/zeroes.h"
#include "proc/memblocks.h"
#include "tree.h"

#define MEMORY "sys/devices/system/memory/"

static void write_blocks(struct tree *tree)
{
	tree_init(tree);
	tree_write(tree, MEMORY "block_size_bytes", "8000000\n");
	tree_write(tree, MEMORY "auto_online_blocks", "online\n");
	tree_write(tree, MEMORY "memory0/state", "online\n");
	tree_write(tree, MEMORY "memory2/state", "offline\n");
	tree_write(tree, MEMORY "memory10/state", "going-offline\n");
	tree_write(tree, MEMORY "memory3/state", "online\n");
}

static void what_is_offline(void **state)
{
	struct memory_blocks blocks;
	struct tree tree;

	(void)state;
	write_blocks(&tree);
	assert_ok(memory_blocks_load(tree.fd, &blocks));
	assert_true(blocks.known);
	assert_int_equal(blocks.offline.count, 2);
	assert_false(memory_blocks_offline(&blocks, 0));
	assert_false(memory_blocks_offline(&blocks, 0xfffffff));
	assert_true(memory_blocks_offline(&blocks, 0x10000000));
	assert_true(memory_blocks_offline(&blocks, 0x17ffffff));
	assert_false(memory_blocks_offline(&blocks, 0x18000000));
	assert_true(memory_blocks_offline(&blocks, 0x50000000));
	assert_false(memory_blocks_offline(&blocks, UINT64_MAX));
	memory_blocks_deinit(&blocks);
	tree_deinit(&tree);
}

/* Without the directory nothing can be offline; without sysfs nothing is known. */
static void without_the_directory(void **state)
{
	struct memory_blocks blocks;
	struct tree tree;

	(void)state;
	tree_init(&tree);
	assert_ok(memory_blocks_load(tree.fd, &blocks));
	assert_false(blocks.known);
	tree_write(&tree, "sys/devices/system/cpu/online", "0-1\n");
	assert_ok(memory_blocks_load(tree.fd, &blocks));
	assert_true(blocks.known);
	assert_int_equal(blocks.offline.count, 0);
	tree_write(&tree, MEMORY "block_size_bytes", "0\n");
	struct error *error = memory_blocks_load(tree.fd, &blocks);
	assert_true(error_is(error, ERROR_INPUT));
	error_free(error);
	tree_deinit(&tree);
}

#if defined(__x86_64__)
/* Page tables at 0x1000: PGD, PUD, PMD and PTE follow each other; the direct map is where it was.
 */
#define DIRECT_MAP UINT64_C(0xffff888000000000)

struct tables {
	uint64_t words[4][512];
	bool unreadable;
};

static struct error *read_tables(void *argument, uint64_t paddr, void *buffer, size_t length)
{
	struct tables *tables = argument;

	if (tables->unreadable || paddr < 0x1000 || paddr + length > 0x1000 + sizeof(tables->words))
		return error_fault(paddr, "not there");
	memcpy(buffer, (char *)tables->words + paddr - 0x1000, length);
	return NULL;
}

static void which_zeroes_are_believed(void **state)
{
	static const char vmcoreinfo[] = "OSRELEASE=6.18\nSYMBOL(init_top_pgt)=ffffffff80001000\n";
	struct source_kernel kernel = {.has_direct_map = true,
				       .direct_map = DIRECT_MAP,
				       .has_phys_base = true,
				       .vmcoreinfo = vmcoreinfo};
	struct tables *tables = calloc(1, sizeof(*tables));
	struct zero_judge judge;
	struct tree tree;

	(void)state;
	assert_non_null(tables);
	write_blocks(&tree);
	tree_write(&tree, "proc/cpuinfo",
		   "flags\t\t: fpu lm\naddress sizes\t: 46 bits physical, "
		   "48 bits virtual\n\n");
	tables->words[0][DIRECT_MAP >> 39 & 511] = 0x2063;
	tables->words[1][0] = 0x3063;
	tables->words[2][0] = 0x4063;                           /* small pages */
	tables->words[2][1] = 0x2000e3;                         /* one of 2 MiB */
	tables->words[2][0x10000000 >> 21] = 0x10000000 | 0xe3; /* offline, and still mapped */
	tables->words[3][5] = 0x5063;                           /* and the next one is not */
	assert_ok(zero_judge_init(&judge, tree.fd, &kernel, read_tables, tables));
	assert_int_equal(zero_judge_page(&judge, 0x5000), ZEROES_TRUE);
	assert_int_equal(zero_judge_page(&judge, 0x6000), ZEROES_UNMAPPED);
	assert_int_equal(zero_judge_page(&judge, 0x200000), ZEROES_TRUE);
	assert_int_equal(zero_judge_page(&judge, 0x3ff000), ZEROES_TRUE);
	assert_int_equal(zero_judge_page(&judge, 0x400000), ZEROES_UNMAPPED);
	assert_int_equal(zero_judge_page(&judge, 0x10000000), ZEROES_OFFLINE);
	/* What was found is for one reading. */
	tables->words[2][1] = 0;
	assert_int_equal(zero_judge_page(&judge, 0x200000), ZEROES_TRUE);
	zero_judge_forget(&judge);
	assert_int_equal(zero_judge_page(&judge, 0x3ff000), ZEROES_UNMAPPED);
	tables->unreadable = true;
	zero_judge_forget(&judge);
	assert_int_equal(zero_judge_page(&judge, 0x5000), ZEROES_UNPROVEN);
	zero_judge_deinit(&judge);

	/* Without the kernel's own table nothing is proven. */
	kernel.vmcoreinfo = NULL;
	assert_ok(zero_judge_init(&judge, tree.fd, &kernel, read_tables, tables));
	assert_int_equal(zero_judge_page(&judge, 0x5000), ZEROES_UNPROVEN);
	assert_int_equal(zero_judge_page(&judge, 0x10000000), ZEROES_OFFLINE);
	zero_judge_deinit(&judge);
	tree_deinit(&tree);
	free(tables);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_offline),
		cmocka_unit_test(without_the_directory),
#if defined(__x86_64__)
		cmocka_unit_test(which_zeroes_are_believed),
#endif
	};

	return TESTS_RUN(tests);
}
