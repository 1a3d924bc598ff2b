// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/writers.h"

#include <stdlib.h>

#include "analysis/folio.h"
#include "base/scope.h"
#include "proc/kpage.h"

enum {
	BATCH = 1 << 14, /* frames asked for at once */
};

#define KPF_LARGE (KPF_BIT_HEAD | KPF_BIT_TAIL | KPF_BIT_THP | KPF_BIT_HUGE)

/* Has this side written the page since the two parted? */
enum wrote { WROTE_UNKNOWN, WROTE_NO, WROTE_YES };

/* A frame to ask for, and whose it is. */
struct query {
	uint64_t pfn;
	size_t page;
	int side;
};

static int compare_queries(const void *left, const void *right)
{
	const struct query *a = left, *b = right;

	return (a->pfn > b->pfn) - (a->pfn < b->pfn);
}

static bool is_own_folio(uint64_t flags)
{
	return flags & KPF_LARGE;
}

/* Whether both map page `vpn` in the frame that continues page->words[side] up to there. */
static bool both_continue(const struct cow_pair *pair, const struct cow_page *page, int side,
			  uint64_t vpn)
{
	uint64_t expected = (page->words[side] & PAGEMAP_PFN) + (vpn - page->vpn);

	for (int i = 0; i < 2; i++) {
		uint64_t word = snapshot_word(&pair->side[i].snapshot, vpn);

		if (!(word & PAGEMAP_PRESENT) || (word & PAGEMAP_PFN) != expected)
			return false;
	}
	return true;
}

/*
 * A page of a large folio, whose bit 34 may be the first page's. While two processes map a folio it
 * is the one they had at fork, and the kernel copies what is written of it (mm/memory.c,
 * wp_can_reuse_anon_folio(): not where others map it). So if the other side still maps a
 * neighbour out of the same folio, this side, whose page is in its old place, has not written it.
 */
static struct error *wrote_in_folio(const struct cow_pair *pair, const struct cow_page *page,
				    int side, enum wrote *wrote)
{
	uint64_t block = align_down(page->vpn, FOLIO_BLOCK);
	struct target *target = pair->side[0].space->target;
	uint64_t pfn = page->words[side] & PAGEMAP_PFN;

	*wrote = WROTE_UNKNOWN;
	for (uint64_t vpn = block; vpn < block + FOLIO_BLOCK; vpn++) {
		bool one;

		if (vpn == page->vpn || !both_continue(pair, page, side, vpn))
			continue;
		TRY(folio_has_both(target, pfn, pfn + (vpn - page->vpn), &one));
		if (one) {
			*wrote = WROTE_NO;
			return NULL;
		}
	}
	return NULL;
}

/* The first page of a huge page from a pool has the bit for all of it. */
static struct error *wrote_huge(const struct cow_pair *pair, uint64_t pfn, enum wrote *wrote)
{
	static const uint64_t sizes[] = {UINT64_C(1) << 9, UINT64_C(1) << 18};
	uint64_t flags;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		TRY(target_flags(pair->side[0].space->target, align_down(pfn, sizes[i]), &flags,
				 1));
		if (flags & KPF_BIT_HEAD) {
			*wrote = flags & KPF_BIT_ANON_EXCLUSIVE ? WROTE_YES : WROTE_NO;
			return NULL;
		}
	}
	*wrote = WROTE_UNKNOWN;
	return NULL;
}

static struct error *ask(const struct cow_pair *pair, const struct cow_page *page, int side,
			 uint64_t flags, enum wrote *wrote)
{
	const struct cow_side *s = &pair->side[side];
	uint64_t word = page->words[side];

	*wrote = WROTE_UNKNOWN;
	if (word & PAGE_KSM || flags & KPF_BIT_KSM || !(flags & KPF_BIT_ANON))
		return NULL;
	if (flags & KPF_BIT_HUGE)
		return wrote_huge(pair, word & PAGEMAP_PFN, wrote);
	if (is_own_folio(flags))
		return wrote_in_folio(pair, page, side, wrote);
	if (flags & KPF_BIT_ANON_EXCLUSIVE)
		*wrote = WROTE_YES;
	else if (!s->inherited && !s->forked)
		*wrote = WROTE_NO;
	return NULL;
}

/* A page of the file or of the zero page was read, not written: private memory then has its own. */
static bool is_unwritten(uint64_t word)
{
	return word & (PAGEMAP_FILE | PAGE_ZERO);
}

static enum cow_class class_by(enum wrote parent, enum wrote child)
{
	if (parent == WROTE_YES && child == WROTE_YES)
		return COW_BY_BOTH;
	if (parent == WROTE_YES && child == WROTE_NO)
		return COW_BY_PARENT;
	if (parent == WROTE_NO && child == WROTE_YES)
		return COW_BY_CHILD;
	return COW_UNKNOWN;
}

static struct error *answer(struct cow_pair *pair, const struct query *queries, size_t count,
			    const struct frame *frames, unsigned char (*wrote)[2])
{
	for (size_t i = 0; i < count; i++) {
		const struct query *q = &queries[i];
		enum wrote one;

		TRY(ask(pair, &pair->diverged.items[q->page], q->side, frames[i].flags, &one));
		wrote[q->page][q->side] = (unsigned char)one;
	}
	return NULL;
}

static struct error *ask_batch(struct cow_pair *pair, const struct query *queries, size_t count,
			       unsigned char (*wrote)[2])
{
	_cleanup_free_ uint64_t *pfns = calloc(count, sizeof(*pfns));
	_cleanup_free_ struct frame *frames = calloc(count, sizeof(*frames));

	if (!pfns || !frames)
		return error_nomem();
	for (size_t i = 0; i < count; i++)
		pfns[i] = queries[i].pfn;
	struct error *error = target_frames(pair->side[0].space->target, pfns, count, frames);
	if (error_is(error, ERROR_NOMEM))
		return error;
	if (error) {
		error_free(pair->blind);
		pair->blind = error;
		return NULL;
	}
	return answer(pair, queries, count, frames, wrote);
}

static struct error *collect(const struct cow_pair *pair, struct query **queries, size_t *count,
			     unsigned char (*wrote)[2])
{
	*count = 0;
	*queries = calloc(pair->diverged.count * 2, sizeof(**queries));
	if (!*queries)
		return error_nomem();
	for (size_t i = 0; i < pair->diverged.count; i++) {
		for (int side = 0; side < 2; side++) {
			uint64_t word = pair->diverged.items[i].words[side];

			if (is_unwritten(word))
				wrote[i][side] = WROTE_NO;
			else
				(*queries)[(*count)++] =
					(struct query){word & PAGEMAP_PFN, i, side};
		}
	}
	qsort(*queries, *count, sizeof(**queries), compare_queries);
	return NULL;
}

struct error *writers_find(struct cow_pair *pair)
{
	_cleanup_free_ struct query *queries = NULL;
	size_t count, pages = pair->diverged.count;

	if (pages == 0)
		return NULL;
	_cleanup_free_ unsigned char(*wrote)[2] = calloc(pages, sizeof(*wrote));
	if (!wrote)
		return error_nomem();
	TRY(collect(pair, &queries, &count, wrote));
	for (size_t i = 0; i < count && !pair->blind; i += BATCH)
		TRY(ask_batch(pair, queries + i, count - i < BATCH ? count - i : BATCH, wrote));
	for (size_t i = 0; i < pages; i++)
		pair->diverged.items[i].class =
			class_by((enum wrote)wrote[i][0], (enum wrote)wrote[i][1]);
	return NULL;
}
