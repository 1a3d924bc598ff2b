// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * src/arch: page tables made here, entry by entry, in a physical memory of a few frames: whole ones
 * with four and five levels, and every kind of broken one.
 */
#include "arch/x86_64.h"
#include "unit.h"

/* ---- a physical memory ---------------------------------------------------------------------- */

enum { FRAMES = 64 };

#define P     (UINT64_C(1) << 0)
#define RW    (UINT64_C(1) << 1)
#define US    (UINT64_C(1) << 2)
#define A     (UINT64_C(1) << 5)
#define D     (UINT64_C(1) << 6)
#define PS    (UINT64_C(1) << 7)
#define BIT8  (UINT64_C(1) << 8)
#define BIT58 (UINT64_C(1) << 58)
#define NX    (UINT64_C(1) << 63)
#define TABLE (P | RW | US | A)
#define PFN   (UINT64_C(0xffffffffff) << 12)

/* Where the made-up memory begins, so that frame 0 is nothing. */
#define BASE UINT64_C(0x100000)

static uint64_t memory[FRAMES][TABLE_ENTRIES];
static size_t reads;
static uint64_t unreadable; /* physical address of a frame that faults, or 0 */

/* Called at each read with its address, to change what is there. */
static void (*meanwhile)(uint64_t paddr);

static uint64_t frame(unsigned number)
{
	return BASE + number * UINT64_C(4096);
}

static uint64_t *entry_at(uint64_t paddr)
{
	uint64_t offset = paddr - BASE;

	assert_true(paddr >= BASE && offset < sizeof(memory));
	return &memory[offset / 4096][offset % 4096 / 8];
}

static struct error *read_memory(void *argument, uint64_t paddr, void *buffer, size_t length)
{
	(void)argument;
	reads++;
	if (meanwhile)
		meanwhile(paddr);
	if (unreadable && paddr >= unreadable && paddr < unreadable + 4096)
		return error_fault(paddr, "nothing at 0x%llx", (unsigned long long)paddr);
	assert_true(paddr >= BASE && paddr - BASE + length <= sizeof(memory));
	memcpy(buffer, (const char *)memory + (paddr - BASE), length);
	return NULL;
}

static const struct range ram[] = {{BASE, BASE + FRAMES * 4096}};

static struct page_table made(bool five)
{
	return (struct page_table){.format = x86_64_format(five),
				   .root = frame(0),
				   .physical_bits = 46,
				   .ram = ram,
				   .ram_count = 1,
				   .read = read_memory};
}

static int reset(void **state)
{
	(void)state;
	memset(memory, 0, sizeof(memory));
	reads = 0;
	unreadable = 0;
	meanwhile = NULL;
	return 0;
}

/* A way down to the PTE table of `address`, through frames 1, 2, 3 (and 4); gives the entry. */
static uint64_t *way_to(bool five, uint64_t address)
{
	const struct page_table_format *format = x86_64_format(five);
	unsigned last = (unsigned)format->level_count - 1;

	for (unsigned i = 0; i < last; i++)
		memory[i][page_table_index(&format->levels[i], address)] = frame(i + 1) | TABLE;
	return &memory[last][page_table_index(&format->levels[last], address)];
}

static struct page_table_walk walk(const struct page_table *table, uint64_t address)
{
	struct page_table_walk w;

	assert_ok(page_table_walk_to(table, address, &w));
	assert_true(w.count > 0);
	return w;
}

static struct page_table_entry end_of(const struct page_table *table, uint64_t address)
{
	struct page_table_walk w = walk(table, address);

	return page_table_walk_end(&w)->entry;
}

/* ---- one address ---------------------------------------------------------------------------- */

#define ADDRESS UINT64_C(0x7f1234567abc)

