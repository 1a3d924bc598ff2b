// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/hardware.h"

#include <stdlib.h>

struct reading_tables {
	struct hardware *hardware;
	const struct page_table *table;
	unsigned page_shift;
};

static struct error *take_leaf(const struct reading_tables *reading,
			       const struct page_table_leaf *leaf)
{
	struct hardware *hardware = reading->hardware;
	struct hardware_run *last =
		hardware->runs.count ? &hardware->runs.items[hardware->runs.count - 1] : NULL;
	unsigned shift = reading->table->format->levels[leaf->depth].shift;
	struct hardware_run run = {.vpn = leaf->address >> reading->page_shift,
				   .pages = UINT64_C(1) << (shift - reading->page_shift),
				   .pfn = leaf->entry.frame,
				   .access = leaf->access & ENTRY_ACCESS};

	if (leaf->entry.kind != ENTRY_PAGE && leaf->entry.kind != ENTRY_PROT_NONE)
		return NULL;
	if (!last || last->vpn + last->pages != run.vpn || last->pfn + last->pages != run.pfn ||
	    last->access != run.access)
		return vec_push(&hardware->runs, run);
	last->pages += run.pages;
	return NULL;
}

static struct error *take_leaves(void *argument, const struct page_table_leaf *leaves, size_t count)
{
	for (size_t i = 0; i < count; i++)
		TRY(take_leaf(argument, &leaves[i]));
	return NULL;
}

struct error *hardware_read(struct hardware *hardware, struct space *space)
{
	struct page_table table;
	struct reading_tables reading = {hardware, &table, space->target->page_shift};

	TRY(space_page_table(space, &table));
	struct range user = {0, UINT64_C(1) << (table.format->address_bits - 1)};
	hardware->runs.count = 0;
	TRY(page_table_iterate(&table, user, take_leaves, &reading));
	hardware->known = true;
	return NULL;
}

void hardware_deinit(struct hardware *hardware)
{
	vec_deinit(&hardware->runs);
}

static const struct hardware_run *find_run(const struct hardware *hardware, uint64_t vpn)
{
	size_t low = 0, high = hardware->runs.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (hardware->runs.items[middle].vpn + hardware->runs.items[middle].pages <= vpn)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == hardware->runs.count || hardware->runs.items[low].vpn > vpn)
		return NULL;
	return &hardware->runs.items[low];
}

bool hardware_access(const struct hardware *hardware, uint64_t vpn, uint64_t word, unsigned *access)
{
	const struct hardware_run *run = hardware->known ? find_run(hardware, vpn) : NULL;

	if (!run || !(word & PAGEMAP_PRESENT) ||
	    run->pfn + (vpn - run->vpn) != (word & PAGEMAP_PFN))
		return false;
	*access = run->access;
	return true;
}
