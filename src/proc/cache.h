// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The geometry of the processor's caches, from sysfs (drivers/base/cacheinfo.c), and where a
 * physical address falls in one.
 *
 * sysfs leaves out what the kernel does not know (cache_default_attrs_is_visible()), so that each
 * number may be missing: it is 0 then. What can be derived from the others is.
 */
#ifndef PHYSLENS_PROC_CACHE_H
#define PHYSLENS_PROC_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/vec.h"

enum cache_type { CACHE_UNKNOWN, CACHE_DATA, CACHE_INSTRUCTION, CACHE_UNIFIED };

struct cache {
	unsigned level;
	enum cache_type type;
	uint64_t size; /* bytes */
	uint64_t line; /* bytes */
	uint64_t ways; /* 0 is also how sysfs says fully associative */
	uint64_t sets;
	char shared[64]; /* the processors that share it, e.g. "0-1"; empty when not known */
	/*
	 * An L3 is made of slices that an undocumented hash of the address chooses from, and sysfs
	 * adds them up: set and colour are then those of the sum, in name only.
	 */
	bool nominal;
};

struct cache_geometry {
	VEC(struct cache) caches; /* by level, data before instruction */
};

/* The caches of processor `cpu`, below the directory `root`. None described: an empty list. */
struct error *cache_load(int root, unsigned cpu, struct cache_geometry *geometry);
void cache_deinit(struct cache_geometry *geometry);

const char *cache_type_name(enum cache_type type);

/* Each false when the geometry does not say enough. The colour is that of a whole page. */
bool cache_set(const struct cache *cache, uint64_t paddr, uint64_t *set);
bool cache_colors(const struct cache *cache, uint64_t page_size, uint64_t *colors);
bool cache_color(const struct cache *cache, uint64_t page_size, uint64_t pfn, uint64_t *color);

#endif
