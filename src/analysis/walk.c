// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/walk.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/vec.h"

enum {
	LOOKS = 6,   /* at a page whose routes differ, the first one included */
	PAUSE = 300, /* microseconds between them, a little more each time */
	PASSED_OVER =
		1, /* in a doubtful address: of all pages of a leaf that pagemap passed over */
	PAGE_SHIFT = 12, /* of the smallest page: what page words are of */
};

/* --- one page ----------------------------------------------------------------------------- */

uint64_t walk_frame(const struct page_table_entry *entry, const struct page_table_level *level,
		    uint64_t address)
{
	return entry->frame + ((address & (page_table_span(level) - 1)) >> PAGE_SHIFT);
}

/* The type, and the offset cut to pagemap's 50 bits. */
static bool same_slot(const struct page_table_entry *entry, uint64_t word)
{
	return pagemap_swap_type(word) == entry->swap_type &&
	       pagemap_swap_offset(word) == (entry->swap_offset & (PAGEMAP_PFN >> 5));
}

static bool says_the_same(const struct page_table_entry *entry,
			  const struct page_table_level *level, uint64_t address, uint64_t word,
			  bool pfns_visible)
{
	bool present = word & PAGEMAP_PRESENT;

	switch ((enum entry_kind)entry->kind) {
	case ENTRY_PAGE:
	case ENTRY_PROT_NONE:
		return present &&
		       (!pfns_visible || (word & PAGEMAP_PFN) == walk_frame(entry, level, address));
	case ENTRY_SWAP:
		return !present && word & PAGEMAP_SWAP && (!pfns_visible || same_slot(entry, word));
	case ENTRY_EMPTY:
		return !(word & PAGEMAP_POPULATED);
	case ENTRY_SPECIAL:
	case ENTRY_MARKER:
		/* Of a hugetlb page pagemap says nothing but that it is not present. */
		return !present;
	case ENTRY_TABLE:
	case ENTRY_BAD:
	case ENTRY_KINDS:
		break;
	}
	return false;
}

enum walk_verdict walk_compare(const struct page_table_entry *entry,
			       const struct page_table_level *level, uint64_t address,
			       uint64_t word, bool pfns_visible)
{
	if (says_the_same(entry, level, address, word, pfns_visible))
		return WALK_AGREES;
	return entry->kind == ENTRY_PAGE && entry->bits & ENTRY_UNMANAGED && word == 0
		       ? WALK_SILENT
		       : WALK_DIFFERS;
}

static struct error *take_word(void *argument, uint64_t vpn, const uint64_t *words, size_t count)
{
	uint64_t *word = argument;

	(void)vpn;
	if (count > 0)
		*word = words[0];
	return NULL;
}

static struct error *word_of(struct space *space, const struct vma_list *vmas, uint64_t address,
			     uint64_t *word)
{
	uint64_t page = align_down(address, UINT64_C(1) << PAGE_SHIFT);
	const struct vma *vma = vma_list_find(vmas, address);
	struct range range = {page, page + (UINT64_C(1) << PAGE_SHIFT)};

	*word = 0;
	return vma ? space_pages(space, vma, range, take_word, word) : NULL;
}

/* The same by the areas of now: since `vmas` was read one may have come, or grown. */
static struct error *word_of_new_area(struct space *space, uint64_t address, uint64_t *word)
{
	struct vma_list vmas;

	TRY(space_vmas(space, &vmas));
	struct error *error = word_of(space, &vmas, address, word);
	vma_list_deinit(&vmas);
	return error;
}

struct error *walk_address(struct space *space, const struct page_table *table,
			   const struct vma_list *vmas, uint64_t address,
			   struct walk_result *result)
{
	*result = (struct walk_result){.compared = address >> 63 == 0};
	do {
		if (result->looks > 0)
			usleep(PAUSE * result->looks);
		result->looks++;
		TRY(page_table_walk_to(table, address, &result->walk));
		if (!result->compared)
			return NULL;
		if (result->looks == 1 || vma_list_find(vmas, address))
			TRY(word_of(space, vmas, address, &result->word));
		else
			TRY(word_of_new_area(space, address, &result->word));
		const struct page_table_step *end = page_table_walk_end(&result->walk);
		result->verdict = walk_compare(&end->entry, end->level, address, result->word,
					       space->pfns_visible);
	} while (result->verdict == WALK_DIFFERS && result->looks < LOOKS);
	return NULL;
}

/* --- many pages --------------------------------------------------------------------------- */

