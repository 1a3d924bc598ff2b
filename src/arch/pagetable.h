// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page tables as the hardware reads them: radix trees of tables of 512 entries of 8 bytes, read
 * through a callback. What an entry means is the format's (x86_64.c); walking is the same for all.
 *
 * Tables are read from memory that changes and that nobody vouches for, so depth and work are
 * bounded, and an entry that makes no sense is ENTRY_BAD with its cause.
 */
#ifndef PHYSLENS_ARCH_PAGETABLE_H
#define PHYSLENS_ARCH_PAGETABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/range.h"

enum { TABLE_DEPTH = 5, TABLE_ENTRIES = 512, TABLE_BYTES = 4096 };

/* A level of the tables, by Linux's name, and the bits of the address that index it. */
struct page_table_level {
	const char *name; /* "PGD", "P4D", "PUD", "PMD", "PTE" */
	unsigned shift;
	unsigned bits;
};

static inline unsigned page_table_index(const struct page_table_level *level, uint64_t address)
{
	return (unsigned)(address >> level->shift) & ((1U << level->bits) - 1);
}

enum entry_kind {
	ENTRY_EMPTY,
	ENTRY_TABLE,     /* points at the next level's table */
	ENTRY_PAGE,      /* maps a page, of the level's size */
	ENTRY_PROT_NONE, /* keeps a page that no access may reach: the hardware finds nothing */
	ENTRY_SWAP,      /* a slot of a swap area */
	ENTRY_SPECIAL, /* in a swap entry's form: a page being migrated, poisoned, or a device's */
	ENTRY_MARKER,  /* in a swap entry's form: no page, but something to remember */
	ENTRY_BAD,     /* makes no sense: see enum entry_fault */
	ENTRY_KINDS,
};

enum entry_fault {
	FAULT_NONE,
	FAULT_RESERVED,    /* bits are set that the processor demands to be 0 */
	FAULT_NOT_PRESENT, /* not present, but not empty either, where only tables can be */
	FAULT_OUTSIDE_RAM, /* points at a table outside RAM */
	FAULT_LOOP,        /* points back at a table above it */
	FAULT_UNREADABLE,  /* the table it points at cannot be read */
	FAULT_CHANGING,    /* changed every time it was read */
	ENTRY_FAULTS,
};

/* What an entry grants and remembers, alike for every format. */
enum entry_bits {
	ENTRY_READ = 1 << 0,
	ENTRY_WRITE = 1 << 1,
	ENTRY_EXEC = 1 << 2,
	ENTRY_USER = 1 << 3,
	ENTRY_ACCESSED = 1 << 4,
	ENTRY_DIRTY = 1 << 5,
	ENTRY_SOFT_DIRTY = 1 << 6, /* kept in swap entries too, as the next two */
	ENTRY_UFFD_WP = 1 << 7,
	ENTRY_EXCLUSIVE = 1 << 8, /* swap entries alone have it: no other process shares the page */
	ENTRY_UNMANAGED = 1 << 9, /* a frame that the kernel does not count as a page: the zero
				     page, a device's, what the kernel itself shows */
};

#define ENTRY_ACCESS (ENTRY_READ | ENTRY_WRITE | ENTRY_EXEC | ENTRY_USER)

/* An entry decoded. */
struct page_table_entry {
	uint64_t value; /* as it was read */
	/*
	 * TABLE: the frame of the table. PAGE, PROT_NONE: the first frame of the page. SPECIAL: the
	 * frame it is about. Else 0.
	 */
	uint64_t frame;
	/* The value without where it leads: pages alike in all but their frame have the same. */
	uint64_t attributes;
	uint64_t swap_offset; /* SWAP, SPECIAL, MARKER: with swap_type, as pagemap has them */
	uint8_t swap_type;
	uint8_t kind;  /* enum entry_kind */
	uint8_t fault; /* enum entry_fault */
	unsigned bits; /* enum entry_bits: what the entry itself says */
};

