// SPDX-License-Identifier: GPL-2.0-or-later
/* Gates of /proc/PID/pagemap and /proc/PID/maps, tried on ourselves. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analysis/gates_internal.h"
#include "base/io.h"
#include "base/scope.h"

/* Younger than the headers of Debian 12 (include/uapi/linux/fs.h). */
#define PAGEMAP_SCAN  _IOC(_IOC_READ | _IOC_WRITE, 'f', 16, sizeof(struct scan_argument))
#define PROCMAP_QUERY _IOC(_IOC_READ | _IOC_WRITE, 'f', 17, sizeof(struct query_argument))

struct scan_argument {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

struct query_argument {
	uint64_t size, query_flags, query_addr, vma_start, vma_end, vma_flags, vma_page_size;
	uint64_t vma_offset, inode;
	uint32_t dev_major, dev_minor, vma_name_size, build_id_size;
	uint64_t vma_name_addr, build_id_addr;
};

_Static_assert(sizeof(struct scan_argument) == 96, "as the kernel has it");
_Static_assert(sizeof(struct query_argument) == 104, "as the kernel has it");

/* Without /proc nothing of ours is there: say that rather than blame the kernel's configuration. */
static struct error *absent_in_proc(const struct prober *prober, struct gate *gate,
				    const char *option)
{
	gate_is(gate, GATE_CLOSED, "absent");
	if (faccessat(prober->root, "proc/self/maps", F_OK, 0) != 0)
		return gate_remedy(gate, "mount -t proc proc /proc");
	return gate_remedy(gate, "a kernel with %s", option);
}

struct error *gate_pagemap(struct prober *prober, struct gate *gate)
{
	uint64_t entry;

	if (prober->pagemap < 0 && prober->pagemap_errno == ENOENT)
		return absent_in_proc(prober, gate, "CONFIG_PROC_PAGE_MONITOR=y");
	if (prober->pagemap >= 0 && own_entry(prober, prober->page, &entry) &&
	    entry & ENTRY_PRESENT) {
		gate_is(gate, GATE_OPEN, "open");
		return NULL;
	}
	gate_is(gate, GATE_CLOSED, "denied");
	TRY(gate_detail(gate, "own pagemap: %s",
			prober->pagemap < 0 ? strerror(prober->pagemap_errno)
					    : "no entry for a page just written"));
	return gate_wants(prober, gate, 0);
}

/* Hidden PFNs read as 0 while the flags stay: the gate is the opener's capability. */
struct error *gate_pfn(struct prober *prober, struct gate *gate)
{
	uint64_t entry = 0;

	if (!own_entry(prober, prober->page, &entry) || !(entry & ENTRY_PRESENT)) {
		gate_is(gate, GATE_CLOSED, "absent");
		return gate_remedy(gate, "open the gate pagemap first");
	}
	prober->pfn_visible = entry & ENTRY_PFN;
	if (prober->pfn_visible) {
		gate_is(gate, GATE_OPEN, "open");
		return NULL;
	}
	gate_is(gate, GATE_CLOSED, "hidden");
	TRY(gate_detail(gate, "the PFN of a present page reads as 0"));
	return gate_wants(prober, gate, CAP_MASK(CAP_SYS_ADMIN));
}

/* Those of 6.7; guard regions, which came later, have a gate of their own. */
static const char *const scan_categories[] = {"wpallowed", "written", "file", "present",
					      "swapped",   "pfnzero", "huge", "soft-dirty"};

#define SCAN_COUNT (sizeof(scan_categories) / sizeof(scan_categories[0]))
enum { SCAN_PRESENT = 3, SCAN_GUARD = 8 };

/* Asks for the categories in `mask` of our two pages: 0 or the errno. */
static int scan(const struct prober *prober, uint64_t mask)
{
	uint64_t records[3 * 2];
	struct scan_argument argument = {
		.size = sizeof(argument),
		.start = (uint64_t)(uintptr_t)prober->page,
		.end = (uint64_t)(uintptr_t)prober->page + 2 * prober->page_size,
		.vec = (uint64_t)(uintptr_t)records,
		.vec_len = 2,
		.category_anyof_mask = mask,
		.return_mask = mask,
	};

	return ioctl(prober->pagemap, PAGEMAP_SCAN, &argument) < 0 ? errno : 0;
}

/* Each category is tried by itself: the kernel refuses an unknown bit with EINVAL. */
static void list_refused(const struct prober *prober, char *list, size_t size)
{
	*list = '\0';
	for (size_t i = 0; i < SCAN_COUNT; i++) {
		size_t used = strlen(list);

		if (scan(prober, UINT64_C(1) << i) != 0)
			snprintf(list + used, size - used, "%s%s", used ? ", " : "",
				 scan_categories[i]);
	}
}

struct error *gate_pagemap_scan(struct prober *prober, struct gate *gate)
{
	char refused[128];

