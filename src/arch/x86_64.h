// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * x86-64 page tables (Intel SDM volume 3, chapter 4; AMD APM volume 2, chapter 5) with what Linux
 * keeps in the bits that are its own (arch/x86/include/asm/pgtable_types.h, pgtable_64.h).
 */
#ifndef PHYSLENS_ARCH_X86_64_H
#define PHYSLENS_ARCH_X86_64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/pagetable.h"

/* Four levels, or five with LA57. */
const struct page_table_format *x86_64_format(bool five);

/* From the level that CR3 points at down to the PTE. */
const struct page_table_level *x86_64_levels(bool five, size_t *count);

/* Whether the bits above the highest level repeat its top bit, as the hardware demands. */
bool x86_64_is_canonical(uint64_t address, bool five);

/* Where the kernel's text is mapped (__START_KERNEL_map); it is not moved by more than 1 GiB. */
#define X86_64_KERNEL_MAP UINT64_C(0xffffffff80000000)

#endif
