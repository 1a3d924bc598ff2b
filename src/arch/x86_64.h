// SPDX-License-Identifier: GPL-2.0-or-later
/* x86-64 page tables (Intel SDM volume 3, chapter 4; AMD APM volume 2, chapter 5). */
#ifndef PHYSLENS_ARCH_X86_64_H
#define PHYSLENS_ARCH_X86_64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A level of the tables, by Linux's name, and the bits of the address that index it. */
struct x86_64_level {
	const char *name; /* "PGD", "P4D", "PUD", "PMD", "PTE" */
	unsigned shift;
	unsigned bits;
};

/* From the level that CR3 points at down to the PTE; five with LA57, else four. */
const struct x86_64_level *x86_64_levels(bool five, size_t *count);

static inline unsigned x86_64_index(const struct x86_64_level *level, uint64_t address)
{
	return (unsigned)(address >> level->shift) & ((1U << level->bits) - 1);
}

/* Whether the bits above the highest level repeat its top bit, as the hardware demands. */
bool x86_64_is_canonical(uint64_t address, bool five);

#endif
