// SPDX-License-Identifier: GPL-2.0-or-later
/* src/base/vec: growable arrays. */
#include "unit.h"

#include "base/vec.h"

typedef VEC(uint64_t) numbers;

static void it_keeps_what_is_pushed(void **state)
{
	numbers v = {0};

	(void)state;
	for (uint64_t i = 0; i < 100000; i++)
		assert_ok(vec_push(&v, i * i));
	assert_int_equal(v.count, 100000);
	for (uint64_t i = 0; i < 100000; i++)
		assert_int_equal(v.items[i], i * i);
	vec_deinit(&v);
	assert_null(v.items);
	assert_int_equal(v.count, 0);
	assert_int_equal(v.capacity, 0);
	assert_ok(vec_push(&v, 1));
	vec_deinit(&v);
}

static void reserving_does_not_add(void **state)
{
	numbers v = {0};

	(void)state;
	size_t none = 0;
	assert_ok(vec_reserve(&v, none));
	assert_null(v.items);
	assert_ok(vec_reserve(&v, 1000));
	assert_int_equal(v.count, 0);
	assert_true(v.capacity >= 1000);
	const uint64_t *items = v.items;
	assert_ok(vec_reserve(&v, 1000));
	assert_ptr_equal(v.items, items);
	vec_deinit(&v);
}

/* Growth by half, so that n pushes cost n moves, not n². */
static void it_grows_by_more_than_one(void **state)
{
	numbers v = {0};
	size_t grown = 0, capacity = 0;

	(void)state;
	for (uint64_t i = 0; i < 100000; i++) {
		assert_ok(vec_push(&v, i));
		grown += v.capacity != capacity;
		capacity = v.capacity;
	}
	assert_true(grown < 40);
	vec_deinit(&v);
}

static void sizes_that_overflow_are_out_of_memory(void **state)
{
	numbers v = {0};

	(void)state;
	assert_ok(vec_push(&v, 1));
	assert_ptr_equal(vec_reserve(&v, SIZE_MAX), error_nomem());
	assert_ptr_equal(vec_reserve(&v, SIZE_MAX / 8), error_nomem());
	assert_int_equal(v.count, 1);
	assert_int_equal(v.items[0], 1);
	vec_deinit(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_keeps_what_is_pushed),
		cmocka_unit_test(reserving_does_not_add),
		cmocka_unit_test(it_grows_by_more_than_one),
		cmocka_unit_test(sizes_that_overflow_are_out_of_memory),
	};

	return TESTS_RUN(tests);
}
