// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/reading.h"

#include <stdlib.h>
#include <unistd.h>

#include "analysis/runs.h"
#include "base/scope.h"

enum { MOVED_TRIES = 8 }; /* a page that moves is read again: compaction is soon done with it */

struct reader {
	struct source *source;
	struct layout *layout; /* NULL: physical addresses */
	unsigned page_shift;
	struct range range;
	uint64_t done; /* address: all below was given */
	char *buffer;  /* PIECE_MAX bytes */
	piece_visit visit;
	void *argument;
};

/* Gives a piece of what is next, which ends at `end`. */
static struct error *give(struct reader *reader, uint64_t end, struct piece piece)
{
	piece.address = reader->done;
	piece.length = end - reader->done;
	reader->done = end;
	return piece.length ? reader->visit(reader->argument, &piece) : NULL;
}

static struct error *give_gap(struct reader *reader, uint64_t end, const char *state,
			      const char *cause)
{
	return give(reader, end, (struct piece){.state = state, .cause = cause});
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The next multiple of `unit` above `address`, at most `end`. */
static uint64_t next_multiple(uint64_t address, uint64_t unit, uint64_t end)
{
	uint64_t next = align_down(address, unit) + unit;

	return next < address ? end : least(next, end);
}

/* --- by physical address ------------------------------------------------------------------ */

/* Where the fault at `paddr` ends: at the next RAM when it is outside, at the end of its page else.
 */
static uint64_t fault_end(struct reader *reader, uint64_t paddr, const char **state)
{
	size_t count;
	const struct range *ram = source_ram(reader->source, &count);
	uint64_t end = reader->range.end;

	*state = "ram";
	for (size_t i = 0; i < count; i++) {
		if (range_contains(ram[i], paddr))
			return next_multiple(paddr, UINT64_C(1) << reader->page_shift, end);
		if (ram[i].start > paddr) {
			end = least(end, ram[i].start);
			break;
		}
	}
	*state = "outside";
	return end;
}

static struct error *give_fault(struct reader *reader, const struct error *fault, bool any_address)
{
	const char *state;
	uint64_t end = fault_end(reader, reader->done, &state);

	if (any_address)
		end = next_multiple(reader->done, UINT64_C(1) << reader->page_shift, end);
	return give_gap(reader, end, state, source_fault_cause(fault));
}

/* One source_read(): the bytes it got, then the fault that ended it. */
static struct error *read_physical_batch(struct reader *reader)
{
	uint64_t start = reader->done, end = next_multiple(start, PIECE_MAX, reader->range.end);
	const void *bytes;
	size_t got;
	_cleanup_error_ struct error *error = source_view(reader->source, start, reader->buffer,
							  (size_t)(end - start), &bytes, &got);

	if (error && !error_is(error, ERROR_FAULT))
		return scope_take(error, NULL);
	TRY(give(
		reader, start + got,
		(struct piece){.bytes = bytes, .has_paddr = true, .paddr = start, .state = "ram"}));
	if (!error)
		return NULL;
	/* The source does not say where the next readable address is, unless it is that of RAM. */
	return give_fault(reader, error, source_flags(reader->source) & SOURCE_ANY_ADDRESS);
}

static struct error *reader_init(struct reader *reader)
{
	reader->done = reader->range.start;
	reader->buffer = malloc(PIECE_MAX);
	return reader->buffer ? NULL : error_nomem();
}

struct error *read_physical(struct source *source, struct range range, piece_visit visit,
			    void *argument)
{
	struct reader reader = {
		.source = source,
		.page_shift = (unsigned)__builtin_ctzl((unsigned long)sysconf(_SC_PAGESIZE)),
		.range = range,
		.visit = visit,
		.argument = argument};
	struct error *error = reader_init(&reader);

	while (!error && reader.done < range.end)
		error = read_physical_batch(&reader);
	free(reader.buffer);
	return error;
}

/* --- by an address of a process ----------------------------------------------------------- */

static const char *const absent_causes[STATE_COUNT] = {
	[STATE_SWAPPED] = "swapped out: not in RAM",
	[STATE_IN_FILE] = "still in its file: not in RAM",
	[STATE_UNTOUCHED] = "untouched: no frame yet",
	[STATE_GUARD] = "a guard page: no frame",
	[STATE_MIGRATING] = "on its way to another frame",
	[STATE_SPECIAL] = "special: no frame of RAM that the kernel tells of",
};

struct word_finder {
	uint64_t vpn;
	uint64_t word;
};

static struct error *find_word(void *argument, uint64_t vpn, const uint64_t *words, size_t count)
{
	struct word_finder *finder = argument;

	if (finder->vpn >= vpn && finder->vpn - vpn < count)
		finder->word = words[finder->vpn - vpn];
	return NULL;
}

static struct error *page_word(struct reader *reader, const struct region *region, uint64_t vpn,
			       uint64_t *word)
{
	struct range page = {vpn << reader->page_shift, (vpn + 1) << reader->page_shift};
	struct word_finder finder = {.vpn = vpn};
	struct error *error =
		space_pages(reader->layout->space, region->vma, page, find_word, &finder);

	*word = finder.word;
	return error;
}

/* Counts the pages from `vpn` on that are still where they were when `words` was expected. */
struct word_checker {
	uint64_t vpn;
	uint64_t count;
	uint64_t pfn;
	unsigned stride;
	uint64_t same;
};

static struct error *check_words(void *argument, uint64_t vpn, const uint64_t *words, size_t count)
{
	struct word_checker *checker = argument;

	for (size_t i = 0; i < count; i++) {
		uint64_t next = checker->vpn + checker->same;

		if (vpn + i != next || checker->same == checker->count)
			continue;
		if (!(words[i] & PAGEMAP_PRESENT) ||
		    (words[i] & PAGEMAP_PFN) != checker->pfn + checker->same * checker->stride)
			return NULL;
		checker->same++;
	}
	return NULL;
}

/* How many of the pages in [start, end) are still in the frames that begin with `pfn`. */
static struct error *count_unmoved(struct reader *reader, const struct run *run, uint64_t start,
				   uint64_t end, uint64_t pfn, uint64_t *unmoved)
{
	unsigned shift = reader->page_shift;
	struct range range = {align_down(start, UINT64_C(1) << shift),
			      align_up(end, UINT64_C(1) << shift)};
	struct word_checker checker = {.vpn = range.start >> shift,
				       .count = range_length(range) >> shift,
				       .pfn = pfn,
				       .stride = run->stride};
	struct error *error =
		space_pages(reader->layout->space, run->region->vma, range, check_words, &checker);

	*unmoved = checker.same;
	return error;
}

static struct error *give_absent(struct reader *reader, const struct region *region, uint64_t end,
				 uint64_t word)
{
	uint64_t vpn = reader->done >> reader->page_shift, until;
	enum page_state state =
		word & PAGEMAP_POPULATED
			? page_state_of(word)
			: region_empty_state(region, reader->page_shift, vpn, vpn + 1, &until);

	return give_gap(reader, end, page_state_name(state), absent_causes[state]);
}

/* The piece that ends at `end` is in the frame of `word`: read, or a fault with its cause. */
static struct error *give_frames(struct reader *reader, uint64_t end, uint64_t paddr,
				 const char *state, size_t got, const struct error *fault)
{
	uint64_t start = reader->done;

	TRY(give(reader, start + got,
		 (struct piece){.bytes = reader->buffer,
				.has_paddr = true,
				.paddr = paddr,
				.state = state}));
	if (!fault || reader->done >= end)
		return NULL;
	end = next_multiple(reader->done, UINT64_C(1) << reader->page_shift, end);
	return give(reader, end,
		    (struct piece){.has_paddr = true,
				   .paddr = paddr + got,
				   .state = state,
				   .cause = source_fault_cause(fault)});
}

/* One page that moved, with a fresh word before and after each attempt. */
static struct error *read_page(struct reader *reader, const struct region *region, uint64_t end)
{
	uint64_t start = reader->done, vpn = start >> reader->page_shift, before, after;
	uint64_t offset = start - (vpn << reader->page_shift);
	size_t got;

	TRY(page_word(reader, region, vpn, &before));
	for (int i = 0; i < MOVED_TRIES && before & PAGEMAP_PRESENT; i++, before = after) {
		uint64_t paddr = ((before & PAGEMAP_PFN) << reader->page_shift) + offset;
		_cleanup_error_ struct error *error = source_read(
			reader->source, paddr, reader->buffer, (size_t)(end - start), &got);

		if (error && !error_is(error, ERROR_FAULT))
			return scope_take(error, NULL);
		TRY(page_word(reader, region, vpn, &after));
		if ((after & (PAGEMAP_PRESENT | PAGEMAP_PFN)) ==
		    (before & (PAGEMAP_PRESENT | PAGEMAP_PFN)))
			return give_frames(reader, end, paddr,
					   page_state_name(page_state_of(after)), got, error);
	}
	if (before & PAGEMAP_PRESENT)
		return give_gap(reader, end, page_state_name(page_state_of(before)),
				"moves from frame to frame");
	return give_absent(reader, region, end, before);
}

/* Pages from reader->done to `end` in consecutive frames (or all in the one zero page). */
static struct error *read_frames(struct reader *reader, const struct run *run, uint64_t end)
{
	uint64_t start = reader->done, page = UINT64_C(1) << reader->page_shift, unmoved;
	uint64_t index = (start >> reader->page_shift) - run->vpn;
	uint64_t pfn = (run->word & PAGEMAP_PFN) + index * run->stride;
	uint64_t paddr = (pfn << reader->page_shift) + start % page;
	size_t got;
	_cleanup_error_ struct error *error =
		source_read(reader->source, paddr, reader->buffer, (size_t)(end - start), &got);

	if (error && !error_is(error, ERROR_FAULT))
		return scope_take(error, NULL);
	TRY(count_unmoved(reader, run, start, end, pfn, &unmoved));
	uint64_t good = least(end, align_down(start, page) + unmoved * page);
	if (unmoved == 0 || good <= start)
		return read_page(reader, run->region, next_multiple(start, page, end));
	return give_frames(reader, good, paddr, page_state_name(run->state),
			   (size_t)least(got, good - start), error);
}

static struct error *read_run(void *argument, const struct run *run)
{
	struct reader *reader = argument;
	uint64_t page = UINT64_C(1) << reader->page_shift;
	uint64_t end = least(reader->range.end, (run->vpn + run->pages) << reader->page_shift);
	bool present = run->state == STATE_PRESENT || run->state == STATE_ZERO;

	if (!present)
		return give_gap(reader, end, page_state_name(run->state),
				absent_causes[run->state]);
	while (reader->done < end) {
		/* In a run of the zero page every page is in the same frame. */
		uint64_t unit = run->stride ? PIECE_MAX : page;

		TRY(read_frames(reader, run, next_multiple(reader->done, unit, end)));
	}
	return NULL;
}

static struct error *read_region(struct reader *reader, const struct region *region)
{
	unsigned shift = reader->page_shift;
	const struct run_options options = {0};
	struct region_selection selection = {
		.range = {align_down(reader->range.start, UINT64_C(1) << shift),
			  align_up(reader->range.end, UINT64_C(1) << shift)}};
	struct region selected;

	if (!region_select(region, &selection, &selected))
		return NULL;
	if (reader->done < selected.range.start)
		TRY(give_gap(reader, selected.range.start, "unmapped", "nothing is mapped here"));
	return runs_of_region(reader->layout, &selected, &options, read_run, reader);
}

struct error *read_process(struct source *source, struct layout *layout, struct range range,
			   piece_visit visit, void *argument)
{
	struct reader reader = {.source = source,
				.layout = layout,
				.page_shift = layout->space->target->page_shift,
				.range = range,
				.visit = visit,
				.argument = argument};
	struct error *error = reader_init(&reader);

	for (size_t i = 0; !error && i < layout->regions.count; i++)
		error = read_region(&reader, &layout->regions.items[i]);
	if (!error && reader.done < range.end)
		error = give_gap(&reader, range.end, "unmapped", "nothing is mapped here");
	free(reader.buffer);
	return error;
}
