// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads the files ahead of who compares them, in threads of their own: while one stretch is held
 * against memory the disk is busy with the next ones. Batches come in the order of files and
 * offsets. Those from the beginning of a file, where its headers and relocations are, stay until
 * the whole file was compared, so that nothing has to be read twice.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/verify_internal.h"
#include "base/scope.h"

enum {
	GAP_MAX = 16, /* pages that nobody needs, read for the sake of one long read */
	THREADS = 3,  /* a disk answers several questions in the time of one */
	AHEAD = 8,    /* batches */
	KEPT = 24,    /* the same: 6 MiB of a file's beginning */
};

struct verify_reader {
	struct verify *verify;
	pthread_t threads[THREADS];
	unsigned running;

	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t changed;
	/* What is read next. */
	size_t file, until; /* in verify->files */
	size_t page;        /* of that file; 0: it was not begun */
	uint64_t number;
	bool exhausted;

	struct verify_batch *idle, *ready; /* ready ones by number */
	size_t allocated;
	size_t ahead; /* claimed, and not taken yet */
	bool stopped;
	struct error *error;

	/* Of who takes them: the batch in hand, and the beginning of its file. */
	uint64_t next; /* number */
	const struct verify_batch *taken;
	struct verify_batch *kept[KEPT];
	size_t kept_count;
};

/* --- the pages of one file ---------------------------------------------------------------------
 */

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

/* Moves a file's pages to one sorted list: by index, of one index the shared one first. */
static struct error *sort_pages(struct verify_file *file)
{
	TRY(vec_reserve(&file->pages, file->shared.count + file->others.count));
	for (size_t i = 0; i < file->shared.capacity; i++) {
		if (file->shared.items[i].area != VERIFY_NONE)
			file->pages.items[file->pages.count++] = file->shared.items[i];
	}
	for (size_t i = 0; i < file->others.count; i++)
		file->pages.items[file->pages.count++] = file->others.items[i];
	free(file->shared.items);
	file->shared = (struct page_set){0};
	vec_deinit(&file->others);
	if (file->pages.count)
		qsort(file->pages.items, file->pages.count, sizeof(*file->pages.items),
		      compare_pages);
	return NULL;
}

/* How many pages go together, from `i` on; one index may have many. */
static size_t count_together(const struct verify_file *file, size_t i)
{
	const struct file_page *pages = file->pages.items;
	size_t end = i + 1;

	while (end < file->pages.count && pages[end].index - pages[i].index < VERIFY_BATCH &&
	       pages[end].index - pages[end - 1].index <= GAP_MAX)
		end++;
	return end - i;
}

/* --- reading -----------------------------------------------------------------------------------
 */

static void read_batch(struct verify_batch *b)
{
	size_t length = b->span * VERIFY_PAGE;

	b->errnum = direct_read(&b->file->direct, b->first * (uint64_t)VERIFY_PAGE, b->data, length,
				&b->length);
	if (b->errnum)
		b->length = 0;
	/* Behind its end the last page of a file is zeroes (mm/filemap.c). */
	memset(b->data + b->length, 0, length - b->length);
}

/* One that was shut since very many were open is opened for its pages. */
static struct error *open_again(struct verify *v, struct verify_file *file)
{
	if (!file->shut || file->pages.count == 0)
		return NULL;
	file->shut = false;
	TRY(verify_reopen(v, file));
	verify_sync_file(v, file);
	return NULL;
}

/* The file to read next, its pages sorted; NULL: that was all. */
static struct error *next_file(struct verify_reader *r, struct verify_file **result)
{
	struct verify *v = r->verify;

	*result = NULL;
	for (; r->file < r->until; r->file++, r->page = 0) {
		struct verify_file *file = v->files.items[r->file];

		if (file->why || file->large)
			continue;
		if (r->page == 0) {
			note_wanted(v, file);
			TRY(sort_pages(file));
			TRY(open_again(v, file));
			if (file->why)
				continue;
		}
		if (r->page < file->pages.count) {
			*result = file;
			return NULL;
		}
		/* One with pages is closed when they were compared. */
		if (r->page == 0 && !file->unended)
			direct_close(&file->direct);
	}
	return NULL;
}

