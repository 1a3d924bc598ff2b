// SPDX-License-Identifier: GPL-2.0-or-later
/* What the hardware's page tables allow, page by page: kept, to be put beside page words. */
#ifndef PHYSLENS_ANALYSIS_HARDWARE_H
#define PHYSLENS_ANALYSIS_HARDWARE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/vec.h"
#include "target/target.h"

struct hardware_run {
	uint64_t vpn;
	uint64_t pages;
	uint64_t pfn;    /* of the first page; the next ones follow */
	unsigned access; /* ENTRY_ACCESS */
};

struct hardware {
	bool known;
	VEC(struct hardware_run) runs; /* ascending */
};

/*
 * Reads all of the space's page tables now. ERROR_UNSUPPORTED or ERROR_DENIED, as of
 * space_page_table(), when there is no source of physical memory.
 */
struct error *hardware_read(struct hardware *hardware, struct space *space);
void hardware_deinit(struct hardware *hardware);

/*
 * What the tables allow at page `vpn`, whose word this is, in *access; false where they are not
 * known, or led to another frame when they were read.
 */
bool hardware_access(const struct hardware *hardware, uint64_t vpn, uint64_t word,
		     unsigned *access);

#endif
