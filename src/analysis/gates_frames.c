// SPDX-License-Identifier: GPL-2.0-or-later
/* Gates of /proc/kpageflags, kpagecount and kpagecgroup (fs/proc/page.c). */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analysis/gates_internal.h"
#include "base/scope.h"
#include "proc/mmstate.h"

#define FLAG_ANON      (UINT64_C(1) << 12)
#define FLAG_THP       (UINT64_C(1) << 22)
#define FLAG_EXCLUSIVE (UINT64_C(1) << 34) /* on an anonymous page: PageAnonExclusive */

/* Absent or denied; the files' mode 0400 is all that guards them. */
static struct error *frame_file_closed(const struct prober *prober, struct gate *gate, int errnum,
				       const char *option)
{
	if (errnum == ENOENT) {
		gate_is(gate, GATE_CLOSED, "absent");
		return gate_remedy(gate, "a kernel with %s", option);
	}
	gate_is(gate, GATE_CLOSED, "denied");
	TRY(gate_detail(gate, "/proc/%s: %s", gate->name, strerror(errnum)));
	return gate_wants(prober, gate, CAP_MASK(CAP_DAC_READ_SEARCH));
}

static struct error *probe_frame_file(const struct prober *prober, struct gate *gate,
				      const char *path, const char *option)
{
	uint64_t word;
	int errnum;
	_cleanup_close_ int fd = prober_open(prober, path, &errnum);

	if (fd < 0)
		return frame_file_closed(prober, gate, errnum, option);
	/* Frame 0 is in the table of every machine, RAM or not. */
	if (!frame_word(fd, 0, &word)) {
		gate_is(gate, GATE_CLOSED, "unreadable");
		return NULL;
	}
	gate_is(gate, GATE_OPEN, "open");
	return NULL;
}

struct error *gate_kpageflags(struct prober *prober, struct gate *gate)
{
	return probe_frame_file(prober, gate, "proc/kpageflags", "CONFIG_PROC_PAGE_MONITOR=y");
}

struct error *gate_kpagecgroup(struct prober *prober, struct gate *gate)
{
	return probe_frame_file(prober, gate, "proc/kpagecgroup",
				"CONFIG_PROC_PAGE_MONITOR=y and CONFIG_MEMCG=y");
}

/* The frame of an address of our own; false when it is absent or hidden. */
static bool own_frame(const struct prober *prober, const void *address, uint64_t *pfn)
{
	uint64_t entry;

	if (!own_entry(prober, address, &entry) || !(entry & ENTRY_PRESENT))
		return false;
	*pfn = entry & ENTRY_PFN;
	return *pfn != 0;
}

static bool frame_is_huge(const struct prober *prober, uint64_t pfn)
{
	uint64_t flags;

	return frame_word(prober->kpageflags, pfn, &flags) && flags & FLAG_THP;
}

/*
 * Makes a transparent huge page at `area`. MADV_COLLAPSE (6.1) does it even where huge pages are
 * switched off (mm/khugepaged.c, madvise_collapse()).
 */
static bool make_huge(const struct prober *prober, unsigned char *area, size_t size)
{
	enum { COLLAPSE = 25 };
	uint64_t pfn;

	madvise(area, size, MADV_HUGEPAGE);
	for (size_t offset = 0; offset < size; offset += prober->page_size)
		*(volatile unsigned char *)(area + offset) = 1;
	if (own_frame(prober, area, &pfn) && frame_is_huge(prober, pfn))
		return true;
	return madvise(area, size, COLLAPSE) == 0 && own_frame(prober, area, &pfn) &&
	       frame_is_huge(prober, pfn);
}

/*
 * Is the count that of the page, or an average over its folio (CONFIG_NO_PAGE_MAPCOUNT, 6.15)? Drop
 * one small page of a huge one: nobody maps it any more, and everybody its neighbour. An average
 * says 1 for both.
 */
static struct error *compare_counts(const struct prober *prober, struct gate *gate,
				    unsigned char *area)
{
	unsigned char *dropped = area + 7 * prober->page_size;
	uint64_t gone, kept, pfn, gone_count, kept_count;

	if (!own_frame(prober, dropped, &gone) ||
	    !own_frame(prober, dropped + prober->page_size, &kept) ||
	    madvise(dropped, prober->page_size, MADV_DONTNEED) != 0 ||
	    !frame_word(prober->kpagecount, gone, &gone_count) ||
	    !frame_word(prober->kpagecount, kept, &kept_count))
		return gate_detail(gate, "a page of our own could not be looked up");
	/* Only while the huge page was not moved or split under our eyes. */
	if (!frame_is_huge(prober, gone) || !own_frame(prober, dropped + prober->page_size, &pfn) ||
	    pfn != kept)
		return gate_detail(gate, "the kernel split the huge page under test");
	if (gone_count == 0 && kept_count == 1)
		gate_is(gate, GATE_OPEN, "exact");
	else if (gone_count >= 1 && kept_count >= 1)
		gate_is(gate, GATE_LIMITED, "estimate");
	return gate_detail(gate,
			   "a page of a huge one: count %" PRIu64 " unmapped, %" PRIu64 " mapped",
			   gone_count, kept_count);
}