static void walks_four_levels(void **state)
{
	(void)state;
	struct page_table table = made(false);
	uint64_t value = UINT64_C(0x12345000) | P | US | A | NX;

	*way_to(false, ADDRESS) = value;
	struct page_table_walk w = walk(&table, ADDRESS);
	assert_int_equal(w.count, 4);
	assert_int_equal(reads, 4);
	const char *const names[] = {"PGD", "PUD", "PMD", "PTE"};
	const unsigned indexes[] = {254, 72, 418, 359};
	for (unsigned i = 0; i < 4; i++) {
		assert_string_equal(w.steps[i].level->name, names[i]);
		assert_int_equal(w.steps[i].index, indexes[i]);
		assert_int_equal(w.steps[i].address, frame(i) + 8 * indexes[i]);
		assert_int_equal(w.steps[i].entry.kind, i < 3 ? ENTRY_TABLE : ENTRY_PAGE);
	}
	assert_int_equal(w.steps[0].entry.frame, frame(1) >> 12);
	const struct page_table_step *end = page_table_walk_end(&w);
	assert_int_equal(end->entry.value, value);
	assert_int_equal(end->entry.frame, 0x12345);
	assert_int_equal(w.access, ENTRY_READ | ENTRY_USER);
}

static void walks_five_levels(void **state)
{
	(void)state;
	struct page_table table = made(true);
	uint64_t address = UINT64_C(0xab1234567890ab);

	*way_to(true, address) = UINT64_C(0x77000) | P | RW | US;
	struct page_table_walk w = walk(&table, address);
	assert_int_equal(w.count, 5);
	assert_string_equal(w.steps[0].level->name, "PGD");
	assert_int_equal(w.steps[0].index, 0xab);
	assert_string_equal(w.steps[1].level->name, "P4D");
	assert_int_equal(page_table_walk_end(&w)->entry.frame, 0x77);
	assert_int_equal(w.access, ENTRY_READ | ENTRY_WRITE | ENTRY_EXEC | ENTRY_USER);
}

static void walks_kernel_addresses(void **state)
{
	(void)state;
	struct page_table table = made(false);
	uint64_t address = UINT64_C(0xffffffff81000123);

	*way_to(false, address) = UINT64_C(0x1000) | P;
	assert_int_equal(walk(&table, address).steps[0].index, 511);
	assert_int_equal(end_of(&table, address).frame, 1);
}

static void refuses_what_is_not_canonical(void **state)
{
	(void)state;
	struct page_table four = made(false), five = made(true);
	struct page_table_walk w;
	static const uint64_t bad[] = {UINT64_C(0x800000000000), UINT64_C(0xffff7fffffffffff),
				       UINT64_C(0x8000000000000000), UINT64_C(0xff00000000000000)};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_error(page_table_walk_to(&four, bad[i], &w), ERROR_INPUT, "not a canonical");
	assert_ok(page_table_walk_to(&five, bad[0], &w));
	assert_ok(page_table_walk_to(&five, bad[3], &w));
	assert_error(page_table_walk_to(&five, bad[2], &w), ERROR_INPUT, "not a canonical");
}

static void ends_where_nothing_is(void **state)
{
	(void)state;
	struct page_table table = made(false);

	for (unsigned depth = 0; depth < 4; depth++) {
		way_to(false, ADDRESS);
		memory[depth][page_table_index(&table.format->levels[depth], ADDRESS)] = 0;
		struct page_table_walk w = walk(&table, ADDRESS);
		assert_int_equal(w.count, depth + 1);
		assert_int_equal(page_table_walk_end(&w)->entry.kind, ENTRY_EMPTY);
	}
}

/* Any level may withhold what the others grant; only the root's no-execute is Linux's own affair.
 */
static void grants_what_all_levels_grant(void **state)
{
	(void)state;
	struct page_table table = made(false);

	*way_to(false, ADDRESS) = UINT64_C(0x1000) | P | RW | US;
	memory[0][254] |= NX;
	assert_int_equal(walk(&table, ADDRESS).access, ENTRY_ACCESS);
	memory[1][72] &= ~RW;
	assert_int_equal(walk(&table, ADDRESS).access, ENTRY_READ | ENTRY_EXEC | ENTRY_USER);
	memory[2][418] |= NX;
	assert_int_equal(walk(&table, ADDRESS).access, ENTRY_READ | ENTRY_USER);
	memory[2][418] &= ~US;
	assert_int_equal(walk(&table, ADDRESS).access, ENTRY_READ);
}

