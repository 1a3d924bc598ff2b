// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc/kallsyms: the kernel's own symbol table.
 *
 *     ffffffff814b98b0 T bpf_probe_read_kernel
 *     ffffffffc0a01000 t ext4_fill_super	[ext4]
 *
 * Every address reads as zero to whom kptr_restrict does not let see it (kernel/kallsyms.c,
 * kallsyms_show_value()), and without CONFIG_KALLSYMS_ALL only functions are there.
 */
#ifndef PHYSLENS_PROC_KALLSYMS_H
#define PHYSLENS_PROC_KALLSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/* A name to look up, and the answer. Symbols of modules and of eBPF programs do not count. */
struct kallsyms_lookup {
	const char *name;
	bool found;
	char type;        /* as nm(1) has it: T t D d B b R r … */
	uint64_t address; /* 0 when hidden: see struct kallsyms_summary */
};

struct kallsyms_summary {
	size_t count; /* symbols of the kernel proper */
	bool hidden;  /* there are names, but every address is zero */
	/*
	 * Variables are in the table. Judged by `init_task`, which every kernel has: a table of
	 * functions alone still holds section marks such as `__start_rodata` with type D [seen
	 * on 6.18], so that counting the types would mislead.
	 */
	bool data;
};

/* One pass over `file` for all of `lookups`; the first symbol of a name is taken. */
struct error *kallsyms_read(FILE *file, struct kallsyms_lookup *lookups, size_t count,
			    struct kallsyms_summary *summary);

/* The same for proc/kallsyms below the directory `root`. */
struct error *kallsyms_load(int root, struct kallsyms_lookup *lookups, size_t count,
			    struct kallsyms_summary *summary);

#endif
