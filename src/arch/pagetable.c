// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/pagetable.h"

#include <stdlib.h>
#include <string.h>

enum {
	FRAME_SHIFT = 12,
	CHANGES_FOLLOWED = 4, /* of an entry whose table changed while it was read */
	AHEAD = 16,           /* of the deepest tables so many are read before one looks again */
};

const char *entry_kind_name(enum entry_kind kind)
{
	static const char *const names[ENTRY_KINDS] = {
		[ENTRY_EMPTY] = "empty",   [ENTRY_TABLE] = "table",
		[ENTRY_PAGE] = "page",     [ENTRY_PROT_NONE] = "prot-none",
		[ENTRY_SWAP] = "swap",     [ENTRY_SPECIAL] = "special",
		[ENTRY_MARKER] = "marker", [ENTRY_BAD] = "bad",
	};

	return names[kind];
}

const char *entry_fault_text(enum entry_fault fault)
{
	static const char *const texts[ENTRY_FAULTS] = {
		[FAULT_NONE] = "",
		[FAULT_RESERVED] = "reserved bits are set",
		[FAULT_NOT_PRESENT] = "not present, yet not empty",
		[FAULT_OUTSIDE_RAM] = "points at a table outside RAM",
		[FAULT_LOOP] = "points back at a table above it",
		[FAULT_UNREADABLE] = "the table it points at cannot be read",
		[FAULT_CHANGING] = "changed every time it was read",
	};

	return texts[fault];
}

void entry_access_text(unsigned access, char text[8])
{
	char *end = text;

	if (!(access & (ENTRY_READ | ENTRY_WRITE | ENTRY_EXEC))) {
		memcpy(text, "none", 5);
		return;
	}
	if (access & ENTRY_READ)
		*end++ = 'r';
	if (access & ENTRY_WRITE)
		*end++ = 'w';
	if (access & ENTRY_EXEC)
		*end++ = 'x';
	*end = '\0';
}

const char *page_table_size_text(unsigned shift)
{
	static const struct {
		unsigned shift;
		const char *text;
	} sizes[] = {{12, "4K"}, {21, "2M"}, {30, "1G"}, {39, "512G"}, {48, "256T"}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (sizes[i].shift == shift)
			return sizes[i].text;
	}
	return NULL;
}

static bool in_ram(const struct page_table *table, uint64_t paddr)
{
	size_t low = 0, high = table->ram_count;

	if (!table->ram)
		return true;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->ram[middle].end <= paddr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < table->ram_count && table->ram[low].start <= paddr &&
	       table->ram[low].end - paddr >= TABLE_BYTES;
}

bool page_table_is_canonical(const struct page_table_format *format, uint64_t address)
{
	unsigned unused = 64 - format->address_bits;

	return (uint64_t)((int64_t)(address << unused) >> unused) == address;
}

static void set_bad(struct page_table_entry *entry, enum entry_fault fault)
{
	entry->kind = ENTRY_BAD;
	entry->fault = (uint8_t)fault;
}

/* `path` holds the physical addresses of the tables from the root to the one `entry` is in. */
static void check_table(const struct page_table *table, const uint64_t *path, unsigned depth,
			struct page_table_entry *entry)
{
	uint64_t paddr = entry->frame << FRAME_SHIFT;

	if (entry->kind != ENTRY_TABLE)
		return;
	if (!in_ram(table, paddr))
		set_bad(entry, FAULT_OUTSIDE_RAM);
	for (unsigned i = 0; i <= depth; i++) {
		if (path[i] == paddr)
			set_bad(entry, FAULT_LOOP);
	}
}

static void decode(const struct page_table *table, unsigned depth, const uint64_t *path,
		   uint64_t value, struct page_table_entry *entry)
{
	*entry = (struct page_table_entry){.value = value};
	if (value == 0)
		return;
	table->format->decode(table->format->levels[depth].shift, table->encryption,
			      table->physical_bits ? table->physical_bits : 52, entry);
	check_table(table, path, depth, entry);
}