/* ---- entries -------------------------------------------------------------------------------- */

/* Decodes `value` at a depth of the four-level tables, by a walk. */
static struct page_table_entry decoded(unsigned depth, uint64_t value)
{
	struct page_table table = made(false);

	way_to(false, ADDRESS);
	memory[depth][page_table_index(&table.format->levels[depth], ADDRESS)] = value;
	return end_of(&table, ADDRESS);
}

static void decodes_huge_pages(void **state)
{
	(void)state;
	struct page_table_entry entry = decoded(2, UINT64_C(0x40200000) | P | PS | D);

	assert_int_equal(entry.kind, ENTRY_PAGE);
	assert_int_equal(entry.frame, 0x40200);
	assert_true(entry.bits & ENTRY_DIRTY);
	/* PAT is bit 12 there, and no part of the address. */
	entry = decoded(2, UINT64_C(0x40200000) | P | PS | 0x1000);
	assert_int_equal(entry.kind, ENTRY_PAGE);
	assert_int_equal(entry.frame, 0x40200);
	entry = decoded(1, UINT64_C(0x80000000) | P | PS);
	assert_int_equal(entry.kind, ENTRY_PAGE);
	assert_int_equal(entry.frame, 0x80000);
	/* In a PTE the same bit is PAT. */
	entry = decoded(3, UINT64_C(0x5000) | P | PS);
	assert_int_equal(entry.kind, ENTRY_PAGE);
	assert_int_equal(entry.frame, 5);
}

static void decodes_prot_none(void **state)
{
	(void)state;
	uint64_t inverted = ~UINT64_C(0x12345000) & PFN;
	struct page_table_entry entry = decoded(3, inverted | BIT8 | RW | A | D);

	assert_int_equal(entry.kind, ENTRY_PROT_NONE);
	assert_int_equal(entry.frame, 0x12345);
	assert_int_equal(entry.bits & ENTRY_ACCESS, 0);
	assert_true(entry.bits & ENTRY_DIRTY);
	entry = decoded(2, (~UINT64_C(0x40200000) & PFN & ~UINT64_C(0x1ff000)) | BIT8 | PS);
	assert_int_equal(entry.kind, ENTRY_PROT_NONE);
	assert_int_equal(entry.frame, 0x40200);
	/* Not inverted as it should be: no frame lies there. */
	entry = decoded(3, UINT64_C(0x12345000) | BIT8);
	assert_int_equal(entry.kind, ENTRY_BAD);
	assert_int_equal(entry.fault, FAULT_RESERVED);
}

static uint64_t swap_entry(uint64_t type, uint64_t offset)
{
	return type << 59 | (~offset << 14 >> 5);
}

static void decodes_swap(void **state)
{
	(void)state;
	struct page_table_entry entry = decoded(3, swap_entry(1, 0x123456) | 2 | 8);

	assert_int_equal(entry.kind, ENTRY_SWAP);
	assert_int_equal(entry.swap_type, 1);
	assert_int_equal(entry.swap_offset, 0x123456);
	assert_int_equal(entry.bits, ENTRY_SOFT_DIRTY | ENTRY_EXCLUSIVE);
	entry = decoded(3, swap_entry(0, 0) | 4);
	assert_int_equal(entry.kind, ENTRY_SWAP);
	assert_int_equal(entry.swap_offset, 0);
	assert_int_equal(entry.bits, ENTRY_UFFD_WP);
	entry = decoded(2, swap_entry(25, 0x40200));
	assert_int_equal(entry.kind, ENTRY_SPECIAL);
	assert_int_equal(entry.frame, 0x40200);
	entry = decoded(3, swap_entry(31, 4));
	assert_int_equal(entry.kind, ENTRY_MARKER);
	assert_int_equal(entry.swap_offset, 4);
}

