// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/index.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include "analysis/blocks.h"
#include "analysis/page.h"
#include "analysis/pool.h"
#include "analysis/stretch.h"
#include "base/scope.h"

enum {
	SEGMENT = 1 << 12,        /* stretches that a thread takes at once: 64 KiB */
	THREADS_MAX = 64,         /* pool_threads() gives no more */
	RESERVE_SHIFT_LEAST = 20, /* stretches */
	BLOCK_LEAST = 64,         /* pages: a block of fewer is not looked for */
	BYTES_A_MAPPER = 20,      /* at most when sorting: 24 with all else that is kept */
};

/* The bits of a word that pages of one stretch have in common; the frame number goes on by one. */
#define LIKE (PAGEMAP_PRESENT | PAGEMAP_SWAP | PAGEMAP_FILE | PAGE_ZERO | PAGE_KSM | PAGEMAP_PFN)

/* --- storage ------------------------------------------------------------------------------ */

/* As many stretches as fit in all of RAM. */
static size_t most_stretches(void)
{
	struct sysinfo info;
	size_t least = (size_t)1 << RESERVE_SHIFT_LEAST;

	if (sysinfo(&info) < 0)
		return least;
	size_t most = info.totalram * info.mem_unit / sizeof(struct stretch);
	return most > least ? align_up(most, SEGMENT) : least;
}

/*
 * Addresses are reserved for more than there can be, memory is made of them a segment at a time:
 * what is inaccessible is charged to nobody (mm/vma.h, accountable_mapping()), and what has its
 * place never has to be copied to a larger one. For no more than that, since we are read, too.
 */
static struct error *reserve(struct index *index)
{
	const size_t segment = SEGMENT * sizeof(struct stretch);
	const size_t least = (size_t)1 << RESERVE_SHIFT_LEAST;

	for (size_t capacity = most_stretches(); capacity >= least; capacity /= 2) {
		size_t size = capacity * sizeof(struct stretch) + segment;
		void *memory = mmap(NULL, size, PROT_NONE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (memory == MAP_FAILED)
			continue;
		/* Sorting jumps about in it: with huge pages that costs far fewer TLB misses. */
		uintptr_t first = (uintptr_t)align_up((uint64_t)(uintptr_t)memory, segment);
		madvise((void *)first, capacity * sizeof(struct stretch), MADV_HUGEPAGE);
		index->stretches = (struct stretch *)first;
		index->capacity = capacity;
		index->memory = memory;
		index->memory_size = size;
		return NULL;
	}
	return error_nomem();
}

void index_init(struct index *index, struct target *target)
{
	*index = (struct index){.target = target, .identity_known = true};
}

static void space_deinit(struct index_space *space)
{
	vma_list_deinit(&space->vmas);
	error_free(space->why);
}

void index_deinit(struct index *index)
{
	for (size_t i = 0; i < index->spaces.count; i++)
		space_deinit(&index->spaces.items[i]);
	vec_deinit(&index->spaces);
	free(index->block_users);
	free(index->block_first);
	index->block_users = NULL;
	index->block_first = NULL;
	if (index->memory)
		munmap(index->memory, index->memory_size);
	index->memory = NULL;
	index->stretches = NULL;
	index->count = 0;
}

struct error *index_add(struct index *index, pid_t pid, const char *command)
{
	struct index_space space = {.pid = pid};

	if (index->spaces.count >> STRETCH_SPACE_BITS)
		return error_new(ERROR_UNSUPPORTED, "more than %d processes",
				 1 << STRETCH_SPACE_BITS);
	snprintf(space.command, sizeof(space.command), "%s", command);
	return vec_push(&index->spaces, space);
}

/* --- reading ------------------------------------------------------------------------------ */

/* What one thread has in hand. */
struct reader {
	const struct index *index;
	const struct index_options *options;
	struct index_space *space;
	size_t number;
	unsigned area_flags;
	atomic_size_t *taken; /* segments, by all threads */

	struct stretch *at, *end; /* what is free of the segment being filled */

	/* The block in hand: its pages so far, its stretches from `block` up to `at`. */
	struct blocks *blocks;
	struct stretch *block;
	uint64_t block_number; /* vpn / BLOCK_PAGES */
	uint64_t block_pages;

