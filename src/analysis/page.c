// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/page.h"

const char *page_state_name(enum page_state state)
{
	static const char *const names[STATE_COUNT] = {
		[STATE_PRESENT] = "present",     [STATE_ZERO] = "zero",
		[STATE_SWAPPED] = "swapped",     [STATE_IN_FILE] = "in-file",
		[STATE_UNTOUCHED] = "untouched", [STATE_GUARD] = "guard",
		[STATE_MIGRATING] = "migrating", [STATE_SPECIAL] = "special",
	};

	return names[state];
}

enum page_state page_state_of(uint64_t word)
{
	if (word & PAGEMAP_PRESENT)
		return word & PAGE_ZERO ? STATE_ZERO : STATE_PRESENT;
	if (word & PAGEMAP_GUARD)
		return STATE_GUARD;
	if (word & PAGE_MIGRATING)
		return STATE_MIGRATING;
	return word & PAGE_SPECIAL ? STATE_SPECIAL : STATE_SWAPPED;
}