static void finds_garbage(void **state)
{
	(void)state;
	static const struct {
		unsigned depth;
		uint64_t value;
		enum entry_fault fault;
	} garbage[] = {
		{0, UINT64_C(0x101000) | P | PS, FAULT_RESERVED},
		{0, UINT64_C(0x101000), FAULT_NOT_PRESENT},
		{0, UINT64_C(0x400000101000) | P, FAULT_RESERVED},
		{1, UINT64_C(0x80001000) | P | PS | 0x2000, FAULT_RESERVED},
		{1, UINT64_C(0x400080000000) | P | PS, FAULT_RESERVED},
		{2, UINT64_C(0x40210000) | P | PS, FAULT_RESERVED},
		{2, UINT64_C(0x8000000103000) | P, FAULT_RESERVED},
		{3, UINT64_C(0x4000000103000) | P, FAULT_RESERVED},
		{0, UINT64_C(0x1000) | P, FAULT_OUTSIDE_RAM},
		{1, UINT64_C(0x7f000000) | P, FAULT_OUTSIDE_RAM},
		{2, BASE + FRAMES * 4096 + P, FAULT_OUTSIDE_RAM},
		{0, BASE | P, FAULT_LOOP},
		{1, BASE | P, FAULT_LOOP},
		{2, (BASE + 4096) | P, FAULT_LOOP},
		{2, (BASE + 2 * 4096) | P, FAULT_LOOP},
	};

	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		reset(NULL);
		struct page_table_entry entry = decoded(garbage[i].depth, garbage[i].value);
		assert_int_equal(entry.kind, ENTRY_BAD);
		assert_int_equal(entry.fault, garbage[i].fault);
	}
}

/* All of the 2^64 values are something: a sample of them, at every level. */
static void decodes_anything(void **state)
{
	(void)state;
	uint64_t seed = 1;
	char text[256];

	for (unsigned i = 0; i < 200000; i++) {
		const struct page_table_level *level = &x86_64_format(true)->levels[i % 5];
		struct page_table_entry entry = {0};

		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		entry.value = seed ^ seed >> 29;
		if (i % 3 == 0)
			entry.value &= ~(UINT64_C(0x3ff) << 42);
		if (entry.value == 0)
			continue;
		x86_64_format(true)->decode(level->shift, 0, 46, &entry);
		assert_true(entry.kind < ENTRY_KINDS);
		if (entry.kind == ENTRY_PAGE || entry.kind == ENTRY_PROT_NONE) {
			assert_true(level->shift <= 30);
			assert_true(entry.frame < UINT64_C(1) << 34);
		}
		x86_64_format(true)->text(level->shift, &entry, text, sizeof(text));
		assert_true(*text != '\0');
		assert_true(strlen(text) < 200);
		x86_64_format(true)->text(level->shift, &entry, text, 8);
		assert_true(strlen(text) < 8);
	}
}

static void knows_when_a_page_is_dirty(void **state)
{
	(void)state;
	uint64_t page = UINT64_C(0x5000) | P;

	assert_false(decoded(3, page).bits & ENTRY_DIRTY);
	assert_true(decoded(3, page | D).bits & ENTRY_DIRTY);
	assert_true(decoded(3, page | BIT58).bits & ENTRY_DIRTY);
	/* _PAGE_DEVMAP of older kernels, which comes with SPECIAL. */
	assert_false(decoded(3, page | BIT58 | 1 << 9).bits & ENTRY_DIRTY);
}

