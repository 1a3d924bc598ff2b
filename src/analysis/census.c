// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/census.h"

#include <stdlib.h>

#include "base/scope.h"
#include "proc/kpage.h"

/* A page's part, divided among its mappers and rounded down each time, as smaps_account() does. */
static uint64_t part_of(const struct index *index, const struct index_span *span)
{
	return ((UINT64_C(1) << index->target->page_shift) << PSS_SHIFT) / span->count;
}

/* See page_is_cow(): here what others map is counted, not read from pagemap's bit. */
static bool is_cow(unsigned flags, size_t mappers)
{
	return flags & STRETCH_WRITABLE && (flags & (STRETCH_FILE | STRETCH_KSM) || mappers > 1);
}

static void count_pages(struct account *account, unsigned flags, const struct index_span *span,
			uint64_t part)
{
	if (flags & STRETCH_HUGETLB)
		return;
	account->pss += part * span->pages;
	if (is_cow(flags, span->count))
		account->cow += span->pages;
}

/* --- by space ----------------------------------------------------------------------------- */

struct by_space {
	const struct index *index;
	struct account *accounts;
};

static struct error *visit_space(void *argument, const struct index_span *span)
{
	struct by_space *by = argument;
	uint64_t part = part_of(by->index, span);

	for (size_t i = 0; i < span->count; i++) {
		const struct index_mapper *mapper = &span->mappers[i];
		struct account *account = &by->accounts[mapper->space];
		unsigned flags = mapper->flags;

		count_pages(account, flags, span, part);
		if (flags & STRETCH_HUGETLB) {
			account->hugetlb += span->pages;
			continue;
		}
		account->rss += span->pages;
		if (span->count == 1)
			account->uss += span->pages;
	}
	return NULL;
}

static struct account account_of(const struct index *index, size_t space)
{
	const struct memory_sums *sums = &index->spaces.items[space].sums;
	unsigned shift = index->target->page_shift;

	return (struct account){.rss = sums->rss >> shift,
				.uss = sums->uss >> shift,
				.hugetlb = sums->hugetlb >> shift,
				.pss = sums->pss << PSS_SHIFT};
}

struct error *census_by_space(const struct index *index, struct account *accounts)
{
	for (size_t i = 0; index->summed && i < index->spaces.count; i++)
		accounts[i] = account_of(index, i);
	struct by_space by = {index, accounts};

	return index_walk(index, visit_space, &by);
}

/* --- by group ------------------------------------------------------------------------------ */

struct by_group {
	const struct index *index;
	const struct census_groups *groups;
	uint64_t span; /* number of the span in hand, from 1 */
	uint64_t *met; /* by group: the last span that it was met in */
	size_t *list;  /* the groups met in this one */
	unsigned *list_flags;
	size_t met_count;
	size_t first_space;
	bool many_spaces;
};

static void meet(struct by_group *by, const struct index_span *span,
		 const struct index_mapper *mapper)
{
	struct census_member *member =
		&by->groups->members[by->groups->member_of(by->groups->argument, mapper)];
	unsigned flags = mapper->flags;

	member->met = true;
	if (mapper->space != by->first_space)
		by->many_spaces = true;
	count_pages(&by->groups->accounts[member->group], flags, span, part_of(by->index, span));
	if (!(flags & STRETCH_HUGETLB)) {
		member->pss += part_of(by->index, span) * span->pages;
		member->rss += span->pages;
	}
	if (by->met[member->group] == by->span)
		return;
	by->met[member->group] = by->span;
	by->list_flags[by->met_count] = flags;
	by->list[by->met_count++] = member->group;
}

static struct error *visit_group(void *argument, const struct index_span *span)
{
	struct by_group *by = argument;

	by->span++;
	by->met_count = 0;
	by->many_spaces = false;
	by->first_space = span->mappers[0].space;
	for (size_t i = 0; i < span->count; i++)
		meet(by, span, &span->mappers[i]);
	bool unique = by->groups->alone ? !by->many_spaces : by->met_count == 1;
	for (size_t i = 0; i < by->met_count; i++) {
		struct account *account = &by->groups->accounts[by->list[i]];

		if (by->list_flags[i] & STRETCH_HUGETLB) {
			account->hugetlb += span->pages;
			continue;
		}
		account->rss += span->pages;
		account->uss += unique ? span->pages : 0;
	}
	return NULL;
}

