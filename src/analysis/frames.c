// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/frames.h"

#include <stdlib.h>

#include "proc/kpage.h"

enum {
	ORDER_MAX = 18, /* 1 GiB of small pages: the largest page of hugetlb */
	WINDOW = 512,   /* frames looked at together */
};

/* --- place ---------------------------------------------------------------------------------- */

static void find_place(const struct iomem *iomem, uint64_t address, struct frame_facts *facts)
{
	const struct iomem_entry *best = NULL;
	range_vec ram = {0};
	uint64_t end = 0;
	bool is_ram = false;

	for (size_t i = 0; i < iomem->entries.count; i++) {
		const struct iomem_entry *entry = &iomem->entries.items[i];

		if (range_contains(entry->range, address) && (!best || entry->depth >= best->depth))
			best = entry;
	}
	error_free(iomem_system_ram(iomem, &ram));
	for (size_t i = 0; i < ram.count; i++) {
		is_ram |= range_contains(ram.items[i], address);
		end = ram.items[i].end;
	}
	vec_deinit(&ram);
	facts->resource = best ? best->name : NULL;
	if (is_ram)
		facts->place = PLACE_RAM;
	else if (best)
		facts->place = PLACE_DEVICE;
	else
		facts->place = address < end ? PLACE_HOLE : PLACE_BEYOND;
}

static struct error *look_at_place(struct target *target, struct frame_facts *facts)
{
	const struct iomem *iomem;
	uint64_t address = facts->pfn << target->page_shift;
	struct error *error = target_resources(target, &iomem);

	facts->place = PLACE_UNKNOWN;
	if (error_is(error, ERROR_NOMEM))
		return error;
	if (!error && iomem->state == IOMEM_VISIBLE) {
		/* An address that does not fit in 64 bits is not 0. */
		if (address >> target->page_shift != facts->pfn)
			facts->place = PLACE_BEYOND;
		else
			find_place(iomem, address, facts);
	}
	error_free(error);
	return NULL;
}

/* --- folio ---------------------------------------------------------------------------------- */

/* Goes back to the head: windows end at multiples of their size, as folios begin at theirs. */
static struct error *find_head(struct target *target, struct frame_facts *facts, bool *found)
{
	uint64_t words[WINDOW], pfn = facts->pfn;

	*found = false;
	for (unsigned i = 0; i < (1U << ORDER_MAX) / WINDOW; i++) {
		uint64_t first = pfn & ~(uint64_t)(WINDOW - 1);

		TRY(target_flags(target, first, words, (size_t)(pfn - first + 1)));
		for (;; pfn--) {
			uint64_t flags = words[pfn - first];

			if (flags & KPF_BIT_HEAD) {
				facts->head = pfn;
				*found = true;
				return NULL;
			}
			if (!(flags & KPF_BIT_TAIL))
				return NULL;
			if (pfn == first)
				break;
		}
		if (pfn-- == 0)
			return NULL;
	}
	return NULL;
}

static struct error *find_order(struct target *target, struct frame_facts *facts)
{
	uint64_t words[WINDOW], pages = 1;
	bool more = true;

	while (more && pages <= UINT64_C(1) << ORDER_MAX) {
		TRY(target_flags(target, facts->head + pages, words, WINDOW));
		for (size_t i = 0; more && i < WINDOW; i++) {
			more = words[i] & KPF_BIT_TAIL;
			pages += more;
		}
	}
	facts->has_order = true;
	while (pages >> (facts->order + 1))
		facts->order++;
	return NULL;
}

static struct error *look_at_folio(struct target *target, struct frame_facts *facts)
{
	bool found = false;
	uint64_t head = 0;

	facts->kind = frame_kind_of(facts->flags, KIND_COUNT);
	if (!(facts->flags & (KPF_BIT_HEAD | KPF_BIT_TAIL)))
		return NULL;
	TRY(find_head(target, facts, &found));
	if (!found)
		return NULL;
	TRY(target_flags(target, facts->head, &head, 1));
	facts->kind = frame_kind_of(facts->flags, frame_kind_of(head, KIND_COUNT));
	return find_order(target, facts);
}

/* --- all together --------------------------------------------------------------------------- */

/* What this user or this kernel does not tell is left out. */
static struct error *forgive(struct error *error, bool *told)
{
	*told = !error;
	return error_forgive(error);
}

struct error *frame_lookup(struct target *target, uint64_t pfn, struct frame_facts *facts)
{
	struct frame frame = {0};

	*facts = (struct frame_facts){.pfn = pfn, .head = pfn};
	TRY(look_at_place(target, facts));
	TRY(forgive(target_frames(target, &pfn, 1, &frame), &facts->has_flags));
	facts->flags = frame.flags;
	facts->counted = frame.mappers;
	if (facts->has_flags)
		TRY(look_at_folio(target, facts));
	return forgive(target_cgroups(target, pfn, &facts->cgroup, 1), &facts->has_cgroup);
}

const char *frame_what(const struct frame_facts *facts)
{
	static const char *const places[] = {
		[PLACE_DEVICE] = "device",
		[PLACE_HOLE] = "hole",
		[PLACE_BEYOND] = "past-ram",
	};

	/* Memory of a device can have a frame table, too (ZONE_DEVICE): then it has flags. */
	if (facts->place != PLACE_RAM && facts->place != PLACE_UNKNOWN &&
	    (!facts->has_flags || facts->kind == KIND_HOLE || facts->kind == KIND_UNFLAGGED ||
	     facts->kind == KIND_RESERVED))
		return places[facts->place];
	return facts->has_flags ? frame_kind_name(facts->kind) : "hidden";
}