/*
 * The top level's no-execute bit says nothing of the process: page-table isolation sets it in the
 * kernel's copy of the top table, for every entry of the user half, so that a return to user mode
 * without the switch of tables faults (arch/x86/mm/pti.c, __pti_set_user_pgtbl()).
 */
static unsigned granted(unsigned depth, const struct page_table_entry *entry)
{
	/* One whose table cannot be had is of a table's form, too. */
	bool is_table = entry->kind == ENTRY_TABLE ||
			(entry->kind == ENTRY_BAD && entry->fault != FAULT_RESERVED &&
			 entry->fault != FAULT_NOT_PRESENT);

	return depth == 0 && is_table ? entry->bits | ENTRY_EXEC : entry->bits;
}

static struct error *check_root(const struct page_table *table)
{
	if (table->root % TABLE_BYTES != 0 || !in_ram(table, table->root))
		return error_new(ERROR_INPUT, "no page table can lie at 0x%llx",
				 (unsigned long long)table->root);
	return NULL;
}

/* --- one address -------------------------------------------------------------------------- */

/* The error of reading the table behind a step that was already taken belongs to that step. */
static struct error *cannot_read(struct page_table_walk *walk, struct error *error)
{
	if (walk->count == 0 || !error_is(error, ERROR_FAULT))
		return error;
	set_bad(&walk->steps[walk->count - 1].entry, FAULT_UNREADABLE);
	error_free(error);
	return NULL;
}

struct error *page_table_walk_to(const struct page_table *table, uint64_t address,
				 struct page_table_walk *walk)
{
	const struct page_table_format *format = table->format;
	uint64_t path[TABLE_DEPTH], next = table->root;

	*walk = (struct page_table_walk){.access = ENTRY_ACCESS};
	if (!page_table_is_canonical(format, address))
		return error_new(ERROR_INPUT, "not a canonical address: 0x%llx",
				 (unsigned long long)address);
	TRY(check_root(table));
	for (unsigned depth = 0; depth < format->level_count; depth++) {
		const struct page_table_level *level = &format->levels[depth];
		struct page_table_step *step = &walk->steps[walk->count];
		uint64_t value;

		*step = (struct page_table_step){level, page_table_index(level, address), 0, {0}};
		step->address = next + 8 * step->index;
		path[depth] = next;
		struct error *error = table->read(table->argument, step->address, &value, 8);
		if (error)
			return cannot_read(walk, error);
		walk->count++;
		decode(table, depth, path, value, &step->entry);
		walk->access &= granted(depth, &step->entry);
		if (step->entry.kind != ENTRY_TABLE)
			break;
		next = step->entry.frame << FRAME_SHIFT;
	}
	return NULL;
}

/* --- everything --------------------------------------------------------------------------- */

struct iteration {
	const struct page_table *table;
	struct range range;
	page_table_visit visit;
	void *argument;
	unsigned deepest; /* of the tables that are read: those below it are leaves */
	uint64_t budget;  /* tables that may still be read */
	uint64_t path[TABLE_DEPTH];
	const uint64_t *entries[TABLE_DEPTH]; /* of the table in hand at each depth */
	uint64_t tables[TABLE_DEPTH][TABLE_ENTRIES];
	uint64_t ahead[AHEAD][TABLE_ENTRIES];
	size_t count;
	struct page_table_leaf leaves[TABLE_ENTRIES];
};

static struct error *flush(struct iteration *it)
{
	size_t count = it->count;

	it->count = 0;
	return count ? it->visit(it->argument, it->leaves, count) : NULL;
}

/* A leaf whose entry is already where it belongs. */
static struct error *keep_leaf(struct iteration *it, unsigned depth, uint64_t address,
			       unsigned access)
{
	struct page_table_leaf *leaf = &it->leaves[it->count++];

	leaf->address = address;
	leaf->access = access & granted(depth, &leaf->entry);
	leaf->depth = (uint8_t)depth;
	return it->count == TABLE_ENTRIES ? flush(it) : NULL;
}

static struct error *add_leaf(struct iteration *it, unsigned depth, uint64_t address,
			      unsigned access, const struct page_table_entry *entry)
{
	it->leaves[it->count].entry = *entry;
	return keep_leaf(it, depth, address, access);
}