	/* The stretch in hand; pages is 0 until there is one. */
	uint64_t vpn, pages, word;
};

/* Nothing that is stored looks so: no frame has that number. */
static void blank_rest(struct reader *r)
{
	while (r->at < r->end)
		*r->at++ = (struct stretch){UINT64_MAX, UINT64_MAX};
}

/* Not one process's trouble: it was taken, and is a hole that nobody may read. */
static struct error *no_segment(void)
{
	return error_new(ERROR_NOMEM, "no memory for what is read of processes");
}

static struct error *next_segment(struct reader *r)
{
	size_t first = atomic_fetch_add(r->taken, 1) * SEGMENT;

	blank_rest(r);
	if (first + SEGMENT > r->index->capacity)
		return no_segment();
	struct stretch *segment = r->index->stretches + first;
	if (mprotect(segment, SEGMENT * sizeof(*segment), PROT_READ | PROT_WRITE) < 0)
		return no_segment();
	r->at = segment;
	r->end = segment + SEGMENT;
	return NULL;
}

/* A block lies in one piece. It has at most a stretch for each page. */
static struct error *begin_block(struct reader *r)
{
	if (r->end - r->at < BLOCK_PAGES)
		TRY(next_segment(r));
	r->block = r->at;
	return NULL;
}

static struct error *end_block(struct reader *r)
{
	uint64_t pages = r->block_pages;
	bool known = false;

	r->block_pages = 0;
	if (pages < BLOCK_LEAST || r->options->frames)
		return NULL;
	TRY(blocks_put(r->blocks, r->block, (size_t)(r->at - r->block), r->number,
		       r->block_number * BLOCK_PAGES, &known));
	if (known)
		r->at = r->block;
	return NULL;
}

static struct error *store(struct reader *r, uint64_t pfn, uint64_t vpn, uint64_t pages)
{
	unsigned flags = r->area_flags;

