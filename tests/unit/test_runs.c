// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * src/analysis/runs and tally: pages of a made-up address space merged into runs, and counted.
 * Whatever the words are, the runs are all pages once, in order, and none could be longer.
 */
#include <inttypes.h>

#include "unit.h"

#include "analysis/runs.h"
#include "analysis/tally.h"
#include "arch/x86_64.h"
#include "fake.h"

#define P PAGEMAP_PRESENT
#define S PAGEMAP_SWAP
#define F PAGEMAP_FILE
#define X PAGEMAP_EXCLUSIVE
#define Z PAGE_ZERO

/* --- runs of a few pages ------------------------------------------------------------------ */

/* A line a run: "VPN+PAGES STATE [cow] [pfn] [stride]". */
static struct error *print_run(void *argument, const struct run *run)
{
	FILE *out = argument;

	fprintf(out, "%" PRIx64 "+%" PRIu64 " %s%s", run->vpn, run->pages,
		page_state_name(run->state), run->cow ? " cow" : "");
	if (run->word & P)
		fprintf(out, " %" PRIx64 "%s", run->word & PAGEMAP_PFN,
			run->pages > 1 && run->stride == 0 ? " same" : "");
	if (run->has_frame)
		fprintf(out, " %" PRIu64 "x", run->frame.mappers);
	fputc('\n', out);
	return NULL;
}

static void check_runs(struct fake *fake, const struct run_options *options, const char *expected)
{
	struct layout layout;
	char *text;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_ok(layout_init(&layout, &fake->space));
	for (size_t i = 0; i < layout.regions.count; i++)
		assert_ok(
			runs_of_region(&layout, &layout.regions.items[i], options, print_run, out));
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
	layout_deinit(&layout);
}

