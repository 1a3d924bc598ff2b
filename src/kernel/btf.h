// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the members of the kernel's structures lie: from its own type information, BTF, in
 * /sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF). The only user of libbpf's BTF.
 */
#ifndef PHYSLENS_KERNEL_BTF_H
#define PHYSLENS_KERNEL_BTF_H

#include <stdint.h>

#include "base/error.h"

#define KERNEL_TYPES_PATH "/sys/kernel/btf/vmlinux"

struct kernel_types;

/* Whether libbpf, which is loaded when it is first needed, can be: ERROR_UNSUPPORTED. */
struct error *kernel_types_check_library(void);

/* ERROR_UNSUPPORTED when there is no such file: the kernel was built without BTF. */
struct error *kernel_types_load(const char *path, struct kernel_types **types);
void kernel_types_free(struct kernel_types *types); /* NULL is fine */

struct kernel_member {
	uint32_t offset; /* bytes */
	uint32_t size;   /* bytes; of an array, all of it */
};

/*
 * A member of a structure by its path ("tasks", "tasks.next"): what is in anonymous structures and
 * unions is found as C finds it. ERROR_UNSUPPORTED when this kernel has no such structure or
 * member, or it is a bit field.
 */
struct error *kernel_types_member(const struct kernel_types *types, const char *structure,
				  const char *path, struct kernel_member *member);

#endif
