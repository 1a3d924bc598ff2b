// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The vdso: code that the kernel maps into every process, the same frames into all of them
 * (arch/x86/entry/vdso/vma.c, vdso_fault()). A process with another frame there has been written
 * to.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis/differ.h"
#include "analysis/verify_internal.h"

/* 64-bit and 32-bit ones are told apart by where they are, and by their length. */
static int compare_pages(const void *left, const void *right)
{
	const struct vdso_page *a = left, *b = right;

	if (a->high != b->high)
		return a->high ? 1 : -1;
	if (a->pages != b->pages)
		return a->pages < b->pages ? -1 : 1;
	if (a->index != b->index)
		return a->index < b->index ? -1 : 1;
	if (a->pfn != b->pfn)
		return a->pfn < b->pfn ? -1 : 1;
	return (a->space > b->space) - (a->space < b->space);
}

static bool same_page(const struct vdso_page *a, const struct vdso_page *b)
{
	return a->high == b->high && a->pages == b->pages && a->index == b->index;
}

/*
 * What the others are held against: ours, which nobody wrote to but us; where we have none, as of
 * a 32-bit one, a frame of the kernel's. What was written is no reference, in however many
 * processes it is: a fork shares it.
 */
static const struct vdso_page *find_reference(const struct verify *v, const struct vdso_page *pages,
					      size_t count)
{
	const struct vdso_page *best = NULL;

	for (size_t i = 0; i < count; i++) {
		if (pages[i].space == v->self)
			return &pages[i];
		if (!best && !pages[i].written)
			best = &pages[i];
	}
	return best;
}

static struct error *put_difference(struct verify *v, const struct vdso_page *page)
{
	struct differ_run runs[DIFFER_RUNS_MAX];
	size_t count = differ_runs(v->disk_page, v->ram_page, NULL, VERIFY_PAGE, runs);
	struct verify_finding *f;

	for (size_t i = 0; i < count || i == 0; i++) {
		struct range range = {page->vaddr, page->vaddr + VERIFY_PAGE};

		if (count)
			range = (struct range){page->vaddr + runs[i].start,
					       page->vaddr + runs[i].end};
		TRY(verify_found(v, count ? VERIFY_FOREIGN_VDSO : VERIFY_COPIED, page->space,
				 VERIFY_NONE, "[vdso]", range, NULL, &f));
		if (!f || f->pages)
			continue;
		f->pages = 1;
		f->has_pfn = page->pfn != 0;
		f->pfn = page->pfn;
		if (!count)
			continue;
		f->shown = range_length(range) < VERIFY_BYTES_SHOWN ? (unsigned)range_length(range)
								    : VERIFY_BYTES_SHOWN;
		memcpy(f->before, v->disk_page + runs[i].start, f->shown);
		memcpy(f->after, v->ram_page + runs[i].start, f->shown);
	}
	return NULL;
}

static struct error *put_unverifiable(struct verify *v, const struct vdso_page *page,
				      const char *reason)
{
	struct verify_finding *f;
	char *why = strdup(reason);

	if (!why)
		return error_nomem();
	v->counts.unverifiable++;
	TRY(verify_found(v, VERIFY_UNVERIFIABLE, page->space, VERIFY_NONE, "[vdso]",
			 (struct range){page->vaddr, page->vaddr + VERIFY_PAGE}, why, &f));
	if (f && !f->pages)
		f->pages = 1;
	return NULL;
}

/* A process that ended took its memory along. */
static struct error *put_unread(struct verify *v, const struct vdso_page *page, struct error *error)
{
	struct error *result = NULL;

	if (error_is(error, ERROR_NOMEM))
		return error;
	if (error_is(error, ERROR_GONE) || error_is(error, ERROR_LOOKUP))
		v->counts.vanished++;
	else
		result = put_unverifiable(v, page, error_message(error));
	error_free(error);
	return result;
}

static struct error *compare_with(struct verify *v, const struct vdso_page *reference,
				  const struct vdso_page *page)
{
	struct error *error =
		verify_read(v, reference->space, reference->vaddr, reference->pfn, 1, v->disk_page);

	if (!error)
		error = verify_read(v, page->space, page->vaddr, page->pfn, 1, v->ram_page);
	if (error)
		return put_unread(v, page, error);
	if (page->pfn || page->written || memcmp(v->disk_page, v->ram_page, VERIFY_PAGE) != 0)
		return put_difference(v, page);
	return NULL;
}

/* Of kernel's frames that are not ours there may be several: of vdsos of one length. */
static bool is_kernels(const struct verify *v, const struct vdso_page *reference,
		       const struct vdso_page *page)
{
	if (!page->written && (!reference || reference->space != v->self))
		return true;
	return reference && page->pfn && page->pfn == reference->pfn;
}

static struct error *compare_group(struct verify *v, const struct vdso_page *pages, size_t count)
{
	const struct vdso_page *reference = find_reference(v, pages, count);

	for (size_t i = 0; i < count; i++) {
		if (pages[i].space == v->self || is_kernels(v, reference, &pages[i]))
			continue;
		if (reference)
			TRY(compare_with(v, reference, &pages[i]));
		else
			TRY(put_unverifiable(v, &pages[i],
					     "written to, and no other process has this page to "
					     "compare it with"));
	}
	return NULL;
}

struct error *verify_vdsos(struct verify *v)
{
	struct vdso_page *pages = v->vdso.items;

	if (v->vdso.count)
		qsort(pages, v->vdso.count, sizeof(*pages), compare_pages);
	for (size_t i = 0, n; i < v->vdso.count; i += n) {
		for (n = 1; i + n < v->vdso.count && same_page(&pages[i], &pages[i + n]);)
			n++;
		TRY(compare_group(v, pages + i, n));
	}
	return NULL;
}
