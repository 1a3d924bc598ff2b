// SPDX-License-Identifier: GPL-2.0-or-later
/* File by file: the needed stretches from the disk, the frames from memory, and are they equal? */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/verify_internal.h"
#include "base/scope.h"

/* --- unverifiable --------------------------------------------------------------------------------
 */

static struct error *cannot(struct verify *v, const struct file_page *page, const char *why)
{
	const struct verify_area *area = &v->areas.items[page->area];
	uint64_t vaddr = verify_vaddr(area, page->index);
	struct verify_finding *finding;
	char *copy = strdup(why);

	if (!copy)
		return error_nomem();
	v->counts.unverifiable++;
	TRY(verify_found(v, VERIFY_UNVERIFIABLE, area->space, area->file, NULL,
			 (struct range){vaddr, vaddr + VERIFY_PAGE}, copy, &finding));
	if (finding && !finding->pages)
		finding->pages = 1;
	return NULL;
}

static int compare_spaces(const void *left, const void *right, void *argument)
{
	const struct verify *v = argument;
	const struct verify_area *a = &v->areas.items[*(const uint32_t *)left];
	const struct verify_area *b = &v->areas.items[*(const uint32_t *)right];

	if (a->space != b->space)
		return a->space < b->space ? -1 : 1;
	return (a->range.start > b->range.start) - (a->range.start < b->range.start);
}

/* Of which pages nothing is known, and why. */
static uint32_t pages_in_the_dark(const struct verify_file *file, const struct verify_area *area)
{
	return file->why ? area->resident : area->cached;
}

static char *why_in_the_dark(const struct verify_file *file)
{
	char *why = NULL;

	if (file->why)
		return strdup(file->why);
	if (asprintf(&why, "%s; the cache is not compared, private pages are", file->cached_why) <
	    0)
		return NULL;
	return why;
}

/* A file that cannot be compared, or not all of it: a row a process, with all that it has of it. */
static struct error *cannot_file(struct verify *v, struct verify_file *file)
{
	uint32_t *areas = v->by_file + file->first_area;
	struct verify_finding *finding = NULL;
	uint32_t space = VERIFY_NONE;

	/* Nobody looks for an offset in it any more. */
	if (file->area_count)
		qsort_r(areas, file->area_count, sizeof(*areas), compare_spaces, v);
	for (size_t i = 0; i < file->area_count; i++) {
		const struct verify_area *area = &v->areas.items[areas[i]];
		uint32_t pages = pages_in_the_dark(file, area);

		if (pages == 0)
			continue;
		v->counts.unverifiable += pages;
		if (area->space != space) {
			char *why = why_in_the_dark(file);

			if (!why)
				return error_nomem();
			space = area->space;
			TRY(verify_found(v, VERIFY_UNVERIFIABLE, space, file->number, NULL,
					 area->range, why, &finding));
		}
		if (finding)
			finding->pages += pages;
	}
	return NULL;
}

/* --- one batch ---------------------------------------------------------------------------------
 */

/* The page-cache frame of an index in the batch; NULL: none that is mapped. */
static const struct file_page *shared_of(const struct verify_batch *b, uint32_t index)
{
	for (size_t i = 0; i < b->count; i++) {
		if (b->pages[i].index == index && !(b->pages[i].pfn & VERIFY_PRIVATE))
			return &b->pages[i];
	}
	return NULL;
}

static bool is_needed(const struct verify_batch *b, size_t i, size_t count)
{
	for (size_t j = 0; j < b->count; j++) {
		size_t at = b->pages[j].index - b->first;

		if (at >= i && at - i < count)
			return true;
	}
	return false;
}

/*
 * A page of a batch of which something is dirty. If it is not the one it is read for certain, since
 * the disk may refuse to be asked without waiting for other reasons.
 */
static struct error *read_one(struct verify *v, struct verify_batch *b, size_t i)
{
	uint8_t *buffer = b->data + i * VERIFY_PAGE;
	uint64_t offset = (b->first + i) * (uint64_t)VERIFY_PAGE;
	const struct file_page *shared = shared_of(b, b->first + (uint32_t)i);
	size_t got = 0;
	bool known = false;
	int errnum = direct_read(&b->file->direct, offset, buffer, VERIFY_PAGE, &got);

	if (errnum == EAGAIN && shared)
		TRY(verify_is_dirty(v, shared->pfn, &b->dirty[i], &known));
	else if (errnum == EAGAIN)
		b->dirty[i] = !direct_is_clean(&b->file->direct, offset, VERIFY_PAGE);
	if (errnum == EAGAIN && !b->dirty[i])
		errnum = direct_read_wait(&b->file->direct, offset, buffer, VERIFY_PAGE, &got);
	if (!errnum)
		memset(buffer + got, 0, VERIFY_PAGE - got);
	b->failed[i] = errnum == EAGAIN ? 0 : errnum;
	return NULL;
}

