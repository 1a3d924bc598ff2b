// SPDX-License-Identifier: GPL-2.0-or-later
/* For `translate --explain`: one address taken apart, for a reader who is learning. */
#ifndef PHYSLENS_CMD_EXPLAIN_H
#define PHYSLENS_CMD_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "analysis/locate.h"
#include "arch/x86_64.h"
#include "proc/cache.h"
#include "proc/cpuinfo.h"

/* What does not change from one address to the next. */
struct explainer {
	struct layout *layout;
	const struct page_table_level *levels; /* NULL on a machine that is not x86-64 */
	size_t level_count;
	bool narrow; /* a 32-bit process: also the classic 20/12 */
	struct cpu_flags cpu;
	struct cache_geometry caches;
};

/* Reads what the machine says of itself. What it does not say is left out of the explanations. */
struct error *explainer_init(struct explainer *explainer, struct layout *layout);
void explainer_deinit(struct explainer *explainer);

/* Writes the explanation of one location; `name` is what the user called it. */
struct error *explain(const struct explainer *explainer, const char *name,
		      const struct location *location, FILE *out);

/* The cache sets and colours in one line, for a table cell; "" where nothing is known. */
void explain_caches(const struct explainer *explainer, uint64_t pfn, uint64_t paddr, char *text,
		    size_t size);

#endif
