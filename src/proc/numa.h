// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The NUMA node of a frame, from what sysfs and procfs publish.
 *
 * Best is the memory block: /sys/devices/system/node/node1/memory40 says that block 40 is of node
 * 1, and memory/block_size_bytes how large a block is (hexadecimal, without 0x). Without memory
 * hotplug in the kernel there are no blocks; then the spans of the zones in /proc/zoneinfo answer
 * where those of different nodes do not overlap. On a machine with one node it is that one.
 */
#ifndef PHYSLENS_PROC_NUMA_H
#define PHYSLENS_PROC_NUMA_H

#include <stdint.h>

#include "base/error.h"
#include "base/range.h"
#include "base/vec.h"
#include "proc/iomem.h"

#define NUMA_UNKNOWN (-1)

enum numa_method {
	NUMA_NONE,   /* this system says nothing of nodes */
	NUMA_SINGLE, /* one node has all the memory */
	NUMA_BLOCKS, /* memory blocks in sysfs */
	NUMA_ZONES,  /* zone spans in /proc/zoneinfo */
};

struct numa_block {
	uint64_t block;
	int node;
};

struct numa_zone {
	struct range pfns; /* from the first to behind the last; there may be holes in it */
	int node;
};

struct numa {
	enum numa_method method;
	VEC(int) nodes; /* those online, ascending */
	uint64_t block_pages;
	VEC(struct numa_block) blocks; /* ascending; a block that two nodes share is there twice */
	VEC(struct numa_zone) zones;   /* the populated ones */
	range_vec ram;                 /* System RAM in PFNs; empty when /proc/iomem hides it */
};

/* Reads what there is below the directory `root`; nothing at all is NUMA_NONE, not an error. */
struct error *numa_load(int root, unsigned page_shift, struct numa *numa);
void numa_deinit(struct numa *numa);

/* The node of a frame; NUMA_UNKNOWN when it is not RAM, or when the sources do not tell. */
int numa_node(const struct numa *numa, uint64_t pfn);

/* How many frames of RAM are of the node; 0 where /proc/iomem hides its addresses. */
uint64_t numa_ram_pages(const struct numa *numa, int node);

/* The parsers: "0-1,4" into ascending numbers, and the text of /proc/zoneinfo into zones. */
struct error *numa_parse_list(const char *text, struct numa *numa);
struct error *numa_parse_zoneinfo(const char *text, struct numa *numa);

#endif
