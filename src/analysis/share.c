// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/share.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"

const char *private_reason_name(enum private_reason reason)
{
	static const char *const names[PRIVATE_COUNT] = {
		[PRIVATE_WRITTEN] = "written",
		[PRIVATE_RELOCATED] = "relocated",
		[PRIVATE_PATCHED] = "patched",
		[PRIVATE_OWN] = "its own",
		[PRIVATE_UNMAPPED] = "untouched by the others",
		[PRIVATE_HUGETLB] = "private huge pages",
	};

	return names[reason];
}

/* Sections that hold addresses, which the dynamic loader fills in and then protects (RELRO). */
static bool is_relocated(const char *name)
{
	static const char *const sections[] = {".got",           ".got.plt",    ".data.rel.ro",
					       ".init_array",    ".fini_array", ".dynamic",
					       ".preinit_array", ".ctors",      ".dtors"};

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (strcmp(name, sections[i]) == 0)
			return true;
	}
	return false;
}

/* Whether the file's segment there is a writable one: if the area is not, it is so since (RELRO).
 */
static bool segment_is_writable(const struct region *region)
{
	size_t count = 0;
	const struct object_segment *segments =
		region->elf ? object_segments(region->elf, &count) : NULL;
	uint64_t linked = region->range.start - region->bias;

	for (size_t i = 0; i < count; i++) {
		uint64_t first = align_down(segments[i].vaddr, 4096);
		uint64_t size = segments[i].memsz + (segments[i].vaddr - first);

		if (linked >= first && linked - first < size)
			return segments[i].perms & OBJECT_WRITE;
	}
	return false;
}

/*
 * A page of a file, or of shared memory, would be shared if another had it in its tables, too; a
 * private copy is what is not of a file in an area that is.
 */
static enum private_reason reason_of(const struct region *region, unsigned flags)
{
	if (flags & STRETCH_HUGETLB)
		return PRIVATE_HUGETLB;
	if (flags & STRETCH_FILE)
		return PRIVATE_UNMAPPED;
	if (!region->file)
		return PRIVATE_OWN;
	if (is_relocated(region->name))
		return PRIVATE_RELOCATED;
	if (region->vma->perms & VMA_WRITE)
		return PRIVATE_WRITTEN;
	return segment_is_writable(region) ? PRIVATE_RELOCATED : PRIVATE_PATCHED;
}

/* --- groups --------------------------------------------------------------------------------- */

struct group_key {
	const char *name;
	const char *object; /* NULL for none */
	uint64_t inode;
	uint64_t device;
	size_t group;
};

static int compare_keys(const void *left, const void *right)
{
	const struct group_key *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	if (order)
		return order;
	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	return a->inode ? 0 : strcmp(a->object ? a->object : "", b->object ? b->object : "");
}

/* By the file of a region; the anonymous end of a .bss, which has none, goes by its module's. */
static struct group_key key_of(const struct layout *layout, const struct region *region)
{
	struct group_key key = {.name = region->name, .object = region->object};
	const struct file *file = region->file;

	for (size_t i = 0; !file && region->elf && i < layout->files.count; i++) {
		if (layout->files.items[i]->object == region->elf)
			file = layout->files.items[i];
	}
	if (file) {
		key.inode = file->inode;
		key.device = file->device;
	}
	return key;
}

static struct error *find_group(struct share *share, void **tree, const struct layout *layout,
				const struct region *region, size_t *group)
{
	struct group_key wanted = key_of(layout, region);
	struct group_key *const *found = tfind(&wanted, tree, compare_keys);

	if (found) {
		*group = (*found)->group;
		return NULL;
	}
	struct group_key *key = malloc(sizeof(*key));
	if (!key)
		return error_nomem();
	*key = wanted;
	key->group = *group = share->groups.count;
	if (!tsearch(key, tree, compare_keys)) {
		free(key);
		return error_nomem();
	}
	return vec_push(&share->groups,
			((struct share_group){.name = region->name, .object = region->object}));
}

static struct error *add_space(struct share *share, void **tree, size_t space,
			       const struct region_selection *selection)
{
	const struct layout *layout = &share->layouts[space];

	share->first_part[space] = share->parts.count;
	if (share->index->spaces.items[space].fate != INDEX_READ)
		return NULL;
	share->space_count++;
	for (size_t i = 0; i < layout->regions.count; i++) {
		const struct region *region = &layout->regions.items[i];
		struct share_part part = {.space = space, .region = region};
		struct region cut;

		if (!region_select(region, selection, &cut))
			continue;
		TRY(find_group(share, tree, layout, region, &part.group));
		TRY(vec_push(&share->parts, part));
	}
	return NULL;
}

/* --- pieces ---------------------------------------------------------------------------------- */

/* The part at a page, and how many pages from there on it is the same (or none). */
static struct share_part *find_part(const struct share *share, size_t space, uint64_t vpn,
				    uint64_t *pages)
{
	unsigned shift = share->index->target->page_shift;
	size_t low = share->first_part[space], end = share->first_part[space + 1], high = end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (share->parts.items[middle].region->range.end >> shift <= vpn)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == end) {
		*pages = UINT64_MAX;
		return NULL;
	}
	struct share_part *part = &share->parts.items[low];
	uint64_t start = part->region->range.start >> shift;
	*pages = (vpn < start ? start : part->region->range.end >> shift) - vpn;
	return vpn < start ? NULL : part;
}

