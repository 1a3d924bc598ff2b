// SPDX-License-Identifier: GPL-2.0-or-later
/* What is known of single frames, whoever maps them. */
#ifndef PHYSLENS_ANALYSIS_FRAMES_H
#define PHYSLENS_ANALYSIS_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/kinds.h"
#include "target/target.h"

/* What a physical address is, by /proc/iomem. */
enum frame_place {
	PLACE_RAM,
	PLACE_DEVICE,  /* within another resource: see frame_facts.resource */
	PLACE_HOLE,    /* below the end of RAM, and nothing is there */
	PLACE_BEYOND,  /* above the end of RAM, and nothing is there */
	PLACE_UNKNOWN, /* /proc/iomem hides it */
};

struct frame_facts {
	uint64_t pfn;
	enum frame_place place;
	const char *resource; /* the innermost one, as iomem calls it; NULL for none */

	bool has_flags; /* else the kernel does not tell: */
	uint64_t flags;
	uint64_t counted; /* mappers, by the kernel */
	enum frame_kind kind;
	bool has_order; /* it is part of a folio, or of another compound page: */
	unsigned order; /* of 2^order frames */
	uint64_t head;  /* its first frame */

	bool has_cgroup;
	uint64_t cgroup; /* inode; 0: charged to none */
};

/* Looks one frame up. What cannot be had is left out; errors are the kernel's own. */
struct error *frame_lookup(struct target *target, uint64_t pfn, struct frame_facts *facts);

/* One word or two for the frame: its kind, or where it lies if it is no RAM. */
const char *frame_what(const struct frame_facts *facts);

#endif