struct page_table_format {
	const struct page_table_level *levels; /* from the root's down to the last */
	size_t level_count;
	/* Bits of the address that the top table indexes with those below it: 48 or 57. */
	unsigned address_bits;
	/*
	 * Decodes entry->value, already set and not 0, as one of a table at the level with `shift`.
	 * `encryption` and `physical_bits` are those of struct page_table.
	 */
	void (*decode)(unsigned shift, uint64_t encryption, unsigned physical_bits,
		       struct page_table_entry *entry);
	/* The bits of an entry by name: "present,write,user,accessed". */
	void (*text)(unsigned shift, const struct page_table_entry *entry, char *text, size_t size);
};

/* Reads `length` bytes at a physical address, all of them or none. */
typedef struct error *(*table_read)(void *argument, uint64_t paddr, void *buffer, size_t length);

struct page_table {
	const struct page_table_format *format;
	uint64_t root;           /* physical address of the top table */
	uint64_t encryption;     /* the bit that marks encrypted memory (AMD SME, SEV), or 0 */
	unsigned physical_bits;  /* width of physical addresses; 0: not known */
	const struct range *ram; /* where tables can lie, in bytes, sorted; NULL: anywhere */
	size_t ram_count;
	table_read read;
	void *argument;
};

/* One entry on the way to an address. */
struct page_table_step {
	const struct page_table_level *level;
	unsigned index;
	uint64_t address; /* of the entry: physical */
	struct page_table_entry entry;
};

/* The way to an address, from the root to the entry that ends it. */
struct page_table_walk {
	size_t count;
	struct page_table_step steps[TABLE_DEPTH];
	unsigned access; /* ENTRY_ACCESS bits that all of the entries grant */
};

/* The last step: never a TABLE. */
static inline const struct page_table_step *page_table_walk_end(const struct page_table_walk *walk)
{
	return &walk->steps[walk->count - 1];
}

/* Bytes that an entry of this level maps. */
static inline uint64_t page_table_span(const struct page_table_level *level)
{
	return UINT64_C(1) << level->shift;
}

/*
 * Walks to `address`. ERROR_INPUT when it is not canonical or the root is nowhere in RAM, the
 * reader's error when the root table cannot be read. A table further down that cannot be is the
 * last step, ENTRY_BAD.
 */
struct error *page_table_walk_to(const struct page_table *table, uint64_t address,
				 struct page_table_walk *walk);

/* An entry that ends the walk to its addresses and is not empty. */
struct page_table_leaf {
	uint64_t address; /* virtual, of the first byte it maps */
	struct page_table_entry entry;
	unsigned access; /* ENTRY_ACCESS bits that the tables above and the entry grant */
	uint8_t depth;   /* which of format->levels: the size of what it maps */
};

/* Leaves in ascending order of address, in bulk; valid until it returns. */
typedef struct error *(*page_table_visit)(void *argument, const struct page_table_leaf *leaves,
					  size_t count);

/*
 * Gives `visit` the leaves that map anything of `range` (which must lie in one half of the address
 * space), bad entries among them. Each table is read once and its own entry looked at again after
 * that, since a table that was freed meanwhile holds something else: what changed is read again.
 * ERROR_INPUT when there are more tables than RAM has frames.
 */
struct error *page_table_iterate(const struct page_table *table, struct range range,
				 page_table_visit visit, void *argument);

/*
 * The same without reading the tables of the last level: an entry that points at one is given as a
 * leaf, of kind TABLE, that may map something or nothing. What is in no leaf maps nothing.
 */
struct error *page_table_iterate_tables(const struct page_table *table, struct range range,
					page_table_visit visit, void *argument);

/* Whether the bits above those that the tables index repeat the highest of them. */
bool page_table_is_canonical(const struct page_table_format *format, uint64_t address);

const char *entry_kind_name(enum entry_kind kind);
const char *entry_fault_text(enum entry_fault fault);

/* "4K", "2M", "1G", … of what an entry at a level with this shift maps; NULL for others. */
const char *page_table_size_text(unsigned shift);

/* "r", "rw", "rx", "rwx"; "none" without any access. `text` has room for 8 bytes. */
void entry_access_text(unsigned access, char text[8]);

#endif
