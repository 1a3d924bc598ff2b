// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's own memory, by its virtual addresses, from physical memory: where the direct map,
 * the kernel's image and its page tables are.
 */
#ifndef PHYSLENS_KERNEL_MEMORY_H
#define PHYSLENS_KERNEL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/pagetable.h"
#include "base/error.h"
#include "phys/source.h"

struct kernel_memory {
	struct source *source;      /* the caller's */
	struct source_kernel known; /* what the source has found out */
	struct page_table
		table;       /* the kernel's own; no root: not found. Format and RAM as for all */
	uint64_t direct_map; /* virtual address of physical 0 */
	bool has_direct_map;
};

/*
 * Learns what the source and /proc/cpuinfo (below the directory `root`) tell. What is not known is
 * left out, and fails where it is needed.
 */
struct error *kernel_memory_init(struct kernel_memory *memory, struct source *source, int root);

/* ERROR_FAULT for an address that the kernel has no memory at. */
struct error *kernel_physical(const struct kernel_memory *memory, uint64_t vaddr, uint64_t *paddr);

/* Reads all of `length` bytes at a kernel address. */
struct error *kernel_read(const struct kernel_memory *memory, uint64_t vaddr, void *buffer,
			  size_t length);

/* A pointer there: an unsigned long. */
struct error *kernel_read_pointer(const struct kernel_memory *memory, uint64_t vaddr,
				  uint64_t *pointer);

/*
 * The address of a symbol of the kernel proper, from proc/kallsyms below `root`. ERROR_DENIED or
 * ERROR_UNSUPPORTED say why there is none.
 */
struct error *kernel_symbol(const char *name, int root, uint64_t *address);

#endif
