// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/pagemap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/io.h"
#include "base/scope.h"

/* struct pm_scan_arg of include/uapi/linux/fs.h, which older headers do not have. */
struct scan_argument {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t category_inverted;
	uint64_t category_mask;
	uint64_t category_anyof_mask;
	uint64_t return_mask;
};

#define SCAN_IOCTL _IOWR('f', 16, struct scan_argument)

enum {
	WORDS_A_READ = 1 << 14, /* 128 KiB of pagemap: 64 MiB of address space */
	SMALL_RANGE = 1 << 9,   /* pages: at most this many are read without scanning first */
	RECORDS_A_SCAN = 1 << 10,
	DENSE_PAGES = 1 << 10, /* a scan that matches this many stops: the rest is better read */
	BRIDGE = 1 << 6, /* empty pages between two records that are cheaper read than skipped */
	FIND_FROM = 1 << 13,   /* pages: shorter ranges are read rather than searched */
	FIND_WINDOW = 1 << 28, /* pages that are searched at a time: bounds what is found */
};

int pagemap_scan(int fd, struct range range, uint64_t any, uint64_t report, uint64_t max_pages,
		 struct scan_record *records, size_t limit, size_t *count, uint64_t *walked)
{
	struct scan_argument argument = {
		.size = sizeof(argument),
		.start = range.start,
		.end = range.end,
		.vec = (uint64_t)(uintptr_t)records,
		.vec_len = limit,
		.max_pages = max_pages,
		.category_anyof_mask = any,
		.return_mask = report,
	};
	int result;

	do {
		result = ioctl(fd, SCAN_IOCTL, &argument);
	} while (result < 0 && errno == EINTR);
	if (result < 0)
		return errno;
	*count = (size_t)result;
	*walked = argument.walk_end;
	return 0;
}

bool pagemap_scan_works(int fd, uint64_t categories)
{
	struct scan_record record;
	size_t count;
	uint64_t walked;

	/* An empty range is checked like any other and walks nothing. */
	return pagemap_scan(fd, (struct range){0, 0}, categories, categories, 0, &record, 1, &count,
			    &walked) == 0;
}

int pagemap_read(int fd, uint64_t vpn, uint64_t *words, size_t count, size_t *got)
{
	size_t bytes;
	int errnum = pread_full(fd, words, count * sizeof(*words), vpn * sizeof(*words), &bytes);

	*got = bytes / sizeof(*words);
	return errnum;
}

bool pagemap_may_scan(int fd)
{
	const char *no_scan = getenv("PHYSLENS_NO_SCAN");

	return !(no_scan && strcmp(no_scan, "1") == 0) &&
	       pagemap_scan_works(fd, SCAN_PRESENT | SCAN_SWAPPED);
}

struct error *pagemap_walker_init(struct pagemap_walker *walker, int fd, unsigned page_shift)
{
	*walker = (struct pagemap_walker){.fd = fd, .page_shift = page_shift};
	walker->scan = pagemap_may_scan(fd);
	walker->words = malloc(WORDS_A_READ * sizeof(*walker->words));
	walker->records = malloc(RECORDS_A_SCAN * sizeof(*walker->records));
	if (walker->words && walker->records)
		return NULL;
	pagemap_walker_deinit(walker);
	return error_nomem();
}

void pagemap_walker_deinit(struct pagemap_walker *walker)
{
	free(walker->words);
	free(walker->records);
	walker->words = NULL;
	walker->records = NULL;
}

static struct error *walk_error(int errnum)
{
	return errnum == ESRCH ? error_new(ERROR_GONE, "its address space is gone")
			       : error_errno(errnum, "pagemap");
}

static size_t count_leading_empty(const uint64_t *words, size_t count)
{
	size_t i = 0;

	while (i < count && !(words[i] & PAGEMAP_POPULATED))
		i++;
	return i;
}

static size_t count_without_trailing_empty(const uint64_t *words, size_t count)
{
	while (count > 0 && !(words[count - 1] & PAGEMAP_POPULATED))
		count--;
	return count;
}

/*
 * Reads pages [*vpn, end), in bulk, and hands them on. With `stop_at_holes`, it ends after a read
 * that turns out to end in a long hole. *vpn is where it ended.
 */
