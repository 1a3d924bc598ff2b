// SPDX-License-Identifier: GPL-2.0-or-later
/* src/analysis/page: what a page word says, for every combination of the bits that count. */
#include "unit.h"

#include "analysis/page.h"
#include "proc/maps.h"

#define P PAGEMAP_PRESENT
#define S PAGEMAP_SWAP
#define F PAGEMAP_FILE
#define X PAGEMAP_EXCLUSIVE

static void states(void **state)
{
	static const struct {
		uint64_t word;
		const char *name;
	} cases[] = {
		{P | 0x1234, "present"},
		{P | F | X | 0x1234, "present"},
		{P, "present"}, /* the frame is hidden */
		{P | PAGE_ZERO | 0x7, "zero"},
		{P | F | PAGE_ZERO | 0x7, "zero"},
		{P | PAGE_KSM | 0x7, "present"},
		{S | 0x20, "swapped"},
		{S | F | PAGEMAP_SOFT_DIRTY, "swapped"},
		{S, "swapped"},
		{S | PAGEMAP_GUARD, "guard"},
		{S | PAGEMAP_GUARD | PAGE_SPECIAL, "guard"},
		{S | PAGE_SPECIAL, "special"},
		{S | PAGE_MIGRATING, "migrating"},
		/* the kernel never says both; present wins */
		{P | S | 0x1, "present"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(page_state_name(page_state_of(cases[i].word)), cases[i].name);
}

static void every_state_has_a_name(void **state)
{
	(void)state;
	for (int i = 0; i < STATE_COUNT; i++) {
		const char *name = page_state_name((enum page_state)i);

		assert_non_null(name);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(name, page_state_name((enum page_state)j));
	}
}

static void copy_on_write(void **state)
{
	enum { RW = VMA_READ | VMA_WRITE };
	static const struct {
		uint64_t word;
		unsigned perms;
		bool cow;
	} cases[] = {
		{P | X | 1, RW, false},              /* anonymous, ours alone */
		{P | 1, RW, true},                   /* anonymous, shared since a fork */
		{P | 1, VMA_WRITE, true},            /* that it may be read does not matter */
		{P | F | X | 1, RW, true},           /* of a file: a write copies it always */
		{P | F | 1, RW, true},               /* of a file, others map it too */
		{P | F | 1, VMA_READ, false},        /* it cannot be written */
		{P | 1, VMA_READ | VMA_EXEC, false}, /* nor this */
		{P | 1, 0, false},
		{P | F | 1, RW | VMA_SHARED, false}, /* writes go to the file */
		{P | F | X | 1, RW | VMA_SHARED, false},
		{P | X | PAGE_KSM | 1, RW, true}, /* KSM pages are always copied */
		{P | PAGE_ZERO | 1, RW, false},   /* nothing to copy */
		{P | F | PAGE_ZERO | 1, RW, false},
		{S | 0x20, RW, false}, /* not present */
		{0, RW, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(page_is_cow(cases[i].word, cases[i].perms), cases[i].cow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states),
		cmocka_unit_test(every_state_has_a_name),
		cmocka_unit_test(copy_on_write),
	};

	return TESTS_RUN(tests);
}