	if (r->word & PAGEMAP_FILE)
		flags |= STRETCH_FILE;
	if (r->word & PAGE_KSM)
		flags |= STRETCH_KSM;
	if (r->block_pages == 0)
		TRY(begin_block(r));
	r->block_pages += pages;
	*r->at++ = stretch_make(pfn, r->number, vpn, pages, flags);
	r->space->present += pages;
	return NULL;
}

/* The first of the wanted ranges that ends after `pfn`. */
static size_t find_wanted(const struct index_options *options, uint64_t pfn)
{
	size_t low = 0, high = options->frame_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (options->frames[middle].end <= pfn)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct error *store_wanted(struct reader *r)
{
	uint64_t pfn = r->word & PAGEMAP_PFN;
	struct range have = {pfn, pfn + r->pages};

	for (size_t i = find_wanted(r->options, pfn); i < r->options->frame_count; i++) {
		struct range part = range_intersect(have, r->options->frames[i]);

		if (range_is_empty(part))
			break;
		TRY(store(r, part.start, r->vpn + (part.start - pfn), range_length(part)));
	}
	return NULL;
}

static struct error *flush(struct reader *r)
{
	uint64_t pages = r->pages;

	if (pages == 0)
		return NULL;
	struct error *error = r->options->frames ? store_wanted(r)
						 : store(r, r->word & PAGEMAP_PFN, r->vpn, pages);
	r->pages = 0;
	return error;
}

/* A page that is not in a frame, or in one that is nobody's. */
static void count_other(struct index_space *space, uint64_t word)
{
	switch (page_state_of(word)) {
	case STATE_ZERO:
		space->zero++;
		break;
	case STATE_SWAPPED:
		space->swapped++;
		break;
	default:
		space->special++;
	}
}

/* How many words go on as the stretch in hand does. */
static size_t count_like(struct reader *r, const uint64_t *words, size_t count)
{
	uint64_t expected = (r->word + r->pages) & LIKE;
	size_t room = BLOCK_PAGES - (r->vpn + r->pages) % BLOCK_PAGES, i = 0;

	if (count > room)
		count = room;
	while (i < count && (words[i] & LIKE) == expected) {
		expected++;
		i++;
	}
	return i;
}

static bool in_index(uint64_t word)
{
	return (word & (PAGEMAP_PRESENT | PAGE_ZERO)) == PAGEMAP_PRESENT;
}

static struct error *take_words(void *argument, uint64_t vpn, const uint64_t *words, size_t count)
{
	struct reader *r = argument;

	for (size_t i = 0; i < count;) {
		if (r->pages && r->vpn + r->pages == vpn + i && (vpn + i) % BLOCK_PAGES) {
			size_t like = count_like(r, words + i, count - i);

			r->pages += like;
			i += like;
			if (like)
				continue;
		}
		TRY(flush(r));
		if ((vpn + i) / BLOCK_PAGES != r->block_number)
			TRY(end_block(r));
		r->block_number = (vpn + i) / BLOCK_PAGES;
		if (in_index(words[i])) {
			r->vpn = vpn + i;
			r->pages = 1;
			r->word = words[i];
		} else if (words[i] & PAGEMAP_POPULATED) {
			count_other(r->space, words[i]);
		}
		i++;
	}
	return NULL;
}

static struct error *read_area(struct reader *r, struct space *space, const struct vma *vma)
{
	bool writable = (vma->perms & (VMA_WRITE | VMA_SHARED)) == VMA_WRITE;

	r->area_flags = writable ? STRETCH_WRITABLE : 0;
	if (space_is_hugetlb(space, vma))
		r->area_flags |= STRETCH_HUGETLB;
	TRY(space_pages(space, vma, vma->range, take_words, r));
	TRY(flush(r));
	return end_block(r);
}

static struct error *read_areas(struct reader *r, struct space *space)
{
	struct vma_list vmas;
	struct error *error = NULL;

	TRY(space_require_pfns(space));
	TRY(space_vmas(space, &vmas));
	for (size_t i = 0; !error && i < vmas.count; i++)
		error = read_area(r, space, &vmas.items[i]);
	if (!error)
		error = space_check_alive(space);
	if (!error && r->options->flags & INDEX_VMAS)
		r->space->vmas = vmas;
	else
		vma_list_deinit(&vmas);
	return error;
}

struct error *index_settle(struct index_space *space, struct error *error)
{
	if (!error) {
		space->fate = INDEX_READ;
		return NULL;
	}
	switch (error_kind(error)) {
	case ERROR_LOOKUP:
		space->fate = INDEX_NO_MEMORY;
		break;
	case ERROR_GONE:
	case ERROR_EXECUTED:
		space->fate = INDEX_GONE;
		break;
	case ERROR_DENIED:
	case ERROR_INPUT:
		space->fate = INDEX_REFUSED;
		break;
	default:
		/* What a system call says of one process is no other's trouble. */
		if (error_errnum(error) == 0)
			return error;
		space->fate = INDEX_REFUSED;
	}
	space->why = error;
	space->present = space->swapped = space->zero = space->special = 0;
	return NULL;
}

struct reading {
	struct index *index;
	const struct index_options *options;
	struct reader readers[THREADS_MAX];
	struct blocks *blocks;
	atomic_size_t taken;
	atomic_size_t done;
};

static struct error *read_space(struct reader *r, struct space *space)
{
	/* As the process has it: lists may have it with '?' for odd bytes. */
	if (*space->command)
		memcpy(r->space->command, space->command, sizeof(r->space->command));
	return read_areas(r, space);
}

static struct error *open_and_read(struct reader *r)
{
	struct space *space;

	TRY(target_open_space(r->index->target, r->space->pid, &space));
	struct error *error = read_space(r, space);
	space_close(space);
	return error;
}

static struct error *read_process(void *argument, unsigned thread, size_t job)
{
	struct reading *reading = argument;
	struct index *index = reading->index;
	struct reader *r = &reading->readers[thread];
	struct space **spaces = reading->options->spaces;

	r->space = &index->spaces.items[job];
	r->number = job;
	if (r->space->fate == INDEX_READ) {
		struct error *error = spaces ? read_space(r, spaces[job]) : open_and_read(r);

		r->pages = r->block_pages = 0;
		TRY(index_settle(r->space, error));
	}
	size_t done = atomic_fetch_add(&reading->done, 1) + 1;
	if (reading->options->progress)
		reading->options->progress(reading->options->argument, done, index->spaces.count);
	return NULL;
}

/* What the threads did not fill of their last segments is not part of the index. */
static void blank_tails(struct reading *reading, unsigned threads)
{
	for (unsigned i = 0; i < threads; i++)
		blank_rest(&reading->readers[i]);
}

static bool is_kept(const void *argument, size_t space)
{
	const struct index *index = argument;

	return index->spaces.items[space].fate == INDEX_READ;
}

/* Not filled, or of nobody who was read to the end: nothing is kept of one who was not. */
static bool is_blank(const struct index *index, const struct stretch *s)
{
	size_t space = stretch_space(s);

	if (s->where == UINT64_MAX)
		return true;
	if (space < index->spaces.count)
		return !is_kept(index, space);
	size_t block = space - index->spaces.count;
	return index->block_first[block] == index->block_first[block + 1];
}

/* Moves the last ones into the holes: the order is of no matter yet. */
static void close_up(struct index *index)
{
	struct stretch *s = index->stretches;
	size_t low = 0, high = index->usable;

	for (;;) {
		while (low < high && !is_blank(index, &s[low]))
			low++;
		while (low < high && is_blank(index, &s[high - 1]))
			high--;
		if (low >= high)
			break;
		s[low++] = s[--high];
	}
	index->count = high;
}

static struct error *finish_reading(struct reading *reading, unsigned threads)
{
	struct index *index = reading->index;
	struct block_users users;

	TRY(blocks_users(reading->blocks, is_kept, index, &users));
	index->block_users = users.users;
	index->block_first = users.first;
	index->usable = atomic_load(&reading->taken) * SEGMENT;
	blank_tails(reading, threads);
	close_up(index);
	return NULL;
}

struct error *index_read(struct index *index, const struct index_options *options)
{
	struct reading *reading = calloc(1, sizeof(*reading));
	unsigned threads = pool_threads();
	struct error *error = reading ? reserve(index) : error_nomem();

	if (!error)
		error = blocks_create(index->spaces.count, &reading->blocks);
	if (!error) {
		reading->index = index;
		reading->options = options;
		for (unsigned i = 0; i < threads; i++)
			reading->readers[i] = (struct reader){.index = index,
							      .options = options,
							      .blocks = reading->blocks,
							      .taken = &reading->taken};
		error = pool_run(threads, index->spaces.count, read_process, reading);
	}
	if (!error)
		error = finish_reading(reading, threads);
	if (reading)
		blocks_destroy(reading->blocks);
	free(reading);
	return error;
}

/* --- sums, without frames ------------------------------------------------------------------ */

static struct error *sum_space(struct index *index, struct index_space *one)
{
	struct space *space;

	TRY(target_open_space(index->target, one->pid, &space));
	struct error *error = space_sums(space, &one->sums);
	if (!error)
		error = space_check_alive(space);
	space_close(space);
	one->swapped = one->sums.swap >> index->target->page_shift;
	return error;
}

struct error *index_sum(struct index *index)
{
	index->summed = true;
	for (size_t i = 0; i < index->spaces.count; i++) {
		struct index_space *one = &index->spaces.items[i];

		if (one->fate == INDEX_READ)
			TRY(index_settle(one, sum_space(index, one)));
	}
	return NULL;
}

/* --- one address space in several processes ------------------------------------------------ */

/* By address space, equal ones by PID; the target's order, which may fail. */
struct identity_sort {
	struct index *index;
	struct error *error;
};

static int compare_identity(const void *left, const void *right, void *argument)
{
	const struct index_space *a = left, *b = right;
	struct identity_sort *sort = argument;
	int order = 0;

	/* Those apart, or an order by PID here and by space there would be none. */
	if (a->comparable != b->comparable)
		return a->comparable ? -1 : 1;
	if (!sort->error && a->comparable && a->pid != b->pid)
		sort->error = target_compare_spaces(sort->index->target, a->pid, b->pid, &order);
	/* One that just ended is a matter for whoever reads it. */
	if (error_is(sort->error, ERROR_GONE) || error_is(sort->error, ERROR_DENIED)) {
		error_free(scope_take(sort->error, NULL));
		order = 0;
	}
	return order ? order : (a->pid > b->pid) - (a->pid < b->pid);
}

static struct error *mark_same(struct index *index)
{
	size_t first = 0;

	for (size_t i = 1; i < index->spaces.count; i++) {
		struct index_space *one = &index->spaces.items[i];
		const struct index_space *kept = &index->spaces.items[first];
		int order = one->pid == kept->pid ? 0 : 1;

		if (order) {
			struct error *error =
				target_compare_spaces(index->target, kept->pid, one->pid, &order);
			if (error)
				order = 1;
			error_free(error);
		}
		if (order == 0) {
			one->fate = INDEX_SAME;
			one->same_as = kept->pid;
		} else {
			first = i;
		}
	}
	return NULL;
}

/* One that ended or may not be compared, not even with itself, is a matter for whoever reads it. */
static struct error *learn_comparable(struct index *index)
{
	for (size_t i = 0; i < index->spaces.count; i++) {
		struct index_space *one = &index->spaces.items[i];
		int order;
		struct error *error =
			target_compare_spaces(index->target, one->pid, one->pid, &order);

		one->comparable = error == NULL;
		if (error_is(error, ERROR_UNSUPPORTED))
			return error;
		error_free(error);
	}
	return NULL;
}

static int compare_pids(const void *left, const void *right)
{
	const struct index_space *a = left, *b = right;

	return (a->pid > b->pid) - (a->pid < b->pid);
}

struct error *index_identify(struct index *index)
{
	struct identity_sort sort = {.index = index};

	if (index->spaces.count == 0)
		return NULL;
	struct error *error = learn_comparable(index);
	if (!error) {
		qsort_r(index->spaces.items, index->spaces.count, sizeof(*index->spaces.items),
			compare_identity, &sort);
		error = sort.error ? sort.error : mark_same(index);
	}
	if (error_is(error, ERROR_UNSUPPORTED)) {
		error_free(scope_take(error, NULL));
		index->identity_known = false;
	}
	qsort(index->spaces.items, index->spaces.count, sizeof(*index->spaces.items), compare_pids);
	return error;
}

/* --- sorting and walking ------------------------------------------------------------------- */

struct sorting {
	struct stretch *stretches;
	size_t starts[STRETCH_BUCKETS + 1];
	int digit;
};

static struct error *sort_bucket(void *argument, unsigned thread, size_t job)
{
	struct sorting *s = argument;

	(void)thread;
	stretch_sort_from(s->stretches + s->starts[job], s->starts[job + 1] - s->starts[job],
			  s->digit - 1);
	return NULL;
}

/* Needs nothing but itself: what sorts where mappers can hardly be joined to stretches. */
static struct error *sort_in_place(struct index *index)
{
	struct sorting s = {.stretches = index->stretches};

	s.digit = stretch_partition(index->stretches, index->count, STRETCH_DIGITS - 1, s.starts);
	if (s.digit <= 0)
		return NULL;
	return pool_run(pool_threads(), STRETCH_BUCKETS, sort_bucket, &s);
}

/* Twice the memory, many times as fast. It is the copy's memory that is kept, or the first one. */
static bool sort_by_copy(struct index *index)
{
	size_t size = index->count * sizeof(struct stretch);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return false;
	madvise(memory, size, MADV_HUGEPAGE);
	if (stretch_sort_frames(index->stretches, memory, index->count) == memory) {
		munmap(index->memory, index->memory_size);
		index->memory = memory;
		index->memory_size = size;
		index->stretches = memory;
	} else {
		munmap(memory, size);
	}
	return true;
}

struct error *index_sort(struct index *index)
{
	uint64_t mappers = 0;

	if (index->count < 2)
		return NULL;
	for (size_t i = 0; i < index->spaces.count; i++)
		mappers += index->spaces.items[i].present;
	/* Two stretches for each one that there is, within what a mapper may cost. */
	if (2 * sizeof(struct stretch) * index->count <= BYTES_A_MAPPER * mappers &&
	    sort_by_copy(index))
		return NULL;
	return sort_in_place(index);
}

/* The stretches that hold the frames in hand, the nearest of their ends, and who maps them. */
struct sweep {
	VEC(const struct stretch *) held;
	uint64_t nearest;
	VEC(struct index_mapper) mappers;
};

static uint64_t end_of(const struct stretch *s)
{
	return stretch_pfn(s) + stretch_pages(s);
}

/* Lets go of what ends at `pfn`, and finds the next end. */
static void let_go(struct sweep *sweep, uint64_t pfn)
{
	size_t kept = 0;

	sweep->nearest = UINT64_MAX;
	for (size_t i = 0; i < sweep->held.count; i++) {
		const struct stretch *s = sweep->held.items[i];
		uint64_t end = end_of(s);

		if (end <= pfn)
			continue;
		sweep->held.items[kept++] = s;
		if (end < sweep->nearest)
			sweep->nearest = end;
	}
	sweep->held.count = kept;
}

static struct error *take_up(struct sweep *sweep, const struct stretch *s)
{
	if (end_of(s) < sweep->nearest)
		sweep->nearest = end_of(s);
	return vec_push(&sweep->held, s);
}

/* A stretch of a block stands for one in each of its users. */
static struct error *add_users(const struct index *index, struct sweep *sweep,
			       const struct stretch *s, uint64_t offset)
{
	size_t block = stretch_space(s) - index->spaces.count;
	size_t first = index->block_first[block], end = index->block_first[block + 1];
	uint64_t within = stretch_vpn(s) % BLOCK_PAGES + offset;

	TRY(vec_reserve(&sweep->mappers, end - first));
	struct index_mapper *next = sweep->mappers.items + sweep->mappers.count;
	for (size_t i = first; i < end; i++, next++) {
		next->vpn = index->block_users[i].vpn + within;
		next->space = (uint32_t)index->block_users[i].space;
		next->flags = stretch_flags(s);
	}
	sweep->mappers.count += end - first;
	return NULL;
}

static struct error *find_mappers(const struct index *index, struct sweep *sweep, uint64_t pfn)
{
	sweep->mappers.count = 0;
	for (size_t i = 0; i < sweep->held.count; i++) {
		const struct stretch *s = sweep->held.items[i];
		uint64_t offset = pfn - stretch_pfn(s);

		if (stretch_space(s) < index->spaces.count)
			TRY(vec_push(&sweep->mappers,
				     ((struct index_mapper){stretch_vpn(s) + offset,
							    (uint32_t)stretch_space(s),
							    stretch_flags(s)})));
		else
			TRY(add_users(index, sweep, s, offset));
	}
	return NULL;
}

/*
 * Spans end where a stretch begins or ends. No span costs more than it has mappers, and no frame
 * is in two spans, so the whole costs no more than there are mappers.
 */
static struct error *walk(const struct index *index, struct sweep *sweep, index_visit visit,
			  void *argument)
{
	const struct stretch *next = index->stretches, *end = next + index->count;
	uint64_t pfn = 0;

	while (next < end || sweep->held.count) {
		if (!sweep->held.count)
			pfn = stretch_pfn(next);
		while (next < end && stretch_pfn(next) == pfn)
			TRY(take_up(sweep, next++));
		uint64_t until = sweep->nearest;
		if (next < end && stretch_pfn(next) < until)
			until = stretch_pfn(next);
		TRY(find_mappers(index, sweep, pfn));
		struct index_span span = {.pfn = pfn,
					  .pages = until - pfn,
					  .mappers = sweep->mappers.items,
					  .count = sweep->mappers.count};
		TRY(visit(argument, &span));
		pfn = until;
		if (pfn == sweep->nearest)
			let_go(sweep, pfn);
	}
	return NULL;
}

struct error *index_walk(const struct index *index, index_visit visit, void *argument)
{
	struct sweep sweep = {.nearest = UINT64_MAX};
	struct error *error = index->count ? walk(index, &sweep, visit, argument) : NULL;

	vec_deinit(&sweep.held);
	vec_deinit(&sweep.mappers);
	return error;
}

const struct vma *index_vma(const struct index *index, size_t space, uint64_t vpn)
{
	return vma_list_find(&index->spaces.items[space].vmas, vpn << index->target->page_shift);
}
