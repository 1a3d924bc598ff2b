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

/* Names, as long as there is room for them; the others are counted. */
struct names {
	char *text;
	size_t length;
	size_t left_out;
};

enum { NAMES_ROOM = 16 << 10 };

static void add_name(struct names *names, const char *name)
{
	size_t room = NAMES_ROOM - names->length;
	int length = snprintf(names->text + names->length, room, "%s%s", names->length ? ", " : "",
			      name);

	if (!names->left_out && length >= 0 && (size_t)length < room)
		names->length += (size_t)length;
	else
		names->left_out++;
	names->text[names->length] = '\0';
}

static struct error *end_names(struct names *names, char **result)
{
	if (asprintf(result, "%s%s%.0zu%s", names->text, names->left_out ? " and " : "",
		     names->left_out, names->left_out ? " more" : "") < 0) {
		*result = NULL;
		return error_nomem();
	}
	return NULL;
}

/* Who overwrites much of a page has changed more than the function that it begins in. */
static struct error *put_also(struct verify_finding *finding, struct object *elf, uint64_t bias)
{
	uint64_t at = finding->vaddr - bias, end = at + finding->length;
	const struct object_symbol *symbol;
	struct names names = {.text = calloc(1, NAMES_ROOM)};
	struct error *error = names.text ? NULL : error_nomem();

	while (!error && !(error = object_symbol_after(elf, at, end, &symbol)) && symbol) {
		add_name(&names, symbol->name);
		at = symbol->value;
	}
	if (!error && (names.length || names.left_out))
		error = end_names(&names, &finding->also);
	free(names.text);
	return error;
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
	if (has_symbol(finding))
		TRY(put_symbol(finding, &location));
	return finding->shown && region->elf ? put_also(finding, region->elf, region->bias) : NULL;
}

/* One that has ended has no names any more; what was found stays found. */
static struct error *name_process(struct verify *v, struct verify_finding *findings, size_t count)
{
	struct layout layout;

	TRY(error_forgive(verify_open(v, findings->space)));
	if (!v->open || v->open_space != findings->space)
		return NULL;
	struct error *error = layout_init(&layout, v->open);
	if (error)
		return error_forgive(error);
	for (size_t i = 0; !error && i < count; i++)
		error = error_forgive(name_one(v, &layout, &findings[i]));
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
