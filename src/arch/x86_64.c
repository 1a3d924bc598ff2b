// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/x86_64.h"

#include <stdarg.h>
#include <stdio.h>

#define BIT(n) (UINT64_C(1) << (n))

#define BIT_PRESENT     BIT(0)
#define BIT_WRITE       BIT(1)
#define BIT_USER        BIT(2)
#define BIT_PWT         BIT(3)
#define BIT_PCD         BIT(4)
#define BIT_ACCESSED    BIT(5)
#define BIT_DIRTY       BIT(6)
#define BIT_HUGE        BIT(7) /* PS: a page at this level; in a PTE the same bit is PAT */
#define BIT_GLOBAL      BIT(8)
#define BIT_PROT_NONE   BIT(8) /* in an entry that is not present */
#define BIT_SPECIAL     BIT(9)
#define BIT_UFFD_WP     BIT(10)
#define BIT_SOFT_DIRTY  BIT(11)
#define BIT_HUGE_PAT    BIT(12)
#define BIT_SAVED_DIRTY BIT(58)
#define BIT_NX          BIT(63)

/* Swap entries, which are not present, use other bits for the same (pgtable_types.h, _PAGE_SWP_*).
 */
#define SWAP_SOFT_DIRTY BIT(1)
#define SWAP_UFFD_WP    BIT(2)
#define SWAP_EXCLUSIVE  BIT(3)

enum {
	SHIFT_PTE = 12,
	SHIFT_PMD = 21,
	SHIFT_PUD = 30,
	ADDRESS_BITS = 52, /* an entry has room for so many of a physical address */
	/*
	 * Swap types from MAX_SWAPFILES on are no swap areas (include/linux/swap.h). The last is
	 * the marker, the numbers of the others depend on the kernel's configuration; 23 is the
	 * least that MAX_SWAPFILES can be.
	 */
	SWAP_TYPE_SPECIAL = 23,
	SWAP_TYPE_MARKER = 31,
};

/* Bits of a swap offset that are a frame: MAX_PHYSMEM_BITS - PAGE_SHIFT at its largest. */
#define SWAP_FRAME (BIT(40) - 1)

/* The Knights Landing erratum leaves these in empty entries (pgtable.h, pte_none()). */
#define ERRATUM_BITS (BIT_ACCESSED | BIT_DIRTY)

static const struct page_table_level levels[] = {
	{"PGD", 48, 9}, {"P4D", 39, 9}, {"PUD", 30, 9}, {"PMD", 21, 9}, {"PTE", 12, 9},
};

/* With four levels Linux folds the P4D, and the PGD is what bits 47 to 39 index. */
static const struct page_table_level four_levels[] = {
	{"PGD", 39, 9},
	{"PUD", 30, 9},
	{"PMD", 21, 9},
	{"PTE", 12, 9},
};

const struct page_table_level *x86_64_levels(bool five, size_t *count)
{
	const struct page_table_format *format = x86_64_format(five);

	*count = format->level_count;
	return format->levels;
}

bool x86_64_is_canonical(uint64_t address, bool five)
{
	return page_table_is_canonical(x86_64_format(five), address);
}

/* --- decoding ----------------------------------------------------------------------------- */

static void set_bad(struct page_table_entry *entry, enum entry_fault fault)
{
	entry->kind = ENTRY_BAD;
	entry->fault = (uint8_t)fault;
}

/* Bits `high` - 1 down to `low`. */
static uint64_t field(unsigned high, unsigned low)
{
	return (high >= 64 ? UINT64_MAX : BIT(high) - 1) & ~(BIT(low) - 1);
}

static bool is_page(unsigned shift, uint64_t value)
{
	return shift == SHIFT_PTE || value & BIT_HUGE;
}

/*
 * Dirty is the hardware's bit or, since 6.6, the one that remembers it while the page is
 * write-protected (a shadow stack is what is dirty and not writable). Before, and together with
 * SPECIAL, bit 58 meant a page of a device's memory (_PAGE_DEVMAP).
 */
static bool is_dirty(uint64_t value)
{
	return value & BIT_DIRTY ||
	       (value & (BIT_SAVED_DIRTY | BIT_SPECIAL | BIT_WRITE)) == BIT_SAVED_DIRTY;
}

static unsigned present_bits(unsigned shift, uint64_t value)
{
	unsigned bits = ENTRY_READ;

	bits |= value & BIT_WRITE ? ENTRY_WRITE : 0;
	bits |= value & BIT_NX ? 0 : ENTRY_EXEC;
	bits |= value & BIT_USER ? ENTRY_USER : 0;
	bits |= value & BIT_ACCESSED ? ENTRY_ACCESSED : 0;
	if (!is_page(shift, value))
		return bits;
	bits |= is_dirty(value) ? ENTRY_DIRTY : 0;
	bits |= value & BIT_SOFT_DIRTY ? ENTRY_SOFT_DIRTY : 0;
	bits |= value & BIT_UFFD_WP ? ENTRY_UFFD_WP : 0;
	bits |= value & BIT_SPECIAL ? ENTRY_UNMANAGED : 0;
	return bits;
}

