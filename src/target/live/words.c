// SPDX-License-Identifier: GPL-2.0-or-later
/* Page words: /proc/PID/pagemap's, with what the target finds out beside it (target/target.h). */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "proc/kpage.h"
#include "target/live/live.h"

enum {
	SPECIAL_TYPE_FIRST = 23, /* see mark_swap_types() */
	MARKER_TYPE = 31,
	REREADS = 5,
};

/* Areas of the kernel half (the vsyscall page) are beyond pagemap's end. */
static bool beyond_pagemap(const struct vma *vma)
{
	return vma->range.start >> 63;
}

/*
 * PAGEMAP_SCAN passes over VM_PFNMAP areas (mm/pagewalk.c, walk_page_test()), which only device
 * files make: those are read page by page. /dev/zero and /dev/shm are ordinary memory.
 */
static bool may_be_pfnmap(const struct vma *vma)
{
	return strncmp(vma->name, "/dev/", 5) == 0 && strncmp(vma->name, "/dev/shm/", 9) != 0 &&
	       strncmp(vma->name, "/dev/zero", 9) != 0;
}

struct live_visit {
	struct live_space *space;
	const struct vma *vma;
	pages_visit visit;
	void *argument;
};

static uint64_t word_address(const struct live_space *space, uint64_t vpn)
{
	return vpn << space->base.target->page_shift;
}

/*
 * Marks the zero page by PAGEMAP_SCAN, which knows it by its mapping: for users who are not shown
 * frames, and for the huge zero page, whose frame we have no page of our own to learn from.
 */
static struct error *mark_zero_by_scan(struct live_space *space, uint64_t vpn, uint64_t *words,
				       size_t count)
{
	struct range range = {word_address(space, vpn), word_address(space, vpn + count)};
	struct scan_record records[64];
	size_t found;

	while (!range_is_empty(range)) {
		uint64_t walked;
		int errnum = pagemap_scan(space->pagemap_fd, range, SCAN_ZERO, SCAN_ZERO, 0,
					  records, 64, &found, &walked);

		if (errnum)
			return error_errno(errnum, "PAGEMAP_SCAN");
		for (size_t i = 0; i < found; i++) {
			unsigned shift = space->base.target->page_shift;
			uint64_t first = (records[i].start >> shift) - vpn;
			uint64_t last = (records[i].end >> shift) - vpn;

			for (uint64_t j = first; j < last && j < count; j++) {
				if (words[j] & PAGEMAP_PRESENT)
					words[j] |= PAGE_ZERO;
			}
		}
		if (walked <= range.start)
			break;
		range.start = walked;
	}
	return NULL;
}

/* kpageflags of the pages for which `match` says so, in space->flags beside space->numbers. */
static struct error *flags_of(struct live_space *space, const uint64_t *words, size_t count,
			      uint64_t mask, uint64_t value)
{
	struct live_target *live = live_target(space->base.target);

	space->numbers.count = 0;
	for (size_t i = 0; i < count; i++) {
		if ((words[i] & mask) == value)
			TRY(vec_push(&space->numbers, words[i] & PAGEMAP_PFN));
	}
	space->flags.count = 0;
	TRY(vec_reserve(&space->flags, space->numbers.count));
	int errnum = kpage_read(live->flags_fd, space->numbers.items, space->numbers.count,
				KPF_BIT_NOPAGE, space->flags.items);
	return errnum ? error_errno(errnum, "/proc/kpageflags") : NULL;
}

/*
 * Sets `mark` in the words chosen by mask and value whose frame has `flag` in kpageflags, or has it
 * not if `flag` is not `wanted`.
 */
static struct error *mark_by_flag(struct live_space *space, uint64_t *words, size_t count,
				  uint64_t mask, uint64_t value, uint64_t flag, uint64_t wanted,
				  uint64_t mark)
{
	TRY(flags_of(space, words, count, mask, value));
	for (size_t i = 0, j = 0; i < count; i++) {
		if ((words[i] & mask) != value)
			continue;
		if ((space->flags.items[j++] & flag) == wanted)
			words[i] |= mark;
	}
	return NULL;
}

/*
 * The word of a page that may be one of the huge zero page: mapped by one entry of a PMD, so that
 * frame and page have the same place in it (mm/huge_memory.c, set_huge_zero_folio()), and no
 * anonymous page that is exclusive. *head is the frame of the first.
 */
static bool may_be_huge_zero(uint64_t word, uint64_t vpn, uint64_t pmd_pages, uint64_t *head)
{
	uint64_t pfn = word & PAGEMAP_PFN;

	*head = align_down(pfn, pmd_pages);
	return word & PAGEMAP_PRESENT && ((pfn ^ vpn) & (pmd_pages - 1)) == 0 &&
	       (word & (PAGEMAP_EXCLUSIVE | PAGEMAP_FILE)) != PAGEMAP_EXCLUSIVE;
}