	if (prober->pagemap < 0 || scan(prober, 1 << SCAN_PRESENT) != 0) {
		gate_is(gate, GATE_CLOSED, "absent");
		return gate_remedy(gate, "Linux 6.7 or later; until then every entry is read, "
					 "which is slow only for large empty reservations");
	}
	list_refused(prober, refused, sizeof(refused));
	if (!*refused) {
		gate_is(gate, GATE_OPEN, "open");
		if (scan(prober, 1 << SCAN_GUARD) == 0)
			return NULL;
		return gate_detail(gate, "without the category guard of Linux 6.16");
	}
	gate_is(gate, GATE_LIMITED, "partial");
	TRY(gate_detail(gate, "categories this kernel refuses: %s", refused));
	return gate_remedy(gate, "a kernel whose PAGEMAP_SCAN knows %s", refused);
}

struct error *gate_procmap_query(struct prober *prober, struct gate *gate)
{
	struct query_argument argument = {
		.size = sizeof(argument),
		.query_addr = (uint64_t)(uintptr_t)prober->page,
	};
	int errnum;
	_cleanup_close_ int maps = prober_open(prober, "proc/self/maps", &errnum);

	if (maps >= 0 && ioctl(maps, PROCMAP_QUERY, &argument) == 0) {
		gate_is(gate, GATE_OPEN, "open");
		return NULL;
	}
	gate_is(gate, GATE_CLOSED, "absent");
	return gate_remedy(gate, "Linux 6.11 or later; until then the text of maps is read");
}

/* MADV_GUARD_INSTALL came in 6.13, its bit in pagemap in 6.15. */
struct error *gate_guard(struct prober *prober, struct gate *gate)
{
	enum { GUARD_INSTALL = 102, GUARD_REMOVE = 103 };
	unsigned char *page = prober->page + prober->page_size;
	uint64_t entry = 0;

	if (madvise(page, prober->page_size, GUARD_INSTALL) != 0) {
		gate_is(gate, GATE_IDLE, "absent");
		TRY(gate_detail(gate, "this kernel cannot make guard regions"));
		return NULL;
	}
	bool read = own_entry(prober, page, &entry);
	madvise(page, prober->page_size, GUARD_REMOVE);
	if (read && entry & ENTRY_GUARD) {
		gate_is(gate, GATE_OPEN, "open");
		return NULL;
	}
	gate_is(gate, GATE_CLOSED, "hidden");
	TRY(gate_detail(gate, "this kernel makes guard regions, but pagemap does not show them"));
	return gate_remedy(gate, "Linux 6.15 or later");
}

/*
 * Really tracked? Clear the marks of our own process, see that a page's is gone, write the page,
 * see that it is back. A kernel without tracking takes the "4" as well, and shows 0 or, for a
 * fresh area, a mark that stays.
 */
struct error *gate_soft_dirty(struct prober *prober, struct gate *gate)
{
	uint64_t before = 0, after = 0;
	int errnum;
	_cleanup_close_ int fd = prober_open_own(prober, "proc/self/clear_refs", O_WRONLY, &errnum);

	if (prober->pagemap < 0 || (fd < 0 && errnum == ENOENT))
		return absent_in_proc(prober, gate, "CONFIG_PROC_PAGE_MONITOR=y");
	bool told = fd >= 0 && write(fd, "4", 1) == 1 && own_entry(prober, prober->page, &before);
	*(volatile unsigned char *)prober->page = 0xa5;
	if (!told || !own_entry(prober, prober->page, &after)) {
		gate_is(gate, GATE_CLOSED, "denied");
		return gate_wants(prober, gate, 0);
	}
	if (!(before & ENTRY_SOFT_DIRTY) && after & ENTRY_SOFT_DIRTY) {
		gate_is(gate, GATE_OPEN, "open");
		return NULL;
	}
	gate_is(gate, GATE_CLOSED, "absent");
	return gate_remedy(gate, "a kernel with CONFIG_MEM_SOFT_DIRTY=y");
}
