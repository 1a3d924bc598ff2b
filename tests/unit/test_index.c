// SPDX-License-Identifier: GPL-2.0-or-later
/* The frame index: packing, sorting, reading many spaces at once, walking; and what is counted. */
#include "unit.h"

#include "analysis/census.h"
#include "analysis/index.h"
#include "analysis/stretch.h"

#define SHIFT   12
#define PRESENT PAGEMAP_PRESENT

/* --- a target of several spaces ------------------------------------------------------------- */

/* One area of `pages` pages from `vpn` on, whose frames are given by a function. */
struct process_of_test {
	uint64_t vpn;
	uint64_t pages;
	uint64_t (*word)(uint64_t page);
	const char *perms;
	enum error_kind fails; /* after half of the pages; ERROR_OTHER for not */
	int mm;                /* which address space it has */
};

static const struct process_of_test *processes;
static bool without_kcmp, hugetlb;

struct test_space {
	struct space base;
	const struct process_of_test *process;
};

static const struct process_of_test *process_of(struct space *space)
{
	return ((struct test_space *)space)->process;
}

static void close_space(struct space *space)
{
	free(space);
}

static struct error *vmas(struct space *space, struct vma_list *list)
{
	const struct process_of_test *p = process_of(space);
	char *text;
	int length = asprintf(&text, "%llx-%llx %s 00000000 00:00 0 \n",
			      (unsigned long long)p->vpn << SHIFT,
			      (unsigned long long)(p->vpn + p->pages) << SHIFT, p->perms);

	return length < 0 ? error_nomem() : vma_list_parse(list, text, (size_t)length);
}

static struct error *pages(struct space *space, const struct vma *vma, struct range range,
			   pages_visit visit, void *argument)
{
	const struct process_of_test *p = process_of(space);
	uint64_t words[97];

	(void)vma;
	(void)range;
	for (uint64_t i = 0; i < p->pages;) {
		size_t n = 0;

		if (p->fails != ERROR_OTHER && i > p->pages / 2)
			return error_new(p->fails, "process %d: no", (int)space->pid);
		for (uint64_t first = i; n < 97 && first + n < p->pages; n++)
			words[n] = p->word(first + n);
		struct error *error = visit(argument, p->vpn + i, words, n);
		if (error)
			return error;
		i += n;
	}
	return NULL;
}

static struct error *check_alive(struct space *space)
{
	(void)space;
	return NULL;
}

static bool is_hugetlb(struct space *space, const struct vma *vma)
{
	(void)vma;
	return hugetlb && space->pid == 1;
}

static const struct space_ops space_ops = {.close = close_space,
					   .vmas = vmas,
					   .pages = pages,
					   .check_alive = check_alive,
					   .is_hugetlb = is_hugetlb};

static struct error *open_space(struct target *target, pid_t pid, struct space **result)
{
	struct test_space *space = calloc(1, sizeof(*space));

	if (!space)
		return error_nomem();
	space->base = (struct space){
		.ops = &space_ops, .target = target, .pid = pid, .pfns_visible = true};
	space->process = &processes[pid - 1];
	*result = &space->base;
	return NULL;
}

static struct error *compare_spaces(struct target *target, pid_t a, pid_t b, int *order)
{
	(void)target;
	if (without_kcmp)
		return error_new(ERROR_UNSUPPORTED, "no kcmp");
	*order = processes[a - 1].mm - processes[b - 1].mm;
	return NULL;
}

static const struct target_ops target_ops = {.open_space = open_space,
					     .compare_spaces = compare_spaces};
static struct target target = {.ops = &target_ops, .page_shift = SHIFT};

static void make_index(struct index *index, const struct process_of_test *list, size_t count,
		       const struct index_options *options)
{
	static const struct index_options all;

	processes = list;
	index_init(index, &target);
	for (size_t i = 0; i < count; i++)
		assert_ok(index_add(index, (pid_t)i + 1, "test"));
	assert_ok(index_identify(index));
	assert_ok(index_read(index, options ? options : &all));
	assert_ok(index_sort(index));
}