static void leaves_out_the_encryption_bit(void **state)
{
	(void)state;
	struct page_table table = made(false);
	uint64_t c = UINT64_C(1) << 47;

	*way_to(false, ADDRESS) = UINT64_C(0x12345000) | c | P;
	for (unsigned i = 0; i < 3; i++) {
		uint64_t *entry = &memory[i][page_table_index(&table.format->levels[i], ADDRESS)];

		*entry |= c;
	}
	assert_int_equal(end_of(&table, ADDRESS).fault, FAULT_RESERVED);
	table.encryption = c;
	assert_int_equal(end_of(&table, ADDRESS).frame, 0x12345);
	*way_to(false, ADDRESS) = (~UINT64_C(0x12345000) & PFN) | BIT8;
	assert_int_equal(end_of(&table, ADDRESS).frame, 0x12345);
}

static void empties_of_the_erratum_are_empty(void **state)
{
	(void)state;
	assert_int_equal(decoded(3, A).kind, ENTRY_EMPTY);
	assert_int_equal(decoded(3, A | D).kind, ENTRY_EMPTY);
	assert_int_equal(decoded(0, D).kind, ENTRY_EMPTY);
}

static void names_the_bits(void **state)
{
	(void)state;
	static const struct {
		unsigned depth;
		uint64_t value;
		const char *text;
	} entries[] = {
		{3, UINT64_C(0x5000) | P | RW | US | A | D | NX,
		 "present,write,user,accessed,dirty,nx"},
		{3, UINT64_C(0x5000) | P | 1 << 9 | 1 << 10 | 1 << 11 | BIT8 | PS,
		 "present,global,special,uffd-wp,soft-dirty,pat"},
		{3, UINT64_C(0x5000) | P | BIT58 | UINT64_C(5) << 59, "present,saved-dirty,pkey=5"},
		{3, UINT64_C(0x5000) | P | BIT58 | RW, "present,write,bit-58"},
		{2, UINT64_C(0x200000) | P | PS | 0x1000, "huge-2M,present,pat"},
		{1, UINT64_C(0x40000000) | P | PS, "huge-1G,present"},
		{3, (~UINT64_C(0x5000) & PFN) | BIT8 | RW, "prot-none,write"},
		{2, UINT64_C(0x200000) | 0x1000 | P, "bad: points at a table outside RAM"},
	};

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		char text[256];
		struct page_table_entry entry = decoded(entries[i].depth, entries[i].value);

		x86_64_format(false)->text(x86_64_format(false)->levels[entries[i].depth].shift,
					   &entry, text, sizeof(text));
		assert_string_equal(text, entries[i].text);
	}
	struct page_table_entry entry = decoded(3, swap_entry(2, 0x10) | 8);
	char text[256];
	x86_64_format(false)->text(12, &entry, text, sizeof(text));
	assert_string_equal(text, "swap,type=2,offset=0x10,exclusive");
	entry = decoded(3, swap_entry(31, 4));
	x86_64_format(false)->text(12, &entry, text, sizeof(text));
	assert_string_equal(text, "marker,guard");
}

static void names_the_access(void **state)
{
	(void)state;
	char text[8];

	entry_access_text(ENTRY_READ | ENTRY_WRITE | ENTRY_USER, text);
	assert_string_equal(text, "rw");
	entry_access_text(ENTRY_READ | ENTRY_EXEC, text);
	assert_string_equal(text, "rx");
	entry_access_text(ENTRY_USER, text);
	assert_string_equal(text, "none");
}

/* ---- everything ----------------------------------------------------------------------------- */

static struct {
	size_t count, bad;
	struct page_table_leaf leaves[2048];
} seen;

static struct error *take(void *argument, const struct page_table_leaf *leaves, size_t count)
{
	(void)argument;
	assert_true(count > 0);
	for (size_t i = 0; i < count; i++) {
		if (seen.count < 2048)
			seen.leaves[seen.count] = leaves[i];
		seen.count++;
		seen.bad += leaves[i].entry.kind == ENTRY_BAD;
	}
	return NULL;
}

#define USER ((struct range){0, UINT64_C(1) << 47})

static struct error *iterate(const struct page_table *table, struct range range)
{
	memset(&seen, 0, sizeof(seen));
	reads = 0;
	return page_table_iterate(table, range, take, NULL);
}