/* Address bits that must be 0: past the processor's width, and below the size of a huge page. */
static uint64_t reserved(unsigned shift, unsigned physical_bits, uint64_t value)
{
	uint64_t bits = physical_bits < ADDRESS_BITS ? field(ADDRESS_BITS, physical_bits) : 0;

	if (shift > SHIFT_PUD)
		return bits | BIT_HUGE;
	return shift > SHIFT_PTE && value & BIT_HUGE ? bits | field(shift, 13) : bits;
}

static void decode_present(unsigned shift, uint64_t value, unsigned physical_bits,
			   struct page_table_entry *entry)
{
	bool page = shift <= SHIFT_PUD && is_page(shift, value);

	entry->bits = present_bits(shift, value);
	if (value & reserved(shift, physical_bits, value)) {
		set_bad(entry, FAULT_RESERVED);
		return;
	}
	entry->kind = page ? ENTRY_PAGE : ENTRY_TABLE;
	uint64_t address = value & field(ADDRESS_BITS, page ? shift : SHIFT_PTE);
	entry->frame = address >> SHIFT_PTE;
	entry->attributes = entry->value ^ address;
}

/*
 * Against L1TF the frame of an entry that is not present is stored inverted, so that speculation
 * finds no memory there (arch/x86/include/asm/pgtable-invert.h).
 */
static void decode_prot_none(unsigned shift, uint64_t value, uint64_t encryption,
			     unsigned physical_bits, struct page_table_entry *entry)
{
	uint64_t address = ~value & ~encryption & field(ADDRESS_BITS, shift);

	entry->bits = present_bits(shift, value) & ~(unsigned)ENTRY_ACCESS;
	if (physical_bits < ADDRESS_BITS && address >> physical_bits) {
		set_bad(entry, FAULT_RESERVED);
		return;
	}
	entry->kind = ENTRY_PROT_NONE;
	entry->frame = address >> SHIFT_PTE;
	entry->attributes = entry->value & ~field(ADDRESS_BITS, shift);
}

/* Type in bits 63-59, the inverted offset in 58-9 (arch/x86/include/asm/pgtable_64.h). */
static void decode_swap(uint64_t value, struct page_table_entry *entry)
{
	entry->swap_type = (uint8_t)(value >> 59);
	entry->swap_offset = ~value << 5 >> 14;
	entry->kind = ENTRY_SWAP;
	entry->attributes = value & ~field(59, 9);
	if (entry->swap_type == SWAP_TYPE_MARKER)
		entry->kind = ENTRY_MARKER;
	else if (entry->swap_type >= SWAP_TYPE_SPECIAL)
		entry->kind = ENTRY_SPECIAL;
	if (entry->kind == ENTRY_SPECIAL)
		entry->frame = entry->swap_offset & SWAP_FRAME;
	entry->bits |= value & SWAP_SOFT_DIRTY ? ENTRY_SOFT_DIRTY : 0;
	entry->bits |= value & SWAP_UFFD_WP ? ENTRY_UFFD_WP : 0;
	entry->bits |= value & SWAP_EXCLUSIVE ? ENTRY_EXCLUSIVE : 0;
}

/*
 * A PMD or PUD with PS but not P is a huge page that is being split or moved (pmd_present()): as
 * with PROT_NONE the page is there, and the hardware is kept from it.
 */
static void decode(unsigned shift, uint64_t encryption, unsigned physical_bits,
		   struct page_table_entry *entry)
{
	uint64_t value = entry->value & ~encryption;
	uint64_t kept = shift == SHIFT_PTE ? BIT_PROT_NONE : BIT_PROT_NONE | BIT_HUGE;

	if (value & BIT_PRESENT)
		decode_present(shift, value, physical_bits, entry);
	else if ((value & ~ERRATUM_BITS) == 0)
		entry->kind = ENTRY_EMPTY;
	else if (shift > SHIFT_PUD)
		set_bad(entry, FAULT_NOT_PRESENT);
	else if (value & kept)
		decode_prot_none(shift, value, encryption, physical_bits, entry);
	else
		decode_swap(entry->value, entry);
}

/* --- names -------------------------------------------------------------------------------- */

struct bit_name {
	uint64_t bit;
	const char *name;
};

static const struct bit_name table_names[] = {
	{BIT_PRESENT, "present"}, {BIT_WRITE, "write"},       {BIT_USER, "user"}, {BIT_PWT, "pwt"},
	{BIT_PCD, "pcd"},         {BIT_ACCESSED, "accessed"}, {BIT_NX, "nx"},     {0, NULL},
};

