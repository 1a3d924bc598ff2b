// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Blocks of memory that can be taken out of use while the system runs:
 * /sys/devices/system/memory/memoryN/state, for the bytes from N times block_size_bytes (which is
 * hexadecimal, without 0x) on. /proc/iomem has memory that is offline as System RAM all the same.
 */
#ifndef PHYSLENS_PROC_MEMBLOCKS_H
#define PHYSLENS_PROC_MEMBLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "proc/iomem.h"

struct memory_blocks {
	bool known;        /* else it cannot be told what is offline: sysfs is not there */
	range_vec offline; /* in bytes, sorted; what is just going offline is among them */
};

/*
 * Reads sys/devices/system/memory below the directory `root`. A kernel without it (no
 * CONFIG_MEMORY_HOTPLUG) can take nothing out of use.
 */
struct error *memory_blocks_load(int root, struct memory_blocks *blocks);
void memory_blocks_deinit(struct memory_blocks *blocks);

bool memory_blocks_offline(const struct memory_blocks *blocks, uint64_t paddr);

#endif
