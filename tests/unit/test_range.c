// SPDX-License-Identifier: GPL-2.0-or-later
/* src/base/range: half-open ranges, up to the end of the address space. */
#include "unit.h"

#include "base/range.h"

#define R(a, b) ((struct range){a, b})

static void length_and_emptiness(void **state)
{
	(void)state;
	assert_false(range_is_empty(R(0, 1)));
	assert_true(range_is_empty(R(1, 1)));
	assert_true(range_is_empty(R(2, 1)));
	assert_int_equal(range_length(R(2, 1)), 0);
	assert_int_equal(range_length(R(16, 48)), 32);
	assert_int_equal(range_length(RANGE_ALL), UINT64_MAX);
}

static void the_end_is_not_inside(void **state)
{
	(void)state;
	assert_true(range_contains(R(16, 32), 16));
	assert_true(range_contains(R(16, 32), 31));
	assert_false(range_contains(R(16, 32), 32));
	assert_false(range_contains(R(16, 32), 15));
	assert_false(range_contains(R(16, 16), 16));
	assert_false(range_contains(RANGE_ALL, UINT64_MAX));
}

static void intersections(void **state)
{
	struct range r = range_intersect(R(10, 20), R(15, 30));

	(void)state;
	assert_int_equal(r.start, 15);
	assert_int_equal(r.end, 20);
	assert_true(range_is_empty(range_intersect(R(10, 20), R(20, 30))));
	assert_true(range_is_empty(range_intersect(R(10, 20), R(25, 30))));
	assert_int_equal(range_length(range_intersect(R(10, 20), R(12, 14))), 2);
	assert_int_equal(range_length(range_intersect(RANGE_ALL, R(12, 14))), 2);
}

/* "00100000-0009ffff" of /proc/iomem: its ends are inclusive, here never. */
static void inclusive_ends_become_half_open(void **state)
{
	struct range r = R(7, 7);

	(void)state;
	assert_true(range_from_inclusive(0x1000, 0x1fff, &r));
	assert_int_equal(r.start, 0x1000);
	assert_int_equal(r.end, 0x2000);
	assert_true(range_from_inclusive(5, 5, &r));
	assert_int_equal(range_length(r), 1);
	assert_false(range_from_inclusive(5, 4, &r));
	assert_false(range_from_inclusive(0, UINT64_MAX, &r));
	assert_int_equal(r.start, 5);
}

static void lengths_may_not_wrap(void **state)
{
	struct range r;

	(void)state;
	assert_true(range_from_length(UINT64_MAX - 10, 10, &r));
	assert_int_equal(r.end, UINT64_MAX);
	assert_int_equal(r.start, UINT64_MAX - 10);
	assert_false(range_from_length(UINT64_MAX - 10, 11, &r));
	assert_true(range_from_length(0, UINT64_MAX, &r));
}

static void alignment(void **state)
{
	(void)state;
	assert_int_equal(align_down(0x1fff, 0x1000), 0x1000);
	assert_int_equal(align_down(0x2000, 0x1000), 0x2000);
	assert_int_equal(align_up(0x1001, 0x1000), 0x2000);
	assert_int_equal(align_up(0x2000, 0x1000), 0x2000);
	assert_int_equal(align_up(0, 0x1000), 0);
	/* It stays below the end instead of wrapping to 0. */
	assert_int_equal(align_up(UINT64_MAX, 0x1000), UINT64_MAX - 0xfff);
	assert_int_equal(align_up(UINT64_MAX - 0xfff, 0x1000), UINT64_MAX - 0xfff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(length_and_emptiness),
		cmocka_unit_test(the_end_is_not_inside),
		cmocka_unit_test(intersections),
		cmocka_unit_test(inclusive_ends_become_half_open),
		cmocka_unit_test(lengths_may_not_wrap),
		cmocka_unit_test(alignment),
	};

	return TESTS_RUN(tests);
}
