// SPDX-License-Identifier: GPL-2.0-or-later
/* src/analysis/{cow,snapshot,family}: classes of pages, two snapshots in step, who forked whom. */
#include "unit.h"

#include "analysis/cow.h"
#include "analysis/family.h"
#include "analysis/snapshot.h"
#include "base/scope.h"

#define P PAGEMAP_PRESENT
#define X PAGEMAP_EXCLUSIVE
#define F PAGEMAP_FILE
#define Z PAGE_ZERO

static void classes_by_the_words(void **state)
{
	static const struct {
		uint64_t parent, child;
		enum cow_class class;
	} cases[] = {
		{0, 0, COW_NONE},
		{P | 5, P | 5, COW_SHARED},
		{P | F | 5, P | F | 5, COW_SHARED},
		{P | X | 5, P | X | 6, COW_UNKNOWN}, /* until it is asked who wrote */
		{P | Z | 1, P | Z | 1, COW_ZERO},
		{P | Z | 1, P | Z | 512, COW_ZERO}, /* the huge one */
		{P | Z | 1, P | X | 6, COW_UNKNOWN},
		{P | 5, 0, COW_PARENT_ONLY},
		{0, P | 5, COW_CHILD_ONLY},
		{PAGEMAP_SWAP, P | 5, COW_SWAPPED},
		{PAGEMAP_SWAP, PAGEMAP_SWAP, COW_SWAPPED},
		{PAGEMAP_SWAP | PAGE_SPECIAL, 0, COW_OTHER},
		{PAGEMAP_SWAP | PAGEMAP_GUARD, P | 5, COW_OTHER},
		{PAGEMAP_SWAP | PAGE_MIGRATING, P | 5, COW_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(cow_class_of(cases[i].parent, cases[i].child), cases[i].class);
}

static void counts_of_a_stretch(void **state)
{
	static const struct vma area = {.perms = VMA_READ | VMA_WRITE};
	static const uint64_t parent[] = {P | 1, P | 2, P | F | 3, P | 4, 0, P | Z | 9};
	static const uint64_t child[] = {P | 1, P | 2, P | F | 3, P | X | 5, P | X | 6, P | Z | 9};
	struct stretch_pair s = {.count = 6, .words = {parent, child}, .vma = {&area, &area}};
	struct cow_counts counts = {0};

	(void)state;
	cow_count(&counts, &s);
	assert_int_equal(counts.of[COW_SHARED], 3);
	assert_int_equal(counts.anonymous, 2); /* the file's would be there once anyway */
	assert_int_equal(counts.cow, 3);
	assert_int_equal(counts.of[COW_UNKNOWN], 1);
	assert_int_equal(cow_diverged(&counts), 1);
	assert_int_equal(counts.of[COW_CHILD_ONLY], 1);
	assert_int_equal(counts.of[COW_ZERO], 1);
	assert_int_equal(counts.alone, 2);
}

struct seen {
	size_t count;
	struct stretch_pair stretches[8];
};

static struct error *note(void *argument, const struct stretch_pair *stretch)
{
	struct seen *seen = argument;

	assert_true(seen->count < 8);
	seen->stretches[seen->count++] = *stretch;
	return NULL;
}

/* A: 10 to 13 and 20; B: 12 to 15. */
static void two_snapshots_in_step(void **state)
{
	struct snapshot_run a_runs[] = {{10, 4, 0, NULL}, {20, 1, 4, NULL}};
	struct snapshot_run b_runs[] = {{12, 4, 0, NULL}};
	uint64_t a_words[] = {P | 1, P | 2, P | 3, P | 4, P | 5},
		 b_words[] = {P | 3, P | 4, 0, P | 7};
	struct snapshot a = {.runs = {a_runs, 2, 2}, .words = {a_words, 5, 5}};
	struct snapshot b = {.runs = {b_runs, 1, 1}, .words = {b_words, 4, 4}};
	static const struct {
		uint64_t vpn, count;
		bool has[2];
	} expected[] = {{10, 2, {true, false}},
			{12, 2, {true, true}},
			{14, 2, {false, true}},
			{20, 1, {true, false}}};
	struct seen seen = {0};

	(void)state;
	assert_ok(pair_walk(&a, &b, RANGE_ALL, note, &seen));
	assert_int_equal(seen.count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(seen.stretches[i].vpn, expected[i].vpn);
		assert_int_equal(seen.stretches[i].count, expected[i].count);
		assert_int_equal(seen.stretches[i].words[0] != NULL, expected[i].has[0]);
		assert_int_equal(seen.stretches[i].words[1] != NULL, expected[i].has[1]);
	}
	seen.count = 0;
	assert_ok(pair_walk(&a, &b, (struct range){13, 15}, note, &seen));
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.stretches[0].words[0][0], P | 4);
	assert_int_equal(snapshot_word(&a, 20), P | 5);
	assert_int_equal(snapshot_word(&a, 19), 0);
	assert_int_equal(snapshot_word(&b, 100), 0);
}

/* 1 forked 2 and then 3; 2 forked 4. And 8 and 9 are each other's parent, as a torn list may say.
 */
static void who_forked_whom(void **state)
{
	struct process people[] = {
		{.pid = 1, .started = 1},
		{.pid = 2, .ppid = 1, .started = 2},
		{.pid = 3, .ppid = 1, .started = 3},
		{.pid = 4, .ppid = 2, .started = 4},
		{.pid = 8, .ppid = 9, .started = 1},
		{.pid = 9, .ppid = 8, .started = 1},
	};
	process_vec list = {people, 6, 6};
	process_pointers found = {0};

	(void)state;
	assert_int_equal(family_relation(&list, 1, 2), RELATION_CHILD);
	assert_int_equal(family_relation(&list, 1, 4), RELATION_DESCENDANT);
	assert_int_equal(family_relation(&list, 4, 1), RELATION_REVERSED);
	assert_int_equal(family_relation(&list, 2, 3), RELATION_NONE);
	assert_int_equal(family_relation(&list, 8, 1), RELATION_NONE);
	/* Since it forked 2, process 1 has forked 3; since 3 nobody. */
	assert_true(family_forked_since(&list, 1, 2));
	assert_false(family_forked_since(&list, 1, 3));
	assert_true(family_forked_since(&list, 2, 1));
	assert_false(family_forked_since(&list, 4, 2));
	assert_ok(family_descendants(&list, 1, &found));
	assert_int_equal(found.count, 3);
	found.count = 0;
	assert_ok(family_descendants(&list, 8, &found));
	vec_deinit(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_by_the_words),
		cmocka_unit_test(counts_of_a_stretch),
		cmocka_unit_test(two_snapshots_in_step),
		cmocka_unit_test(who_forked_whom),
	};

	return TESTS_RUN(tests);
}
