// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is each page of a loaded object the one that its program headers put there? Another file, or
 * another part of the same one, mapped over a page of its code would be compared with itself and
 * found in order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/verify_internal.h"

/* Of one file at one bias, and which segments of it are there: the first 64. */
struct instance {
	const struct object *object;
	uint64_t bias;
	uint64_t segments;
	uint32_t file;
};

static const struct object *object_of(const struct verify *v, uint32_t file)
{
	return v->files.items[file]->file->object;
}

/* Whether the area is what the segment has at this address. */
static bool fits(const struct object_segment *segment, uint64_t bias,
		 const struct placed_area *area)
{
	return area->range.start - bias - segment->vaddr + segment->offset == area->offset;
}

/* The pages of a segment that are the file's; empty if they would wrap around. */
static struct range pages_of(const struct object_segment *segment, uint64_t bias)
{
	uint64_t start = (segment->vaddr + bias) / VERIFY_PAGE * VERIFY_PAGE;
	uint64_t end = segment->vaddr + bias + segment->filesz;

	if (segment->filesz == 0 || end < start || end > UINT64_MAX - VERIFY_PAGE)
		return (struct range){start, start};
	return (struct range){start, (end + VERIFY_PAGE - 1) / VERIFY_PAGE * VERIFY_PAGE};
}

static uint64_t segments_at(const struct verify *v, const struct placed_area *area)
{
	size_t count;
	const struct object_segment *s = object_segments(object_of(v, area->file), &count);
	uint64_t found = 0;

	for (size_t i = 0; i < count && i < 64; i++) {
		if (fits(&s[i], area->bias, area) &&
		    range_contains(pages_of(&s[i], area->bias), area->range.start))
			found |= UINT64_C(1) << i;
	}
	return found;
}

static int compare_instances(const void *left, const void *right)
{
	const struct instance *a = left, *b = right;

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	return (a->bias > b->bias) - (a->bias < b->bias);
}

/* All that may be loaded objects, those of one file and bias joined; the rest is left out. */
static size_t join(struct instance *all, size_t count)
{
	size_t joined = 0;

	if (count)
		qsort(all, count, sizeof(*all), compare_instances);
	for (size_t i = 0; i < count; i++) {
		if (joined && compare_instances(&all[joined - 1], &all[i]) == 0)
			all[joined - 1].segments |= all[i].segments;
		else
			all[joined++] = all[i];
	}
	return joined;
}

/* A single page of a file can look like a segment of it anywhere; two of them are an object. */
static bool is_loaded(const struct instance *one)
{
	size_t count;

	object_segments(one->object, &count);
	return __builtin_popcountll(one->segments) > 1 || (count == 1 && one->segments);
}

/* The first area that does not end before `address`: they are sorted. */
static size_t first_at(const struct placed_area *areas, size_t count, uint64_t address)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (areas[middle].range.end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Segments may share a page, which then is the last one's. */
static bool is_its_own(const struct instance *one, const struct placed_area *area)
{
	size_t count;
	const struct object_segment *s = object_segments(one->object, &count);

	for (size_t i = 0; area->file == one->file && i < count; i++) {
		if (fits(&s[i], one->bias, area))
			return true;
	}
	return false;
}

static struct error *put_foreign(struct verify *v, uint32_t space, const struct instance *one,
				 const struct placed_area *area, struct range range)
{
	struct verify_finding *finding;
	char *why = NULL;

	if (asprintf(&why, "mapped over %s", v->files.items[one->file]->path) < 0)
		return error_nomem();
	TRY(verify_found(v, VERIFY_REMAPPED, space, area->file, NULL, range, why, &finding));
	if (!finding || finding->pages)
		return NULL;
	finding->pages = range_length(range) / VERIFY_PAGE;
	finding->has_offset = true;
	finding->offset = area->offset + range.start - area->range.start;
	return NULL;
}

/* A program may have its data where it likes, but not code, nor constants that came with it. */
static struct error *look_at_segment(struct verify *v, uint32_t space,
				     const struct placed_areas *areas, const struct instance *one,
				     const struct object_segment *segment)
{
	struct range pages = pages_of(segment, one->bias);

	for (size_t i = first_at(areas->items, areas->count, pages.start);
	     i < areas->count && areas->items[i].range.start < pages.end; i++) {
		const struct placed_area *area = &areas->items[i];

		if (is_its_own(one, area) || (segment->perms & OBJECT_WRITE && !area->exec))
			continue;
		TRY(put_foreign(v, space, one, area, range_intersect(area->range, pages)));
	}
	return NULL;
}

static struct error *look_at_instance(struct verify *v, uint32_t space,
				      const struct placed_areas *areas, const struct instance *one)
{
	size_t count;
	const struct object_segment *segments = object_segments(one->object, &count);

	for (size_t i = 0; is_loaded(one) && i < count && i < 64; i++)
		TRY(look_at_segment(v, space, areas, one, &segments[i]));
	return NULL;
}

struct error *verify_places(struct verify *v, uint32_t space, const struct placed_areas *areas)
{
	struct instance *all = calloc(areas->count + 1, sizeof(*all));
	struct error *error = NULL;
	size_t count = 0;

	if (!all)
		return error_nomem();
	for (size_t i = 0; i < areas->count; i++) {
		const struct placed_area *area = &areas->items[i];

		if (!area->has_bias)
			continue;
		all[count++] = (struct instance){.object = object_of(v, area->file),
						 .bias = area->bias,
						 .segments = segments_at(v, area),
						 .file = area->file};
	}
	count = join(all, count);
	for (size_t i = 0; !error && i < count; i++)
		error = look_at_instance(v, space, areas, &all[i]);
	free(all);
	return error;
}