static uint64_t ascending(uint64_t page)
{
	return PRESENT | (1000 + page);
}

/* Every frame alone: nothing can be joined. */
static uint64_t scattered(uint64_t page)
{
	return PRESENT | (5000000 - 3 * page);
}

static uint64_t all_one(uint64_t page)
{
	(void)page;
	return PRESENT | 77;
}

static uint64_t mixed(uint64_t page)
{
	static const uint64_t words[] = {
		PRESENT | 10,      PRESENT | PAGE_ZERO | 1,
		PAGEMAP_SWAP | 32, PRESENT | 11,
		PRESENT | 12,      0,
		PRESENT | 13,      PAGEMAP_SWAP | PAGE_SPECIAL,
	};

	return words[page % 8];
}

/* --- packing and sorting ---------------------------------------------------------------------- */

static void test_packing(void **state)
{
	const uint64_t pfn = (UINT64_C(1) << 40) - 2, vpn = (UINT64_C(1) << 44) - 1;
	const uint64_t space = (1 << STRETCH_SPACE_BITS) - 1;

	(void)state;
	struct stretch s = stretch_make(pfn, space, vpn, STRETCH_PAGES_MAX, 15);
	assert_int_equal(stretch_pfn(&s), pfn);
	assert_int_equal(stretch_space(&s), space);
	assert_int_equal(stretch_vpn(&s), vpn);
	assert_int_equal(stretch_pages(&s), STRETCH_PAGES_MAX);
	assert_int_equal(stretch_flags(&s), 15);
	s = stretch_make(0, 0, 0, 1, 0);
	assert_int_equal(stretch_pages(&s), 1);
	assert_int_equal(s.where | s.what, 0);
	assert_int_equal(sizeof(s), 16);
}

static int compare(const void *left, const void *right)
{
	const struct stretch *a = left, *b = right;

	if (a->where != b->where)
		return a->where < b->where ? -1 : 1;
	return (a->what > b->what) - (a->what < b->what);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* `bits` of what is sorted by differ: few make many equal ones. */
static void check_sort(size_t count, unsigned bits)
{
	struct stretch *a = calloc(count + 1, sizeof(*a)), *b = calloc(count + 1, sizeof(*b));
	uint64_t seed = 88172645463325252U + count + bits;
	uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;

	assert_true(a && b);
	for (size_t i = 0; i < count; i++)
		a[i] = b[i] = (struct stretch){next_random(&seed) & mask << (64 - bits),
					       next_random(&seed) & mask};
	stretch_sort(a, count);
	qsort(b, count, sizeof(*b), compare);
	assert_memory_equal(a, b, count * sizeof(*a));
	free(a);
	free(b);
}

static void test_sort(void **state)
{
	static const size_t counts[] = {0, 1, 2, 47, 48, 49, 50, 255, 4096, 20011};
	static const unsigned bits[] = {1, 3, 8, 23, 47, 64};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		for (size_t j = 0; j < sizeof(bits) / sizeof(bits[0]); j++)
			check_sort(counts[i], bits[j]);
	}
}

/* --- reading and walking ------------------------------------------------------------------------
 */

struct seen {
	uint64_t frames, mappers, next;
	size_t spans, most;
};

static struct error *look(void *argument, const struct index_span *span)
{
	struct seen *seen = argument;