/* With the lock held: what to read into `b`; *more is false when there is nothing any more. */
static struct error *claim(struct verify_reader *r, struct verify_batch *b, bool *more)
{
	struct verify_file *file;

	*more = false;
	TRY(next_file(r, &file));
	if (!file)
		return NULL;
	*more = true;
	b->file = file;
	b->number = r->number++;
	b->pages = file->pages.items + r->page;
	b->count = count_together(file, r->page);
	b->first = b->pages->index;
	b->span = b->pages[b->count - 1].index - b->first + 1;
	r->page += b->count;
	b->last = r->page == file->pages.count;
	memset(b->dirty, 0, sizeof(b->dirty));
	memset(b->failed, 0, sizeof(b->failed));
	return NULL;
}

/* --- batches -----------------------------------------------------------------------------------
 */

static void destroy_batch(struct verify_batch *b)
{
	if (b)
		free(b->data);
	free(b);
}

static struct error *create_batch(struct verify_batch **batch)
{
	struct verify_batch *b = calloc(1, sizeof(*b));

	*batch = NULL;
	if (b)
		b->data = direct_buffer(VERIFY_BATCH * VERIFY_PAGE);
	if (!b || !b->data) {
		destroy_batch(b);
		return error_nomem();
	}
	*batch = b;
	return NULL;
}

/* With the lock held: one to fill, or NULL when all are in use. */
static struct error *get_idle(struct verify_reader *r, struct verify_batch **batch)
{
	*batch = r->idle;
	if (*batch) {
		r->idle = (*batch)->next;
		(*batch)->next = NULL;
		return NULL;
	}
	/* One more than are kept and read ahead is in the hands of who compares. */
	if (r->allocated >= KEPT + AHEAD + 1)
		return NULL;
	TRY(create_batch(batch));
	r->allocated++;
	return NULL;
}

static void put_ready(struct verify_reader *r, struct verify_batch *b)
{
	struct verify_batch **at = &r->ready;

	while (*at && (*at)->number < b->number)
		at = &(*at)->next;
	b->next = *at;
	*at = b;
}

static void put_idle(struct verify_reader *r, struct verify_batch *b)
{
	b->next = r->idle;
	r->idle = b;
}

/* --- the threads -------------------------------------------------------------------------------
 */

/* With the lock held: a batch that may be filled now, or NULL. */
static struct verify_batch *try_claim(struct verify_reader *r)
{
	struct verify_batch *b = NULL;
	bool more = false;

	if (r->ahead >= AHEAD)
		return NULL;
	r->error = get_idle(r, &b);
	if (!b)
		return NULL;
	r->error = claim(r, b, &more);
	if (more) {
		r->ahead++;
		return b;
	}
	r->exhausted = !r->error;
	put_idle(r, b);
	return NULL;
}

/* Waits until there is something to read; NULL when there is none any more. */
static struct verify_batch *wait_for_claim(struct verify_reader *r)
{
	struct verify_batch *b = NULL;

	while (!r->stopped && !r->error && !r->exhausted && !(b = try_claim(r))) {
		if (!r->error && !r->exhausted)
			pthread_cond_wait(&r->changed, &r->lock);
	}
	return b;
}

