// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proc/mmstate.h"
#include "tree.h"

#define HEADINGS "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

static void swap_areas(void **state)
{
	struct swaps swaps;

	(void)state;
	assert_null(swaps_parse(
		HEADINGS
		"/dev/zram0                              partition\t262140\t\t1024\t\t100\n"
		"/var/my\\040swap\\134file\\012x\\040(deleted)    file\t\t4\t\t0\t\t-2\n",
		&swaps));
	assert_true(swaps.present);
	assert_int_equal(swaps.areas.count, 2);
	assert_string_equal(swaps.areas.items[0].path, "/dev/zram0");
	assert_true(swaps.areas.items[0].partition);
	assert_int_equal(swaps.areas.items[0].size, 262140 << 10);
	assert_int_equal(swaps.areas.items[0].used, 1 << 20);
	assert_string_equal(swaps.areas.items[1].path, "/var/my swap\\file\nx (deleted)");
	assert_false(swaps.areas.items[1].partition);
	swaps_deinit(&swaps);
}

static void no_swap(void **state)
{
	struct tree tree;
	struct swaps swaps;

	(void)state;
	tree_unpack(&tree, "machines/firecracker-6.18");
	assert_null(swaps_load(tree.fd, &swaps));
	assert_true(swaps.present);
	assert_int_equal(swaps.areas.count, 0);
	tree_remove(&tree, "proc/swaps");
	assert_null(swaps_load(tree.fd, &swaps));
	assert_false(swaps.present);
	tree_deinit(&tree);
}

static void swaps_malformed(void **state)
{
	static const char *const texts[] = {
		"",
		"/dev/sda1 partition 1 0 -2\n",
		HEADINGS "/dev/sda1\n",
		HEADINGS "/dev/sda1 raid 1 0 -2\n",
		HEADINGS "/dev/sda1 partition -1 0 -2\n",
		HEADINGS "/dev/sda1 partition 18446744073709551615 0 -2\n",
		HEADINGS "/dev/sda1 partition 4 0 -2\n/dev/sdb1 file 4\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct swaps swaps;
		struct error *error = swaps_parse(texts[i], &swaps);

		assert_true(error_is(error, ERROR_INPUT));
		assert_int_equal(swaps.areas.count, 0);
		error_free(error);
	}
}

static void words(void **state)
{
	char word[8];

	(void)state;
	assert_true(chosen_word("always [madvise] never", word, sizeof(word)));
	assert_string_equal(word, "madvise");
	assert_true(chosen_word("[none] integrity", word, sizeof(word)));
	assert_string_equal(word, "none");
	assert_false(chosen_word("always madvise", word, sizeof(word)));
	assert_false(chosen_word("always [madvise", word, sizeof(word)));
	assert_false(chosen_word("[] never", word, sizeof(word)));
	assert_false(chosen_word("[inherits] x", word, sizeof(word)));
}

static void real_machine(void **state)
{
	struct tree tree;
	struct ksm ksm;
	struct thp thp;
	struct hugetlb hugetlb;

	(void)state;
	tree_unpack(&tree, "machines/firecracker-6.18");
	assert_null(ksm_load(tree.fd, &ksm));
	assert_true(ksm.present);
	assert_int_equal(ksm.run, 0);

	assert_null(thp_load(tree.fd, &thp));
	assert_true(thp.present);
	assert_int_equal(thp.enabled, THP_MADVISE);
	assert_string_equal(thp.defrag, "madvise");
	assert_true(thp.zero_page);
	assert_int_equal(thp.size, 2 << 20);
	assert_int_equal(thp.sizes.count, 1);
	assert_int_equal(thp.sizes.items[0], 2 << 20);
	thp_deinit(&thp);

	tree_write(&tree, "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "7\n");
	tree_write(&tree, "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "3\n");
	assert_null(hugetlb_load(tree.fd, &hugetlb));
	assert_true(hugetlb.present);
	assert_int_equal(hugetlb.pools.count, 2);
	assert_int_equal(hugetlb.pools.items[0].size, 2 << 20);
	assert_int_equal(hugetlb.pools.items[0].total, 7);
	assert_int_equal(hugetlb.pools.items[0].free, 3);
	assert_int_equal(hugetlb.pools.items[1].size, 1 << 30);
	hugetlb_deinit(&hugetlb);
	tree_deinit(&tree);
}

static void absent(void **state)
{
	struct tree tree;
	struct ksm ksm;
	struct thp thp;
	struct hugetlb hugetlb;

	(void)state;
	tree_init(&tree);
	assert_null(ksm_load(tree.fd, &ksm));
	assert_false(ksm.present);
	assert_null(thp_load(tree.fd, &thp));
	assert_false(thp.present);
	assert_null(hugetlb_load(tree.fd, &hugetlb));
	assert_false(hugetlb.present);
	tree_deinit(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(swap_areas),      cmocka_unit_test(no_swap),
		cmocka_unit_test(swaps_malformed), cmocka_unit_test(words),
		cmocka_unit_test(real_machine),    cmocka_unit_test(absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
