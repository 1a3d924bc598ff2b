// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/snapshot.h"

#include <stdlib.h>
#include <string.h>

struct taking {
	struct snapshot *snapshot;
	const struct vma *vma;
};

static struct error *take_words(void *argument, uint64_t vpn, const uint64_t *words, size_t count)
{
	const struct taking *taking = argument;
	struct snapshot *snapshot = taking->snapshot;
	struct snapshot_run *last =
		snapshot->runs.count ? &snapshot->runs.items[snapshot->runs.count - 1] : NULL;

	TRY(vec_reserve(&snapshot->words, count));
	if (last && last->vma == taking->vma && last->vpn + last->count == vpn)
		last->count += count;
	else
		TRY(vec_push(
			&snapshot->runs,
			((struct snapshot_run){vpn, count, snapshot->words.count, taking->vma})));
	memcpy(snapshot->words.items + snapshot->words.count, words, count * sizeof(*words));
	snapshot->words.count += count;
	return NULL;
}

static bool is_wanted(const struct vma *vma, enum snapshot_areas areas)
{
	return areas == SNAPSHOT_ALL || (vma->perms & (VMA_WRITE | VMA_SHARED)) == VMA_WRITE;
}

struct error *snapshot_take(struct snapshot *snapshot, struct space *space,
			    enum snapshot_areas areas)
{
	struct vma_list vmas;

	TRY(space_vmas(space, &vmas));
	vma_list_deinit(&snapshot->vmas);
	snapshot->vmas = vmas;
	snapshot->runs.count = snapshot->words.count = 0;
	for (size_t i = 0; i < vmas.count; i++) {
		struct taking taking = {snapshot, &vmas.items[i]};

		if (is_wanted(taking.vma, areas))
			TRY(space_pages(space, taking.vma, taking.vma->range, take_words, &taking));
	}
	return NULL;
}

void snapshot_deinit(struct snapshot *snapshot)
{
	vma_list_deinit(&snapshot->vmas);
	vec_deinit(&snapshot->runs);
	vec_deinit(&snapshot->words);
}

size_t snapshot_find(const struct snapshot *snapshot, uint64_t vpn)
{
	size_t low = 0, high = snapshot->runs.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct snapshot_run *run = &snapshot->runs.items[middle];

		if (run->vpn + run->count <= vpn)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint64_t snapshot_word(const struct snapshot *snapshot, uint64_t vpn)
{
	size_t i = snapshot_find(snapshot, vpn);
	const struct snapshot_run *run = &snapshot->runs.items[i];

	if (i == snapshot->runs.count || run->vpn > vpn)
		return 0;
	return snapshot->words.items[run->first + (vpn - run->vpn)];
}

/* Where the run in hand begins or ends behind `vpn`; at most `end`. */
static uint64_t next_change(const struct snapshot *s, size_t i, uint64_t vpn, uint64_t end)
{
	if (i == s->runs.count)
		return end;
	const struct snapshot_run *run = &s->runs.items[i];
	uint64_t change = run->vpn > vpn ? run->vpn : run->vpn + run->count;

	return change < end ? change : end;
}

static void set_side(struct stretch_pair *stretch, int side, const struct snapshot *s, size_t i)
{
	const struct snapshot_run *run = &s->runs.items[i];

	if (i == s->runs.count || run->vpn > stretch->vpn)
		return;
	stretch->words[side] = s->words.items + run->first + (stretch->vpn - run->vpn);
	stretch->vma[side] = run->vma;
}

static size_t advance(const struct snapshot *s, size_t i, uint64_t vpn)
{
	while (i < s->runs.count && s->runs.items[i].vpn + s->runs.items[i].count <= vpn)
		i++;
	return i;
}

struct error *pair_walk(const struct snapshot *a, const struct snapshot *b, struct range range,
			pair_visit visit, void *argument)
{
	size_t i = snapshot_find(a, range.start), j = snapshot_find(b, range.start);

	for (uint64_t vpn = range.start; vpn < range.end;) {
		uint64_t next = next_change(a, i, vpn, next_change(b, j, vpn, range.end));
		struct stretch_pair stretch = {.vpn = vpn, .count = next - vpn};

		set_side(&stretch, 0, a, i);
		set_side(&stretch, 1, b, j);
		if (stretch.words[0] || stretch.words[1])
			TRY(visit(argument, &stretch));
		vpn = next;
		i = advance(a, i, vpn);
		j = advance(b, j, vpn);
	}
	return NULL;
}
