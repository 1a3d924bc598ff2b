// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory read through physical frames, in pieces: by physical address, or by an address of a
 * process through the frames that its pages are in. What cannot be read is a piece too, with its
 * cause.
 */
#ifndef PHYSLENS_ANALYSIS_READING_H
#define PHYSLENS_ANALYSIS_READING_H

#include <stddef.h>
#include <stdint.h>

#include "analysis/layout.h"
#include "base/error.h"
#include "base/range.h"
#include "phys/source.h"

/* A stretch of bytes in consecutive frames, or of what cannot be read for one cause. */
struct piece {
	uint64_t address; /* in the space that was asked for: physical, or of the process */
	uint64_t length;
	const void *bytes; /* NULL: it cannot be read */
	bool has_paddr;
	uint64_t paddr; /* of the first byte */
	/* The page's state; for physical addresses "ram" or "outside"; "unmapped" where no area is.
	 */
	const char *state;
	const char *cause; /* why it cannot be read; NULL when it could */
};

/* Pieces come in ascending order without a gap, and are valid until it returns. */
typedef struct error *(*piece_visit)(void *argument, const struct piece *piece);

/* Bytes of a piece at most. */
enum { PIECE_MAX = 1 << 20 };

/* `range` must not be empty. Errors are those of `visit` and of the system: a fault is a piece. */
struct error *read_physical(struct source *source, struct range range, piece_visit visit,
			    void *argument);

/*
 * The same of the process of `layout`, whose frames must be visible. A page that moved to another
 * frame while it was read is read again.
 */
struct error *read_process(struct source *source, struct layout *layout, struct range range,
			   piece_visit visit, void *argument);

#endif
