// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proc/cache.h"
#include "tree.h"

#define INDEX "sys/devices/system/cpu/cpu0/cache/index0/"

static void real_machine(void **state)
{
	struct tree tree;
	struct cache_geometry geometry;

	(void)state;
	tree_unpack(&tree, "machines/firecracker-6.18");
	assert_null(cache_load(tree.fd, 0, &geometry));
	tree_deinit(&tree);
	assert_int_equal(geometry.caches.count, 4);

	const struct cache *l1 = &geometry.caches.items[0], *l3 = &geometry.caches.items[3];
	assert_int_equal(l1->level, 1);
	assert_int_equal(l1->type, CACHE_DATA);
	assert_int_equal(l1->size, 32 << 10);
	assert_int_equal(l1->line, 64);
	assert_int_equal(l1->ways, 8);
	assert_int_equal(l1->sets, 64);
	assert_string_equal(l1->shared, "0");
	assert_false(l1->nominal);
	assert_int_equal(geometry.caches.items[1].type, CACHE_INSTRUCTION);
	assert_int_equal(l3->type, CACHE_UNIFIED);
	assert_string_equal(l3->shared, "0-1");
	assert_true(l3->nominal);
	for (size_t i = 0; i < 4; i++) {
		const struct cache *cache = &geometry.caches.items[i];

		assert_int_equal(cache->size, cache->line * cache->ways * cache->sets);
	}
	cache_deinit(&geometry);
}

/* 32 KiB, 8 ways: a way is a page, so every page has the one colour. L2 of 1024 sets has 16. */
static void set_and_color(void **state)
{
	struct cache l1 = {.line = 64, .sets = 64}, l2 = {.line = 64, .sets = 1024};
	uint64_t value;

	(void)state;
	assert_true(cache_set(&l1, 0x12345fc0, &value));
	assert_int_equal(value, 63);
	assert_true(cache_set(&l2, 0x12345fc0, &value));
	assert_int_equal(value, 0x12345fc0 / 64 % 1024);
	assert_true(cache_colors(&l1, 4096, &value));
	assert_int_equal(value, 1);
	assert_true(cache_colors(&l2, 4096, &value));
	assert_int_equal(value, 16);
	assert_true(cache_color(&l2, 4096, 0x12345, &value));
	assert_int_equal(value, 5);
	/* All lines of a page lie in the sets of its colour. */
	for (uint64_t offset = 0; offset < 4096; offset += 64) {
		uint64_t set;

		assert_true(cache_set(&l2, UINT64_C(0x12345) << 12 | offset, &set));
		assert_int_equal(set / 64, 5);
	}
	/* A way smaller than a page still has one colour, not none. */
	assert_true(cache_colors(&(struct cache){.line = 64, .sets = 32}, 4096, &value));
	assert_int_equal(value, 1);
}

static void unknown_geometry(void **state)
{
	uint64_t value;

	(void)state;
	assert_false(cache_set(&(struct cache){.line = 64}, 0x1000, &value));
	assert_false(cache_set(&(struct cache){.sets = 64}, 0x1000, &value));
	assert_false(cache_colors(&(struct cache){.sets = 64}, 4096, &value));
	assert_false(cache_colors(&(struct cache){.line = 2, .sets = UINT64_MAX}, 4096, &value));
	assert_false(cache_color(&(struct cache){0}, 4096, 1, &value));
}

/* Attributes vanish where the kernel does not know: sets can be had from the other three. */
static void attributes_missing(void **state)
{
	struct tree tree;
	struct cache_geometry geometry;

	(void)state;
	tree_init(&tree);
	tree_write(&tree, INDEX "level", "2\n");
	tree_write(&tree, INDEX "type", "Unified\n");
	assert_null(cache_load(tree.fd, 0, &geometry));
	assert_int_equal(geometry.caches.count, 1);
	assert_int_equal(geometry.caches.items[0].level, 2);
	assert_int_equal(geometry.caches.items[0].size, 0);
	assert_int_equal(geometry.caches.items[0].sets, 0);
	assert_string_equal(geometry.caches.items[0].shared, "");
	cache_deinit(&geometry);

	tree_write(&tree, INDEX "size", "512K\n");
	tree_write(&tree, INDEX "coherency_line_size", "64\n");
	tree_write(&tree, INDEX "ways_of_associativity", "8\n");
	assert_null(cache_load(tree.fd, 0, &geometry));
	assert_int_equal(geometry.caches.items[0].sets, 1024);
	cache_deinit(&geometry);
	tree_deinit(&tree);
}

static void none(void **state)
{
	struct tree tree;
	struct cache_geometry geometry;

	(void)state;
	tree_init(&tree);
	assert_null(cache_load(tree.fd, 0, &geometry));
	assert_int_equal(geometry.caches.count, 0);
	cache_deinit(&geometry);
	tree_deinit(&tree);
}

static void malformed(void **state)
{
	static const char *const files[][2] = {
		{INDEX "level", "two\n"},
		{INDEX "level", "99\n"},
		{INDEX "size", "K\n"},
		{INDEX "size", "32M\n"},
		{INDEX "size", "18446744073709551615K\n"},
		{INDEX "number_of_sets", "-1\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct tree tree;
		struct cache_geometry geometry;

		tree_init(&tree);
		tree_write(&tree, files[i][0], files[i][1]);
		struct error *error = cache_load(tree.fd, 0, &geometry);
		assert_true(error_is(error, ERROR_INPUT));
		assert_int_equal(geometry.caches.count, 0);
		error_free(error);
		tree_deinit(&tree);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_machine),
		cmocka_unit_test(set_and_color),
		cmocka_unit_test(unknown_geometry),
		cmocka_unit_test(attributes_missing),
		cmocka_unit_test(none),
		cmocka_unit_test(malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
