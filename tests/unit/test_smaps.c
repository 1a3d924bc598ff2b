// SPDX-License-Identifier: GPL-2.0-or-later
/* src/proc/smaps: where KSM has merged pages. */
#include "unit.h"

#include "base/scope.h"
#include "proc/smaps.h"

static const char dump[] =
	"55d3c4a00000-55d3c4a21000 rw-p 00000000 00:00 0                          [heap]\n"
	"Size:                132 kB\n"
	"KSM:                   0 kB\n"
	"VmFlags: rd wr mr mw me ac \n"
	"7f0000000000-7f0000010000 rw-p 00000000 00:00 0 \n"
	"Size:                 64 kB\n"
	"KSM:                  16 kB\n"
	"VmFlags: rd wr mr mw me ac mg \n"
	"7ffde7fe2000-7ffde8003000 rw-p 00000000 00:00 0                          [stack]\n"
	"Size:                132 kB\n"
	"VmFlags: rd wr mr mw me gd ac \n";

static void merged_areas(void **state)
{
	range_vec areas = {0};

	(void)state;
	assert_ok(smaps_merged_parse(dump, &areas));
	assert_int_equal(areas.count, 1);
	assert_int_equal(areas.items[0].start, 0x7f0000000000);
	assert_int_equal(areas.items[0].end, 0x7f0000010000);
	vec_deinit(&areas);
	assert_ok(smaps_merged_parse("", &areas));
	assert_int_equal(areas.count, 0);
}

static void hugetlb_areas(void **state)
{
	static const char text[] = "1000-2000 rw-s 00000000 00:10 7 /huge/ht\n"
				   "VmFlags: rd wr sh mr mw me ms de ht sd \n"
				   "3000-4000 rw-p 00000000 00:00 0 \n"
				   "VmFlags: rd ac gd nh\n"
				   "5000-6000 rw-p 00000000 00:00 0 \n"
				   "VmFlags: ht\n";
	range_vec areas = {0};

	(void)state;
	assert_ok(smaps_hugetlb_parse(text, &areas));
	assert_int_equal(areas.count, 2);
	assert_int_equal(areas.items[0].start, 0x1000);
	assert_int_equal(areas.items[1].start, 0x5000);
	vec_deinit(&areas);
	assert_ok(smaps_hugetlb_parse(dump, &areas));
	assert_int_equal(areas.count, 0);
}

static void what_is_no_smaps(void **state)
{
	static const char *const texts[] = {
		"KSM: 16 kB\n",     "nonsense\n",  "1000-2000 rw-p",
		"2000-1000 rw-p\n", "1000 rw-p\n", "\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		range_vec areas = {0};
		struct error *error = smaps_merged_parse(texts[i], &areas);

		assert_true(error_is(error, ERROR_INPUT));
		error_free(error);
		vec_deinit(&areas);
	}
}

static void sums_of_a_process(void **state)
{
	static const char whole[] = "55e-7ff ---p 00000000 00:00 0    [rollup]\n"
				    "Rss:                8 kB\nPss:                5 kB\n"
				    "Pss_Dirty:          1 kB\nPrivate_Clean:      3 kB\n"
				    "Private_Dirty:      1 kB\nShared_Hugetlb:  2048 kB\n"
				    "Private_Hugetlb: 4096 kB\nSwap:              12 kB\n"
				    "SwapPss:           12 kB\n";
	struct memory_sums sums;

	(void)state;
	assert_ok(smaps_sums_parse(whole, &sums));
	assert_int_equal(sums.rss, 8 << 10);
	assert_int_equal(sums.pss, 5 << 10);
	assert_int_equal(sums.uss, 4 << 10);
	assert_int_equal(sums.hugetlb, 6 << 20);
	assert_int_equal(sums.swap, 12 << 10);
	assert_error(smaps_sums_parse("Rss: 8 kB\n", &sums), ERROR_INPUT, "a field is missing");
	assert_error(smaps_sums_parse("", &sums), ERROR_INPUT, "a field is missing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merged_areas),
		cmocka_unit_test(sums_of_a_process),
		cmocka_unit_test(hugetlb_areas),
		cmocka_unit_test(what_is_no_smaps),
	};

	return TESTS_RUN(tests);
}
