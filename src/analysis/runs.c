// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/runs.h"

#include <stdlib.h>

#include "base/scope.h"

#define WORD_FLAGS                                                                                 \
	(PAGEMAP_SOFT_DIRTY | PAGEMAP_EXCLUSIVE | PAGEMAP_UFFD_WP | PAGEMAP_FILE | PAGE_KSM)

/* What the page tables say of one page. */
struct hardware {
	bool known;
	unsigned char shift;
	unsigned short bits;
};

struct run_builder {
	struct layout *layout;
	const struct run_options *options;
	run_visit visit;
	void *argument;
	unsigned page_shift;
	bool pfns_visible;
	struct run run; /* run.pages is 0 until it is begun */
	VEC(uint64_t) pfns;
	VEC(struct frame) frames;      /* of the present words in hand, one after the other */
	VEC(struct hardware) hardware; /* of all words in hand */
};

/* Whether the frame in the word is one, and to be seen. */
static bool has_frames(const struct run_builder *builder, uint64_t word)
{
	return builder->pfns_visible && word & PAGEMAP_PRESENT;
}

static struct error *flush(struct run_builder *builder)
{
	struct run run = builder->run;

	builder->run.pages = 0;
	return run.pages ? builder->visit(builder->argument, &run) : NULL;
}

/* Whether `pfn` goes on where the run of frames is; the second page of a run decides its stride. */
static bool frame_continues(struct run *run, uint64_t word)
{
	uint64_t first = run->word & PAGEMAP_PFN, pfn = word & PAGEMAP_PFN;

	if (run->pages == 1 && run->state == STATE_ZERO && pfn == first)
		run->stride = 0;
	return pfn == first + run->pages * run->stride;
}

static bool same_frame_facts(const struct run *run, const struct frame *frame)
{
	return run->has_frame == (frame != NULL) &&
	       (!frame ||
		(run->frame.flags == frame->flags && run->frame.mappers == frame->mappers));
}

static bool continues(struct run_builder *builder, const struct run *page)
{
	struct run *run = &builder->run;

	return run->pages && run->vpn + run->pages == page->vpn && run->state == page->state &&
	       run->cow == page->cow &&
	       (!builder->options->words ||
		(run->word & WORD_FLAGS) == (page->word & WORD_FLAGS)) &&
	       same_frame_facts(run, page->has_frame ? &page->frame : NULL) &&
	       run->has_entry == page->has_entry && run->bits == page->bits &&
	       run->shift == page->shift &&
	       (!has_frames(builder, page->word) || frame_continues(run, page->word));
}

static struct error *add_empty(void *argument, const struct region *region, uint64_t vpn,
			       uint64_t end)
{
	struct run_builder *builder = argument;

	while (vpn < end) {
		uint64_t until;
		struct run page = {.region = region, .vpn = vpn};

		page.state = region_empty_state(region, builder->page_shift, vpn, end, &until);
		page.pages = until - vpn;
		if (continues(builder, &page)) {
			builder->run.pages += page.pages;
		} else {
			TRY(flush(builder));
			builder->run = page;
		}
		vpn = until;
	}
	return NULL;
}

static struct error *add_page(struct run_builder *builder, const struct region *region,
			      uint64_t vpn, uint64_t word, const struct frame *frame,
			      const struct hardware *hardware)
{
	struct run page = {.region = region,
			   .vpn = vpn,
			   .pages = 1,
			   .state = page_state_of(word),
			   .cow = page_is_cow(word, region->vma->perms),
			   .word = word,
			   .stride = 1,
			   .has_frame = frame != NULL};

	if (frame)
		page.frame = *frame;
	if (hardware && hardware->known) {
		page.has_entry = true;
		page.bits = hardware->bits;
		page.shift = hardware->shift;
	}
	if (continues(builder, &page)) {
		builder->run.pages++;
		return NULL;
	}
	TRY(flush(builder));
	builder->run = page;
	return NULL;
}

/* The frames of the present pages among `words`, in builder->frames. */
static struct error *ask_frames(struct run_builder *builder, const uint64_t *words, size_t count)
{
	builder->pfns.count = 0;
	for (size_t i = 0; i < count; i++) {
		if (words[i] & PAGEMAP_PRESENT)
			TRY(vec_push(&builder->pfns, words[i] & PAGEMAP_PFN));
	}
	builder->frames.count = 0;
	TRY(vec_reserve(&builder->frames, builder->pfns.count));
	return target_frames(builder->layout->space->target, builder->pfns.items,
			     builder->pfns.count, builder->frames.items);
}

/*
 * Takes the words, *taken of them, that are as the run in hand in every bit but the frame's. Most
 * pages of most processes are, and this loop is all that they cost: where the frame is not the next
 * one, another run begins, about which nothing else has to be found out.
 */