/* A member is a whole space then. */
static void add_sums(const struct index *index, const struct census_groups *groups,
		     struct census_member *member)
{
	struct account one = account_of(index, member->space);
	struct account *sum = &groups->accounts[member->group];

	member->met = one.rss || one.hugetlb;
	member->pss = one.pss;
	member->rss = one.rss;
	sum->pss += one.pss;
	sum->hugetlb += one.hugetlb;
}

struct error *census_by_group(const struct index *index, const struct census_groups *groups)
{
	_cleanup_free_ uint64_t *met = calloc(groups->count + 1, sizeof(*met));
	_cleanup_free_ size_t *list = calloc(groups->count + 1, sizeof(*list));
	_cleanup_free_ unsigned *flags = calloc(groups->count + 1, sizeof(*flags));
	struct by_group by = {
		.index = index, .groups = groups, .met = met, .list = list, .list_flags = flags};

	if (!met || !list || !flags)
		return error_nomem();
	for (size_t i = 0; index->summed && i < groups->member_count; i++)
		add_sums(index, groups, &groups->members[i]);
	return index_walk(index, visit_group, &by);
}

/* --- the whole ------------------------------------------------------------------------------ */

static struct error *visit_total(void *argument, const struct index_span *span)
{
	struct census_total *total = argument;

	total->frames += span->pages;
	total->mappers += span->pages * span->count;
	return NULL;
}

struct error *census_total(const struct index *index, struct census_total *total)
{
	*total = (struct census_total){0};
	return index_walk(index, visit_total, total);
}

/* --- against the kernel's count --------------------------------------------------------------- */

enum { CHECK_CHUNK = 1 << 15 };

struct checking {
	struct target *target;
	struct census_check *check;
	bool averages;
	uint64_t *pfns;
	uint64_t *ours;
	struct frame *frames;
	size_t count;
};

/* Large folios: (fs/proc/page.c, get_kpage_count(), since 6.15). */
static bool is_estimate(const struct checking *c, const struct frame *frame)
{
	return c->averages && frame->flags & (KPF_BIT_HEAD | KPF_BIT_TAIL);
}

static void compare(struct checking *c, size_t i)
{
	struct census_check *check = c->check;

	if (is_estimate(c, &c->frames[i])) {
		check->estimate++;
		return;
	}
	check->frames++;
	check->more += c->frames[i].mappers > c->ours[i];
	check->fewer += c->frames[i].mappers < c->ours[i];
}

static struct error *check_chunk(struct checking *c)
{
	TRY(target_frames(c->target, c->pfns, c->count, c->frames));
	for (size_t i = 0; i < c->count; i++)
		compare(c, i);
	c->count = 0;
	return NULL;
}

static struct error *visit_check(void *argument, const struct index_span *span)
{
	struct checking *c = argument;

	for (uint64_t i = 0; i < span->pages; i++) {
		c->pfns[c->count] = span->pfn + i;
		c->ours[c->count++] = span->count;
		if (c->count == CHECK_CHUNK)
			TRY(check_chunk(c));
	}
	return NULL;
}

struct error *census_check(const struct index *index, bool averages, struct census_check *check)
{
	_cleanup_free_ uint64_t *pfns = calloc(CHECK_CHUNK, sizeof(*pfns));
	_cleanup_free_ uint64_t *ours = calloc(CHECK_CHUNK, sizeof(*ours));
	_cleanup_free_ struct frame *frames = calloc(CHECK_CHUNK, sizeof(*frames));
	struct checking c = {.target = index->target,
			     .check = check,
			     .averages = averages,
			     .pfns = pfns,
			     .ours = ours,
			     .frames = frames};

	*check = (struct census_check){0};
	if (!pfns || !ours || !frames)
		return error_nomem();
	TRY(index_walk(index, visit_check, &c));
	return check_chunk(&c);
}
