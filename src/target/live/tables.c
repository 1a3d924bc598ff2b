// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where a process can have pages, by its page tables: for kernels without PAGEMAP_SCAN
 * (before 6.7), where a hole of terabytes, as Go, Java, V8 and the sanitizers reserve them, else
 * costs the reading of a word a page. The tables pass over holes 512 GiB at a time.
 *
 * smaps is no way to pass over an area: its sums leave out what is no page of the kernel's own
 * count (fs/proc/task_mmu.c, smaps_pte_entry(): vm_normal_page() has no zero page, and markers and
 * poison are neither page nor swap), so that an area of which it says 0 may well have entries.
 *
 * What is found is only where to read: the words are pagemap's, and what cannot be searched is
 * read.
 */
#include "kernel/kernel.h"
#include "target/live/live.h"

#define OPEN_FROM (UINT64_C(16) << 30)

enum { WITNESS_TRIES = 5 };

/* To open the source costs as much as to read the words of some gigabytes of holes. */
static struct error *open_when_worth(struct live_target *live, uint64_t bytes)
{
	if (live->kernel)
		return NULL;
	live->searched += bytes < OPEN_FROM ? bytes : OPEN_FROM;
	if (live->searched < OPEN_FROM || live->tables_failed)
		return error_new(ERROR_UNSUPPORTED, "page tables are not searched");
	struct error *error = live_open_kernel(live);
	live->tables_failed = error && !live->base.held;
	return error;
}

/* Whether pagemap's word and the entry at the end of a walk are of the same page. */
static bool agree(uint64_t word, uint64_t vpn, const struct page_table_step *end)
{
	const struct page_table_entry *entry = &end->entry;
	bool maps = entry->kind == ENTRY_PAGE || entry->kind == ENTRY_PROT_NONE;
	uint64_t pages = page_table_span(end->level) >> 12;

	if (word & PAGEMAP_PRESENT)
		return maps && entry->frame + (vpn & (pages - 1)) == (word & PAGEMAP_PFN);
	return word & PAGEMAP_SWAP && entry->kind == ENTRY_SWAP &&
	       entry->swap_offset == pagemap_swap_offset(word);
}

/*
 * Are these tables those of the address space whose pagemap is open, and does the source give them
 * as they are? A page that every process has bears witness: the one that its stack began in.
 */
static struct error *check_witness(const struct live_space *space)
{
	uint64_t vpn = space->place.stack >> space->walker.page_shift, word;
	struct page_table_walk walk;
	size_t got;

	for (int i = 0; i < WITNESS_TRIES && space->place.stack != 0; i++) {
		int errnum = pagemap_read(space->pagemap_fd, vpn, &word, 1, &got);

		if (errnum || got != 1)
			break;
		TRY(page_table_walk_to(&space->table, vpn << space->walker.page_shift, &walk));
		if (agree(word, vpn, page_table_walk_end(&walk)))
			return NULL;
	}
	return error_new(ERROR_LOOKUP, "process %d: its page tables are not found",
			 (int)space->base.pid);
}

static struct error *need_table(struct live_space *space)
{
	if (!space->table_known) {
		space->table_known = true;
		TRY(live_page_table(&space->base, &space->table));
		TRY(check_witness(space));
		space->has_table = true;
	}
	return space->has_table ? NULL : error_new(ERROR_LOOKUP, "no page tables");
}

struct finding {
	const struct page_table_format *format;
	range_vec *found;
};

static struct error *add_leaves(void *argument, const struct page_table_leaf *leaves, size_t count)
{
	struct finding *finding = argument;

	for (size_t i = 0; i < count; i++) {
		uint64_t span = page_table_span(&finding->format->levels[leaves[i].depth]);
		struct range range = {leaves[i].address, leaves[i].address + span};

		if (finding->found->count > 0 &&
		    finding->found->items[finding->found->count - 1].end == range.start)
			finding->found->items[finding->found->count - 1].end = range.end;
		else
			TRY(vec_push(finding->found, range));
	}
	return NULL;
}

static struct error *search(struct live_space *space, struct range range, range_vec *found)
{
	TRY(open_when_worth(live_target(space->base.target), range_length(range)));
	TRY(need_table(space));
	struct finding finding = {space->table.format, found};
	return page_table_iterate_tables(&space->table, range, add_leaves, &finding);
}

struct error *live_find_pages(void *argument, struct range range, range_vec *found)
{
	struct live_space *space = argument;
	struct live_target *live = live_target(space->base.target);

	if (!live->base.pfns_visible)
		return error_new(ERROR_UNSUPPORTED, "page tables are not searched");
	pthread_mutex_lock(&live->tables_lock);
	struct error *error = search(space, range, found);
	pthread_mutex_unlock(&live->tables_lock);
	return error;
}

void live_prepare_search(struct target *target)
{
	struct live_target *live = live_target(target);

	if (!live->scans && live->base.pfns_visible)
		error_free(live_open_kernel(live));
}