static struct error *take_from_budget(struct iteration *it)
{
	if (it->budget == 0)
		return error_new(ERROR_INPUT,
				 "page tables at 0x%llx: more of them than RAM has frames",
				 (unsigned long long)it->table->root);
	it->budget--;
	return NULL;
}

/*
 * Reads the table that `entry` (at physical address `at`, one level up) points at. The entry is
 * read again after it: if that changed, what was read may no longer have been a table. *entry is
 * then what it changed into.
 */
static struct error *read_child(struct iteration *it, unsigned depth, uint64_t at,
				struct page_table_entry *entry)
{
	const struct page_table *table = it->table;

	for (int i = 0; i < CHANGES_FOLLOWED && entry->kind == ENTRY_TABLE; i++) {
		uint64_t value, paddr = entry->frame << FRAME_SHIFT;

		TRY(take_from_budget(it));
		it->entries[depth] = it->tables[depth];
		TRY(table->read(table->argument, paddr, it->tables[depth], TABLE_BYTES));
		TRY(table->read(table->argument, at, &value, sizeof(value)));
		if (value == entry->value)
			return NULL;
		decode(table, depth - 1, it->path, value, entry);
	}
	if (entry->kind == ENTRY_TABLE)
		set_bad(entry, FAULT_CHANGING);
	return NULL;
}

static struct error *iterate_table(struct iteration *it, unsigned depth, uint64_t base,
				   unsigned access);

/* Descends into a table; on a fault, and for what turned out to be none, the entry is a leaf. */
static struct error *descend(struct iteration *it, unsigned depth, uint64_t address, uint64_t at,
			     unsigned access, struct page_table_entry *entry)
{
	struct error *error = read_child(it, depth + 1, at, entry);

	if (error_is(error, ERROR_FAULT)) {
		error_free(error);
		set_bad(entry, FAULT_UNREADABLE);
	} else if (error) {
		return error;
	}
	if (entry->kind == ENTRY_EMPTY)
		return NULL;
	if (entry->kind != ENTRY_TABLE)
		return add_leaf(it, depth, address, access, entry);
	it->path[depth + 1] = entry->frame << FRAME_SHIFT;
	return iterate_table(it, depth + 1, address, access & granted(depth, entry));
}

/*
 * Reads the tables that entries [first, first + count) of a table point at, then those entries
 * again, for all of them at once. whole[i] is whether the table of an entry is in it->ahead[i], and
 * was its after it was read; of the others nothing is known. What changed is as it is now.
 */
static struct error *read_ahead(struct iteration *it, unsigned depth, unsigned first,
				unsigned count, bool *whole)
{
	const struct page_table *table = it->table;
	uint64_t *entries = it->tables[depth] + first; /* never ahead themselves */
	uint64_t again[AHEAD];
	struct error *error = NULL;
	unsigned tables = 0;

	for (unsigned i = 0; i < count; i++) {
		struct page_table_entry entry;

		decode(table, depth, it->path, entries[i], &entry);
		whole[i] = entry.kind == ENTRY_TABLE && it->budget > 0 && !error;
		if (!whole[i])
			continue;
		it->budget--;
		tables++;
		error = table->read(table->argument, entry.frame << FRAME_SHIFT, it->ahead[i],
				    TABLE_BYTES);
	}
	if (!error && tables > 0)
		error = table->read(table->argument, it->path[depth] + 8 * first, again, 8 * count);
	for (unsigned i = 0; i < count && tables > 0; i++) {
		whole[i] = whole[i] && !error && again[i] == entries[i];
		if (!error)
			entries[i] = again[i];
	}
	if (!error_is(error, ERROR_FAULT))
		return error;
	error_free(error); /* one by one it is known which */
	return NULL;
}

/*
 * An entry of the table in it->entries[depth]; `child` is the table it points at, if that was read.
 * It is decoded where a leaf has it: most are leaves, and copying costs more than decoding.
 */