/* Halves what could not be read as a whole until it is known which pages are in the way. */
static struct error *read_parts(struct verify *v, struct verify_batch *b, size_t i, size_t count)
{
	uint8_t *buffer = b->data + i * VERIFY_PAGE;
	size_t length = count * VERIFY_PAGE, half = count / 2, got = 0;

	if (!is_needed(b, i, count))
		return NULL;
	if (count == 1)
		return read_one(v, b, i);
	if (direct_read(&b->file->direct, (b->first + i) * (uint64_t)VERIFY_PAGE, buffer, length,
			&got) == 0) {
		memset(buffer + got, 0, length - got);
		return NULL;
	}
	TRY(read_parts(v, b, i, half));
	return read_parts(v, b, i + half, count - half);
}

/* How many pages from `i` on lie one behind the other in the file and in memory. */
static size_t count_run(const struct verify *v, const struct verify_batch *b, size_t i)
{
	size_t n = 1;

	while (i + n < b->count && v->source && b->pages[i].pfn &&
	       b->pages[i + n].pfn == b->pages[i].pfn + n &&
	       b->pages[i + n].index == b->pages[i].index + n && n < VERIFY_BATCH)
		n++;
	return n;
}

/* What is dirty is not on the disk yet; a private page is held against what the cache has. */
static struct error *judge_dirty(struct verify *v, struct verify_batch *b,
				 const struct file_page *page, const uint8_t *ram)
{
	size_t got = 0;

	if (!(page->pfn & VERIFY_PRIVATE))
		return verify_dirty_page(v, b->file, page);
	int errnum = direct_read_cached(&b->file->direct, page->index * (uint64_t)VERIFY_PAGE,
					v->disk_page, VERIFY_PAGE, &got);
	if (errnum)
		return cannot(v, page, strerror(errnum));
	memset(v->disk_page + got, 0, VERIFY_PAGE - got);
	v->counts.frames++;
	v->counts.bytes += VERIFY_PAGE;
	return verify_private_page(v, b->file, page, v->disk_page, ram);
}

/* One page that does not go with its neighbours, or that could not be read with them. */
static struct error *judge(struct verify *v, struct verify_batch *b, const struct file_page *page,
			   const uint8_t *ram)
{
	size_t at = page->index - b->first;
	const uint8_t *disk = b->data + at * VERIFY_PAGE;

	if (page->pfn & VERIFY_PRIVATE && v->spaces.items[v->areas.items[page->area].space].unread)
		return NULL;
	if (b->failed[at])
		return cannot(v, page, strerror(b->failed[at]));
	if (b->dirty[at])
		return judge_dirty(v, b, page, ram);
	v->counts.frames++;
	v->counts.bytes += VERIFY_PAGE;
	if (page->pfn & VERIFY_PRIVATE)
		return verify_private_page(v, b->file, page, disk, ram);
	if (memcmp(disk, ram, VERIFY_PAGE) == 0)
		return NULL;
	return verify_shared_page(v, b->file, page);
}

static struct error *compare_run(struct verify *v, struct verify_batch *b, size_t i, size_t count)
{
	const struct file_page *pages = b->pages + i;
	const struct verify_area *area = &v->areas.items[pages->area];
	struct error *error = verify_read(v, area->space, verify_vaddr(area, pages->index),
					  pages->pfn & ~VERIFY_PRIVATE, count, v->ram);

	if (error && count > 1) {
		error_free(error);
		for (size_t j = 0; j < count; j++)
			TRY(compare_run(v, b, i + j, 1));
		return NULL;
	}
	if (error)
		return verify_unread_page(v, b->file, pages, error);
	for (size_t j = 0; j < count; j++)
		TRY(judge(v, b, pages + j, v->ram + j * VERIFY_PAGE));
	return NULL;
}

static struct error *compare_batch(struct verify *v, struct verify_batch *b)
{
	if (b->errnum)
		TRY(read_parts(v, b, 0, b->span));
	for (size_t i = 0; i < b->count;) {
		size_t count = count_run(v, b, i);

		TRY(compare_run(v, b, i, count));
		i += count;
	}
	v->done += b->count * VERIFY_PAGE;
	if (v->progress)
		v->progress(v->argument, v->done, v->all);
	return NULL;
}

/* --- files -------------------------------------------------------------------------------------
 */

