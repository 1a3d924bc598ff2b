// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/folio.h"
#include "analysis/writers.h"
#include "base/scope.h"
#include "proc/kpage.h"
#include "proc/mmstate.h"

/*
 * In the words of `last`, with PRESENT: the page was shared at the last fork, and has been in this
 * frame ever since. (The guard bit has a meaning in entries that are not present only.)
 */
#define LEDGER_SHARED PAGEMAP_GUARD

enum { PROGRAMS_MAX = 16 }; /* whose regions are kept */

#define KPF_LARGE (KPF_BIT_HEAD | KPF_BIT_TAIL | KPF_BIT_THP)

const char *ledger_change_name(enum ledger_change change)
{
	static const char *const names[LEDGER_CHANGES] = {
		[LEDGER_COPIED] = "copied",   [LEDGER_REUSED] = "reused",
		[LEDGER_TOUCHED] = "touched", [LEDGER_DROPPED] = "dropped",
		[LEDGER_SWAPPED] = "swapped", [LEDGER_MOVED] = "moved",
		[LEDGER_UNKNOWN] = "unknown",
	};

	return names[change];
}

void ledger_init(struct ledger *ledger, struct target *target)
{
	*ledger = (struct ledger){.target = target};
}

static void member_destroy(struct ledger_member *member)
{
	snapshot_deinit(&member->last);
	snapshot_deinit(&member->now);
	space_close(member->space);
	free(member);
}

void ledger_deinit(struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->members.count; i++)
		member_destroy(ledger->members.items[i]);
	for (size_t i = 0; i < ledger->names.count; i++) {
		layout_deinit(&ledger->names.items[i]->layout);
		free(ledger->names.items[i]);
	}
	for (size_t i = 0; i < ledger->rows.count; i++) {
		free(ledger->rows.items[i].region);
		free(ledger->rows.items[i].object);
	}
	vec_deinit(&ledger->members);
	vec_deinit(&ledger->names);
	vec_deinit(&ledger->rows);
}

/* --- members ---------------------------------------------------------------------------------- */

static struct ledger_member *find_member(const struct ledger *ledger, pid_t pid)
{
	for (size_t i = ledger->members.count; i-- > 0;) {
		if (ledger->members.items[i]->pid == pid)
			return ledger->members.items[i];
	}
	return NULL;
}

const struct ledger_member *ledger_find(const struct ledger *ledger, pid_t pid)
{
	return find_member(ledger, pid);
}

static struct error *open_member(struct ledger *ledger, pid_t pid, struct ledger_member **result)
{
	struct ledger_member *member = calloc(1, sizeof(*member));

	if (!member)
		return error_nomem();
	member->pid = pid;
	struct error *error = target_open_space(ledger->target, pid, &member->space);
	if (!error)
		error = vec_push(&ledger->members, member);
	if (error) {
		member_destroy(member);
		return error;
	}
	member->program = member->space->heap_start;
	*result = member;
	return NULL;
}

static void close_member(struct ledger *ledger, struct ledger_member *member)
{
	for (size_t i = 0; i < ledger->members.count; i++) {
		if (ledger->members.items[i] == member)
			ledger->members.items[i] = ledger->members.items[--ledger->members.count];
	}
	member_destroy(member);
}

/* --- names of regions ---------------------------------------------------------------------------
 */

static struct ledger_names *find_names(const struct ledger *ledger, uint64_t program)
{
	for (size_t i = 0; i < ledger->names.count; i++) {
		if (ledger->names.items[i]->program == program)
			return ledger->names.items[i];
	}
	return NULL;
}

/* The one that was read first. */
static void forget_program(struct ledger *ledger)
{
	layout_deinit(&ledger->names.items[0]->layout);
	free(ledger->names.items[0]);
	memmove(ledger->names.items, ledger->names.items + 1,
		--ledger->names.count * sizeof(ledger->names.items[0]));
}

/* Reads the regions of a program (again). They keep no tie to the space they were read from. */
static struct error *read_names(struct ledger *ledger, struct ledger_member *member)
{
	struct ledger_names *names = find_names(ledger, member->program);

