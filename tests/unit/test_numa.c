// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proc/numa.h"
#include "tree.h"

enum { PAGE_SHIFT = 12 };

static void load(struct tree *tree, struct numa *numa)
{
	assert_null(numa_load(tree->fd, PAGE_SHIFT, numa));
	tree_deinit(tree);
}

/* The guest has 512 MiB in each of two nodes: frames below and from 0x20000. */
static void check_two_nodes(const struct numa *numa)
{
	assert_int_equal(numa->nodes.count, 2);
	assert_int_equal(numa_node(numa, 0x1), 0);
	assert_int_equal(numa_node(numa, 0x1ffff), 0);
	assert_int_equal(numa_node(numa, 0x20000), 1);
	assert_int_equal(numa_node(numa, 0x3ffdf), 1);
	/* Reserved behind the end of RAM, and nothing at all. */
	assert_int_equal(numa_node(numa, 0x3ffe0), NUMA_UNKNOWN);
	assert_int_equal(numa_node(numa, 0x100000), NUMA_UNKNOWN);
	assert_int_equal(numa_node(numa, UINT64_MAX), NUMA_UNKNOWN);
}

/* Sums of whole stretches are those of one frame after the other. */
static void check_sums(const struct numa *numa)
{
	for (int node = 0; node < 2; node++) {
		uint64_t pages = 0;

		for (size_t i = 0; i < numa->ram.count; i++) {
			for (uint64_t pfn = numa->ram.items[i].start; pfn < numa->ram.items[i].end;
			     pfn++)
				pages += numa_node(numa, pfn) == node;
		}
		assert_true(pages > 0);
		assert_int_equal(numa_ram_pages(numa, node), pages);
	}
}

static void two_nodes_by_blocks(void **state)
{
	struct tree tree;
	struct numa numa;

	(void)state;
	tree_unpack(&tree, "machines/qemu-numa-6.12");
	load(&tree, &numa);
	assert_int_equal(numa.method, NUMA_BLOCKS);
	assert_int_equal(numa.block_pages, 0x8000);
	assert_int_equal(numa.blocks.count, 8);
	check_two_nodes(&numa);
	check_sums(&numa);
	numa_deinit(&numa);
}

/* A kernel without memory hotplug has no blocks: two routes to one answer. */
static void two_nodes_by_zones(void **state)
{
	struct tree tree;
	struct numa numa;

	(void)state;
	tree_unpack(&tree, "machines/qemu-numa-6.12");
	tree_remove(&tree, "sys/devices/system/memory");
	load(&tree, &numa);
	assert_int_equal(numa.method, NUMA_ZONES);
	assert_int_equal(numa.blocks.count, 0);
	check_two_nodes(&numa);
	check_sums(&numa);
	numa_deinit(&numa);
}

/* Without iomem what is RAM is known to the block only. */
static void iomem_hidden(void **state)
{
	struct tree tree;
	struct numa numa;

	(void)state;
	tree_unpack(&tree, "machines/qemu-numa-6.12");
	tree_remove(&tree, "proc/iomem");
	load(&tree, &numa);
	assert_int_equal(numa_node(&numa, 0x1ffff), 0);
	assert_int_equal(numa_node(&numa, 0x3ffdf), 1);
	assert_int_equal(numa_node(&numa, 0x40000), NUMA_UNKNOWN);
	numa_deinit(&numa);
}

static void one_node(void **state)
{
	struct tree tree;
	struct numa numa;

	(void)state;
	tree_unpack(&tree, "machines/firecracker-6.18");
	load(&tree, &numa);
	assert_int_equal(numa.method, NUMA_SINGLE);
	assert_int_equal(numa_node(&numa, 0x1000), 0);
	assert_int_equal(numa_node(&numa, 0x63ffff), 0);
	assert_int_equal(numa_node(&numa, 0xc0000), NUMA_UNKNOWN); /* the PCI hole */
	assert_int_equal(numa_node(&numa, 0x640000), NUMA_UNKNOWN);
	numa_deinit(&numa);
}

/* CONFIG_NUMA=n: no node directory at all, and all zones are of node 0. */
static void no_numa_kernel(void **state)
{
	struct tree tree;
	struct numa numa;

	(void)state;
	tree_unpack(&tree, "machines/firecracker-6.18");
	tree_remove(&tree, "sys/devices/system/node");
	tree_remove(&tree, "sys/devices/system/memory");
	load(&tree, &numa);
	assert_int_equal(numa.method, NUMA_SINGLE);
	assert_int_equal(numa_node(&numa, 0x1000), 0);
	assert_int_equal(numa_node(&numa, 0xc0000), NUMA_UNKNOWN);
	numa_deinit(&numa);
}