static void iterates_over_all_kinds(void **state)
{
	(void)state;
	struct page_table table = made(false);

	way_to(false, 0);
	memory[3][0] = UINT64_C(0x7000) | P | RW;
	memory[3][5] = swap_entry(0, 9);
	memory[3][511] = UINT64_C(0x8000) | P | NX;
	memory[2][1] = UINT64_C(0x40200000) | P | PS;
	memory[1][3] = UINT64_C(0x80000000) | P | PS;
	memory[0][255] = frame(10) | TABLE;
	assert_ok(iterate(&table, USER));
	static const struct {
		uint64_t address;
		enum entry_kind kind;
		unsigned depth;
	} expected[] = {{0, ENTRY_PAGE, 3},
			{0x5000, ENTRY_SWAP, 3},
			{0x1ff000, ENTRY_PAGE, 3},
			{0x200000, ENTRY_PAGE, 2},
			{UINT64_C(0xc0000000), ENTRY_PAGE, 1}};
	assert_int_equal(seen.count, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(seen.leaves[i].address, expected[i].address);
		assert_int_equal(seen.leaves[i].entry.kind, expected[i].kind);
		assert_int_equal(seen.leaves[i].depth, expected[i].depth);
	}
	assert_int_equal(seen.leaves[0].access, ENTRY_READ | ENTRY_WRITE | ENTRY_EXEC);
	/* Each of five tables once, and the entry of all but the root again. */
	assert_int_equal(reads, 5 + 4);
}

/* The same tables without the last ones: what may map something. */
static void iterates_over_tables(void **state)
{
	(void)state;
	struct page_table table = made(false);

	way_to(false, 0);
	memory[3][0] = UINT64_C(0x7000) | P | RW;
	memory[2][1] = UINT64_C(0x40200000) | P | PS;
	memory[1][3] = UINT64_C(0x80000000) | P | PS;
	memory[2][9] = swap_entry(0, 9);
	memset(&seen, 0, sizeof(seen));
	reads = 0;
	assert_ok(page_table_iterate_tables(&table, USER, take, NULL));
	assert_int_equal(seen.count, 4);
	assert_int_equal(seen.leaves[0].address, 0);
	assert_int_equal(seen.leaves[0].entry.kind, ENTRY_TABLE);
	assert_int_equal(seen.leaves[0].depth, 2);
	assert_int_equal(seen.leaves[1].address, 0x200000);
	assert_int_equal(seen.leaves[1].entry.kind, ENTRY_PAGE);
	assert_int_equal(seen.leaves[2].address, 9 * 0x200000);
	assert_int_equal(seen.leaves[3].address, UINT64_C(0xc0000000));
	assert_int_equal(seen.leaves[3].depth, 1);
	memory[3][0] = 0; /* the last table is not looked into */
	memset(&seen, 0, sizeof(seen));
	assert_ok(page_table_iterate_tables(&table, (struct range){0x3000, 0x4000}, take, NULL));
	assert_int_equal(seen.count, 1);
}

static void iterates_over_a_range(void **state)
{
	(void)state;
	struct page_table table = made(false);

	way_to(false, ADDRESS);
	for (unsigned i = 0; i < TABLE_ENTRIES; i++)
		memory[3][i] = UINT64_C(0x7000) | P;
	uint64_t first = align_down(ADDRESS, 4096);
	assert_ok(iterate(&table, (struct range){first, first + 3 * 4096}));
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.leaves[0].address, first);
	assert_ok(iterate(&table, (struct range){0, first}));
	assert_int_equal(seen.count, 359);
	assert_ok(iterate(&table, (struct range){first, UINT64_C(1) << 47}));
	assert_int_equal(seen.count, 512 - 359);
	assert_ok(iterate(&table, (struct range){first, first}));
	assert_int_equal(reads, 0);
	assert_error(iterate(&table, (struct range){0, UINT64_MAX}), ERROR_INPUT, "one half");
	assert_error(iterate(&table, (struct range){UINT64_C(1) << 47, UINT64_C(1) << 50}),
		     ERROR_INPUT, "one half");
}