	if (names) {
		layout_deinit(&names->layout);
	} else {
		if (ledger->names.count == PROGRAMS_MAX)
			forget_program(ledger);
		names = calloc(1, sizeof(*names));
		if (!names)
			return error_nomem();
		names->program = member->program;
		struct error *error = vec_push(&ledger->names, names);
		if (error) {
			free(names);
			return error;
		}
	}
	/* Whoever had a region of the old ones in hand has it no more. */
	for (size_t i = 0; i < ledger->members.count; i++)
		ledger->members.items[i]->region = NULL;
	struct error *error = layout_init(&names->layout, member->space);
	if (error)
		names->layout = (struct layout){0};
	else
		names->layout.space = NULL;
	return error;
}

static bool is_of(const struct region *region, const struct vma *vma)
{
	return region->vma->inode == vma->inode && strcmp(region->vma->name, vma->name) == 0;
}

static const struct region *known_region(const struct ledger *ledger,
					 const struct ledger_member *member, uint64_t address,
					 const struct vma *vma)
{
	const struct ledger_names *names = find_names(ledger, member->program);
	const struct region *region = names ? layout_find(&names->layout, address) : NULL;

	return region && is_of(region, vma) ? region : NULL;
}

/* The region of a page; NULL where its area has gone before it had a name. */
static struct error *name_page(struct ledger *ledger, struct ledger_member *member,
			       uint64_t address, const struct vma *vma,
			       const struct region **region)
{
	*region = member->region;
	if (*region && range_contains((*region)->range, address) && is_of(*region, vma))
		return NULL;
	*region = known_region(ledger, member, address, vma);
	if (!*region) {
		TRY(error_forgive(read_names(ledger, member)));
		*region = known_region(ledger, member, address, vma);
	}
	member->region = *region;
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_row(const struct ledger *ledger, size_t i, const char *region, const char *object)
{
	return i < ledger->rows.count && same_text(ledger->rows.items[i].region, region) &&
	       same_text(ledger->rows.items[i].object, object);
}

static struct error *find_row(struct ledger *ledger, const char *region, const char *object,
			      struct ledger_row **row)
{
	size_t i = ledger->last_row;

	if (!is_row(ledger, i, region, object)) {
		for (i = 0; i < ledger->rows.count && !is_row(ledger, i, region, object);)
			i++;
	}
	if (i == ledger->rows.count) {
		struct ledger_row fresh = {.region = strdup(region),
					   .object = object ? strdup(object) : NULL};
		struct error *error = !fresh.region || (object && !fresh.object)
					      ? error_nomem()
					      : vec_push(&ledger->rows, fresh);
		if (error) {
			free(fresh.region);
			free(fresh.object);
			return error;
		}
	}
	ledger->last_row = i;
	*row = &ledger->rows.items[i];
	return NULL;
}

/* --- entering --------------------------------------------------------------------------------- */

static struct error *enter(struct ledger *ledger, struct ledger_member *member,
			   enum ledger_change change, uint64_t vpn, const struct vma *vma)
{
	enum ledger_role role = member->forked ? LEDGER_PARENT : LEDGER_CHILD;
	const struct region *region;
	struct ledger_row *row;

	TRY(name_page(ledger, member, vpn << ledger->target->page_shift, vma, &region));
	const char *object = region ? region->object : *vma->name ? vma->name : NULL;
	TRY(find_row(ledger, region ? region->name : "anon", object, &row));
	row->counts.of[role][change]++;
	member->counts.of[role][change]++;
	return ledger->visit ? ledger->visit(ledger->argument, member, change, vpn, region) : NULL;
}

/* --- explaining ---------------------------------------------------------------------------------
 */

static bool is_anonymous(uint64_t word)
{
	return (word & (PAGEMAP_PRESENT | PAGEMAP_FILE | PAGE_ZERO)) == PAGEMAP_PRESENT;
}

static bool is_swapped(uint64_t word)
{
	return (word & (PAGEMAP_SWAP | PAGEMAP_GUARD | PAGE_SPECIAL | PAGE_MIGRATING)) ==
	       PAGEMAP_SWAP;
}

static bool is_in_frame(uint64_t word, uint64_t pfn)
{
	return word & PAGEMAP_PRESENT && (word & PAGEMAP_PFN) == pfn;
}

/* Pages that have a new frame, in one round. */
struct suspect {
	uint64_t vpn;
	uint64_t before;
	uint64_t after;
	const struct vma *vma;
	uint64_t *word; /* in member->now; NULL where nothing is there */
};

struct explaining {
	struct ledger *ledger;
	struct ledger_member *member;
	VEC(struct suspect) suspects; /* a new frame for an old one */
	VEC(struct suspect) kept;     /* the old frame, that nobody else has any more */
};

static struct error *take_word(void *argument, uint64_t vpn, const uint64_t *words, size_t count)
{
	(void)vpn;
	if (count > 0)
		*(uint64_t *)argument = words[0];
	return NULL;
}

/* The word of one page as it is now. */
static uint64_t word_now(struct ledger *ledger, struct ledger_member *member, uint64_t vpn)
{
	const struct snapshot *last = &member->last;
	size_t i = snapshot_find(last, vpn);
	unsigned shift = ledger->target->page_shift;
	uint64_t word = 0;

	if (i == last->runs.count || last->runs.items[i].vpn > vpn)
		return 0;
	error_free(space_pages(member->space, last->runs.items[i].vma,
			       (struct range){vpn << shift, (vpn + 1) << shift}, take_word, &word));
	return word;
}

/* Whether another one has page `vpn` in this frame now. */
static bool another_has(struct ledger *ledger, const struct ledger_member *member, uint64_t vpn,
			uint64_t pfn)
{
	for (size_t i = 0; i < ledger->members.count; i++) {
		struct ledger_member *other = ledger->members.items[i];

		if (other == member)
			continue;
		if (other->round == ledger->round) {
			if (is_in_frame(snapshot_word(&other->now, vpn), pfn))
				return true;
		} else if (is_in_frame(snapshot_word(&other->last, vpn), pfn) &&
			   is_in_frame(word_now(ledger, other, vpn), pfn)) {
			return true;
		}
	}
	return false;
}

/* The same of a frame that others may have got since they were last looked at. */
static bool another_got(struct ledger *ledger, const struct ledger_member *member, uint64_t vpn,
			uint64_t pfn)
{
	for (size_t i = 0; i < ledger->members.count; i++) {
		struct ledger_member *other = ledger->members.items[i];

		if (other == member)
			continue;
		uint64_t word = other->round == ledger->round ? snapshot_word(&other->now, vpn)
							      : word_now(ledger, other, vpn);
		if (is_in_frame(word, pfn))
			return true;
	}
	return false;
}

/* Whether anybody has page `vpn` in this frame, as far as the last looks tell. */
static bool anybody_has(const struct ledger *ledger, uint64_t vpn, uint64_t pfn)
{
	for (size_t i = 0; i < ledger->members.count; i++) {
		const struct ledger_member *m = ledger->members.items[i];
		const struct snapshot *s = m->round == ledger->round ? &m->now : &m->last;

		if (is_in_frame(snapshot_word(s, vpn), pfn))
			return true;
	}
	return false;
}

/*
 * Whether the frame that a page had is part of a huge page that is still mapped where it was: then
 * nothing was moved, and since what is written of a shared huge page is always copied (analysis/
 * writers.c), a page that has left it is a copy.
 */
static bool has_left_folio(const struct ledger *ledger, const struct suspect *suspect)
{
	uint64_t block = align_down(suspect->vpn, FOLIO_BLOCK);
	uint64_t pfn = suspect->before & PAGEMAP_PFN;

	for (uint64_t vpn = block; vpn < block + FOLIO_BLOCK; vpn++) {
		uint64_t other = pfn + (vpn - suspect->vpn);
		bool one = false;

		if (vpn == suspect->vpn || !anybody_has(ledger, vpn, other))
			continue;
		error_free(folio_has_both(ledger->target, pfn, other, &one));
		return one;
	}
	return false;
}

/* Asked at most once a round, and only when it matters. */
static bool has_migrated(struct ledger *ledger)
{
	if (!ledger->migrated)
		ledger->migrated = vm_pages_moved() != ledger->migrations;
	return ledger->migrated;
}

/*
 * Why an anonymous page has a new frame. A write copies it only while somebody else shares it (or
 * has the kernel hold it), and always into a small page of its own (mm/memory.c, wp_page_copy());
 * the kernel moves a page for all who map it. Where all who shared the page have a new frame, it is
 * asked whether anything was moved at all.
 */
static enum ledger_change explain(struct ledger *ledger, const struct ledger_member *member,
				  const struct suspect *suspect, uint64_t flags)
{
	uint64_t before = suspect->before & PAGEMAP_PFN, after = suspect->after & PAGEMAP_PFN;

	if (suspect->after & PAGE_KSM || flags & KPF_BIT_KSM)
		return LEDGER_MOVED;
	if (flags & KPF_LARGE && !(flags & KPF_BIT_HUGE))
		return LEDGER_MOVED;
	if (suspect->before & PAGE_KSM || another_has(ledger, member, suspect->vpn, before))
		return LEDGER_COPIED;
	if (another_got(ledger, member, suspect->vpn, after))
		return LEDGER_MOVED;
	if (!(suspect->before & LEDGER_SHARED))
		return LEDGER_UNKNOWN;
	if (has_left_folio(ledger, suspect) || !has_migrated(ledger))
		return LEDGER_COPIED;
	/* Not exclusive: it was not written since its last fork, unless that was just now. */
	bool own = flags & KPF_BIT_ANON_EXCLUSIVE || ledger->forking;
	return !own && flags & KPF_BIT_ANON ? LEDGER_MOVED : LEDGER_UNKNOWN;
}

static int compare_suspects(const void *left, const void *right)
{
	const struct suspect *a = left, *b = right;
	uint64_t x = a->after & PAGEMAP_PFN, y = b->after & PAGEMAP_PFN;

	return (x > y) - (x < y);
}

/* How many suspects from the first on have frames that follow one another. */
static size_t count_following(const struct suspect *suspects, size_t count)
{
	uint64_t pfn = suspects[0].after & PAGEMAP_PFN;
	size_t i = 1;

	while (i < count && (suspects[i].after & PAGEMAP_PFN) == pfn + i)
		i++;
	return i;
}

/* The flags of the new frames, of suspects sorted by them; none where the target does not tell. */
static struct error *ask_flags(struct ledger *ledger, const struct suspect *suspects, size_t count,
			       uint64_t *flags)
{
	for (size_t i = 0, run; i < count; i += run) {
		run = count_following(suspects + i, count - i);
		struct error *error = target_flags(ledger->target, suspects[i].after & PAGEMAP_PFN,
						   flags + i, run);

		TRY(error_forgive(error));
	}
	return NULL;
}

static struct error *explain_suspects(struct explaining *x)
{
	size_t count = x->suspects.count;
	struct suspect *suspects = x->suspects.items;

	if (count == 0)
		return NULL;
	_cleanup_free_ uint64_t *flags = calloc(count, sizeof(*flags));
	if (!flags)
		return error_nomem();
	qsort(suspects, count, sizeof(*suspects), compare_suspects);
	TRY(ask_flags(x->ledger, suspects, count, flags));
	for (size_t i = 0; i < count; i++) {
		enum ledger_change change = explain(x->ledger, x->member, &suspects[i], flags[i]);

		TRY(enter(x->ledger, x->member, change, suspects[i].vpn, suspects[i].vma));
		/* A page that was moved is shared as it was before. */
		if (change == LEDGER_MOVED)
			*suspects[i].word |= suspects[i].before & LEDGER_SHARED;
	}
	return NULL;
}

/* A page in its old frame, which nobody else has: if it is exclusive by now, it was written. */
static struct error *explain_kept(struct explaining *x)
{
	size_t count = x->kept.count;
	struct suspect *kept = x->kept.items;

	if (count == 0)
		return NULL;
	_cleanup_free_ uint64_t *flags = calloc(count, sizeof(*flags));
	if (!flags)
		return error_nomem();
	qsort(kept, count, sizeof(*kept), compare_suspects);
	TRY(ask_flags(x->ledger, kept, count, flags));
	for (size_t i = 0; i < count; i++) {
		if (!(flags[i] & KPF_BIT_ANON_EXCLUSIVE) || flags[i] & KPF_LARGE)
			continue;
		TRY(enter(x->ledger, x->member, LEDGER_REUSED, kept[i].vpn, kept[i].vma));
		*kept[i].word &= ~LEDGER_SHARED;
	}
	return NULL;
}

/* An anonymous page before, something else now. */
static struct error *explain_anonymous(struct explaining *x, const struct suspect *page)
{
	if (is_anonymous(page->after)) {
		if ((page->before ^ page->after) & PAGEMAP_PFN)
			return vec_push(&x->suspects, *page);
		if (!(page->before & LEDGER_SHARED))
			return NULL;
		*page->word |= LEDGER_SHARED;
		return page->after & PAGEMAP_EXCLUSIVE && x->ledger->members.count > 1
			       ? vec_push(&x->kept, *page)
			       : NULL;
	}
	if (is_swapped(page->after))
		return enter(x->ledger, x->member, LEDGER_SWAPPED, page->vpn, page->vma);
	if (page->after & PAGEMAP_SWAP)
		return NULL;
	return enter(x->ledger, x->member, LEDGER_DROPPED, page->vpn, page->vma);
}

static struct error *explain_page(struct explaining *x, const struct suspect *page)
{
	struct ledger_member *member = x->member;

	if (is_anonymous(page->before))
		return explain_anonymous(x, page);
	if (page->before & PAGEMAP_SWAP) {
		if (page->after)
			return NULL;
		return enter(x->ledger, member, LEDGER_DROPPED, page->vpn, page->vma);
	}
	if (!is_anonymous(page->after) && !is_swapped(page->after))
		return NULL;
	/* A private page of a file is copied when it is written, whoever forked. */
	TRY(enter(x->ledger, member,
		  page->before & PAGEMAP_FILE && !(page->before & PAGE_ZERO) ? LEDGER_COPIED
									     : LEDGER_TOUCHED,
		  page->vpn, page->vma));
	return is_swapped(page->after)
		       ? enter(x->ledger, member, LEDGER_SWAPPED, page->vpn, page->vma)
		       : NULL;
}

/* The words of a stretch, to be changed. */
static uint64_t *words_of(struct snapshot *snapshot, const uint64_t *words)
{
	return words ? snapshot->words.items + (words - snapshot->words.items) : NULL;
}

static struct error *explain_stretch(void *argument, const struct stretch_pair *s)
{
	const uint64_t same = ~(LEDGER_SHARED | PAGEMAP_SOFT_DIRTY);
	struct explaining *x = argument;
	const struct vma *vma = s->vma[1] ? s->vma[1] : s->vma[0];
	uint64_t *words = words_of(&x->member->now, s->words[1]);

	for (size_t i = 0; i < s->count; i++) {
		uint64_t before = s->words[0] ? s->words[0][i] : 0;
		uint64_t after = s->words[1] ? s->words[1][i] : 0;
		struct suspect page = {s->vpn + i, before, after, vma, words ? words + i : NULL};

		if ((before & same) != after || before & LEDGER_SHARED)
			TRY(explain_page(x, &page));
	}
	return NULL;
}

/* --- looks ------------------------------------------------------------------------------------ */

static struct error *read_member(struct ledger *ledger, struct ledger_member *member)
{
	TRY(snapshot_take(&member->now, member->space, SNAPSHOT_WRITABLE));
	for (size_t i = 0; i < member->now.words.count; i++)
		member->now.words.items[i] &= ~PAGEMAP_SOFT_DIRTY;
	member->round = ledger->round;
	return NULL;
}

static struct error *explain_member(struct ledger *ledger, struct ledger_member *member)
{
	struct explaining x = {.ledger = ledger, .member = member};

	if (member->last.vmas.count == 0)
		return NULL; /* its first look: there is nothing to compare with */
	/* Who shares nothing any more is no part of the story. */
	if (ledger->members.count < 2 && !ledger->lost)
		return NULL;
	struct error *error =
		pair_walk(&member->last, &member->now, RANGE_ALL, explain_stretch, &x);
	if (!error)
		error = explain_suspects(&x);
	if (!error)
		error = explain_kept(&x);
	vec_deinit(&x.suspects);
	vec_deinit(&x.kept);
	return error;
}

static void commit(struct ledger_member *member)
{
	struct snapshot old = member->last;

	member->last = member->now;
	member->now = old;
	member->round = 0;
}

/* Explains and commits those that were read in this round. */
static struct error *close_round(struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->members.count; i++) {
		if (ledger->members.items[i]->round == ledger->round)
			TRY(explain_member(ledger, ledger->members.items[i]));
	}
	for (size_t i = 0; i < ledger->members.count; i++) {
		if (ledger->members.items[i]->round == ledger->round)
			commit(ledger->members.items[i]);
	}
	/* From here on what has moved until now does not count. */
	if (ledger->migrated)
		ledger->migrations = vm_pages_moved();
	ledger->migrated = false;
	return NULL;
}

