// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/cow.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/writers.h"
#include "base/scope.h"

static const char *const class_names[COW_CLASSES] = {
	[COW_NONE] = "none",
	[COW_SHARED] = "shared",
	[COW_ZERO] = "zero",
	[COW_BY_PARENT] = "by-parent",
	[COW_BY_CHILD] = "by-child",
	[COW_BY_BOTH] = "by-both",
	[COW_UNKNOWN] = "unknown",
	[COW_PARENT_ONLY] = "parent-only",
	[COW_CHILD_ONLY] = "child-only",
	[COW_SWAPPED] = "swapped",
	[COW_OTHER] = "other",
};

const char *cow_class_name(enum cow_class class)
{
	return class_names[class];
}

static bool is_swapped(uint64_t word)
{
	return (word & (PAGEMAP_SWAP | PAGEMAP_GUARD | PAGE_SPECIAL | PAGE_MIGRATING)) ==
	       PAGEMAP_SWAP;
}

/* At least one of them is not present. */
static enum cow_class class_of_absent(uint64_t parent, uint64_t child)
{
	if (is_swapped(parent) || is_swapped(child))
		return COW_SWAPPED;
	if ((parent | child) & PAGEMAP_SWAP)
		return COW_OTHER;
	if (parent & PAGEMAP_PRESENT)
		return COW_PARENT_ONLY;
	return child & PAGEMAP_PRESENT ? COW_CHILD_ONLY : COW_NONE;
}

enum cow_class cow_class_of(uint64_t parent, uint64_t child)
{
	if (!(parent & child & PAGEMAP_PRESENT))
		return class_of_absent(parent, child);
	/* One frame or two of them (the huge zero page): the zero page is the zero page. */
	if (parent & child & PAGE_ZERO)
		return COW_ZERO;
	return (parent ^ child) & PAGEMAP_PFN ? COW_UNKNOWN : COW_SHARED;
}

void cow_counts_add(struct cow_counts *counts, const struct cow_counts *more)
{
	for (int i = 0; i < COW_CLASSES; i++)
		counts->of[i] += more->of[i];
	counts->anonymous += more->anonymous;
	counts->cow += more->cow;
	counts->alone += more->alone;
}

static bool is_private(const struct vma *vma)
{
	return vma && !(vma->perms & VMA_SHARED);
}

static void count_shared(struct cow_counts *counts, const struct vma *vma, uint64_t word)
{
	if (!is_private(vma))
		return;
	counts->anonymous += !(word & PAGEMAP_FILE);
	counts->cow += !(word & PAGEMAP_FILE) || vma->perms & VMA_WRITE;
}

/*
 * How many pages from `i` on are in the very same frame on both sides. Most pages of most children
 * are, and this loop is all that they cost.
 */
static size_t count_same(const struct stretch_pair *s, size_t i)
{
	const uint64_t shown = PAGEMAP_PRESENT | PAGEMAP_FILE | PAGE_ZERO | PAGEMAP_PFN;
	const uint64_t kind = PAGEMAP_PRESENT | PAGEMAP_FILE | PAGE_ZERO;
	uint64_t like = s->words[0][i] & kind;
	size_t from = i;

	while (i < s->count && ((s->words[0][i] ^ s->words[1][i]) & shown) == 0 &&
	       (s->words[0][i] & kind) == like)
		i++;
	return i - from;
}

static size_t count_alike(struct cow_counts *counts, const struct stretch_pair *s, size_t i)
{
	uint64_t word = s->words[0][i];
	size_t same =
		(word & (PAGEMAP_PRESENT | PAGE_ZERO)) == PAGEMAP_PRESENT ? count_same(s, i) : 0;
	struct cow_counts one = {0};

	count_shared(&one, s->vma[0], word);
	counts->of[COW_SHARED] += same;
	counts->anonymous += one.anonymous * same;
	counts->cow += one.cow * same;
	return same;
}

void cow_count(struct cow_counts *counts, const struct stretch_pair *s)
{
	const uint64_t *a = s->words[0], *b = s->words[1];
	const uint64_t alone = PAGEMAP_PRESENT | PAGEMAP_EXCLUSIVE;

	for (size_t i = 0; i < s->count;) {
		size_t same = a && b ? count_alike(counts, s, i) : 0;

		if (same == 0) {
			counts->of[cow_class_of(a ? a[i] : 0, b ? b[i] : 0)]++;
			counts->alone += b && (b[i] & alone) == alone;
		}
		i += same ? same : 1;
	}
}

/* --- reading ---------------------------------------------------------------------------------- */