static const struct bit_name page_names[] = {
	{BIT_PRESENT, "present"},
	{BIT_WRITE, "write"},
	{BIT_USER, "user"},
	{BIT_PWT, "pwt"},
	{BIT_PCD, "pcd"},
	{BIT_ACCESSED, "accessed"},
	{BIT_DIRTY, "dirty"},
	{BIT_GLOBAL, "global"},
	{BIT_SPECIAL, "special"},
	{BIT_UFFD_WP, "uffd-wp"},
	{BIT_SOFT_DIRTY, "soft-dirty"},
	{BIT_NX, "nx"},
	{0, NULL},
};

/* As page_names, but without what bit 8 and bit 0 mean in a present entry. */
static const struct bit_name kept_names[] = {
	{BIT_PROT_NONE, "prot-none"},
	{BIT_WRITE, "write"},
	{BIT_USER, "user"},
	{BIT_ACCESSED, "accessed"},
	{BIT_DIRTY, "dirty"},
	{BIT_SPECIAL, "special"},
	{BIT_UFFD_WP, "uffd-wp"},
	{BIT_SOFT_DIRTY, "soft-dirty"},
	{BIT_NX, "nx"},
	{0, NULL},
};

static const struct bit_name swap_names[] = {
	{SWAP_SOFT_DIRTY, "soft-dirty"},
	{SWAP_UFFD_WP, "uffd-wp"},
	{SWAP_EXCLUSIVE, "exclusive"},
	{0, NULL},
};

/* Offset bits of a marker (include/linux/swapops.h, PTE_MARKER_*). */
static const struct bit_name marker_names[] = {
	{BIT(0), "uffd-wp"}, {BIT(1), "poisoned"}, {BIT(2), "guard"}, {0, NULL}};

struct writer {
	char *text;
	size_t size;
	size_t used;
};

static void put(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct writer *w, const char *format, ...)
{
	va_list args;

	if (w->used && w->used + 1 < w->size)
		w->text[w->used++] = ',';
	va_start(args, format);
	int length = vsnprintf(w->text + w->used, w->size - w->used, format, args);
	va_end(args);
	if (length > 0)
		w->used +=
			(size_t)length < w->size - w->used ? (size_t)length : w->size - w->used - 1;
}

static void put_names(struct writer *w, const struct bit_name *names, uint64_t value)
{
	for (; names->name; names++) {
		if (value & names->bit)
			put(w, "%s", names->name);
	}
}

static const char *size_name(unsigned shift)
{
	return shift == SHIFT_PUD ? "1G" : "2M";
}

/* Bits that are the system's own: a name for the one we know, for others their number. */
static void put_software_bits(struct writer *w, uint64_t value)
{
	for (unsigned i = ADDRESS_BITS; i < 59; i++) {
		if (i == 58 && !(value & BIT_DIRTY) && value & BIT(i) && is_dirty(value))
			put(w, "saved-dirty");
		else if (value & BIT(i))
			put(w, "bit-%u", i);
	}
}

static void put_page(struct writer *w, unsigned shift, uint64_t value)
{
	unsigned key = (unsigned)(value >> 59) & 15;

	if (shift > SHIFT_PTE)
		put(w, "huge-%s", size_name(shift));
	put_names(w, page_names, value);
	if (value & (shift == SHIFT_PTE ? BIT_HUGE : BIT_HUGE_PAT))
		put(w, "pat");
	put_software_bits(w, value);
	if (key)
		put(w, "pkey=%u", key);
}

static void put_swapped(struct writer *w, const struct page_table_entry *entry)
{
	unsigned long long offset = entry->swap_offset;

	if (entry->kind == ENTRY_MARKER) {
		put(w, "marker");
		put_names(w, marker_names, offset);
	} else {
		put(w, "%s", entry_kind_name(entry->kind));
		put(w, "type=%u", entry->swap_type);
		put(w, "offset=0x%llx", offset);
	}
	put_names(w, swap_names, entry->value);
}

static void text(unsigned shift, const struct page_table_entry *entry, char *buffer, size_t size)
{
	struct writer w = {buffer, size, 0};
	uint64_t value = entry->value;

	*buffer = '\0';
	switch ((enum entry_kind)entry->kind) {
	case ENTRY_TABLE:
		put_names(&w, table_names, value);
		break;
	case ENTRY_PAGE:
		put_page(&w, shift, value);
		break;
	case ENTRY_PROT_NONE:
		if (shift > SHIFT_PTE)
			put(&w, "huge-%s", size_name(shift));
		put_names(&w, kept_names, value);
		put_software_bits(&w, value);
		break;
	case ENTRY_SWAP:
	case ENTRY_SPECIAL:
	case ENTRY_MARKER:
		put_swapped(&w, entry);
		break;
	case ENTRY_BAD:
		put(&w, "bad: %s", entry_fault_text(entry->fault));
		break;
	case ENTRY_EMPTY:
	case ENTRY_KINDS:
		put(&w, "empty");
		break;
	}
}

const struct page_table_format *x86_64_format(bool five)
{
	static const struct page_table_format formats[] = {
		{four_levels, 4, 48, decode, text},
		{levels, 5, 57, decode, text},
	};

	return &formats[five];
}