	assert_true(span->pages > 0 && span->count > 0);
	assert_true(span->pfn >= seen->next); /* ascending, each frame once */
	seen->next = span->pfn + span->pages;
	seen->spans++;
	seen->frames += span->pages;
	seen->mappers += span->pages * span->count;
	if (span->count > seen->most)
		seen->most = span->count;
	for (size_t i = 0; i < span->count; i++) {
		const struct index_mapper *m = &span->mappers[i];
		const struct process_of_test *p = &processes[m->space];

		/* What the index says is what the process said. */
		for (uint64_t j = 0; j < span->pages; j++) {
			assert_true(m->vpn + j >= p->vpn && m->vpn + j < p->vpn + p->pages);
			assert_int_equal(p->word(m->vpn + j - p->vpn) & PAGEMAP_PFN, span->pfn + j);
		}
	}
	return NULL;
}

static void test_shared(void **state)
{
	/* The second has the first's frames from the 100th on. */
	static const struct process_of_test two[] = {
		{0x1000, 300, ascending, "rw-p", ERROR_OTHER, 1},
		{0x9000, 200, ascending, "r--p", ERROR_OTHER, 2}};
	struct account accounts[2] = {{0}};
	struct seen seen = {0};
	struct index index;

	(void)state;
	make_index(&index, two, 2, NULL);
	assert_int_equal(index.count, 2);
	assert_ok(index_walk(&index, look, &seen));
	assert_int_equal(seen.spans, 2);
	assert_int_equal(seen.frames, 300);
	assert_int_equal(seen.mappers, 500);
	assert_ok(census_by_space(&index, accounts));
	assert_int_equal(accounts[0].rss, 300);
	assert_int_equal(accounts[0].uss, 100);
	assert_int_equal(account_pss_bytes(&accounts[0]), (100 + 200 / 2) << SHIFT);
	assert_int_equal(accounts[0].cow, 200);
	assert_int_equal(accounts[1].rss, 200);
	assert_int_equal(accounts[1].uss, 0);
	assert_int_equal(accounts[1].cow, 0);
	index_deinit(&index);
}

static void test_long_and_scattered(void **state)
{
	/* More than one stretch can hold, and more than one segment. */
	static const struct process_of_test two[] = {
		{0x1000, 200000, ascending, "rw-p", ERROR_OTHER, 1},
		{0x1000, 50000, scattered, "rw-p", ERROR_OTHER, 2}};
	struct seen seen = {0};
	struct index index;

	(void)state;
	make_index(&index, two, 2, NULL);
	assert_int_equal(index.count, (200000 + 511) / 512 + 50000);
	assert_int_equal(index.spaces.items[0].present, 200000);
	assert_ok(index_walk(&index, look, &seen));
	assert_int_equal(seen.frames, 250000);
	assert_int_equal(seen.mappers, 250000);
	index_deinit(&index);
}

/* The same but for one page of the fourth block. */
static uint64_t scattered_but_one(uint64_t page)
{
	return page == 512 * 3 + 7 ? PRESENT | 9999999 : scattered(page);
}

static void test_blocks(void **state)
{
	/* Four that are alike: one of them elsewhere, one with another page, one that ends. */
	static const struct process_of_test four[] = {
		{0x1000, 51200, scattered, "rw-p", ERROR_OTHER, 1},
		{0x8000 + 512, 51200, scattered, "rw-p", ERROR_OTHER, 2},
		{0x1000, 51200, scattered_but_one, "rw-p", ERROR_OTHER, 3},
		{0x1000, 51200, scattered, "rw-p", ERROR_GONE, 4}};
	struct account accounts[4] = {{0}};
	struct seen seen = {0};
	struct index index;

	(void)state;
	make_index(&index, four, 4, NULL);
	assert_int_equal(index.count, 51200 + 512);
	assert_ok(index_walk(&index, look, &seen));
	assert_int_equal(seen.frames, 51201);
	assert_int_equal(seen.mappers, 3 * 51200);
	assert_int_equal(seen.most, 3);
	assert_ok(census_by_space(&index, accounts));
	for (int i = 0; i < 3; i++)
		assert_int_equal(accounts[i].rss, 51200);
	assert_int_equal(accounts[0].uss, 0);
	assert_int_equal(accounts[2].uss, 1);
	index_deinit(&index);

	/* Elsewhere by less than a block: nothing is alike, and all is right all the same. */
	static const struct process_of_test two[] = {
		{0x1000, 51200, scattered, "rw-p", ERROR_OTHER, 1},
		{0x1003, 51200, scattered, "rw-p", ERROR_OTHER, 2}};
	seen = (struct seen){0};
	make_index(&index, two, 2, NULL);
	assert_int_equal(index.count, 2 * 51200);
	assert_ok(index_walk(&index, look, &seen));
	assert_int_equal(seen.mappers, 2 * 51200);
	assert_int_equal(seen.frames, 51200);
	index_deinit(&index);
}

