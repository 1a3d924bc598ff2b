// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/kinds.h"

#include <stdlib.h>

#include "analysis/pool.h"
#include "base/scope.h"
#include "proc/kpage.h"

/* 1 MiB of kpageflags: frames of 512 MiB, which no folio but one of hugetlb reaches over. */
enum { CHUNK = 1 << 17, THREADS_MAX = 64 };

static const struct {
	const char *name;
	const char *help;
} kinds[KIND_COUNT] = {
	[KIND_HWPOISON] = {"hwpoison", "broken, and put out of use"},
	[KIND_OFFLINE] = {"offline", "taken out of use, or given back to a hypervisor"},
	[KIND_HOLE] = {"hole", "no frame of RAM at all"},
	[KIND_FREE] = {"free", "in the page allocator"},
	[KIND_ZERO] = {"zero", "the zero page, or the huge one"},
	[KIND_HUGETLB] = {"hugetlb", "from a pool of huge pages, in use"},
	[KIND_HUGETLB_FREE] = {"hugetlb-free", "in a pool of huge pages, mapped by nobody"},
	[KIND_KSM] = {"ksm", "anonymous, merged for having equal content"},
	[KIND_ANON_HUGE] = {"anon-huge", "anonymous memory of processes, in large folios"},
	[KIND_ANON] = {"anon", "anonymous memory of processes"},
	[KIND_SHMEM] = {"shmem", "shared memory and tmpfs"},
	[KIND_FILE] = {"file", "page cache of files"},
	[KIND_SLAB] = {"slab", "the kernel's objects"},
	[KIND_PAGE_TABLE] = {"page-table", "page tables"},
	[KIND_RESERVED] = {"reserved",
			   "set aside at boot: the kernel itself, firmware, frame table"},
	[KIND_MAPPED] = {"mapped", "mapped by processes, of a driver or the kernel"},
	[KIND_KERNEL] = {"kernel", "in use by the kernel, with flags of its user's own"},
	[KIND_UNFLAGGED] = {"unflagged",
			    "no flag: in use by the kernel, or free in a processor's own list"},
};

const char *frame_kind_name(enum frame_kind kind)
{
	return kinds[kind].name;
}

const char *frame_kind_help(enum frame_kind kind)
{
	return kinds[kind].help;
}

/* The first that fits is it: all of `set` and none of `clear`. */
static const struct {
	uint64_t set;
	uint64_t clear;
	enum frame_kind kind;
} rules[] = {
	{KPF_BIT_HWPOISON, 0, KIND_HWPOISON},
	{KPF_BIT_NOPAGE, 0, KIND_HOLE},
	{KPF_BIT_OFFLINE, 0, KIND_OFFLINE},
	{KPF_BIT_BUDDY, 0, KIND_FREE},
	{KPF_BIT_ZERO_PAGE, 0, KIND_ZERO},
	/*
	 * Before anonymous memory: Linux 6.18 takes that and KSM from bits of folio->mapping, also
	 * of a slab's frames, which have other things there (fs/proc/page.c, stable_page_flags()).
	 */
	{KPF_BIT_SLAB, 0, KIND_SLAB},
	{KPF_BIT_PGTABLE, 0, KIND_PAGE_TABLE},
	{KPF_BIT_HUGE | KPF_BIT_MMAP, 0, KIND_HUGETLB},
	{KPF_BIT_HUGE, 0, KIND_HUGETLB_FREE},
	{KPF_BIT_KSM, 0, KIND_KSM},
	{KPF_BIT_ANON | KPF_BIT_THP, 0, KIND_ANON_HUGE},
	{KPF_BIT_ANON, 0, KIND_ANON},
	{KPF_BIT_RESERVED, 0, KIND_RESERVED},
	{KPF_BIT_SWAPBACKED | KPF_BIT_LRU, 0, KIND_SHMEM},
	{KPF_BIT_SWAPBACKED | KPF_BIT_MMAP, 0, KIND_SHMEM},
	{KPF_BIT_LRU, 0, KIND_FILE},
	{KPF_BIT_MMAP, 0, KIND_MAPPED},
};

/* Flags that say nothing of use: a compound page of the kernel has its own kind. */
#define NO_MEANING (UINT64_C(1) << 25) /* idle */

enum frame_kind frame_kind_of(uint64_t flags, enum frame_kind head)
{
	/* A poisoned part of a folio is still that. */
	if (flags & KPF_BIT_TAIL && head < KIND_COUNT && !(flags & KPF_BIT_HWPOISON))
		return head;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if ((flags & rules[i].set) == rules[i].set && !(flags & rules[i].clear))
			return rules[i].kind;
	}
	return flags & ~NO_MEANING ? KIND_KERNEL : KIND_UNFLAGGED;
}

struct range kinds_whole_pages(struct range bytes, unsigned page_shift)
{
	uint64_t page = UINT64_C(1) << page_shift;

	return (struct range){align_up(bytes.start, page) >> page_shift, bytes.end >> page_shift};
}

struct counting {
	struct target *target;
	VEC(struct range) chunks; /* frames, at most CHUNK each */
	struct kind_counts counts[THREADS_MAX];
	uint64_t *words[THREADS_MAX];
};

/* Chunks end where CHUNK divides the frame number, so that folios are not cut. */
static struct error *add_chunks(struct counting *counting, const range_vec *ranges)
{
	for (size_t i = 0; i < ranges->count; i++) {
		struct range r = kinds_whole_pages(ranges->items[i], counting->target->page_shift);

		while (!range_is_empty(r)) {
			uint64_t end = align_down(r.start, CHUNK) + CHUNK;
			struct range chunk = {r.start, end < r.end ? end : r.end};

			TRY(vec_push(&counting->chunks, chunk));
			r.start = chunk.end;
		}
	}
	return NULL;
}

static void count_words(struct kind_counts *counts, const uint64_t *words, size_t count)
{
	enum frame_kind head = KIND_COUNT;

	for (size_t i = 0; i < count; i++) {
		enum frame_kind kind = frame_kind_of(words[i], head);

		if (!(words[i] & KPF_BIT_TAIL))
			head = words[i] & KPF_BIT_HEAD ? kind : KIND_COUNT;
		counts->frames[kind]++;
		counts->mapped[kind] += !!(words[i] & KPF_BIT_MMAP);
	}
}

static struct error *count_chunk(void *argument, unsigned thread, size_t job)
{
	struct counting *counting = argument;
	struct range chunk = counting->chunks.items[job];
	uint64_t **words = &counting->words[thread];

	if (!*words)
		*words = malloc(CHUNK * sizeof(**words));
	if (!*words)
		return error_nomem();
	TRY(target_flags(counting->target, chunk.start, *words, (size_t)range_length(chunk)));
	count_words(&counting->counts[thread], *words, (size_t)range_length(chunk));
	return NULL;
}

struct error *kinds_count(struct target *target, const range_vec *ranges,
			  struct kind_counts *counts)
{
	_cleanup_free_ struct counting *counting = calloc(1, sizeof(*counting));

	*counts = (struct kind_counts){0};
	if (!counting)
		return error_nomem();
	counting->target = target;
	struct error *error = add_chunks(counting, ranges);
	if (!error)
		error = pool_run(pool_threads(), counting->chunks.count, count_chunk, counting);
	for (int t = 0; t < THREADS_MAX; t++) {
		for (int kind = 0; kind < KIND_COUNT; kind++) {
			counts->frames[kind] += counting->counts[t].frames[kind];
			counts->mapped[kind] += counting->counts[t].mapped[kind];
		}
		free(counting->words[t]);
	}
	vec_deinit(&counting->chunks);
	return error;
}
