// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * VMCOREINFO: what the kernel leaves in memory for those who read its dumps
 * (Documentation/admin-guide/kdump/vmcoreinfo.rst): lines of text in an ELF note.
 *
 *     OSRELEASE=6.1.0-50-amd64
 *     SYMBOL(init_top_pgt)=ffffffff82a10000
 *     NUMBER(phys_base)=-1048576
 *     NUMBER(sme_mask)=0
 */
#ifndef PHYSLENS_KERNEL_VMCOREINFO_H
#define PHYSLENS_KERNEL_VMCOREINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "phys/source.h"

/* The note's bytes, NUL-terminated, through `source`; its place is in sys/kernel/vmcoreinfo. */
struct error *vmcoreinfo_load(int root, struct source *source, char **text, size_t *length);

/* "SYMBOL(name)=HEX"; false when there is no such line. Zeroes in the text do not end it. */
bool vmcoreinfo_symbol(const char *text, size_t length, const char *name, uint64_t *address);

/* "NUMBER(name)=DECIMAL", which may be negative: it wraps, as phys_base is meant to. */
bool vmcoreinfo_number(const char *text, size_t length, const char *name, uint64_t *number);

#endif