static void test_one_frame_often(void **state)
{
	static const struct process_of_test two[] = {
		{0x1000, 1000, all_one, "rw-s", ERROR_OTHER, 1},
		{0x1000, 1000, all_one, "rw-s", ERROR_OTHER, 2}};
	struct account accounts[2] = {{0}};
	struct seen seen = {0};
	struct index index;

	(void)state;
	make_index(&index, two, 2, NULL);
	assert_ok(index_walk(&index, look, &seen));
	assert_int_equal(seen.frames, 1);
	assert_int_equal(seen.most, 2000);
	assert_ok(census_by_space(&index, accounts));
	/* As smaps counts: what one process maps often is in its RSS as often, and not private. */
	assert_int_equal(accounts[0].rss, 1000);
	assert_int_equal(accounts[0].uss, 0);
	index_deinit(&index);
}

static void test_others_are_counted(void **state)
{
	static const struct process_of_test one[] = {{0x1000, 8, mixed, "rw-p", ERROR_OTHER, 1}};
	struct index index;

	(void)state;
	make_index(&index, one, 1, NULL);
	assert_int_equal(index.spaces.items[0].present, 4);
	assert_int_equal(index.spaces.items[0].zero, 1);
	assert_int_equal(index.spaces.items[0].swapped, 1);
	assert_int_equal(index.spaces.items[0].special, 1);
	assert_int_equal(index.count, 3); /* frames 11 and 12 follow each other */
	index_deinit(&index);
}

static void test_gone(void **state)
{
	static const struct process_of_test three[] = {
		{0x1000, 30000, scattered, "rw-p", ERROR_OTHER, 1},
		{0x1000, 30000, scattered, "rw-p", ERROR_GONE, 2},
		{0x1000, 300, ascending, "rw-p", ERROR_DENIED, 3}};
	struct seen seen = {0};
	struct index index;

	(void)state;
	make_index(&index, three, 3, NULL);
	assert_int_equal(index.spaces.items[0].fate, INDEX_READ);
	assert_int_equal(index.spaces.items[1].fate, INDEX_GONE);
	assert_int_equal(index.spaces.items[1].present, 0);
	assert_int_equal(index.spaces.items[2].fate, INDEX_REFUSED);
	assert_int_equal(index.count, 30000); /* nothing of the one that ended */
	assert_ok(index_walk(&index, look, &seen));
	assert_int_equal(seen.most, 1);
	index_deinit(&index);
}

static void test_same_space(void **state)
{
	static const struct process_of_test three[] = {
		{0x1000, 10, ascending, "rw-p", ERROR_OTHER, 7},
		{0x1000, 10, scattered, "rw-p", ERROR_OTHER, 5},
		{0x1000, 10, ascending, "rw-p", ERROR_OTHER, 7}};
	struct index index;

	(void)state;
	make_index(&index, three, 3, NULL);
	assert_true(index.identity_known);
	assert_int_equal(index.spaces.items[0].fate, INDEX_READ);
	assert_int_equal(index.spaces.items[1].fate, INDEX_READ);
	assert_int_equal(index.spaces.items[2].fate, INDEX_SAME);
	assert_int_equal(index.spaces.items[2].same_as, 1);
	assert_int_equal(index.count, 11);
	index_deinit(&index);

	without_kcmp = true;
	make_index(&index, three, 3, NULL);
	without_kcmp = false;
	assert_false(index.identity_known);
	assert_int_equal(index.count, 12);
	index_deinit(&index);
}