static struct error *try_counts(const struct prober *prober, struct gate *gate, size_t size)
{
	unsigned char *area = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (area == MAP_FAILED)
		return gate_detail(gate, "no memory for a huge page");
	unsigned char *huge =
		(unsigned char *)(((uintptr_t)area + size - 1) & ~(uintptr_t)(size - 1));
	struct error *error = make_huge(prober, huge, size)
				      ? compare_counts(prober, gate, huge)
				      : gate_detail(gate, "no transparent huge page was to be had");
	munmap(area, 2 * size);
	return error;
}

/* How large a huge page to try with; 0 when there are none, or none of a reasonable size. */
static size_t huge_size(const struct prober *prober)
{
	struct thp thp;
	struct error *error = thp_load(prober->root, &thp);
	size_t size = !error && thp.present && thp.size <= 64 << 20 ? (size_t)thp.size : 0;

	error_free(error);
	thp_deinit(&thp);
	return size & (size - 1) ? 0 : size;
}

struct error *gate_kpagecount(struct prober *prober, struct gate *gate)
{
	TRY(probe_frame_file(prober, gate, "proc/kpagecount", "CONFIG_PROC_PAGE_MONITOR=y"));
	if (gate->grade != GATE_OPEN)
		return NULL;
	gate_is(gate, GATE_LIMITED, "unverified");
	size_t size = huge_size(prober);
	if (!prober->pfn_visible)
		TRY(gate_detail(gate, "cannot be tried without the gate pfn"));
	else if (prober->kpageflags < 0)
		TRY(gate_detail(gate, "cannot be tried without the gate kpageflags"));
	else if (!size)
		TRY(gate_detail(gate, "this kernel has no transparent huge pages to try it on"));
	else
		TRY(try_counts(prober, gate, size));
	if (strcmp(gate->state, "estimate") == 0)
		return gate_remedy(gate, "a kernel without CONFIG_NO_PAGE_MAPCOUNT; counts of "
					 "large folios are averages, physlens counts by itself");
	if (strcmp(gate->state, "unverified") == 0)
		return gate_remedy(gate, "nothing needed: take counts of huge pages as estimates");
	return NULL;
}

/* The flags of the page we wrote, as long as it stays where it is. */
static bool own_flags(const struct prober *prober, uint64_t *flags)
{
	uint64_t before, after;

	return own_frame(prober, prober->page, &before) &&
	       frame_word(prober->kpageflags, before, flags) &&
	       own_frame(prober, prober->page, &after) && before == after;
}

/* The flags while a child shares the page: fork takes the exclusive bit away (mm/memory.c). */
static bool flags_when_shared(const struct prober *prober, uint64_t *flags)
{
	int ends[2];
	char byte;

	if (pipe(ends) != 0)
		return false;
	pid_t child = fork();
	if (child == 0) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) < 0); /* until the other end is closed */
	}
	bool got = child > 0 && own_flags(prober, flags);
	close(ends[0]);
	close(ends[1]);
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return got;
}

struct error *gate_anon_exclusive(struct prober *prober, struct gate *gate)
{
	uint64_t alone, shared;

	*(volatile unsigned char *)prober->page = 1;
	if (!prober->pfn_visible || prober->kpageflags < 0) {
		gate_is(gate, GATE_CLOSED, "hidden");
		return gate_remedy(gate, "open the gates pfn and kpageflags first");
	}
	if (!own_flags(prober, &alone) || !flags_when_shared(prober, &shared)) {
		gate_is(gate, GATE_LIMITED, "unverified");
		return gate_detail(gate, "a page of our own could not be looked up");
	}
	if (!(alone & shared & FLAG_ANON) || !(alone & FLAG_EXCLUSIVE) || shared & FLAG_EXCLUSIVE) {
		gate_is(gate, GATE_CLOSED, "absent");
		TRY(gate_detail(gate, "kpageflags of a page alone %#" PRIx64 ", shared %#" PRIx64,
				alone, shared));
		return gate_remedy(gate, "a kernel that shows PageAnonExclusive (5.19 and later)");
	}
	gate_is(gate, GATE_OPEN, "open");
	return NULL;
}
