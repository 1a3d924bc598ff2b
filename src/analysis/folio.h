// SPDX-License-Identifier: GPL-2.0-or-later
/* Large folios: frames that the kernel keeps together, and pages that lie in one. */
#ifndef PHYSLENS_ANALYSIS_FOLIO_H
#define PHYSLENS_ANALYSIS_FOLIO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "target/target.h"

/* Pages within which a folio of transparent huge pages begins and ends, by address. */
enum { FOLIO_BLOCK = 1 << 9 };

/* Whether two frames, less than FOLIO_BLOCK apart, are of one large folio. */
struct error *folio_has_both(struct target *target, uint64_t a, uint64_t b, bool *one);

#endif