static void test_wanted_frames(void **state)
{
	static const struct process_of_test two[] = {
		{0x1000, 300, ascending, "rw-p", ERROR_OTHER, 1},
		{0x9000, 200, ascending, "r--p", ERROR_OTHER, 2}};
	static const struct range ranges[] = {{5, 6}, {999, 1002}, {1199, 1201}, {9999, 10000}};
	const struct index_options options = {
		.frames = ranges, .frame_count = 4, .flags = INDEX_VMAS};
	struct index index;

	(void)state;
	make_index(&index, two, 2, &options);
	assert_int_equal(index.count, 4);
	assert_int_equal(stretch_pfn(&index.stretches[0]), 1000);
	assert_int_equal(stretch_pages(&index.stretches[0]), 2);
	assert_int_equal(stretch_pfn(&index.stretches[2]), 1199);
	assert_int_equal(stretch_vpn(&index.stretches[2]), 0x1000 + 199);
	assert_int_equal(stretch_pages(&index.stretches[3]), 1);
	assert_int_equal(index_vma(&index, 1, 0x9000)->range.start, 0x9000 << SHIFT);
	assert_null(index_vma(&index, 1, 0x8fff));
	index_deinit(&index);
}

static void test_hugetlb_apart(void **state)
{
	static const struct process_of_test two[] = {
		{0x1000, 512, ascending, "rw-s", ERROR_OTHER, 1},
		{0x9000, 10, scattered, "rw-p", ERROR_OTHER, 2}};
	struct account accounts[2] = {{0}};
	struct index index;

	(void)state;
	hugetlb = true;
	make_index(&index, two, 2, NULL);
	hugetlb = false;
	assert_ok(census_by_space(&index, accounts));
	assert_int_equal(accounts[0].rss + accounts[0].uss + accounts[0].pss, 0);
	assert_int_equal(accounts[0].hugetlb, 512);
	assert_int_equal(accounts[1].uss, 10);
	index_deinit(&index);
}

static size_t member_by_space(const void *argument, const struct index_mapper *mapper)
{
	(void)argument;
	return mapper->space;
}

static void test_groups(void **state)
{
	static const struct process_of_test three[] = {
		{0x1000, 300, ascending, "rw-p", ERROR_OTHER, 1},
		{0x1000, 200, ascending, "rw-p", ERROR_OTHER, 2},
		{0x1000, 100, ascending, "rw-p", ERROR_OTHER, 3}};
	struct census_member members[] = {
		{.space = 0, .group = 0}, {.space = 1, .group = 0}, {.space = 2, .group = 1}};
	struct account accounts[2] = {{0}};
	struct census_groups groups = {
		.accounts = accounts, .count = 2, .members = members, .member_of = member_by_space};
	struct index index;

	(void)state;
	make_index(&index, three, 3, NULL);
	assert_ok(census_by_group(&index, &groups));
	assert_int_equal(accounts[0].rss, 300); /* each frame once */
	assert_int_equal(accounts[0].uss, 200); /* two of its processes may share them */
	assert_int_equal(accounts[1].rss, 100);
	assert_int_equal(accounts[1].uss, 0);
	uint64_t sum = accounts[0].pss + accounts[1].pss;
	assert_true((300ULL << SHIFT) - (sum >> PSS_SHIFT) <= 1);
	index_deinit(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packing),
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_long_and_scattered),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_one_frame_often),
		cmocka_unit_test(test_others_are_counted),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_same_space),
		cmocka_unit_test(test_wanted_frames),
		cmocka_unit_test(test_hugetlb_apart),
		cmocka_unit_test(test_groups),
	};

	return TESTS_RUN(tests);
}