static void check_words(const char *maps, const struct fake_page *pages, size_t count,
			const char *expected)
{
	const struct run_options plain = {0};

	/* Neighbours at once, and with empty pages between them: the same runs. */
	for (size_t bridge = 0; bridge < 20; bridge += 3) {
		struct fake fake = {
			.maps = maps, .pages = pages, .page_count = count, .bridge = bridge};

		fake_init(&fake);
		check_runs(&fake, &plain, expected);
	}
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void empty_areas(void **state)
{
	(void)state;
	check_words("", NULL, 0, "");
	check_words("1000-3000 rw-p 0 0:0 0\n", NULL, 0, "1+2 untouched\n");
	check_words("1000-3000 r-xp 0 0:0 0 [vdso]\n", NULL, 0, "1+2 special\n");
	check_words("0-7ffffffff000 rw-p 0 0:0 0\n", NULL, 0, "0+34359738367 untouched\n");
}

static void frames_in_a_row(void **state)
{
	static const struct fake_page pages[] = {
		{1, P | X | 100},      {2, P | X | 101}, {3, P | X | 102}, /* one run */
		{4, P | X | 104},                                          /* a gap in the frames */
		{5, P | X | 103},                                          /* backwards */
		{6, P | X | 103},                                          /* the same again */
		{9, P | X | 104},                                          /* a hole in the pages */
		{10, P | 105},                                             /* mapped twice: COW */
		{11, P | F | X | 106},                                     /* COW as well */
		{12, P | X | 107},
	};

	(void)state;
	check_words("1000-10000 rw-p 0 0:0 0\n", pages, COUNT(pages),
		    "1+3 present 64\n"
		    "4+1 present 68\n"
		    "5+1 present 67\n"
		    "6+1 present 67\n"
		    "7+2 untouched\n"
		    "9+1 present 68\n"
		    "a+2 present cow 69\n"
		    "c+1 present 6b\n"
		    "d+3 untouched\n");
}

static void the_zero_page(void **state)
{
	static const struct fake_page pages[] = {
		{1, P | Z | 7},  {2, P | Z | 7},  {3, P | Z | 7},  {4, P | 7},     {5, P | 8},
		{6, P | Z | 64}, {7, P | Z | 65}, {8, P | Z | 66}, {9, P | Z | 7}, {10, P | Z | 7},
	};

	(void)state;
	check_words("1000-b000 rw-p 0 0:0 0\n", pages, COUNT(pages),
		    "1+3 zero 7 same\n"
		    "4+2 present cow 7\n"
		    "6+3 zero 40\n" /* the huge one: frames go on */
		    "9+2 zero 7 same\n");
}

static void every_state(void **state)
{
	static const struct fake_page pages[] = {
		{1, S | 0x20},
		{2, S | 0x9920}, /* another slot: the run goes on */
		{3, S | PAGEMAP_GUARD},
		{4, S | PAGE_SPECIAL},
		{5, S | PAGE_MIGRATING},
		{6, S | PAGE_MIGRATING | 0x40},
		{7, P | X},
	};

	(void)state;
	check_words("1000-9000 rw-p 0 0:0 0\n", pages, COUNT(pages),
		    "1+2 swapped\n3+1 guard\n4+1 special\n5+2 migrating\n7+1 present 0\n"
		    "8+1 untouched\n");
}

/* What a later kernel may say in bits that have no meaning yet. */
static void unknown_bits(void **state)
{
	static const struct fake_page pages[] = {
		{1, P | X | 1},
		{2, P | X | 2 | PAGEMAP_SOFT_DIRTY | PAGEMAP_UFFD_WP},
		{3, P | X | 3 | PAGEMAP_GUARD},
		{4, UINT64_MAX},
		{5, PAGEMAP_SOFT_DIRTY}, /* empty: neither present nor swapped */
		{6, 0x1234},
		{7, PAGEMAP_GUARD | PAGE_ZERO | PAGE_KSM | F | X},
	};

	(void)state;
	check_words("1000-9000 rw-p 0 0:0 0\n", pages, COUNT(pages),
		    "1+3 present 1\n4+1 zero 7fffffffffffff\n5+4 untouched\n");
}

static void rights_decide_on_cow(void **state)
{
	static const struct fake_page pages[] = {{1, P | 1}, {2, P | 2}, {3, P | 3}, {4, P | 4}};

	(void)state;
	check_words("1000-2000 rw-p 0 0:0 0\n2000-3000 r--p 0 0:0 0\n"
		    "3000-4000 rw-s 0 0:0 0\n4000-5000 -w-p 0 0:0 0\n",
		    pages, COUNT(pages),
		    "1+1 present cow 1\n2+1 present 2\n3+1 present 3\n4+1 present cow 4\n");
}

/* Runs end with their region, whatever the frames: pages of two areas are never one run. */
static void regions_end_runs(void **state)
{
	static const struct fake_page pages[] = {{1, P | X | 1}, {2, P | X | 2}, {3, P | X | 3}};

	(void)state;
	check_words("1000-2000 rw-p 0 0:0 0\n2000-4000 rw-p 0 0:0 0 [heap]\n", pages, COUNT(pages),
		    "1+1 present 1\n2+2 present 2\n");
}

static void the_top_of_the_address_space(void **state)
{
	static const struct fake_page pages[] = {{0xffffffffffffd, P | X | 5},
						 {0xffffffffffffe, P | X | 6}};

	(void)state;
	check_words("ffffffffffff0000-fffffffffffff000 rw-p 0 0:0 0\n", pages, COUNT(pages),
		    "ffffffffffff0+13 untouched\nffffffffffffd+2 present 5\n");
}

static void hidden_frames_do_not_part_pages(void **state)
{
	static const struct fake_page pages[] = {
		{1, P | X}, {2, P | X}, {3, P}, {4, P | F}, {5, P | X}};
	struct fake fake = {.maps = "1000-6000 rw-p 0 0:0 0\n", .pages = pages, .page_count = 5};
	const struct run_options frames = {.frames = true};

	(void)state;
	fake_init(&fake);
	fake.space.pfns_visible = false;
	/* Frames are not asked for either: there is nothing to ask with. */
	fake.frames_denied = true;
	check_runs(&fake, &frames, "1+2 present 0\n3+2 present cow 0\n5+1 present 0\n");
}

static void what_frames_say_parts_pages(void **state)
{
	/* See fake_frame(): flags change every hundred frames, mappers every ten. */
	static const struct fake_page pages[] = {{1, P | X | 98},  {2, P | X | 99},
						 {3, P | X | 100}, {4, P | X | 101},
						 {5, S | 3},       {6, P | X | 109},
						 {7, P | X | 110}};
	struct fake fake = {.maps = "1000-9000 rw-p 0 0:0 0\n", .pages = pages, .page_count = 7};
	const struct run_options frames = {.frames = true};

	(void)state;
	fake_init(&fake);
	check_runs(&fake, &frames,
		   "1+2 present 62 9x\n3+2 present 64 0x\n5+1 swapped\n6+1 present 6d 0x\n"
		   "7+1 present 6e 1x\n8+1 untouched\n");
}

/* --- the page tables beside the words ------------------------------------------------------ */

/* Tables in frames 0 to 3 of a made-up memory: all of them lead to the one PTE table. */
static uint64_t tables[4][TABLE_ENTRIES];

static struct error *read_tables(void *argument, uint64_t paddr, void *buffer, size_t length)
{
	(void)argument;
	assert_true(paddr + length <= sizeof(tables));
	memcpy(buffer, (const char *)tables + paddr, length);
	return NULL;
}

enum { ENTRY_P = 1, ENTRY_RW = 2, ENTRY_US = 4, ENTRY_A = 32, ENTRY_PS = 128 };

static struct page_table make_tables(void)
{
	memset(tables, 0, sizeof(tables));
	for (unsigned i = 0; i < 3; i++)
		tables[i][0] = (uint64_t)(i + 1) * 4096 | ENTRY_P | ENTRY_RW | ENTRY_US | ENTRY_A;
	return (struct page_table){
		.format = x86_64_format(false), .physical_bits = 46, .read = read_tables};
}

static struct error *print_entry(void *argument, const struct run *run)
{
	FILE *out = argument;

	fprintf(out, "%" PRIx64 "+%" PRIu64, run->vpn, run->pages);
	if (run->has_entry)
		fprintf(out, "%s%s %u", run->bits & ENTRY_WRITE ? " write" : "",
			run->bits & ENTRY_ACCESSED ? " accessed" : "", run->shift);
	fputc('\n', out);
	assert_false(run->alike);
	return NULL;
}

/* Pages whose words go on alike are parted by what is asked of their entries, and by that alone. */
static void entries_part_pages(void **state)
{
	static struct fake_page pages[512 + 8];
	static const unsigned bits[] = {0,        0,        ENTRY_A,  ENTRY_A,
					ENTRY_RW, ENTRY_RW, ENTRY_RW, ENTRY_RW | ENTRY_A};
	static const struct {
		unsigned bits;
		bool size;
		const char *expected;
	} cases[] = {
		{0, false, "1f8+8 0\n200+512 0\n"},
		{ENTRY_ACCESSED, false,
		 "1f8+2 0\n1fa+2 accessed 0\n1fc+3 0\n1ff+1 accessed 0\n"
		 "200+512 0\n"},
		{ENTRY_WRITE, false, "1f8+4 0\n1fc+4 write 0\n200+512 write 0\n"},
		{0, true, "1f8+8 12\n200+512 21\n"},
	};
	struct page_table table = make_tables();

	(void)state;
	for (size_t i = 0; i < COUNT(pages); i++)
		pages[i] = (struct fake_page){0x1f8 + i, P | X | (0x3f8 + i)};
	for (size_t i = 0; i < COUNT(bits); i++)
		tables[3][0x1f8 + i] = (uint64_t)(0x3f8 + i) << 12 | ENTRY_P | ENTRY_US | bits[i];
	tables[2][1] = UINT64_C(0x400000) | ENTRY_P | ENTRY_US | ENTRY_RW | ENTRY_PS;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fake fake = {.maps = "1f8000-200000 rw-p 0 0:0 0\n"
					    "200000-400000 rw-p 0 0:0 0 [heap]\n",
				    .pages = pages,
				    .page_count = COUNT(pages)};
		const struct run_options options = {
			.table = &table, .bits = cases[i].bits, .size = cases[i].size};
		struct layout layout;
		char *text;
		size_t length;
		FILE *out = open_memstream(&text, &length);

		fake_init(&fake);
		assert_ok(layout_init(&layout, &fake.space));
		for (size_t r = 0; r < layout.regions.count; r++)
			assert_ok(runs_of_region(&layout, &layout.regions.items[r], &options,
						 print_entry, out));
		fclose(out);
		assert_string_equal(text, cases[i].expected);
		free(text);
		layout_deinit(&layout);
	}
}

