// SPDX-License-Identifier: GPL-2.0-or-later
/* Regions and symbols of findings, for which the process is opened once more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/layout.h"
#include "analysis/locate.h"
#include "analysis/verify_internal.h"

static int compare_findings(const void *left, const void *right)
{
	const struct verify_finding *a = left, *b = right;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	if (a->vaddr != b->vaddr)
		return a->vaddr < b->vaddr ? -1 : 1;
	return (a->kind > b->kind) - (a->kind < b->kind);
}

/* Whether a symbol says something of it: of bytes, and not of whole areas. */
static bool has_symbol(const struct verify_finding *finding)
{
	return finding->shown > 0 || finding->kind == VERIFY_COPIED ||
	       finding->kind == VERIFY_RELOCATED || finding->kind == VERIFY_PROTECTED ||
	       finding->kind == VERIFY_MOVED;
}

static struct error *put_symbol(struct verify_finding *finding, const struct location *location)
{
	int result = 0;

	if (location->symbol && location->symbol_offset)
		result = asprintf(&finding->symbol, "%s+0x%llx", location->symbol,
				  (unsigned long long)location->symbol_offset);
	else if (location->symbol)
		result = asprintf(&finding->symbol, "%s", location->symbol);
	if (result < 0)
		finding->symbol = NULL;
	return result < 0 ? error_nomem() : NULL;
}

/* Whether what is there now is what the finding is about: it may have been unmapped since. */
static bool is_same_area(const struct verify *v, const struct verify_finding *finding,
			 const struct region *region)
{
	const struct vma *vma = region->vma;

	if (finding->file == VERIFY_NONE)
		return strcmp(vma->name, finding->object ? finding->object : "") == 0;
	const struct verify_file *file = v->files.items[finding->file];

	/* Text that the program moved is in memory without a file. */
	if (!vma->inode && region->elf)
		return region->elf == file->file->object;
	return vma->inode == file->inode && vma->dev_major == file->dev_major &&
	       vma->dev_minor == file->dev_minor &&
	       (!finding->has_offset ||
		finding->vaddr - vma->range.start + vma->offset == finding->offset);
}

/* Of an area only what it is; the first section of it would say nothing. */
static struct error *name_one(const struct verify *v, struct layout *layout,
			      struct verify_finding *finding)
{
	const struct region *region = layout_find(layout, finding->vaddr);
	struct location location;

	if (!region || !is_same_area(v, finding, region))
		return NULL;
	if (has_symbol(finding))
		TRY(locate_address(layout, finding->vaddr, &location));
	finding->region = strdup(has_symbol(finding) ? location.region_name : region->name);
	if (!finding->region)
		return error_nomem();
	return has_symbol(finding) ? put_symbol(finding, &location) : NULL;
}

/* One that has ended has no names any more; what was found stays found. */
static struct error *forgive(struct error *error)
{
	if (error_is(error, ERROR_NOMEM))
		return error;
	error_free(error);
	return NULL;
}

static struct error *name_process(struct verify *v, struct verify_finding *findings, size_t count)
{
	struct layout layout;

	TRY(forgive(verify_open(v, findings->space)));
	if (!v->open || v->open_space != findings->space)
		return NULL;
	struct error *error = layout_init(&layout, v->open);
	if (error)
		return forgive(error);
	for (size_t i = 0; !error && i < count; i++)
		error = forgive(name_one(v, &layout, &findings[i]));
	layout_deinit(&layout);
	return error;
}

struct error *verify_name_findings(struct verify *v)
{
	struct verify_finding *findings = v->findings.items;
	size_t count = v->findings.count;

	if (count)
		qsort(findings, count, sizeof(*findings), compare_findings);
	for (size_t i = 0, n; i < count; i += n) {
		for (n = 1; i + n < count && findings[i + n].space == findings[i].space;)
			n++;
		TRY(name_process(v, findings + i, n));
	}
	for (size_t i = 0; i < count; i++)
		findings[i].command = v->spaces.items[findings[i].space].command;
	return NULL;
}
