// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc/iomem: the map of the physical address space.
 *
 *     00100000-bfffffff : System RAM
 *       01000000-022090c7 : Kernel code
 *
 * Two spaces a level, both ends inclusive (half-open here). A name may occur any number of times.
 * Without CAP_SYS_ADMIN every address reads as zero (kernel/resource.c, r_show()): such a file is
 * "hidden", which is neither empty nor a machine whose RAM lies at 0.
 */
#ifndef PHYSLENS_PROC_IOMEM_H
#define PHYSLENS_PROC_IOMEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/range.h"
#include "base/vec.h"

#define IOMEM_NO_PARENT SIZE_MAX

enum iomem_state {
	IOMEM_EMPTY,   /* no line at all */
	IOMEM_HIDDEN,  /* names, but every address is zero */
	IOMEM_VISIBLE, /* addresses are there */
};

struct iomem_entry {
	struct range range;
	unsigned depth; /* 0 at the top */
	size_t parent;  /* index of the entry this one lies in, or IOMEM_NO_PARENT */
	const char *name;
};

struct iomem {
	enum iomem_state state;
	VEC(struct iomem_entry) entries; /* in the file's order: a parent before its children */
	char *text;                      /* what the names point into */
};

typedef VEC(struct range) range_vec;

/* Parses `text` (NUL-terminated), which is copied. */
struct error *iomem_parse(const char *text, struct iomem *iomem);

/* Reads and parses proc/iomem below the directory `root`. */
struct error *iomem_load(int root, struct iomem *iomem);

void iomem_deinit(struct iomem *iomem);

/*
 * Appends the ranges of System RAM, at whatever level, memory that was plugged in included
 * ("System RAM (kmem)"); ascending and merged. Nothing is appended unless the state is visible.
 */
struct error *iomem_system_ram(const struct iomem *iomem, range_vec *ranges);

/* Where the kernel's text is: starts at the physical address of `_text`. False when not known. */
bool iomem_kernel_code(const struct iomem *iomem, struct range *range);

#endif