static struct error *print_alike(void *argument, const struct run *run)
{
	fprintf(argument, "%" PRIx64 "%s ", run->vpn, run->alike ? " alike" : "");
	return NULL;
}

static void runs_that_are_alike_say_so(void **state)
{
	static const struct fake_page pages[] = {
		{1, P | X | 9},  {2, P | X | 7},  {3, P | X | 5}, /* frames alone differ */
		{4, P | 5},      {5, P | 1},                      /* COW, and another such */
		{7, P | 9},      {8, S | 9},                      /* a hole, another state */
		{9, P | X | 3},  {10, P | X | 1},                 /* and back */
		{11, P | X | 9},                                  /* another area */
		{12, P | X | 1},
	};
	struct fake fake = {.maps = "1000-b000 rw-p 0 0:0 0\nb000-d000 rw-p 0 0:0 0\n",
			    .pages = pages,
			    .page_count = COUNT(pages),
			    .bridge = 4};
	const struct run_options plain = {0};
	struct layout layout;
	char *text;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	fake_init(&fake);
	assert_ok(layout_init(&layout, &fake.space));
	for (size_t i = 0; i < layout.regions.count; i++)
		assert_ok(runs_of_region(&layout, &layout.regions.items[i], &plain, print_alike,
					 out));
	fclose(out);
	assert_string_equal(text, "1 2 alike 3 alike 4 5 alike 6 7 8 9 a alike b c alike ");
	free(text);
	layout_deinit(&layout);
}