static void *read_ahead(void *argument)
{
	struct verify_reader *r = argument;
	struct verify_batch *b;

	pthread_mutex_lock(&r->lock);
	while ((b = wait_for_claim(r))) {
		pthread_mutex_unlock(&r->lock);
		read_batch(b);
		pthread_mutex_lock(&r->lock);
		put_ready(r, b);
		pthread_cond_broadcast(&r->changed);
	}
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* Signals are for the thread that the program began with. */
static void start_threads(struct verify_reader *r)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (r->running < THREADS &&
	       pthread_create(&r->threads[r->running], NULL, read_ahead, r) == 0)
		r->running++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct error *verify_reader_start(struct verify *v, size_t from, size_t until)
{
	struct verify_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return error_nomem();
	r->verify = v;
	r->file = from;
	r->until = until;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	v->reader = r;
	start_threads(r);
	return NULL;
}

static void destroy_list(struct verify_batch *b)
{
	while (b) {
		struct verify_batch *next = b->next;

		destroy_batch(b);
		b = next;
	}
}

void verify_reader_stop(struct verify *v)
{
	struct verify_reader *r = v->reader;

	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->stopped = true;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	for (unsigned i = 0; i < r->running; i++)
		pthread_join(r->threads[i], NULL);
	for (size_t i = 0; i < r->kept_count; i++)
		destroy_batch(r->kept[i]);
	destroy_list(r->idle);
	destroy_list(r->ready);
	error_free(r->error);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->changed);
	free(r);
	v->reader = NULL;
}

/* --- who compares ------------------------------------------------------------------------------
 */

/* With the lock held: the next one is there, or there is none. */
static bool is_there(const struct verify_reader *r)
{
	if (r->ready && r->ready->number == r->next)
		return true;
	return r->ahead == 0 && (r->error || r->exhausted);
}

struct error *verify_reader_take(struct verify *v, struct verify_batch **batch)
{
	struct verify_reader *r = v->reader;
	struct error *error = NULL;

	pthread_mutex_lock(&r->lock);
	/* Where no thread could be had, the reading is done when it is asked for. */
	if (r->running == 0 && (*batch = wait_for_claim(r))) {
		read_batch(*batch);
		put_ready(r, *batch);
	}
	while (!is_there(r))
		pthread_cond_wait(&r->changed, &r->lock);
	*batch = r->ready;
	if (*batch) {
		r->ready = (*batch)->next;
		r->next++;
		r->ahead--;
	} else {
		error = scope_take(r->error, NULL);
	}
	r->taken = *batch;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	return error;
}

static void release_kept(struct verify_reader *r)
{
	for (size_t i = 0; i < r->kept_count; i++)
		put_idle(r, r->kept[i]);
	r->kept_count = 0;
}

void verify_reader_give(struct verify *v, struct verify_batch *batch)
{
	struct verify_reader *r = v->reader;

	r->taken = NULL;
	pthread_mutex_lock(&r->lock);
	if (!batch->last && !batch->errnum && r->kept_count < KEPT)
		r->kept[r->kept_count++] = batch;
	else
		put_idle(r, batch);
	if (batch->last)
		release_kept(r);
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

/* What a batch has of the file from `offset` on, at most `length` bytes. */
static size_t copy_from(const struct verify_batch *b, uint64_t offset, void *buffer, size_t length)
{
	uint64_t start = b ? b->first * (uint64_t)VERIFY_PAGE : 0;

	if (!b || b->errnum || offset < start || offset - start >= b->length)
		return 0;
	if (b->length - (offset - start) < length)
		length = (size_t)(b->length - (offset - start));
	memcpy(buffer, b->data + (offset - start), length);
	return length;
}

int verify_reader_bytes(struct verify *v, struct verify_file *file, uint64_t offset, void *buffer,
			size_t length, size_t *got)
{
	const struct verify_reader *r = v->reader;

	for (*got = 0; *got < length;) {
		uint64_t at = offset + *got;
		char *to = (char *)buffer + *got;
		size_t left = length - *got, some = copy_from(r->taken, at, to, left);

		for (size_t i = 0; i < r->kept_count && !some; i++)
			some = copy_from(r->kept[i], at, to, left);
		if (!some) {
			int errnum = direct_read_bytes(&file->direct, at, to, left, &some);

			*got += some;
			return errnum;
		}
		*got += some;
	}
	return 0;
}
