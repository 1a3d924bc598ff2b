// SPDX-License-Identifier: GPL-2.0-or-later
/* File by file: the needed stretches from the disk, the frames from memory, and are they equal? */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/verify_internal.h"
#include "base/scope.h"

enum { GAP_MAX = 16 }; /* pages that nobody needs, read for the sake of one long read */

/* The pages of one file, by index; the shared one of an index first. */
struct worklist {
	VEC(struct file_page) pages;
	size_t next;
};

static int compare_pages(const void *left, const void *right)
{
	const struct file_page *a = left, *b = right;

	if (a->index != b->index)
		return a->index < b->index ? -1 : 1;
	if (a->pfn != b->pfn)
		return a->pfn < b->pfn ? -1 : 1;
	return (a->area > b->area) - (a->area < b->area);
}

/* Which addresses, as linked, relocations are asked for: those of the private pages. */
static void note_wanted(const struct verify *v, struct verify_file *file)
{
	file->wanted = (struct range){UINT64_MAX, 0};
	for (size_t i = 0; i < file->others.count; i++) {
		const struct file_page *page = &file->others.items[i];
		const struct verify_area *area = &v->areas.items[page->area];
		uint64_t linked = verify_vaddr(area, page->index) - area->bias;

		if (!(page->pfn & VERIFY_PRIVATE) || !area->has_bias)
			continue;
		if (linked < file->wanted.start)
			file->wanted.start = linked;
		if (linked + VERIFY_PAGE > file->wanted.end)
			file->wanted.end = linked + VERIFY_PAGE;
	}
}

/* Moves a file's pages to one sorted list. */
static struct error *take_pages(struct verify_file *file, struct worklist *list)
{
	*list = (struct worklist){0};
	TRY(vec_reserve(&list->pages, file->shared.count + file->others.count));
	for (size_t i = 0; i < file->shared.capacity; i++) {
		if (file->shared.items[i].area != VERIFY_NONE)
			list->pages.items[list->pages.count++] = file->shared.items[i];
	}
	for (size_t i = 0; i < file->others.count; i++)
		list->pages.items[list->pages.count++] = file->others.items[i];
	free(file->shared.items);
	file->shared = (struct page_set){0};
	vec_deinit(&file->others);
	if (list->pages.count)
		qsort(list->pages.items, list->pages.count, sizeof(*list->pages.items),
		      compare_pages);
	return NULL;
}

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
	if (finding)
		finding->pages = 1;
	return NULL;
}

/* A file that cannot be compared: a row a process, with all that it has of the file. */
static struct error *cannot_file(struct verify *v, struct verify_file *file)
{
	struct verify_finding *finding = NULL;
	uint32_t space = VERIFY_NONE;

	for (size_t i = 0; i < file->area_count; i++) {
		const struct verify_area *area = &v->areas.items[v->by_file[file->first_area + i]];

		if (area->resident == 0)
			continue;
		v->counts.unverifiable += area->resident;
		if (area->space != space) {
			char *why = strdup(file->why);

			if (!why)
				return error_nomem();
			space = area->space;
			TRY(verify_found(v, VERIFY_UNVERIFIABLE, space, file->number, NULL,
					 area->range, why, &finding));
		}
		if (finding)
			finding->pages += area->resident;
	}
	return NULL;
}

/* --- one batch ---------------------------------------------------------------------------------
 */

struct batch {
	struct verify_file *file;
	const struct file_page *pages;
	size_t count;
	uint32_t first;           /* index */
	size_t span;              /* pages read from the disk */
	bool dirty[VERIFY_BATCH]; /* by index: not read, since the disk has not got it yet */
	int failed[VERIFY_BATCH]; /* by index: an errno */
};

/* How many pages go together; one index may have many. */
static void next_batch(struct worklist *list, struct verify_file *file, struct batch *b)
{
	const struct file_page *pages = list->pages.items;
	size_t end = list->next;

	*b = (struct batch){.file = file, .pages = pages + end, .first = pages[end].index};
	while (end < list->pages.count && pages[end].index - b->first < VERIFY_BATCH &&
	       (end == list->next || pages[end].index - pages[end - 1].index <= GAP_MAX))
		end++;
	b->count = end - list->next;
	b->span = pages[end - 1].index - b->first + 1;
	list->next = end;
}

/* The page-cache frame of an index in the batch; NULL: none that is mapped. */
static const struct file_page *shared_of(const struct batch *b, uint32_t index)
{
	for (size_t i = 0; i < b->count; i++) {
		if (b->pages[i].index == index && !(b->pages[i].pfn & VERIFY_PRIVATE))
			return &b->pages[i];
	}
	return NULL;
}

static bool is_needed(const struct batch *b, uint32_t index)
{
	for (size_t i = 0; i < b->count; i++) {
		if (b->pages[i].index == index)
			return true;
	}
	return false;
}

/*
 * Page by page, where something of the batch is dirty. What is not is read for certain, since the
 * disk may refuse to be asked without waiting for other reasons.
 */
static struct error *read_one(struct verify *v, struct batch *b, size_t i)
{
	uint8_t *buffer = v->disk + i * VERIFY_PAGE;
	uint64_t offset = (b->first + i) * (uint64_t)VERIFY_PAGE;
	const struct file_page *shared = shared_of(b, b->first + (uint32_t)i);
	size_t got = 0;
	bool known = false;
	int errnum = direct_read(&b->file->direct, offset, buffer, VERIFY_PAGE, &got);