struct walking {
	const struct share *share;
	share_visit visit;
	void *argument;
	uint64_t turn;    /* number of the piece in hand, from 1 */
	uint64_t *spaces; /* by space: the last piece that it was met in */
	VEC(struct share_part *) parts;
};

/* Regions end within areas: a piece ends where the first of its mappers' regions does. */
static struct error *find_parts(struct walking *w, const struct index_span *span, uint64_t pfn,
				uint64_t *pages, bool *any)
{
	*pages = span->pfn + span->pages - pfn;
	*any = false;
	w->parts.count = 0;
	for (size_t i = 0; i < span->count; i++) {
		const struct index_mapper *mapper = &span->mappers[i];
		uint64_t same;
		struct share_part *part =
			find_part(w->share, mapper->space, mapper->vpn + (pfn - span->pfn), &same);

		TRY(vec_push(&w->parts, part));
		*any |= part != NULL;
		*pages = same < *pages ? same : *pages;
	}
	return NULL;
}

static size_t count_spaces(struct walking *w, const struct index_span *span)
{
	size_t spaces = 0;

	w->turn++;
	for (size_t i = 0; i < span->count; i++) {
		size_t space = span->mappers[i].space;

		spaces += w->spaces[space] != w->turn;
		w->spaces[space] = w->turn;
	}
	return spaces;
}

static struct error *cut_span(void *argument, const struct index_span *span)
{
	struct walking *w = argument;
	struct share_piece piece = {.mappers = span->mappers, .count = span->count};

	piece.spaces = count_spaces(w, span);
	for (uint64_t pfn = span->pfn; pfn < span->pfn + span->pages; pfn += piece.pages) {
		bool any;

		TRY(find_parts(w, span, pfn, &piece.pages, &any));
		piece.pfn = pfn;
		piece.offset = pfn - span->pfn;
		piece.parts = w->parts.items;
		if (any)
			TRY(w->visit(w->argument, &piece));
	}
	return NULL;
}

struct error *share_walk(const struct share *share, share_visit visit, void *argument)
{
	struct walking w = {.share = share, .visit = visit, .argument = argument};

	w.spaces = calloc(share->index->spaces.count + 1, sizeof(*w.spaces));
	struct error *error = w.spaces ? index_walk(share->index, cut_span, &w) : error_nomem();
	free(w.spaces);
	vec_deinit(&w.parts);
	return error;
}

/* --- counting -------------------------------------------------------------------------------- */

struct counting {
	struct share *share;
	uint64_t turn;    /* number of the piece in hand, from 1 */
	uint64_t *groups; /* by group: the last piece that it was met in */
};

static void count_part(struct counting *c, struct share_part *part, unsigned flags,
		       const struct share_piece *piece)
{
	struct share_group *group = &c->share->groups.items[part->group];
	uint64_t pages = piece->pages;

	part->present += pages;
	if (piece->spaces > 1)
		part->shared += pages;
	else
		part->reasons[reason_of(part->region, flags)] += pages;
	if (c->groups[part->group] == c->turn)
		return;
	c->groups[part->group] = c->turn;
	group->frames += pages;
	group->shared += piece->spaces > 1 ? pages : 0;
	group->common += piece->spaces == c->share->space_count ? pages : 0;
}

static struct error *count_piece(void *argument, const struct share_piece *piece)
{
	struct counting *c = argument;

	c->turn++;
	for (size_t i = 0; i < piece->count; i++) {
		if (piece->parts[i])
			count_part(c, piece->parts[i], piece->mappers[i].flags, piece);
	}
	return NULL;
}

static struct error *count(struct share *share)
{
	struct counting c = {.share = share};

	c.groups = calloc(share->groups.count + 1, sizeof(*c.groups));
	struct error *error = c.groups ? share_walk(share, count_piece, &c) : error_nomem();
	free(c.groups);
	return error;
}

/* Pages that were read but have no region: their area was unmapped before it was named. */
static void count_lost(struct share *share)
{
	uint64_t placed = 0, present = 0;

	for (size_t i = 0; i < share->parts.count; i++)
		placed += share->parts.items[i].present;
	for (size_t i = 0; i < share->index->spaces.count; i++)
		present += share->index->spaces.items[i].present;
	share->lost = present - placed;
}

struct error *share_init(struct share *share, const struct index *index, struct layout *layouts,
			 const struct region_selection *selection)
{
	struct error *error = NULL;
	void *tree = NULL;

	*share = (struct share){.index = index, .layouts = layouts};
	share->first_part = calloc(index->spaces.count + 1, sizeof(*share->first_part));
	if (!share->first_part)
		return error_nomem();
	for (size_t i = 0; !error && i < index->spaces.count; i++)
		error = add_space(share, &tree, i, selection);
	tdestroy(tree, free);
	share->first_part[index->spaces.count] = share->parts.count;
	if (!error)
		error = count(share);
	if (!error)
		count_lost(share);
	if (error)
		share_deinit(share);
	return error;
}

void share_deinit(struct share *share)
{
	vec_deinit(&share->groups);
	vec_deinit(&share->parts);
	free(share->first_part);
	share->first_part = NULL;
}