static void begin_round(struct ledger *ledger)
{
	ledger->round++;
}

/* One that ends while it is looked at is left for the event that tells so. */
static struct error *read_or_leave(struct ledger *ledger, struct ledger_member *member)
{
	struct error *error = read_member(ledger, member);

	if (!error_is(error, ERROR_GONE))
		return error;
	error_free(error);
	member->round = 0;
	return NULL;
}

struct error *ledger_look(struct ledger *ledger)
{
	begin_round(ledger);
	for (size_t i = 0; i < ledger->members.count; i++)
		TRY(read_or_leave(ledger, ledger->members.items[i]));
	TRY(close_round(ledger));
	ledger->lost = false;
	return NULL;
}

struct error *ledger_last_look(struct ledger *ledger, pid_t pid)
{
	struct ledger_member *member = find_member(ledger, pid);

	if (!member)
		return NULL;
	begin_round(ledger);
	TRY(read_or_leave(ledger, member));
	struct ledger_member *parent = find_member(ledger, member->parent);
	if (parent)
		TRY(read_or_leave(ledger, parent));
	TRY(close_round(ledger));
	ledger->lost = false;
	return NULL;
}

void ledger_gone(struct ledger *ledger, pid_t pid)
{
	struct ledger_member *member = find_member(ledger, pid);

	if (!member)
		return;
	close_member(ledger, member);
	ledger->lost = true;
}