static struct error *read_pages(struct pagemap_walker *walker, uint64_t *vpn, uint64_t end,
				bool stop_at_holes, pagemap_visit visit, void *argument)
{
	while (*vpn < end) {
		size_t wanted = end - *vpn < WORDS_A_READ ? (size_t)(end - *vpn) : WORDS_A_READ;
		size_t got;
		int errnum = pagemap_read(walker->fd, *vpn, walker->words, wanted, &got);

		if (errnum)
			return walk_error(errnum);
		/* Inside a VMA pagemap has no end: only the end of the address space ends it. */
		if (got == 0)
			return error_new(ERROR_GONE, "its address space is gone");
		size_t first = count_leading_empty(walker->words, got);
		size_t last = count_without_trailing_empty(walker->words, got);
		if (first < last)
			TRY(visit(argument, *vpn + first, walker->words + first, last - first));
		*vpn += got;
		if (stop_at_holes && got - last > SMALL_RANGE)
			return NULL;
	}
	return NULL;
}

/*
 * Finds the next populated pages from *vpn on and reads them. A scan costs little where pages are
 * few; where they are many it stops early and plain reading takes over until a hole comes.
 */
static struct error *scan_pages(struct pagemap_walker *walker, uint64_t *vpn, uint64_t end,
				pagemap_visit visit, void *argument)
{
	struct range range = {*vpn << walker->page_shift, end << walker->page_shift};
	size_t count;
	uint64_t walked;
	int errnum = pagemap_scan(walker->fd, range, SCAN_PRESENT | SCAN_SWAPPED,
				  SCAN_PRESENT | SCAN_SWAPPED, DENSE_PAGES, walker->records,
				  RECORDS_A_SCAN, &count, &walked);

	if (errnum)
		return walk_error(errnum);
	for (size_t i = 0; i < count;) {
		uint64_t from = walker->records[i].start >> walker->page_shift;
		uint64_t to = walker->records[i].end >> walker->page_shift;

		for (i++; i < count; i++) {
			uint64_t next = walker->records[i].start >> walker->page_shift;

			if (next - to > BRIDGE)
				break;
			to = walker->records[i].end >> walker->page_shift;
		}
		TRY(read_pages(walker, &from, to, false, visit, argument));
	}
	/*
	 * The kernel (seen on 6.18) leaves an old walk_end behind when it comes to the end of the
	 * range after its own buffer of 512 records was full before (fs/proc/task_mmu.c,
	 * do_pagemap_scan() sets it at the end only if it is 0): what was reported is not to be
	 * visited again.
	 */
	if (count > 0 && walked < walker->records[count - 1].end)
		walked = walker->records[count - 1].end;
	*vpn = walked >> walker->page_shift;
	if (*vpn < end && count < RECORDS_A_SCAN)
		return read_pages(walker, vpn, end, true, visit, argument);
	return NULL;
}

/* Reads pages [vpn, end) where `found`, sorted ranges of bytes, say that there can be some. */
static struct error *read_found(struct pagemap_walker *walker, const range_vec *found, uint64_t vpn,
				uint64_t end, pagemap_visit visit, void *argument)
{
	for (size_t i = 0; i < found->count;) {
		uint64_t from = found->items[i].start >> walker->page_shift;
		uint64_t to = found->items[i].end >> walker->page_shift;

		for (i++; i < found->count; i++) {
			uint64_t next = found->items[i].start >> walker->page_shift;

			if (next > to && next - to > BRIDGE)
				break;
			to = found->items[i].end >> walker->page_shift;
		}
		from = from > vpn ? from : vpn;
		to = to < end ? to : end;
		TRY(read_pages(walker, &from, to, false, visit, argument));
	}
	return NULL;
}

/* Where the search fails the words themselves are read, all of them: it only saves time. */
static struct error *find_pages(struct pagemap_walker *walker, uint64_t *vpn, uint64_t end,
				pagemap_visit visit, void *argument)
{
	range_vec found = {0};
	uint64_t stop = end - *vpn < FIND_WINDOW ? end : *vpn + FIND_WINDOW;
	struct range range = {*vpn << walker->page_shift, stop << walker->page_shift};
	struct error *error = walker->find(walker->find_argument, range, &found);

	if (error) {
		error_free(error);
		error = read_pages(walker, vpn, stop, false, visit, argument);
	} else {
		error = read_found(walker, &found, *vpn, stop, visit, argument);
	}
	vec_deinit(&found);
	*vpn = stop;
	return error;
}

struct error *pagemap_walk(struct pagemap_walker *walker, struct range range, pagemap_visit visit,
			   void *argument)
{
	uint64_t vpn = range.start >> walker->page_shift;
	uint64_t end = range.end >> walker->page_shift;

	while (!walker->scan && walker->find && vpn < end && end - vpn >= FIND_FROM)
		TRY(find_pages(walker, &vpn, end, visit, argument));
	if (!walker->scan || end - vpn <= SMALL_RANGE)
		return read_pages(walker, &vpn, end, false, visit, argument);
	while (vpn < end)
		TRY(scan_pages(walker, &vpn, end, visit, argument));
	return NULL;
}