static struct error *refuse(void *argument, const struct run *run)
{
	(void)run;
	++*(int *)argument;
	return error_new(ERROR_OTHER, "enough");
}

static void errors_come_through(void **state)
{
	static const struct fake_page pages[] = {{1, P | X | 1}, {2, P | X | 7}, {3, P | X | 9}};
	struct fake fake = {.maps = "1000-9000 rw-p 0 0:0 0\n", .pages = pages, .page_count = 3};
	struct layout layout;
	int calls = 0;

	(void)state;
	fake_init(&fake);
	assert_ok(layout_init(&layout, &fake.space));
	assert_error(runs_of_region(&layout, &layout.regions.items[0], &(struct run_options){0},
				    refuse, &calls),
		     ERROR_OTHER, "enough");
	assert_int_equal(calls, 1);
	fake.frames_denied = true;
	assert_error(runs_of_region(&layout, &layout.regions.items[0],
				    &(struct run_options){.frames = true}, refuse, &calls),
		     ERROR_DENIED, "frames: no");
	layout_deinit(&layout);
}

/* --- any words at all --------------------------------------------------------------------- */

enum { PAGES = 300, FIRST = 0x7f000, ROUNDS = 400 };

static uint64_t seed = 1;

static uint64_t roll(uint64_t sides)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (seed >> 33) % sides;
}