struct walker {
	struct space *space;
	const struct page_table *table;
	const struct vma_list *vmas; /* NULL: nothing is compared */
	bool attributes;
	struct range range;
	leaf_run_visit visit;
	void *argument;
	struct walk_totals *totals;
	struct leaf_run run; /* leaves: 0 until it is begun */
	/* Comparing: */
	uint64_t compared_to; /* the address that comparing has come to */
	size_t vma;           /* the first area that may be at or behind it */
	const struct page_table_leaf *leaves;
	size_t count, at;       /* leaves in hand, and the one that comparing has come to */
	VEC(uint64_t) agreeing; /* of each leaf in hand */
	VEC(uint64_t) asked;    /* of each leaf in hand: pages that pagemap gave a word for */
	VEC(uint64_t) doubts;   /* addresses whose routes differ; with PASSED_OVER: see there */
};

static const struct page_table_level *level_of(const struct walker *w,
					       const struct page_table_leaf *leaf)
{
	return &w->table->format->levels[leaf->depth];
}

static uint64_t end_of(const struct walker *w, const struct page_table_leaf *leaf)
{
	return leaf->address + page_table_span(level_of(w, leaf));
}

static bool continues(const struct walker *w, const struct page_table_leaf *leaf)
{
	const struct leaf_run *run = &w->run;
	const struct page_table_leaf *first = &run->first;
	uint64_t pages = run->leaves ? leaf_run_pages(run) : 0;
	bool slots = first->entry.kind == ENTRY_SWAP;

	return pages > 0 && leaf->depth == first->depth && leaf->entry.kind == first->entry.kind &&
	       leaf->access == first->access &&
	       (!w->attributes || leaf->entry.attributes == first->entry.attributes) &&
	       leaf->entry.kind != ENTRY_BAD &&
	       leaf->address == first->address + (pages << PAGE_SHIFT) &&
	       (slots ? leaf->entry.swap_offset == first->entry.swap_offset + run->leaves
		      : leaf->entry.frame == first->entry.frame + pages);
}

static struct error *flush(struct walker *w)
{
	struct leaf_run run = w->run;

	w->run.leaves = 0;
	return run.leaves ? w->visit(w->argument, &run) : NULL;
}

static struct error *add_leaf(struct walker *w, const struct page_table_leaf *leaf,
			      uint64_t agreeing)
{
	w->totals->bad += leaf->entry.kind == ENTRY_BAD;
	if (!continues(w, leaf)) {
		TRY(flush(w));
		w->run = (struct leaf_run){.first = *leaf, .level = level_of(w, leaf)};
	}
	w->run.leaves++;
	w->run.agreeing += agreeing;
	return NULL;
}

/* The leaf that holds `address`, or NULL; asked in ascending order. */
static const struct page_table_leaf *leaf_at(struct walker *w, uint64_t address)
{
	while (w->at < w->count && end_of(w, &w->leaves[w->at]) <= address)
		w->at++;
	return w->at < w->count && w->leaves[w->at].address <= address ? &w->leaves[w->at] : NULL;
}

static struct error *compare_words(void *argument, uint64_t vpn, const uint64_t *words,
				   size_t count)
{
	static const struct page_table_entry empty;
	struct walker *w = argument;

	for (size_t i = 0; i < count; i++) {
		uint64_t address = (vpn + i) << PAGE_SHIFT;
		const struct page_table_leaf *leaf = leaf_at(w, address);
		const struct page_table_entry *entry = leaf ? &leaf->entry : &empty;
		bool agrees = walk_compare(entry, leaf ? level_of(w, leaf) : NULL, address,
					   words[i], w->space->pfns_visible) == WALK_AGREES;

		if (leaf) {
			w->asked.items[w->at]++;
			w->agreeing.items[w->at] += agrees;
		}
		if (!agrees)
			TRY(vec_push(&w->doubts, address));
	}
	return NULL;
}

/* Asks pagemap about every area between where comparing has come to and `end`. */
static struct error *compare_until(struct walker *w, uint64_t end)
{
	end = end < w->range.end ? end : w->range.end;
	for (; w->vma < w->vmas->count; w->vma++) {
		const struct vma *vma = &w->vmas->items[w->vma];
		struct range part =
			range_intersect(vma->range, (struct range){w->compared_to, end});

		if (vma->range.start >= end)
			break;
		if (!range_is_empty(part))
			TRY(space_pages(w->space, vma, part, compare_words, w));
		if (vma->range.end > end)
			break;
	}
	w->compared_to = end;
	return NULL;
}