static struct error *find_diverged(void *argument, const struct stretch_pair *s)
{
	struct cow_pair *pair = argument;

	for (size_t i = 0; s->words[0] && s->words[1] && i < s->count; i++) {
		if (((s->words[0][i] ^ s->words[1][i]) & (PAGEMAP_PFN | PAGEMAP_PRESENT)) == 0 ||
		    cow_class_of(s->words[0][i], s->words[1][i]) != COW_UNKNOWN)
			continue;
		TRY(vec_push(&pair->diverged, ((struct cow_page){s->vpn + i,
								 {s->words[0][i], s->words[1][i]},
								 COW_UNKNOWN})));
	}
	return NULL;
}

/* Words read again go into the snapshot, where the page has its place. */
static struct error *take_again(void *argument, uint64_t vpn, const uint64_t *words, size_t count)
{
	struct snapshot *snapshot = argument;
	size_t i = snapshot_find(snapshot, vpn);
	const struct snapshot_run *run = &snapshot->runs.items[i];

	if (i == snapshot->runs.count || vpn < run->vpn || vpn + count > run->vpn + run->count)
		return NULL;
	memcpy(snapshot->words.items + run->first + (vpn - run->vpn), words,
	       count * sizeof(*words));
	return NULL;
}

static struct error *look_again(struct cow_side *side, uint64_t vpn, uint64_t count)
{
	struct snapshot *snapshot = &side->snapshot;
	unsigned shift = side->space->target->page_shift;
	const struct snapshot_run *run = &snapshot->runs.items[snapshot_find(snapshot, vpn)];
	struct range range = {vpn << shift, (vpn + count) << shift};

	range = range_intersect(range, run->vma->range);
	return space_pages(side->space, run->vma, range, take_again, snapshot);
}

/* The diverged pages from `i` on that follow one another. */
static size_t neighbours(const struct cow_pair *pair, size_t i)
{
	size_t j = i + 1;

	while (j < pair->diverged.count &&
	       pair->diverged.items[j].vpn == pair->diverged.items[j - 1].vpn + 1)
		j++;
	return j - i;
}

/*
 * The two were not read at one instant: a page that the kernel moved in between seems to have
 * diverged. What seems so is read again, on both sides.
 */
static struct error *look_twice(struct cow_pair *pair)
{
	for (size_t i = 0, count; i < pair->diverged.count; i += count) {
		count = neighbours(pair, i);
		TRY(look_again(&pair->side[0], pair->diverged.items[i].vpn, count));
		TRY(look_again(&pair->side[1], pair->diverged.items[i].vpn, count));
	}
	pair->diverged.count = 0;
	return pair_walk(&pair->side[0].snapshot, &pair->side[1].snapshot, RANGE_ALL, find_diverged,
			 pair);
}

struct error *cow_pair_read(struct cow_pair *pair)
{
	for (int i = 0; i < 2; i++) {
		struct cow_side *side = &pair->side[i];

		TRY(space_require_pfns(side->space));
		TRY(layout_read(&side->layout, side->space));
		TRY(snapshot_take(&side->snapshot, side->space, SNAPSHOT_ALL));
	}
	TRY(pair_walk(&pair->side[0].snapshot, &pair->side[1].snapshot, RANGE_ALL, find_diverged,
		      pair));
	if (pair->diverged.count > 0)
		TRY(look_twice(pair));
	TRY(space_check_alive(pair->side[0].space));
	TRY(space_check_alive(pair->side[1].space));
	return writers_find(pair);
}

struct error *cow_pair_name(struct cow_pair *pair)
{
	for (int i = 0; i < 2; i++)
		TRY(layout_name(&pair->side[i].layout));
	return NULL;
}

void cow_pair_deinit(struct cow_pair *pair)
{
	for (int i = 0; i < 2; i++) {
		layout_deinit(&pair->side[i].layout);
		snapshot_deinit(&pair->side[i].snapshot);
	}
	vec_deinit(&pair->diverged);
	error_free(pair->blind);
	pair->blind = NULL;
}

/* --- pages --------------------------------------------------------------------------------------
 */