/* Words that like to be as the one before, in every kind of way to go on or not. */
static uint64_t random_word(uint64_t before)
{
	static const uint64_t kinds[] = {P | X, P,         P | F, P | F | X,
					 P | Z, P | F | Z, S,     S | PAGE_SPECIAL,
					 0,     0,         P | X, P | PAGE_KSM};
	uint64_t pfn = before & PAGEMAP_PFN;

	switch (roll(8)) {
	case 0:
		return kinds[roll(COUNT(kinds))] | (roll(2) ? pfn : roll(400));
	case 1:
		return (before & ~PAGEMAP_PFN) | roll(400);
	case 2:
		return before ^ (roll(2) ? PAGEMAP_SOFT_DIRTY : PAGEMAP_UFFD_WP);
	case 3:
		return before;
	default:
		return before + (before & P && pfn < 1000);
	}
}

struct expected {
	uint64_t words[PAGES];
	const struct layout *layout;
	const struct run_options *options;
	uint64_t next;
	bool any;
	struct run last;
};

static uint64_t pfn_of(uint64_t word)
{
	return word & PAGEMAP_PFN;
}

static const uint64_t shown = PAGEMAP_SOFT_DIRTY | X | PAGEMAP_UFFD_WP | F | PAGE_KSM;

/* One page of a run is what its word says. */
static void check_page(const struct expected *e, const struct run *run, uint64_t i, uint64_t word)
{
	bool populated = word & PAGEMAP_POPULATED;

	if (!populated) {
		assert_int_equal(run->state, STATE_UNTOUCHED);
		assert_false(run->cow);
		return;
	}
	assert_int_equal(run->state, page_state_of(word));
	assert_int_equal(run->cow, page_is_cow(word, VMA_READ | VMA_WRITE));
	if (word & P && e->layout->space->pfns_visible)
		assert_int_equal(pfn_of(word), pfn_of(run->word) + i * run->stride);
	if (e->options->words)
		assert_int_equal(word & shown, run->word & shown);
	if (run->has_frame) {
		struct frame frame = fake_frame(pfn_of(word));

		assert_int_equal(run->frame.mappers, frame.mappers);
		assert_int_equal(run->frame.flags, frame.flags);
	}
}

/* Whether `run` should have been part of the one before it. */
static bool belongs_to_last(const struct expected *e, const struct run *run)
{
	const struct run *last = &e->last;
	uint64_t step = last->pages > 1 ? last->stride : 1;
	bool present = run->word & P;
	bool same_zero = last->pages == 1 && run->state == STATE_ZERO &&
			 pfn_of(run->word) == pfn_of(last->word);

	return last->state == run->state && last->cow == run->cow &&
	       (!e->options->words || (last->word & shown) == (run->word & shown)) &&
	       last->has_frame == run->has_frame &&
	       (!run->has_frame || (last->frame.mappers == run->frame.mappers &&
				    last->frame.flags == run->frame.flags)) &&
	       (!present || !e->layout->space->pfns_visible || same_zero ||
		pfn_of(run->word) == pfn_of(last->word) + last->pages * step);
}

/* What says that it is as the run before is so in all but its place, its length and its frame. */
static void check_alike(const struct expected *e, const struct run *run)
{
	const struct run *last = &e->last;

	assert_true(e->any && run->word & PAGEMAP_POPULATED);
	assert_true(run->region == last->region);
	assert_int_equal(run->state, last->state);
	assert_int_equal(run->cow, last->cow);
	assert_int_equal(run->word & ~PAGEMAP_PFN, last->word & ~PAGEMAP_PFN);
	assert_int_equal(run->stride, last->stride);
	assert_false(run->has_frame || last->has_frame || run->has_entry || last->has_entry);
}

static struct error *check_run(void *argument, const struct run *run)
{
	struct expected *e = argument;

