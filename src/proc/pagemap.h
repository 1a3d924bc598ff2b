// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst; fs/proc/task_mmu.c): one word a
 * virtual page, and the PAGEMAP_SCAN ioctl, which finds the pages worth reading.
 */
#ifndef PHYSLENS_PROC_PAGEMAP_H
#define PHYSLENS_PROC_PAGEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/range.h"
#include "proc/iomem.h"

/* The word, as the kernel gives it. */
#define PAGEMAP_PFN        ((UINT64_C(1) << 55) - 1) /* present: the frame; 0 when hidden */
#define PAGEMAP_SOFT_DIRTY (UINT64_C(1) << 55)
#define PAGEMAP_EXCLUSIVE  (UINT64_C(1) << 56) /* mapped exactly once */
#define PAGEMAP_UFFD_WP    (UINT64_C(1) << 57)
#define PAGEMAP_GUARD      (UINT64_C(1) << 58) /* since 6.15 */
#define PAGEMAP_FILE       (UINT64_C(1) << 61) /* page of a file or of shared memory */
#define PAGEMAP_SWAP       (UINT64_C(1) << 62) /* swapped, or a special entry */
#define PAGEMAP_PRESENT    (UINT64_C(1) << 63)
#define PAGEMAP_POPULATED  (PAGEMAP_PRESENT | PAGEMAP_SWAP)

#define PAGEMAP_KNOWN                                                                              \
	(PAGEMAP_PFN | PAGEMAP_SOFT_DIRTY | PAGEMAP_EXCLUSIVE | PAGEMAP_UFFD_WP | PAGEMAP_GUARD |  \
	 PAGEMAP_FILE | PAGEMAP_SWAP | PAGEMAP_PRESENT)

/* For a swapped page the low bits are the type of the swap area (0-4) and the slot (5-54). */
static inline unsigned pagemap_swap_type(uint64_t word)
{
	return (unsigned)(word & 31);
}

static inline uint64_t pagemap_swap_offset(uint64_t word)
{
	return (word & PAGEMAP_PFN) >> 5;
}

/* Categories of PAGEMAP_SCAN (include/uapi/linux/fs.h), for those who build without its header. */
enum scan_category {
	SCAN_WRITTEN = 1 << 1,
	SCAN_FILE = 1 << 2,
	SCAN_PRESENT = 1 << 3,
	SCAN_SWAPPED = 1 << 4,
	SCAN_ZERO = 1 << 5,
	SCAN_HUGE = 1 << 6,
	SCAN_SOFT_DIRTY = 1 << 7,
	SCAN_GUARD = 1 << 8,
};

/* Pages [start, end), in bytes, that have the same categories. */
struct scan_record {
	uint64_t start;
	uint64_t end;
	uint64_t categories;
};

/*
 * One PAGEMAP_SCAN over `range` (bytes, page-aligned): records of pages in any of the categories
 * `any`, at most `limit` records and (unless 0) at most `max_pages` pages, each with what it is of
 * `report`. *walked is where it stopped: below range.end there is more. Returns 0 or an errno:
 * ENOTTY without the ioctl, EINVAL for a category this kernel does not know, ESRCH when the address
 * space is gone. Only looks: it never asks for write protection.
 */
int pagemap_scan(int fd, struct range range, uint64_t any, uint64_t report, uint64_t max_pages,
		 struct scan_record *records, size_t limit, size_t *count, uint64_t *walked);

/* Whether pagemap_scan() works on `fd` with these categories. */
bool pagemap_scan_works(int fd, uint64_t categories);

/*
 * The words of `count` pages from page number `vpn` on. Pages past the end of the address space,
 * and all of them when the address space is gone, are not read: *got says how many were. Returns 0
 * or an errno.
 */
int pagemap_read(int fd, uint64_t vpn, uint64_t *words, size_t count, size_t *got);

/*
 * Gives `visit` the words of populated pages, in ascending order and in bulk: `count` words from
 * page `vpn` on, empty ones between them included, pages that are not given are empty. The words
 * may be changed in place and are valid until visit() returns; its error ends the walk.
 */
typedef struct error *(*pagemap_visit)(void *argument, uint64_t vpn, uint64_t *words, size_t count);

/*
 * Appends to `found`, ascending, where in `range` pages can be: outside of these ranges there is
 * none for certain, inside there may be none either. All are in bytes; they may reach beyond
 * `range`. After an error nothing is known, and the whole of it is read.
 */
typedef struct error *(*pagemap_find)(void *argument, struct range range, range_vec *found);

struct pagemap_walker {
	int fd;
	unsigned page_shift;
	bool scan;         /* PAGEMAP_SCAN works */
	pagemap_find find; /* where it does not: another way to pass over holes; may be NULL */
	void *find_argument;
	uint64_t *words; /* the buffer */
	struct scan_record *records;
};

/* Whether PAGEMAP_SCAN works on `fd`, and PHYSLENS_NO_SCAN=1 in the environment does not forbid it.
 */
bool pagemap_may_scan(int fd);

/* `fd` stays the caller's; so does `find`, which is to be set after this. */
struct error *pagemap_walker_init(struct pagemap_walker *walker, int fd, unsigned page_shift);
void pagemap_walker_deinit(struct pagemap_walker *walker);

/*
 * Walks the populated pages of `range` (bytes, page-aligned). The price is that of reading the
 * pages that are populated: where there are many, they are read at once; holes are found by
 * PAGEMAP_SCAN or walker->find and not read. Without either every word is read. ERROR_GONE when the
 * address space ended.
 */
struct error *pagemap_walk(struct pagemap_walker *walker, struct range range, pagemap_visit visit,
			   void *argument);

#endif