static void finish_file(struct verify_file *file)
{
	file->has_relocations = false;
	relocations_deinit(&file->relocations);
	file->relocations = (struct relocations){0};
	vec_deinit(&file->pages);
	if (!file->unended)
		direct_close(&file->direct);
}

static struct error *take_batches(struct verify *v)
{
	struct verify_batch *b;

	for (;;) {
		TRY(verify_reader_take(v, &b));
		if (!b)
			return NULL;
		struct error *error = compare_batch(v, b);
		if (b->last)
			finish_file(b->file);
		verify_reader_give(v, b);
		if (error)
			return error;
	}
}

static struct error *compare_files(struct verify *v, size_t from, size_t until)
{
	TRY(verify_reader_start(v, from, until));
	struct error *error = take_batches(v);
	verify_reader_stop(v);
	return error;
}

/* The number of the first page that no area of the file has. */
static uint64_t pages_end(const struct verify *v, const struct verify_file *file)
{
	uint64_t end = 0;

	for (size_t i = 0; i < file->area_count; i++) {
		const struct verify_area *area = &v->areas.items[v->by_file[file->first_area + i]];
		uint64_t one = (area->offset + range_length(area->range)) / VERIFY_PAGE;

		if (one > end)
			end = one;
	}
	return end < VERIFY_NONE ? end : VERIFY_NONE;
}

/* The first page from `first` on that an area of the file has: most of a sparse one is nobody's. */
static uint64_t next_page(const struct verify *v, const struct verify_file *file, uint64_t first)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < file->area_count; i++) {
		const struct verify_area *area = &v->areas.items[v->by_file[file->first_area + i]];
		uint64_t start = area->offset / VERIFY_PAGE;
		uint64_t until = start + range_length(area->range) / VERIFY_PAGE;

		if (start < first)
			start = first;
		if (start < until && start < next)
			next = start;
	}
	return next;
}

/* A file with more pages than are to be remembered at once. */
static struct error *compare_pieces(struct verify *v, struct verify_file *file)
{
	uint64_t piece = v->pages_max / 4 + 1, end = pages_end(v, file);

	file->large = false;
	for (uint64_t first = next_page(v, file, 0); first < end;
	     first = next_page(v, file, first + piece)) {
		file->unended = next_page(v, file, first + piece) < end;
		TRY(verify_collect_piece(v, file, first, file->unended ? piece : end - first));
		TRY(compare_files(v, file->number, file->number + 1));
	}
	return NULL;
}

static int compare_areas(const void *left, const void *right, void *argument)
{
	const struct verify *v = argument;
	const struct verify_area *a = &v->areas.items[*(const uint32_t *)left];
	const struct verify_area *b = &v->areas.items[*(const uint32_t *)right];

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	if (a->space != b->space)
		return a->space < b->space ? -1 : 1;
	return (a->range.start > b->range.start) - (a->range.start < b->range.start);
}

static struct error *sort_areas(struct verify *v)
{
	v->by_file = calloc(v->areas.count + 1, sizeof(*v->by_file));
	if (!v->by_file)
		return error_nomem();
	for (size_t i = 0; i < v->areas.count; i++)
		v->by_file[i] = (uint32_t)i;
	qsort_r(v->by_file, v->areas.count, sizeof(*v->by_file), compare_areas, v);
	for (size_t i = 0; i < v->areas.count; i++) {
		const struct verify_area *area = &v->areas.items[v->by_file[i]];
		struct verify_file *file = v->files.items[area->file];

		if (file->area_count++ == 0)
			file->first_area = i;
		if (range_length(area->range) > file->longest)
			file->longest = range_length(area->range);
	}
	return NULL;
}

/* Of a file that is in part compared it is said when that was done. */
static struct error *say_cannot(struct verify *v, bool compared)
{
	for (size_t i = 0; i < v->files.count; i++) {
		struct verify_file *file = v->files.items[i];

		if ((!file->why && !(compared && file->cached_why)) || file->said)
			continue;
		file->said = true;
		TRY(cannot_file(v, file));
	}
	return NULL;
}

struct error *verify_compare(struct verify *v)
{
	TRY(sort_areas(v));
	for (size_t i = 0; i < v->files.count; i++) {
		struct verify_file *file = v->files.items[i];

		v->counts.files += file->area_count > 0;
		if (file->area_count > 0)
			verify_sync_file(v, file);
		v->all += (file->shared.count + file->others.count + file->held) * VERIFY_PAGE;
	}
	TRY(say_cannot(v, false));
	TRY(compare_files(v, 0, v->files.count));
	for (size_t i = 0; i < v->files.count; i++) {
		if (v->files.items[i]->large && !v->files.items[i]->why)
			TRY(compare_pieces(v, v->files.items[i]));
	}
	return say_cannot(v, true);
}