/* Both have the words of the moment after fork: anonymous pages that they have alike are shared. */
static struct error *mark_shared(void *argument, const struct stretch_pair *s)
{
	struct ledger_member *const *both = argument;
	uint64_t *words[2];

	for (int i = 0; i < 2; i++)
		words[i] = words_of(&both[i]->last, s->words[i]);

	for (size_t i = 0; s->words[0] && s->words[1] && i < s->count; i++) {
		if (!is_anonymous(s->words[0][i]) ||
		    !is_in_frame(s->words[1][i], s->words[0][i] & PAGEMAP_PFN))
			continue;
		words[0][i] |= LEDGER_SHARED;
		words[1][i] |= LEDGER_SHARED;
		both[1]->shared++;
	}
	return NULL;
}

static struct error *look_at_parent(struct ledger *ledger, struct ledger_member *parent)
{
	begin_round(ledger);
	ledger->forking = true;
	TRY(read_member(ledger, parent));
	/* The last fork's story is over if nobody shares with it any more: only a new one begins.
	 */
	if (ledger->members.count > 1 || ledger->lost)
		return close_round(ledger);
	commit(parent);
	return NULL;
}

static struct error *begin_story(struct ledger *ledger, struct ledger_member *parent,
				 struct ledger_member *child)
{
	TRY(look_at_parent(ledger, parent));
	TRY(open_member(ledger, child->pid, &child));
	begin_round(ledger);
	TRY(read_member(ledger, child));
	commit(child);
	child->parent = parent->pid;
	child->program = parent->program;
	child->parent_before = parent->counts;
	parent->forked = true;
	struct ledger_member *both[2] = {parent, child};
	return pair_walk(&parent->last, &child->last, RANGE_ALL, mark_shared, both);
}

