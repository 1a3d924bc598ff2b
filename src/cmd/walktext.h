// SPDX-License-Identifier: GPL-2.0-or-later
/* For `walk`: one address's way through the tables in words, for a reader who is learning. */
#ifndef PHYSLENS_CMD_WALKTEXT_H
#define PHYSLENS_CMD_WALKTEXT_H

#include <stdio.h>

#include "analysis/layout.h"
#include "analysis/walk.h"

/* "main: 0x55… in .text of /usr/bin/bash", and an empty line. */
struct error *walk_text_heading(struct layout *layout, const char *input, uint64_t address,
				FILE *out);

/* What each level is and leads to, the physical address, and whether pagemap agrees. */
void walk_text_explain(const struct page_table *table, const struct space *space, uint64_t address,
		       const struct walk_result *result, FILE *out);

/* What a page word says, in a word or two: "present", "swap", "empty", … */
const char *walk_word_text(uint64_t word);

#endif