/*
 * Whether the frame is of a zero page, by kpageflags. Its frame may not be remembered: where nobody
 * has it any more, the kernel may give it back (mm/huge_memory.c, shrink_huge_zero_folio_scan()).
 */
static struct error *is_zero_frame(const struct live_target *live, uint64_t pfn, bool *zero)
{
	uint64_t flags = 0;
	int errnum = kpage_read(live->flags_fd, &pfn, 1, KPF_BIT_NOPAGE, &flags);

	*zero = flags & KPF_BIT_ZERO_PAGE;
	return errnum ? error_errno(errnum, "/proc/kpageflags") : NULL;
}

/*
 * The huge zero page has the FILE bit of pagemap or, from Linux 7.3 on, has it not, and it is found
 * in private mappings of /dev/zero and in those of DAX files, too: so neither bit nor area is asked
 * but its frame. Memory that is shared has it only where a page says it is of no file.
 */
static struct error *mark_huge_zero(struct live_space *space, const struct vma *vma, uint64_t vpn,
				    uint64_t *words, size_t count)
{
	const struct live_target *live = live_target(space->base.target);
	uint64_t pmd_pages = UINT64_C(1) << (live->base.page_shift - 3), head;
	bool shared = vma->perms & VMA_SHARED, zero;

	for (size_t i = 0, end; i < count; i = end) {
		end = (size_t)(align_down(vpn + i, pmd_pages) + pmd_pages - vpn);
		if (!may_be_huge_zero(words[i], vpn + i, pmd_pages, &head) ||
		    (shared && words[i] & PAGEMAP_FILE))
			continue;
		if (live->flags_fd < 0 && space->scan_zero)
			return mark_zero_by_scan(space, vpn, words, count);
		if (live->flags_fd < 0)
			return NULL;
		TRY(is_zero_frame(live, head, &zero));
		for (size_t j = i; zero && j < end && j < count; j++) {
			if ((words[j] & (PAGEMAP_PRESENT | PAGEMAP_PFN)) ==
			    (PAGEMAP_PRESENT | (head + ((vpn + j) & (pmd_pages - 1)))))
				words[j] |= PAGE_ZERO;
		}
	}
	return NULL;
}

/*
 * Cuts the words to the bits that are known, and marks those of the shared zero page, `zero` being
 * what they are. Returns all bits that were seen in any. Every page of every process comes through
 * here: no branches.
 */
static uint64_t mark_words(uint64_t *words, size_t count, uint64_t zero)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t word = words[i] & PAGEMAP_KNOWN;
		bool is_zero = (word & (PAGEMAP_PRESENT | PAGEMAP_PFN)) == zero;

		seen |= word;
		words[i] = word | (is_zero ? PAGE_ZERO : 0);
	}
	return seen;
}

/* Whether the word is of no swap area, nor a marker: an entry of migration, a device or poison. */
static bool may_migrate(uint64_t word)
{
	return (word & (PAGEMAP_SWAP | PAGEMAP_GUARD)) == PAGEMAP_SWAP &&
	       pagemap_swap_type(word) >= SPECIAL_TYPE_FIRST &&
	       pagemap_swap_type(word) != MARKER_TYPE;
}

/* Reads those once more that may migrate, from the first to the last; *left: so many still may. */
static struct error *reread_special(struct live_space *space, uint64_t vpn, uint64_t *words,
				    size_t count, size_t *left)
{
	size_t first = 0, got;

	*left = 0;

	while (first < count && !may_migrate(words[first]))
		first++;
	while (count > first && !may_migrate(words[count - 1]))
		count--;
	space->numbers.count = 0;
	TRY(vec_reserve(&space->numbers, count - first));
	if (pagemap_read(space->pagemap_fd, vpn + first, space->numbers.items, count - first,
			 &got) ||
	    got != count - first)
		return NULL; /* it has ended: whoever asks will know */
	for (size_t i = first; i < count; i++) {
		if (may_migrate(words[i]))
			words[i] = space->numbers.items[i - first] & PAGEMAP_KNOWN;
		*left += may_migrate(words[i]);
	}
	return NULL;
}

/* Migration keeps the frame locked, which tells it from the others. */
static bool is_migrating(const struct live_target *live, uint64_t word)
{
	uint64_t pfn = pagemap_swap_offset(word), flags = 0;

	return may_migrate(word) && live->flags_fd >= 0 &&
	       kpage_read(live->flags_fd, &pfn, 1, KPF_BIT_NOPAGE, &flags) == 0 &&
	       flags & KPF_BIT_LOCKED && !(flags & KPF_BIT_HWPOISON);
}