static void iterates_over_the_kernel_half(void **state)
{
	(void)state;
	struct page_table table = made(false);
	uint64_t address = UINT64_C(0xfffffffffffff000);

	*way_to(false, address) = UINT64_C(0x9000) | P;
	assert_ok(iterate(&table, (struct range){UINT64_C(0xffff800000000000), UINT64_MAX}));
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.leaves[0].address, address);
}

static void iterates_with_five_levels(void **state)
{
	(void)state;
	struct page_table table = made(true);
	uint64_t address = UINT64_C(0xab123456789000);

	*way_to(true, address) = UINT64_C(0x9000) | P;
	assert_ok(iterate(&table, (struct range){0, UINT64_C(1) << 56}));
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.leaves[0].address, address);
	assert_int_equal(seen.leaves[0].depth, 4);
}

static void loops_are_leaves(void **state)
{
	(void)state;
	struct page_table table = made(false);

	for (unsigned i = 0; i < TABLE_ENTRIES; i++)
		memory[0][i] = frame(0) | TABLE;
	assert_ok(iterate(&table, USER));
	assert_int_equal(seen.count, 256);
	assert_int_equal(seen.bad, 256);
	assert_int_equal(seen.leaves[0].entry.fault, FAULT_LOOP);
	assert_int_equal(reads, 1);
}

/* Every entry of every level points at the one next table: 2^36 pages, in four frames. */
static void work_is_bounded(void **state)
{
	(void)state;
	struct page_table table = made(false);

	for (unsigned depth = 0; depth < 3; depth++) {
		for (unsigned i = 0; i < TABLE_ENTRIES; i++)
			memory[depth][i] = frame(depth + 1) | TABLE;
	}
	for (unsigned i = 0; i < TABLE_ENTRIES; i++)
		memory[3][i] = UINT64_C(0x7000) | P;
	assert_error(iterate(&table, USER), ERROR_INPUT, "more of them than RAM has frames");
	assert_true(reads <= 2 * FRAMES);
}

static void faults_are_leaves(void **state)
{
	(void)state;
	struct page_table table = made(false);

	way_to(false, 0);
	memory[3][0] = UINT64_C(0x7000) | P;
	memory[2][1] = frame(20) | TABLE;
	memory[2][2] = frame(21) | TABLE;
	memory[21][0] = UINT64_C(0x8000) | P;
	unreadable = frame(20);
	assert_ok(iterate(&table, USER));
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.leaves[1].entry.fault, FAULT_UNREADABLE);
	assert_int_equal(seen.leaves[1].address, 0x200000);
	assert_int_equal(seen.leaves[2].entry.kind, ENTRY_PAGE);
	struct page_table_walk w = walk(&table, 0x200000);
	assert_int_equal(w.count, 3);
	assert_int_equal(page_table_walk_end(&w)->entry.fault, FAULT_UNREADABLE);
	unreadable = frame(0);
	assert_error(iterate(&table, USER), ERROR_FAULT, "nothing at");
	assert_error(page_table_walk_to(&table, 0, &w), ERROR_FAULT, "nothing at");
	table.root = 0x1000;
	assert_error(iterate(&table, USER), ERROR_INPUT, "no page table can lie at 0x1000");
	table.root = frame(0) + 8;
	assert_error(page_table_walk_to(&table, 0, &w), ERROR_INPUT, "no page table can lie");
}

/* Tables side by side are read some at a time: every one is there, and one that faults or changes
 * loses none of the others. */