static void nothing_known(void **state)
{
	struct tree tree;
	struct numa numa;

	(void)state;
	tree_init(&tree);
	load(&tree, &numa);
	assert_int_equal(numa.method, NUMA_NONE);
	assert_int_equal(numa_node(&numa, 0x1000), NUMA_UNKNOWN);
	numa_deinit(&numa);
}

/* Interleaved nodes: a span says "somewhere in here", so two of them say nothing. */
static void overlapping_spans(void **state)
{
	static const char zones[] = "Node 0, zone   Normal\n"
				    "        spanned  100\n"
				    "  start_pfn:           0\n"
				    "Node 1, zone   Normal\n"
				    "        spanned  100\n"
				    "  start_pfn:           50\n"
				    "Node 1, zone   Movable\n"
				    "        spanned  0\n";
	struct numa numa = {.method = NUMA_ZONES};

	(void)state;
	assert_null(numa_parse_zoneinfo(zones, &numa));
	assert_int_equal(numa.zones.count, 2);
	assert_int_equal(numa_node(&numa, 49), 0);
	assert_int_equal(numa_node(&numa, 50), NUMA_UNKNOWN);
	assert_int_equal(numa_node(&numa, 99), NUMA_UNKNOWN);
	assert_int_equal(numa_node(&numa, 100), 1);
	assert_int_equal(numa_node(&numa, 150), NUMA_UNKNOWN);
	assert_null(vec_push(&numa.ram, ((struct range){10, 200})));
	check_sums(&numa);
	assert_int_equal(numa_ram_pages(&numa, 0), 40);
	assert_int_equal(numa_ram_pages(&numa, 1), 50);
	numa_deinit(&numa);
}

/* A block that two nodes share does not tell; the spans may. */
static void shared_block(void **state)
{
	struct tree tree;
	struct numa numa;

	(void)state;
	tree_unpack(&tree, "machines/qemu-numa-6.12");
	tree_write(&tree, "sys/devices/system/node/node1/memory3", "");
	load(&tree, &numa);
	assert_int_equal(numa.blocks.count, 9);
	check_two_nodes(&numa);
	check_sums(&numa);
	/* The border is in the middle of it. */
	for (size_t i = 0; i < numa.zones.count; i++) {
		struct range *zone = &numa.zones.items[i].pfns;

		zone->start -= zone->start == 0x20000 ? 0x123 : 0;
		zone->end -= zone->end == 0x20000 ? 0x123 : 0;
	}
	assert_int_equal(numa_node(&numa, 0x1fedd), 1);
	assert_int_equal(numa_node(&numa, 0x1fedc), 0);
	check_sums(&numa);
	vec_deinit(&numa.zones);
	assert_int_equal(numa_node(&numa, 0x1ffff), NUMA_UNKNOWN);
	numa_deinit(&numa);
}

static void lists(void **state)
{
	static const char *const bad[] = {"0-",  "-1",           "a", "0,,1", "3-1",
					  "1,1", "0-4294967296", "0,"};
	struct numa numa = {0};

	(void)state;
	assert_null(numa_parse_list("0-1,4,8-9\n", &numa));
	assert_int_equal(numa.nodes.count, 5);
	assert_int_equal(numa.nodes.items[2], 4);
	assert_int_equal(numa.nodes.items[4], 9);
	numa_deinit(&numa);
	assert_null(numa_parse_list("\n", &numa));
	assert_int_equal(numa.nodes.count, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct error *error = numa_parse_list(bad[i], &numa);

		assert_true(error_is(error, ERROR_INPUT));
		error_free(error);
		numa_deinit(&numa);
	}
}

static void malformed(void **state)
{
	static const char *const zones[] = {
		"Node x, zone Normal\n",
		"Node -1, zone Normal\n",
		"Node 0, zone Normal\n spanned  2\n  start_pfn: 18446744073709551615\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		struct numa numa = {0};
		struct error *error = numa_parse_zoneinfo(zones[i], &numa);

		assert_true(error_is(error, ERROR_INPUT));
		error_free(error);
		numa_deinit(&numa);
	}

	struct tree tree;
	struct numa numa;
	tree_init(&tree);
	tree_write(&tree, "sys/devices/system/node/online", "0\n");
	tree_write(&tree, "sys/devices/system/memory/block_size_bytes", "0\n");
	struct error *error = numa_load(tree.fd, PAGE_SHIFT, &numa);
	assert_true(error_is(error, ERROR_INPUT));
	error_free(error);
	tree_deinit(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_nodes_by_blocks),
		cmocka_unit_test(two_nodes_by_zones),
		cmocka_unit_test(iomem_hidden),
		cmocka_unit_test(one_node),
		cmocka_unit_test(no_numa_kernel),
		cmocka_unit_test(nothing_known),
		cmocka_unit_test(overlapping_spans),
		cmocka_unit_test(shared_block),
		cmocka_unit_test(lists),
		cmocka_unit_test(malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