static size_t first_diverged(const struct cow_pair *pair, uint64_t vpn)
{
	size_t low = 0, high = pair->diverged.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (pair->diverged.items[middle].vpn < vpn)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct page_walk {
	const struct cow_pair *pair;
	size_t next; /* of pair->diverged */
	cow_visit visit;
	void *argument;
};

static struct error *walk_stretch(void *argument, const struct stretch_pair *s)
{
	struct page_walk *walk = argument;

	for (size_t i = 0; i < s->count; i++) {
		struct cow_page page = {.vpn = s->vpn + i};

		for (int side = 0; side < 2; side++)
			page.words[side] = s->words[side] ? s->words[side][i] : 0;
		page.class = cow_class_of(page.words[0], page.words[1]);
		if (page.class == COW_UNKNOWN)
			page.class = walk->pair->diverged.items[walk->next++].class;
		if (page.class != COW_NONE)
			TRY(walk->visit(walk->argument, &page));
	}
	return NULL;
}

static struct range pages_of(const struct cow_pair *pair, struct range bytes)
{
	unsigned shift = pair->side[0].space->target->page_shift;

	return (struct range){bytes.start >> shift, bytes.end >> shift};
}

struct error *cow_pair_walk(const struct cow_pair *pair, struct range range, cow_visit visit,
			    void *argument)
{
	struct range pages = pages_of(pair, range);
	struct page_walk walk = {pair, first_diverged(pair, pages.start), visit, argument};

	return pair_walk(&pair->side[0].snapshot, &pair->side[1].snapshot, pages, walk_stretch,
			 &walk);
}

/* --- regions ------------------------------------------------------------------------------------
 */

static struct error *count_stretch(void *argument, const struct stretch_pair *s)
{
	cow_count(argument, s);
	return NULL;
}

static struct error *count_region(const struct cow_pair *pair, struct cow_region *region)
{
	struct range pages = pages_of(pair, region->range);
	struct cow_counts *counts = &region->counts;

	TRY(pair_walk(&pair->side[0].snapshot, &pair->side[1].snapshot, pages, count_stretch,
		      counts));
	counts->of[COW_UNKNOWN] = 0;
	for (size_t i = first_diverged(pair, pages.start);
	     i < pair->diverged.count && pair->diverged.items[i].vpn < pages.end; i++)
		counts->of[pair->diverged.items[i].class]++;
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* A heap that has grown on one side only is one region. */
static bool continues(const struct cow_region *last, const struct cow_region *piece)
{
	const struct region *a = cow_region_name(last), *b = cow_region_name(piece);

	if (last->range.end != piece->range.start || !same_text(a->name, b->name) ||
	    !same_text(a->object, b->object))
		return false;
	for (int side = 0; side < 2; side++) {
		if (last->sides[side] && piece->sides[side] &&
		    last->sides[side] != piece->sides[side])
			return false;
	}
	return true;
}

static struct error *add_piece(cow_region_vec *regions, struct cow_region piece)
{
	struct cow_region *last = regions->count ? &regions->items[regions->count - 1] : NULL;

	if (!piece.sides[0] && !piece.sides[1])
		return NULL;
	if (!last || !continues(last, &piece))
		return vec_push(regions, piece);
	last->range.end = piece.range.end;
	for (int side = 0; side < 2; side++)
		last->sides[side] = last->sides[side] ? last->sides[side] : piece.sides[side];
	return NULL;
}

/* The region of `layout` in hand: passes over those that end at or below `address`. */
static const struct region *region_at(const struct layout *layout, size_t *i, uint64_t address)
{
	while (*i < layout->regions.count && layout->regions.items[*i].range.end <= address)
		++*i;
	return *i < layout->regions.count ? &layout->regions.items[*i] : NULL;
}

/* Cuts where a region of either begins or ends. */
static struct error *cut(const struct cow_pair *pair, cow_region_vec *regions)
{
	size_t next[2] = {0, 0};

	for (uint64_t at = 0;;) {
		struct cow_region piece = {.range = {at, UINT64_MAX}};

		for (int side = 0; side < 2; side++) {
			const struct region *region =
				region_at(&pair->side[side].layout, &next[side], at);
			if (!region)
				continue;
			bool inside = region->range.start <= at;
			uint64_t change = inside ? region->range.end : region->range.start;
			piece.sides[side] = inside ? region : NULL;
			if (change < piece.range.end)
				piece.range.end = change;
		}
		if (piece.range.end == UINT64_MAX)
			return NULL;
		TRY(add_piece(regions, piece));
		at = piece.range.end;
	}
}

struct error *cow_pair_regions(const struct cow_pair *pair, struct range within,
			       cow_region_vec *regions)
{
	size_t kept = regions->count, cut_from = kept;

	TRY(cut(pair, regions));
	for (size_t i = cut_from; i < regions->count; i++) {
		struct cow_region region = regions->items[i];

		region.range = range_intersect(region.range, within);
		if (range_is_empty(region.range))
			continue;
		TRY(count_region(pair, &region));
		regions->items[kept++] = region;
	}
	regions->count = kept;
	return NULL;
}
