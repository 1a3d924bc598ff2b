// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/x86_64.h"

static const struct x86_64_level levels[] = {
	{"PGD", 48, 9}, {"P4D", 39, 9}, {"PUD", 30, 9}, {"PMD", 21, 9}, {"PTE", 12, 9},
};

/* With four levels Linux folds the P4D, and the PGD is what bits 47 to 39 index. */
static const struct x86_64_level four_levels[] = {
	{"PGD", 39, 9},
	{"PUD", 30, 9},
	{"PMD", 21, 9},
	{"PTE", 12, 9},
};

const struct x86_64_level *x86_64_levels(bool five, size_t *count)
{
	*count = five ? sizeof(levels) / sizeof(levels[0])
		      : sizeof(four_levels) / sizeof(four_levels[0]);
	return five ? levels : four_levels;
}

bool x86_64_is_canonical(uint64_t address, bool five)
{
	unsigned unused = five ? 64 - 57 : 64 - 48;

	return (uint64_t)((int64_t)(address << unused) >> unused) == address;
}