	if (errnum == EAGAIN && shared)
		TRY(verify_is_dirty(v, shared->pfn, &b->dirty[i], &known));
	else if (errnum == EAGAIN)
		b->dirty[i] = direct_is_dirty(&b->file->direct, offset, VERIFY_PAGE);
	if (errnum == EAGAIN && !b->dirty[i])
		errnum = direct_read_wait(&b->file->direct, offset, buffer, VERIFY_PAGE, &got);
	b->failed[i] = errnum == EAGAIN ? 0 : errnum;
	return NULL;
}

static struct error *read_disk(struct verify *v, struct batch *b)
{
	uint64_t offset = b->first * (uint64_t)VERIFY_PAGE;
	size_t length = b->span * VERIFY_PAGE, got = 0;
	int errnum = direct_read(&b->file->direct, offset, v->disk, length, &got);

	if (errnum) {
		memset(v->disk, 0, length);
		for (size_t i = 0; i < b->span; i++) {
			if (is_needed(b, b->first + (uint32_t)i))
				TRY(read_one(v, b, i));
		}
		return NULL;
	}
	/* Behind its end the last page of a file is zeroes (mm/filemap.c). */
	memset(v->disk + got, 0, length - got);
	return NULL;
}

/* How many pages from `i` on lie one behind the other in the file and in memory. */
static size_t count_run(const struct verify *v, const struct batch *b, size_t i)
{
	size_t n = 1;

	while (i + n < b->count && v->source && b->pages[i].pfn &&
	       b->pages[i + n].pfn == b->pages[i].pfn + n &&
	       b->pages[i + n].index == b->pages[i].index + n && n < VERIFY_BATCH)
		n++;
	return n;
}

/* One page that does not go with its neighbours, or that could not be read with them. */
static struct error *judge(struct verify *v, struct batch *b, const struct file_page *page,
			   const uint8_t *ram)
{
	size_t at = page->index - b->first;
	const uint8_t *disk = v->disk + at * VERIFY_PAGE;
	bool private = page->pfn & VERIFY_PRIVATE;

	if (b->failed[at])
		return cannot(v, page, strerror(b->failed[at]));
	if (b->dirty[at])
		return private ? cannot(v, page, "the file has changes here that are not on disk")
			       : verify_dirty_page(v, b->file, page);
	v->counts.frames++;
	v->counts.bytes += VERIFY_PAGE;
	if (private)
		return verify_private_page(v, b->file, page, disk, ram);
	if (memcmp(disk, ram, VERIFY_PAGE) == 0)
		return NULL;
	return verify_shared_page(v, b->file, page);
}

/* A process that ended took its memory along; a frame that cannot be read is a row. */
static struct error *judge_fault(struct verify *v, const struct file_page *page,
				 struct error *error)
{
	struct error *result = NULL;

	if (error_is(error, ERROR_NOMEM))
		return error;
	if (error_is(error, ERROR_GONE) || error_is(error, ERROR_LOOKUP))
		v->counts.vanished++;
	else
		result = cannot(v, page, error_message(error));
	error_free(error);
	return result;
}

static struct error *compare_run(struct verify *v, struct batch *b, size_t i, size_t count)
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
		return judge_fault(v, pages, error);
	for (size_t j = 0; j < count; j++)
		TRY(judge(v, b, pages + j, v->ram + j * VERIFY_PAGE));
	return NULL;
}

static struct error *compare_batch(struct verify *v, struct batch *b)
{
	TRY(read_disk(v, b));
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

static struct error *compare_pages_of(struct verify *v, struct verify_file *file)
{
	struct worklist list;
	struct batch *b = malloc(sizeof(*b));

	note_wanted(v, file);
	struct error *error = b ? take_pages(file, &list) : error_nomem();

	if (b && !error) {
		while (!error && list.next < list.pages.count) {
			next_batch(&list, file, b);
			error = compare_batch(v, b);
		}
		vec_deinit(&list.pages);
	}
	free(b);
	relocations_deinit(&file->relocations);
	file->relocations = (struct relocations){0};
	direct_close(&file->direct);
	return error;
}

static int compare_areas(const void *left, const void *right, void *argument)
{
	const struct verify *v = argument;
	const struct verify_area *a = &v->areas.items[*(const uint32_t *)left];
	const struct verify_area *b = &v->areas.items[*(const uint32_t *)right];

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
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
		struct verify_file *file = v->files.items[v->areas.items[v->by_file[i]].file];

		if (file->area_count++ == 0)
			file->first_area = i;
	}
	return NULL;
}

struct error *verify_compare(struct verify *v)
{
	TRY(sort_areas(v));
	for (size_t i = 0; i < v->files.count; i++)
		v->all += (v->files.items[i]->shared.count + v->files.items[i]->others.count) *
			  VERIFY_PAGE;
	for (size_t i = 0; i < v->files.count; i++) {
		struct verify_file *file = v->files.items[i];

		v->counts.files += file->area_count > 0;
		TRY(file->why ? cannot_file(v, file) : compare_pages_of(v, file));
	}
	return NULL;
}