static struct error *iterate_entry(struct iteration *it, unsigned depth, unsigned index,
				   uint64_t address, unsigned access, const uint64_t *child)
{
	uint64_t value = it->entries[depth][index];
	struct page_table_entry *decoded = &it->leaves[it->count].entry, entry;

	if (value == 0)
		return NULL;
	decode(it->table, depth, it->path, value, decoded);
	if (decoded->kind == ENTRY_EMPTY)
		return NULL;
	if (decoded->kind != ENTRY_TABLE || depth == it->deepest)
		return keep_leaf(it, depth, address, access);
	entry = *decoded;
	if (!child)
		return descend(it, depth, address, it->path[depth] + 8 * index, access, &entry);
	it->entries[depth + 1] = child;
	it->path[depth + 1] = entry.frame << FRAME_SHIFT;
	return iterate_table(it, depth + 1, address, access & granted(depth, &entry));
}

/* The entries of the table in it->entries[depth], which maps addresses from `base` on. */
static struct error *iterate_table(struct iteration *it, unsigned depth, uint64_t base,
				   unsigned access)
{
	const struct page_table_level *level = &it->table->format->levels[depth];
	uint64_t top = base + ((uint64_t)TABLE_ENTRIES << level->shift) - 1; /* inclusive */
	uint64_t from = it->range.start > base ? it->range.start : base;
	uint64_t to = it->range.end - 1 < top ? it->range.end - 1 : top;
	unsigned last = page_table_index(level, to);
	bool ahead = depth + 1 == it->deepest, whole[AHEAD];

	for (unsigned i = page_table_index(level, from), next = i, begun = i; i <= last; i++) {
		if (ahead && i == next) {
			begun = i;
			next = last - i < AHEAD ? last + 1 : i + AHEAD;
			TRY(read_ahead(it, depth, begun, next - begun, whole));
		}
		TRY(iterate_entry(it, depth, i, base + ((uint64_t)i << level->shift), access,
				  ahead && whole[i - begun] ? it->ahead[i - begun] : NULL));
	}
	return NULL;
}

static uint64_t frames_of_ram(const struct page_table *table)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < table->ram_count; i++)
		bytes += range_length(table->ram[i]);
	return table->ram ? bytes / TABLE_BYTES : UINT64_C(1) << 32;
}

static struct error *iterate_root(struct iteration *it)
{
	const struct page_table *table = it->table;
	unsigned bits = table->format->address_bits;
	uint64_t base = align_down(it->range.start, UINT64_C(1) << bits);

	if (!page_table_is_canonical(table->format, it->range.start) ||
	    !page_table_is_canonical(table->format, it->range.end - 1) ||
	    it->range.start >> (bits - 1) != (it->range.end - 1) >> (bits - 1))
		return error_new(ERROR_INPUT,
				 "not within one half of the address space: 0x%llx-0x%llx",
				 (unsigned long long)it->range.start,
				 (unsigned long long)it->range.end);
	TRY(check_root(table));
	TRY(take_from_budget(it));
	it->path[0] = table->root;
	it->entries[0] = it->tables[0];
	TRY(table->read(table->argument, table->root, it->tables[0], TABLE_BYTES));
	TRY(iterate_table(it, 0, base, ENTRY_ACCESS));
	return flush(it);
}

static struct error *iterate(const struct page_table *table, struct range range, unsigned deepest,
			     page_table_visit visit, void *argument)
{
	if (range_is_empty(range))
		return NULL;
	struct iteration *it = malloc(sizeof(*it));
	if (!it)
		return error_nomem();
	it->table = table;
	it->range = range;
	it->visit = visit;
	it->argument = argument;
	it->deepest = deepest;
	it->budget = frames_of_ram(table);
	it->count = 0;
	struct error *error = iterate_root(it);
	free(it);
	return error;
}

struct error *page_table_iterate(const struct page_table *table, struct range range,
				 page_table_visit visit, void *argument)
{
	return iterate(table, range, (unsigned)table->format->level_count - 1, visit, argument);
}

struct error *page_table_iterate_tables(const struct page_table *table, struct range range,
					page_table_visit visit, void *argument)
{
	return iterate(table, range, (unsigned)table->format->level_count - 2, visit, argument);
}
