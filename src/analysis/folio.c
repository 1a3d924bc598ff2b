// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/folio.h"

#include "proc/kpage.h"

/* None of them but the first may begin one. */
struct error *folio_has_both(struct target *target, uint64_t a, uint64_t b, bool *one)
{
	uint64_t flags[FOLIO_BLOCK], low = a < b ? a : b, high = a < b ? b : a;
	size_t count = (size_t)(high - low) + 1;

	*one = false;
	if (high - low >= FOLIO_BLOCK)
		return NULL;
	TRY(target_flags(target, low, flags, count));
	*one = flags[0] & (KPF_BIT_HEAD | KPF_BIT_TAIL);
	for (size_t i = 1; i < count; i++)
		*one = *one && flags[i] & KPF_BIT_TAIL && !(flags[i] & KPF_BIT_HEAD);
	return NULL;
}
