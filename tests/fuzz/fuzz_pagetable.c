// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page tables over a small memory that is made of the input's bytes, and that changes while it is
 * read: some entries are set, with frames that mostly exist, and now and then a read changes one.
 */
#include "arch/pagetable.h"
#include "arch/x86_64.h"
#include "base/range.h"
#include "fuzz.h"

enum { FRAMES = 24, HOLE = 20 }; /* frames from HOLE on are RAM that cannot be read */

#define BASE UINT64_C(0x100000)

struct memory {
	uint64_t words[FRAMES][TABLE_ENTRIES];
	struct input changes;
	bool quiet; /* nothing changes any more */
	size_t reads;
};

/* What decides most is kept sound three times of four: present, and a frame that there is. */
static uint64_t make_entry(struct input *input)
{
	uint8_t how = take_byte(input);

	if (how < 64)
		return take_word(input);
	uint64_t frame = BASE / TABLE_BYTES + take_byte(input) % (FRAMES + 1);
	uint64_t flags = how & 1 ? 0x67 : 0x25 | (uint64_t)take_byte(input) << 5;
	return frame << 12 | flags | (how & 2 ? UINT64_C(1) << 63 : 0);
}

static void change(struct memory *memory, struct input *input)
{
	size_t frame = take_byte(input) % FRAMES;
	size_t index = take_byte(input) | (size_t)(take_byte(input) & 1) << 8;

	memory->words[frame][index] = make_entry(input);
}

static struct error *read_memory(void *argument, uint64_t paddr, void *buffer, size_t length)
{
	struct memory *memory = argument;

	memory->reads++;
	if (!memory->quiet && memory->changes.size > 0 && take_byte(&memory->changes) & 1)
		change(memory, &memory->changes);
	must(paddr >= BASE && paddr - BASE + length <= sizeof(memory->words));
	if (paddr >= BASE + (uint64_t)HOLE * TABLE_BYTES)
		return error_fault(paddr, "nothing at 0x%llx", (unsigned long long)paddr);
	memcpy(buffer, (const char *)memory->words + (paddr - BASE), length);
	return NULL;
}

struct seen {
	const struct page_table *table;
	struct range range;
	uint64_t reached;
	size_t count;
	bool check; /* the memory keeps still: a walk to the address must say the same */
};

static void check_walk(const struct page_table *table, const struct page_table_leaf *leaf)
{
	struct page_table_walk walk;

	must(fine(page_table_walk_to(table, leaf->address, &walk)));
	const struct page_table_step *end = page_table_walk_end(&walk);
	must(walk.count == leaf->depth + (size_t)1);
	must(end->entry.value == leaf->entry.value && end->entry.kind == leaf->entry.kind);
	must(end->entry.fault == leaf->entry.fault && walk.access == leaf->access);
}

static struct error *take_leaves(void *argument, const struct page_table_leaf *leaves, size_t count)
{
	struct seen *seen = argument;
	const struct page_table_format *format = seen->table->format;

	for (size_t i = 0; i < count; i++) {
		uint64_t span = page_table_span(&format->levels[leaves[i].depth]);
		char text[256];

		must(leaves[i].depth < format->level_count && leaves[i].address % span == 0);
		must(leaves[i].entry.kind != ENTRY_TABLE && leaves[i].entry.kind != ENTRY_EMPTY);
		must(leaves[i].entry.kind < ENTRY_KINDS && leaves[i].entry.fault < ENTRY_FAULTS);
		must((leaves[i].entry.kind == ENTRY_BAD) == (leaves[i].entry.fault != FAULT_NONE));
		must(leaves[i].address >= seen->reached);
		must(page_table_is_canonical(format, leaves[i].address));
		must(leaves[i].address < seen->range.end &&
		     leaves[i].address + (span - 1) >= seen->range.start);
		format->text(format->levels[leaves[i].depth].shift, &leaves[i].entry, text,
			     sizeof(text));
		must(memchr(text, '\0', sizeof(text)));
		if (seen->check && ++seen->count <= 64)
			check_walk(seen->table, &leaves[i]);
		seen->reached = leaves[i].address + span;
	}
	return NULL;
}

static void iterate(struct memory *memory, const struct page_table *table, struct range range)
{
	struct seen seen = {.table = table, .range = range, .check = memory->quiet};

	memory->reads = 0;
	/* A table and the entry that led to it, for each frame; and the root. */
	if (fine(page_table_iterate(table, range, take_leaves, &seen)))
		must(seen.check || memory->reads <= 2 * FRAMES + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct memory memory;
	const struct range ram[] = {{BASE, BASE + (uint64_t)FRAMES * TABLE_BYTES}};
	struct input input = {data, size};
	uint8_t shape = take_byte(&input);
	struct page_table table = {.format = x86_64_format(shape & 1),
				   .root = BASE,
				   .encryption = shape & 2 ? UINT64_C(1) << 47 : 0,
				   .physical_bits = shape & 4 ? 40 : 0,
				   .ram = ram,
				   .ram_count = 1,
				   .read = read_memory,
				   .argument = &memory};
	uint64_t half = UINT64_C(1) << (table.format->address_bits - 1);
	struct range lower = {0, half}, upper = {0 - half, UINT64_MAX - 4095};
	struct page_table_walk walk;

	memset(&memory, 0, sizeof(memory));
	/* A chain to begin with: PGD, P4D, PUD, PMD, PTE. */
	for (unsigned i = 0; i < 5; i++)
		memory.words[i][0] = (BASE + (i + 1) * UINT64_C(4096)) | 0x67;
	for (unsigned i = take_byte(&input); i > 0 && input.size > 0; i--)
		change(&memory, &input);
	memory.changes = input;
	iterate(&memory, &table, shape & 8 ? upper : lower);
	fine(page_table_walk_to(&table, take_word(&memory.changes), &walk));
	memory.quiet = true;
	iterate(&memory, &table, shape & 16 ? (struct range){0x1000, 0x201000} : lower);
	return 0;
}