	assert_int_equal(run->vpn, e->next);
	assert_true(run->pages > 0 && run->vpn + run->pages <= FIRST + PAGES);
	for (uint64_t i = 0; i < run->pages; i++)
		check_page(e, run, i, e->words[run->vpn - FIRST + i]);
	assert_int_equal(run->has_frame,
			 run->word & P && e->options->frames && e->layout->space->pfns_visible);
	if (e->any)
		assert_false(belongs_to_last(e, run));
	if (run->alike)
		check_alike(e, run);
	e->any = true;
	e->last = *run;
	e->next = run->vpn + run->pages;
	return NULL;
}

static void check_tally(struct layout *layout, const struct expected *e)
{
	struct tally tally = {0}, twice = {0};
	uint64_t sum = 0, cow = 0, exclusive = 0, present = 0, zero = 0;

	assert_ok(tally_region(layout, &layout->regions.items[0], &tally));
	for (size_t i = 0; i < PAGES; i++) {
		uint64_t word = e->words[i];
		bool here = word & P && !(word & Z);

		present += here;
		zero += word & P && word & Z;
		cow += page_is_cow(word, VMA_READ | VMA_WRITE);
		exclusive += here && word & X;
	}
	for (int s = 0; s < STATE_COUNT; s++)
		sum += tally.state[s];
	assert_int_equal(tally.pages, PAGES);
	assert_int_equal(sum, PAGES);
	assert_int_equal(tally.state[STATE_PRESENT], present);
	assert_int_equal(tally.state[STATE_ZERO], zero);
	assert_int_equal(tally.cow, cow);
	assert_int_equal(tally.exclusive, exclusive);
	tally_add(&twice, &tally);
	tally_add(&twice, &tally);
	assert_int_equal(twice.pages, 2 * PAGES);
	assert_int_equal(twice.state[STATE_PRESENT], 2 * present);
	assert_int_equal(twice.cow, 2 * cow);
}

static void any_words_at_all(void **state)
{
	static struct fake_page pages[PAGES];
	char maps[64];

	(void)state;
	snprintf(maps, sizeof(maps), "%x000-%x000 rw-p 0 0:0 0\n", FIRST, FIRST + PAGES);
	for (int round = 0; round < ROUNDS; round++) {
		struct run_options options = {.frames = roll(2), .words = roll(2)};
		struct fake fake = {.maps = maps, .pages = pages, .bridge = roll(40)};
		struct expected e = {.options = &options, .next = FIRST};
		struct layout layout;
		uint64_t word = P | X | 5;

		for (size_t i = 0; i < PAGES; i++) {
			e.words[i] = word = random_word(word);
			if (word & PAGEMAP_POPULATED)
				pages[fake.page_count++] = (struct fake_page){FIRST + i, word};
		}
		fake_init(&fake);
		fake.space.pfns_visible = roll(4) > 0;
		assert_ok(layout_init(&layout, &fake.space));
		e.layout = &layout;
		assert_ok(
			runs_of_region(&layout, &layout.regions.items[0], &options, check_run, &e));
		assert_int_equal(e.next, FIRST + PAGES);
		check_tally(&layout, &e);
		layout_deinit(&layout);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_areas),
		cmocka_unit_test(frames_in_a_row),
		cmocka_unit_test(the_zero_page),
		cmocka_unit_test(every_state),
		cmocka_unit_test(unknown_bits),
		cmocka_unit_test(rights_decide_on_cow),
		cmocka_unit_test(regions_end_runs),
		cmocka_unit_test(the_top_of_the_address_space),
		cmocka_unit_test(hidden_frames_do_not_part_pages),
		cmocka_unit_test(what_frames_say_parts_pages),
		cmocka_unit_test(entries_part_pages),
		cmocka_unit_test(runs_that_are_alike_say_so),
		cmocka_unit_test(errors_come_through),
		cmocka_unit_test(any_words_at_all),
	};

	return TESTS_RUN(tests);
}