/* Pages in range of a leaf in hand that pagemap gave no word for. */
static uint64_t pages_passed_over(const struct walker *w, size_t i)
{
	struct range whole = {w->leaves[i].address, end_of(w, &w->leaves[i])};

	return (range_length(range_intersect(whole, w->range)) >> PAGE_SHIFT) - w->asked.items[i];
}

/* Pages that pagemap passed over are empty to it: right for a leaf that is no page either. */
static struct error *compare_passed_over(struct walker *w)
{
	for (size_t i = 0; i < w->count; i++) {
		const struct page_table_leaf *leaf = &w->leaves[i];
		uint64_t pages = pages_passed_over(w, i);

		w->totals->compared += w->asked.items[i];
		if (pages == 0)
			continue;
		enum walk_verdict verdict = walk_compare(&leaf->entry, level_of(w, leaf),
							 leaf->address, 0, w->space->pfns_visible);
		if (verdict == WALK_SILENT)
			continue;
		w->totals->compared += pages;
		if (verdict == WALK_AGREES)
			w->agreeing.items[i] += pages;
		else
			TRY(vec_push(&w->doubts, leaf->address | PASSED_OVER));
	}
	return NULL;
}

/* The number of the leaf in hand that holds `address`; count: none. */
static size_t find_leaf(const struct walker *w, uint64_t address)
{
	size_t low = 0, high = w->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (end_of(w, &w->leaves[middle]) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < w->count && w->leaves[low].address <= address ? low : w->count;
}

/* Looks again, at both, wherever they differed: what agrees now was only changing. */
static struct error *settle_doubts(struct walker *w)
{
	for (size_t i = 0; i < w->doubts.count; i++) {
		bool passed_over = w->doubts.items[i] & PASSED_OVER;
		uint64_t address = w->doubts.items[i] & ~(uint64_t)PASSED_OVER;
		size_t leaf = find_leaf(w, address);
		struct walk_result result;

		w->totals->compared += leaf == w->count;
		TRY(walk_address(w->space, w->table, w->vmas, address, &result));
		if (result.verdict == WALK_DIFFERS) {
			if (!w->totals->first)
				w->totals->first = address;
			continue;
		}
		if (leaf == w->count)
			w->totals->agreeing++;
		else
			w->agreeing.items[leaf] += passed_over ? pages_passed_over(w, leaf) : 1;
	}
	w->doubts.count = 0;
	return NULL;
}

static struct error *compare(struct walker *w, const struct page_table_leaf *leaves, size_t count,
			     uint64_t end)
{
	w->leaves = leaves;
	w->count = count;
	w->at = 0;
	w->agreeing.count = w->asked.count = 0;
	for (size_t i = 0; i < count; i++) {
		TRY(vec_push(&w->agreeing, 0));
		TRY(vec_push(&w->asked, 0));
	}
	TRY(compare_until(w, end));
	TRY(compare_passed_over(w));
	return settle_doubts(w);
}

static struct error *take_leaves(void *argument, const struct page_table_leaf *leaves, size_t count)
{
	struct walker *w = argument;

	if (w->vmas)
		TRY(compare(w, leaves, count, end_of(w, &leaves[count - 1])));
	for (size_t i = 0; i < count; i++) {
		uint64_t agreeing = w->vmas ? w->agreeing.items[i] : 0;

		w->totals->agreeing += agreeing;
		TRY(add_leaf(w, &leaves[i], agreeing));
	}
	return NULL;
}

static struct error *walk_all(struct walker *w)
{
	TRY(page_table_iterate(w->table, w->range, take_leaves, w));
	TRY(flush(w));
	return w->vmas ? compare(w, NULL, 0, w->range.end) : NULL;
}

struct error *walk_range(struct space *space, const struct page_table *table, struct range range,
			 const struct walk_options *options, leaf_run_visit visit, void *argument,
			 struct walk_totals *totals)
{
	struct walker w = {.space = space,
			   .table = table,
			   .vmas = options->vmas,
			   .attributes = options->attributes,
			   .range = range,
			   .visit = visit,
			   .argument = argument,
			   .totals = totals,
			   .compared_to = range.start};

	*totals = (struct walk_totals){0};
	struct error *error = walk_all(&w);
	vec_deinit(&w.agreeing);
	vec_deinit(&w.asked);
	vec_deinit(&w.doubts);
	return error;
}