struct error *ledger_fork(struct ledger *ledger, pid_t parent_pid, pid_t child_pid,
			  uint64_t *shared)
{
	struct ledger_member *parent = find_member(ledger, parent_pid);
	struct ledger_member child = {.pid = child_pid};

	*shared = 0;
	if (ledger->migrations == 0)
		ledger->migrations = vm_pages_moved();
	if (!parent)
		TRY(open_member(ledger, parent_pid, &parent));
	struct error *error = begin_story(ledger, parent, &child);
	struct ledger_member *made = find_member(ledger, child_pid);
	if (made && error)
		close_member(ledger, made);
	else if (made)
		*shared = made->shared;
	ledger->lost = ledger->forking = false;
	return error;
}

void ledger_story(const struct ledger *ledger, const struct ledger_member *child,
		  struct ledger_counts *counts)
{
	const struct ledger_member *parent = find_member(ledger, child->parent);

	memset(counts, 0, sizeof(*counts));
	for (int change = 0; change < LEDGER_CHANGES; change++) {
		counts->of[LEDGER_CHILD][change] = child->counts.of[LEDGER_CHILD][change] +
						   child->counts.of[LEDGER_PARENT][change];
		for (int role = 0; parent && role < LEDGER_ROLES; role++)
			counts->of[LEDGER_PARENT][change] += parent->counts.of[role][change] -
							     child->parent_before.of[role][change];
	}
}
