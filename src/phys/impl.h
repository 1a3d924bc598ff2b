// SPDX-License-Identifier: GPL-2.0-or-later
/* What the files of this room (and its unit tests) share; nobody else includes it. */
#ifndef PHYSLENS_PHYS_IMPL_H
#define PHYSLENS_PHYS_IMPL_H

#include "base/vec.h"
#include "phys/source.h"
#include "proc/iomem.h"

/*
 * The most that copy() is asked for at once. It never crosses a multiple of it, nor the end of a
 * range of RAM.
 */
enum { SOURCE_BATCH = 1 << 20 };

struct source_ops {
	const char *name;
	size_t size;  /* of the implementation's struct, whose first member is the struct source */
	bool devices; /* it reaches what is not RAM, even where the kernel keeps RAM from it */

	/* Makes a source of zeroed memory whose base is filled in; close() follows in any case. */
	struct error *(*open)(struct source *source);
	void (*close)(struct source *source);

	/* Copies all of it, or nothing that counts: then an errno. */
	int (*copy)(struct source *source, uint64_t paddr, void *buffer, size_t length);

	/*
	 * The same without a copy of it: *bytes is of the source, until it is used again. NULL: it
	 * has none.
	 */
	int (*view)(struct source *source, uint64_t paddr, const void **bytes, size_t length);

	/* What such an errno of copy() means, in words; NULL for strerror()'s. */
	const char *(*cause)(int errnum);

	/* Fills in what this source knows by itself. NULL: nothing. */
	struct error *(*kernel)(struct source *source, struct source_kernel *kernel);
};

extern const struct source_ops source_devmem, source_kcore, source_bpf;

typedef VEC(struct range *) range_list_vec;

struct source {
	const struct source_ops *ops;
	unsigned flags;
	int root; /* the system's root directory, or -1: a source without a live system behind it */
	size_t page_size;
	range_vec ram;
	range_list_vec retired; /* earlier ram.items, which callers may still hold */
	int64_t ram_read;       /* when `ram` was read, in seconds */
	bool kernel_known;
	struct source_kernel kernel;
	char *vmcoreinfo; /* what kernel.vmcoreinfo points to, unless the source has it */
};

/*
 * A source of `ops` that takes its RAM from `ram` instead of a live system: for tests, and for what
 * is not live.
 */
struct error *source_create(const struct source_ops *ops, unsigned flags, const struct range *ram,
			    size_t ram_count, struct source **source);

/*
 * A page of our own whose physical address and whose bytes are known: what proves that a source
 * shows physical memory as it is.
 */
struct marker {
	unsigned char *page;
	size_t size;
	int pagemap;
};

struct error *marker_init(struct marker *marker, int root, size_t page_size);
void marker_deinit(struct marker *marker);

/* New random bytes, and where they are now: the frame may move between this call and a read. */
struct error *marker_renew(struct marker *marker, uint64_t *paddr);

/* How often a read of the marker is tried before it counts as wrong, since frames can move. */
enum { MARKER_TRIES = 4 };

/* Addresses of the kernel image (arch/x86/include/asm/page_64_types.h, __START_KERNEL_map). */
#define KERNEL_IMAGE UINT64_C(0xffffffff80000000)
/* Modules end and the fixed mappings begin here (Documentation/arch/x86/x86_64/mm.rst). */
#define KERNEL_IMAGE_END UINT64_C(0xffffffffff000000)

/* The level that the kernel is locked down at, a literal; NULL: it is not, or does not say. */
const char *lockdown_level(int root);

/* The error of open() for a source's file. Locked down at integrity, some can be opened still. */
struct error *source_open_refused(const struct source *source, int errnum, bool survives_integrity);

/* Fills in of *kernel what the source did not: see known.c. */
struct error *source_complete_kernel(struct source *source, struct source_kernel *kernel);

#endif