/*
 * The swap types from MAX_SWAPFILES on are no swap areas (include/linux/swap.h): the highest is the
 * PTE marker; below it, in numbers that depend on the configuration, device-private memory,
 * migration and hardware poison. MAX_SWAPFILES is at least 23. A migration entry lasts
 * microseconds, so all of a batch are read again after a while, a few times; those of a device
 * stay what they are, and there may be millions.
 */
static struct error *mark_swap_types(struct live_space *space, uint64_t vpn, uint64_t *words,
				     size_t count)
{
	size_t left = 0;

	for (size_t i = 0; i < count; i++)
		left += may_migrate(words[i]);
	for (int i = 0; i < REREADS && left > 0; i++) {
		TRY(reread_special(space, vpn, words, count, &left));
		if (left > 0)
			usleep(200);
	}
	for (size_t i = 0; i < count; i++) {
		if ((words[i] & (PAGEMAP_SWAP | PAGEMAP_GUARD)) == PAGEMAP_SWAP &&
		    pagemap_swap_type(words[i]) >= SPECIAL_TYPE_FIRST)
			words[i] |= is_migrating(live_target(space->base.target), words[i])
					    ? PAGE_MIGRATING
					    : PAGE_SPECIAL;
	}
	return NULL;
}

static bool has_merged(const struct live_space *space, const struct vma *vma)
{
	for (size_t i = 0; i < space->merged.count; i++) {
		if (!range_is_empty(range_intersect(space->merged.items[i], vma->range)))
			return true;
	}
	return false;
}

/*
 * Pages of KSM. Where the kernel's flag is untrue, they are the pages of an area that has some
 * which are not exclusive to anybody (mm/ksm.c, replace_page(): a merged page never is): some of
 * them may only be shared by fork, so that more are taken for merged than are.
 */
static struct error *mark_ksm(struct live_space *space, const struct vma *vma, uint64_t *words,
			      size_t count)
{
	const uint64_t mask = PAGEMAP_PRESENT | PAGEMAP_FILE | PAGE_ZERO;

	if (space->has_ksm)
		return mark_by_flag(space, words, count, mask, PAGEMAP_PRESENT, KPF_BIT_KSM,
				    KPF_BIT_KSM, PAGE_KSM);
	if (has_merged(space, vma))
		return mark_by_flag(space, words, count, mask, PAGEMAP_PRESENT,
				    KPF_BIT_ANON_EXCLUSIVE, 0, PAGE_KSM);
	return NULL;
}

static struct error *mark_private(struct live_space *space, const struct vma *vma, uint64_t vpn,
				  uint64_t *words, size_t count)
{
	if (!space->base.pfns_visible && space->scan_zero)
		TRY(mark_zero_by_scan(space, vpn, words, count));
	return mark_ksm(space, vma, words, count);
}

static struct error *mark_and_visit(void *argument, uint64_t vpn, uint64_t *words, size_t count)
{
	struct live_visit *v = argument;
	struct live_space *space = v->space;
	bool private = !(v->vma->perms & VMA_SHARED), visible = space->base.pfns_visible;
	uint64_t zero_pfn = visible ? live_target(space->base.target)->zero_pfn : NO_FRAME;
	uint64_t seen = mark_words(words, count,
				   zero_pfn == NO_FRAME ? NO_FRAME : PAGEMAP_PRESENT | zero_pfn);

	if (visible && seen & PAGEMAP_PRESENT)
		TRY(mark_huge_zero(space, v->vma, vpn, words, count));
	if (private && seen & PAGEMAP_PRESENT)
		TRY(mark_private(space, v->vma, vpn, words, count));
	if (seen & PAGEMAP_SWAP && visible)
		TRY(mark_swap_types(space, vpn, words, count));
	return v->visit(v->argument, vpn, words, count);
}

struct error *live_pages(struct space *base, const struct vma *vma, struct range range,
			 pages_visit visit, void *argument)
{
	struct live_space *space = live_space(base);
	struct live_visit live = {space, vma, visit, argument};
	struct pagemap_walker walker = space->walker;

	if (beyond_pagemap(vma))
		return NULL;
	if (may_be_pfnmap(vma)) {
		walker.scan = false;
		walker.find = NULL;
	}
	struct error *error = pagemap_walk(&walker, range, mark_and_visit, &live);
	if (!error_is(error, ERROR_GONE))
		return error;
	error_free(error);
	return live_gone(base);
}