static struct error *take_alike(struct run_builder *builder, const uint64_t *words, size_t count,
				size_t *taken)
{
	struct run *run = &builder->run;
	bool frames = has_frames(builder, run->word);
	uint64_t stride = frames ? run->stride : 0;
	uint64_t expected = run->word + run->pages * stride;
	size_t i, begun = 0;

	*taken = 0;
	if (run->pages == 0 || !(run->word & PAGEMAP_POPULATED) || run->has_frame ||
	    builder->options->table)
		return NULL;
	for (i = 0; i < count; i++, expected += stride) {
		if (words[i] == expected)
			continue;
		if ((words[i] ^ run->word) & ~PAGEMAP_PFN || run->state == STATE_ZERO)
			break;
		if (!frames)
			continue;
		run->pages += i - begun;
		begun = i;
		TRY(builder->visit(builder->argument, run));
		run->vpn += run->pages;
		run->pages = 0;
		run->word = expected = words[i];
		run->alike = true;
	}
	run->pages += i - begun;
	*taken = i;
	return NULL;
}

/* Words in hand, and the page table's leaves that are put beside them. */
struct beside {
	struct run_builder *builder;
	uint64_t vpn;
	const uint64_t *words;
	size_t count;
};

/* What the tables say of a page whose frame is another by then is not said of this word. */
static void take_leaf(const struct beside *beside, const struct page_table_leaf *leaf)
{
	const struct run_builder *builder = beside->builder;
	const struct run_options *options = builder->options;
	unsigned shift = options->table->format->levels[leaf->depth].shift;
	uint64_t first = leaf->address >> builder->page_shift;
	uint64_t end = first + (UINT64_C(1) << (shift - builder->page_shift));
	uint64_t from = first > beside->vpn ? first : beside->vpn;
	uint64_t to = end < beside->vpn + beside->count ? end : beside->vpn + beside->count;
	unsigned access = leaf->access | (leaf->entry.bits & ~(unsigned)ENTRY_ACCESS);

	for (uint64_t vpn = from; vpn < to; vpn++) {
		uint64_t word = beside->words[vpn - beside->vpn];

		if (!(word & PAGEMAP_PRESENT) ||
		    (builder->pfns_visible &&
		     (word & PAGEMAP_PFN) != leaf->entry.frame + (vpn - first)))
			continue;
		builder->hardware.items[vpn - beside->vpn] =
			(struct hardware){true, options->size ? (unsigned char)shift : 0,
					  (unsigned short)(access & options->bits)};
	}
}

static struct error *take_leaves(void *argument, const struct page_table_leaf *leaves, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (leaves[i].entry.kind == ENTRY_PAGE || leaves[i].entry.kind == ENTRY_PROT_NONE)
			take_leaf(argument, &leaves[i]);
	}
	return NULL;
}

/* What the page tables say of the pages of `words`, in builder->hardware. */
static struct error *ask_tables(struct run_builder *builder, uint64_t vpn, const uint64_t *words,
				size_t count)
{
	struct beside beside = {builder, vpn, words, count};
	struct range range = {vpn << builder->page_shift, (vpn + count) << builder->page_shift};

	builder->hardware.count = 0;
	TRY(vec_reserve(&builder->hardware, count));
	for (size_t i = 0; i < count; i++)
		builder->hardware.items[i] = (struct hardware){0};
	return page_table_iterate(builder->options->table, range, take_leaves, &beside);
}

static struct error *add_pages(void *argument, const struct region *region, uint64_t vpn,
			       const uint64_t *words, size_t count)
{
	struct run_builder *builder = argument;
	bool frames = builder->options->frames && builder->pfns_visible;
	size_t present = 0;

	if (frames)
		TRY(ask_frames(builder, words, count));
	if (builder->options->table)
		TRY(ask_tables(builder, vpn, words, count));
	for (size_t i = 0; i < count; i++) {
		const struct frame *frame = NULL;

		if (!(words[i] & PAGEMAP_POPULATED)) {
			TRY(add_empty(argument, region, vpn + i, vpn + i + 1));
			continue;
		}
		if (builder->run.vpn + builder->run.pages == vpn + i) {
			size_t taken;

			TRY(take_alike(builder, words + i, count - i, &taken));
			i += taken ? taken - 1 : 0;
			if (taken)
				continue;
		}
		if (frames && words[i] & PAGEMAP_PRESENT)
			frame = &builder->frames.items[present++];
		TRY(add_page(builder, region, vpn + i, words[i], frame,
			     builder->options->table ? &builder->hardware.items[i] : NULL));
	}
	return NULL;
}

struct error *runs_of_region(struct layout *layout, const struct region *region,
			     const struct run_options *options, run_visit visit, void *argument)
{
	struct run_builder builder = {.layout = layout,
				      .options = options,
				      .visit = visit,
				      .argument = argument,
				      .page_shift = layout->space->target->page_shift,
				      .pfns_visible = layout->space->pfns_visible};
	struct region_sink sink = {add_pages, add_empty, &builder};
	struct error *error = region_walk(layout, region, &sink);

	if (!error)
		error = flush(&builder);
	vec_deinit(&builder.pfns);
	vec_deinit(&builder.frames);
	vec_deinit(&builder.hardware);
	return error;
}
