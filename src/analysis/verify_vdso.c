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

/* By kind of vdso (its length), page, frame. */
static int compare_pages(const void *left, const void *right)
{
	const struct vdso_page *a = left, *b = right;

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
	return a->pages == b->pages && a->index == b->index;
}

/* The page that most have; of two frames that are in as many processes, this program's. */
static const struct vdso_page *find_reference(const struct verify *v, const struct vdso_page *pages,
					      size_t count)
{
	const struct vdso_page *best = NULL;
	size_t most = 0;

	for (size_t i = 0, n; i < count; i += n) {
		bool ours = false;

		for (n = 0; i + n < count && pages[i + n].pfn == pages[i].pfn; n++)
			ours |= pages[i + n].space == v->self;
		if (n > most || (n == most && ours)) {
			most = n;
			best = &pages[i];
		}
	}
	/* Where frames are hidden, ours is the one that nobody wrote to but us. */
	for (size_t i = 0; i < count && !best->pfn; i++) {
		if (pages[i].space == v->self)
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

/* What cannot be read any more is of a process that ended. */
static struct error *compare_with(struct verify *v, const struct vdso_page *reference,
				  const struct vdso_page *page)
{
	struct error *error =
		verify_read(v, reference->space, reference->vaddr, reference->pfn, 1, v->disk_page);

	if (!error)
		error = verify_read(v, page->space, page->vaddr, page->pfn, 1, v->ram_page);
	if (error_is(error, ERROR_NOMEM))
		return error;
	if (!error && (page->pfn || memcmp(v->disk_page, v->ram_page, VERIFY_PAGE) != 0))
		return put_difference(v, page);
	error_free(error);
	return NULL;
}

static struct error *compare_group(struct verify *v, const struct vdso_page *pages, size_t count)
{
	const struct vdso_page *reference = find_reference(v, pages, count);

	for (size_t i = 0; i < count; i++) {
		if (&pages[i] == reference || pages[i].space == v->self)
			continue;
		if (!pages[i].pfn || pages[i].pfn != reference->pfn)
			TRY(compare_with(v, reference, &pages[i]));
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
