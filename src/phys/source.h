// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Physical memory behind one interface: /dev/mem, /proc/kcore, eBPF; later memory images.
 *
 * Read-only by type: there is no call that writes, and every implementation opens and maps for
 * reading only. What cannot be read is an ERROR_FAULT with its address and cause, never zeroes.
 */
#ifndef PHYSLENS_PHYS_SOURCE_H
#define PHYSLENS_PHYS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/range.h"

struct source;

enum source_flags {
	/* Also what is not System RAM, where a read may be a bus cycle with side effects. */
	SOURCE_ANY_ADDRESS = 1 << 0,
};

/*
 * Opens a source of the live system by name ("devmem", "kcore", "bpf"), or for "auto" the first of
 * these that works. The error says which gate is closed; for "auto", of each source in turn.
 */
struct error *source_open(const char *name, unsigned flags, struct source **source);
void source_close(struct source *source); /* NULL is fine */

/* Whether `name` is one that source_open() knows; "none" is, though it opens nothing. */
bool source_is_known(const char *name);

/* "devmem", "kcore" or "bpf". */
const char *source_name(const struct source *source);

unsigned source_flags(const struct source *source); /* enum source_flags, as it was opened */

/*
 * System RAM as /proc/iomem has it: half-open, in bytes, sorted, neighbours joined. Owned by the
 * source, until it is closed; a read may find that memory was plugged in since, and what this gives
 * from then on is newer.
 */
const struct range *source_ram(const struct source *source, size_t *count);

/*
 * Reads `length` bytes from physical address `paddr` on. *got bytes are in `buffer` even on error:
 * an ERROR_FAULT's address is that of the first byte that could not be read, paddr + *got. Outside
 * System RAM is a fault unless SOURCE_ANY_ADDRESS was given.
 */
struct error *source_read(struct source *source, uint64_t paddr, void *buffer, size_t length,
			  size_t *got);

/*
 * The same, for who only looks at the bytes: *bytes is where they are, in `buffer`, or in what the
 * source itself copied them to, which is one copy less; valid until the source is used again.
 */
struct error *source_view(struct source *source, uint64_t paddr, void *buffer, size_t length,
			  const void **bytes, size_t *got);

/* The message of a fault without the address that it begins with: one cause may hold for many. */
const char *source_fault_cause(const struct error *error);

/*
 * What a source knows of the kernel's own addresses, for the kernel/ room to begin with. Zero or
 * false where it does not.
 */
struct source_kernel {
	bool has_direct_map;
	uint64_t direct_map; /* virtual address of physical 0 (page_offset_base) */
	bool has_phys_base;
	uint64_t phys_base; /* physical = virtual - 0xffffffff80000000 + phys_base, modulo 2^64 */
	uint64_t current_task; /* virtual address of a task_struct of this very process, or 0 */
	/*
	 * The bytes of such a task_struct where the source has them instead of its address (kcore's
	 * NT_TASKSTRUCT note), or NULL; owned by the source.
	 */
	const void *task_bytes;
	size_t task_size;
	/* The text of VMCOREINFO ("KEY=VALUE" lines), or NULL; owned by the source. */
	const char *vmcoreinfo;
};

/* The rest of the line "KEY=…" in VMCOREINFO (which may be NULL): it ends at a newline or NUL. */
bool vmcoreinfo_find(const char *vmcoreinfo, const char *key, const char **value);

struct error *source_kernel(struct source *source, struct source_kernel *kernel);

/*
 * Reads by kernel virtual address: in the direct map of all memory and in the kernel's image, where
 * source_kernel() knows them (else ERROR_UNSUPPORTED), and only what is System RAM behind them, so
 * that a pointer which is garbage never reaches a device.
 */
struct error *source_read_virtual(struct source *source, uint64_t vaddr, void *buffer,
				  size_t length, size_t *got);

#endif
