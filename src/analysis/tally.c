// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/tally.h"

struct tally_state {
	struct tally *tally;
	unsigned page_shift;
};

static struct error *count_empty(void *argument, const struct region *region, uint64_t vpn,
				 uint64_t end)
{
	struct tally_state *state = argument;

	while (vpn < end) {
		uint64_t until;
		enum page_state s = region_empty_state(region, state->page_shift, vpn, end, &until);

		state->tally->state[s] += until - vpn;
		vpn = until;
	}
	return NULL;
}

static struct error *count_pages(void *argument, const struct region *region, uint64_t vpn,
				 const uint64_t *words, size_t count)
{
	struct tally_state *state = argument;
	struct tally *tally = state->tally;

	for (size_t i = 0; i < count; i++) {
		if (!(words[i] & PAGEMAP_POPULATED)) {
			TRY(count_empty(argument, region, vpn + i, vpn + i + 1));
			continue;
		}
		enum page_state s = page_state_of(words[i]);

		tally->state[s]++;
		if (s == STATE_PRESENT) {
			tally->cow += page_is_cow(words[i], region->vma->perms);
			tally->exclusive += !!(words[i] & PAGEMAP_EXCLUSIVE);
			tally->like_zero += !(words[i] & (PAGEMAP_EXCLUSIVE | PAGEMAP_FILE)) &&
					    !(region->vma->perms & VMA_SHARED);
		}
	}
	return NULL;
}

struct error *tally_region(struct layout *layout, const struct region *region, struct tally *tally)
{
	struct tally_state state = {tally, layout->space->target->page_shift};
	struct region_sink sink = {count_pages, count_empty, &state};

	tally->pages += range_length(region->range) >> state.page_shift;
	return region_walk(layout, region, &sink);
}

void tally_add(struct tally *tally, const struct tally *more)
{
	tally->pages += more->pages;
	for (int s = 0; s < STATE_COUNT; s++)
		tally->state[s] += more->state[s];
	tally->cow += more->cow;
	tally->exclusive += more->exclusive;
	tally->like_zero += more->like_zero;
}
