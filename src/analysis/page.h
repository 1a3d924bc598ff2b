// SPDX-License-Identifier: GPL-2.0-or-later
/* What one page is: its state and whether a write now would copy it, from its word. */
#ifndef PHYSLENS_ANALYSIS_PAGE_H
#define PHYSLENS_ANALYSIS_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "target/target.h"

enum page_state {
	STATE_PRESENT,
	STATE_ZERO, /* the shared zero page (or the huge one): read, never written */
	STATE_SWAPPED,
	STATE_IN_FILE, /* not mapped yet; its bytes are in the file, or in the shared memory object
			*/
	STATE_UNTOUCHED, /* demand-zero, never faulted */
	STATE_GUARD,     /* a guard region: a touch is SIGSEGV */
	STATE_MIGRATING,
	STATE_SPECIAL, /* a marker or poison, past the end of the file, or what the kernel fills in
			*/
	STATE_COUNT,
};

/* "present", "zero", "swapped", "in-file", … */
const char *page_state_name(enum page_state state);

/* The state of a populated page (PAGEMAP_POPULATED): an empty one's is region_empty_state()'s. */
enum page_state page_state_of(uint64_t word);

/*
 * Whether a write now would copy the page: private, writable by its area, present, and of a file,
 * or merged by KSM, or anonymous and mapped more than once (mm/memory.c, do_wp_page(): a small page
 * with one reference is reused). A page of the zero page is not copied but allocated.
 */
static inline bool page_is_cow(uint64_t word, unsigned vma_perms)
{
	if ((vma_perms & (VMA_WRITE | VMA_SHARED)) != VMA_WRITE ||
	    (word & (PAGEMAP_PRESENT | PAGE_ZERO)) != PAGEMAP_PRESENT)
		return false;
	return word & (PAGEMAP_FILE | PAGE_KSM) || !(word & PAGEMAP_EXCLUSIVE);
}

#endif