static void tables_side_by_side(void **state)
{
	(void)state;
	struct page_table table = made(false);

	way_to(false, 0);
	memory[3][0] = 0;
	for (unsigned i = 0; i < 40; i++) {
		memory[2][3 * i + 1] = frame(10 + i) | TABLE;
		memory[10 + i][i] = UINT64_C(0x100000) + i * 0x1000 + P;
	}
	memory[2][200] = UINT64_C(0x40200000) | P | PS;
	assert_ok(iterate(&table, USER));
	assert_int_equal(seen.count, 41);
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(seen.leaves[i].address, (3 * i + 1) * 0x200000 + i * 0x1000);
		assert_int_equal(seen.leaves[i].entry.frame, 0x100 + i);
	}
	unreadable = frame(10 + 7);
	assert_ok(iterate(&table, USER));
	assert_int_equal(seen.count, 41);
	assert_int_equal(seen.bad, 1);
	assert_int_equal(seen.leaves[7].entry.fault, FAULT_UNREADABLE);
	assert_int_equal(seen.leaves[8].entry.frame, 0x108);
	/* From the middle of one to the middle of another. */
	unreadable = 0;
	assert_ok(iterate(&table, (struct range){4 * 0x200000 + 0x1000, 10 * 0x200000 + 0x3000}));
	assert_int_equal(seen.count, 2);
}

/* The table is freed and filled with something else while it is read. */
static void replace_table(uint64_t paddr)
{
	if (paddr != frame(3))
		return;
	memset(memory[3], 0xa5, sizeof(memory[3]));
	memory[2][0] = frame(30) | TABLE;
}

static void free_table(uint64_t paddr)
{
	if (paddr != frame(3))
		return;
	memset(memory[3], 0xa5, sizeof(memory[3]));
	memory[2][0] = 0;
}

static void keep_changing(uint64_t paddr)
{
	if (paddr == frame(3) || paddr == frame(30))
		*entry_at(frame(2)) ^= frame(3) ^ frame(30);
}

static void freed_tables_are_not_believed(void **state)
{
	(void)state;
	struct page_table table = made(false);

	way_to(false, 0);
	memory[30][7] = UINT64_C(0x8000) | P;
	meanwhile = replace_table;
	assert_ok(iterate(&table, USER));
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.leaves[0].address, 0x7000);
	way_to(false, 0);
	meanwhile = free_table;
	assert_ok(iterate(&table, USER));
	assert_int_equal(seen.count, 0);
	way_to(false, 0);
	meanwhile = keep_changing;
	assert_ok(iterate(&table, USER));
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.leaves[0].entry.fault, FAULT_CHANGING);
}

static struct error *refuse(void *argument, const struct page_table_leaf *leaves, size_t count)
{
	(void)argument;
	(void)leaves;
	(void)count;
	return error_new(ERROR_OTHER, "enough");
}

static void the_visitors_error_ends_it(void **state)
{
	(void)state;
	struct page_table table = made(false);

	*way_to(false, 0) = UINT64_C(0x7000) | P;
	assert_error(page_table_iterate(&table, USER, refuse, NULL), ERROR_OTHER, "enough");
}

#define TEST(function) cmocka_unit_test_setup(function, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(walks_four_levels),
		TEST(walks_five_levels),
		TEST(walks_kernel_addresses),
		TEST(refuses_what_is_not_canonical),
		TEST(ends_where_nothing_is),
		TEST(grants_what_all_levels_grant),
		TEST(decodes_huge_pages),
		TEST(decodes_prot_none),
		TEST(decodes_swap),
		TEST(finds_garbage),
		TEST(decodes_anything),
		TEST(knows_when_a_page_is_dirty),
		TEST(leaves_out_the_encryption_bit),
		TEST(empties_of_the_erratum_are_empty),
		TEST(names_the_bits),
		TEST(names_the_access),
		TEST(iterates_over_all_kinds),
		TEST(iterates_over_tables),
		TEST(iterates_over_a_range),
		TEST(iterates_over_the_kernel_half),
		TEST(iterates_with_five_levels),
		TEST(loops_are_leaves),
		TEST(work_is_bounded),
		TEST(faults_are_leaves),
		TEST(tables_side_by_side),
		TEST(freed_tables_are_not_believed),
		TEST(the_visitors_error_ends_it),
	};

	return cmocka_run_group_tests_name("pagetable", tests, NULL, NULL);
}
