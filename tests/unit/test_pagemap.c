// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * src/proc/pagemap, on memory of this process: the walker with and without PAGEMAP_SCAN against
 * plain reads of one entry each. Needs no privilege.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "base/scope.h"
#include "base/vec.h"
#include "proc/pagemap.h"

#define PAGE     ((size_t)4096)
#define SHIFT    12
#define MIB_PAGE (((size_t)1 << 20) / PAGE)

static int open_own(void)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	if (sysconf(_SC_PAGESIZE) != (long)PAGE)
		skip();
	return fd;
}

/* Address space of which nothing is touched yet; small pages only. */
static char *reserve(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	(void)madvise(p, pages * PAGE, MADV_NOHUGEPAGE);
	return p;
}

static void touch(char *p, size_t from, size_t count)
{
	for (size_t i = from; i < from + count; i++)
		((volatile char *)p)[i * PAGE] = 1;
}

/* What a walk gave, stretch by stretch. */
struct walk {
	uint64_t reached;
	size_t stretches;
	size_t populated;
	VEC(uint64_t) pages; /* the populated ones, as page numbers */
	struct error *stop;
};

static struct error *note(void *argument, uint64_t vpn, uint64_t *words, size_t count)
{
	struct walk *walk = argument;

	assert_true(count > 0);
	assert_true(vpn >= walk->reached);
	walk->reached = vpn + count;
	walk->stretches++;
	for (size_t i = 0; i < count; i++) {
		if (!(words[i] & PAGEMAP_POPULATED))
			continue;
		walk->populated++;
		assert_ok(vec_push(&walk->pages, vpn + i));
	}
	/* They are ours to change. */
	memset(words, 0xff, count * sizeof(*words));
	return scope_take(walk->stop, NULL);
}

static void walk_range(bool scan, const char *start, size_t pages, struct walk *walk)
{
	_cleanup_close_ int fd = open_own();
	struct pagemap_walker walker;
	uint64_t address = (uint64_t)(uintptr_t)start;

	*walk = (struct walk){0};
	assert_ok(pagemap_walker_init(&walker, fd, SHIFT));
	walker.scan = walker.scan && scan;
	assert_ok(
		pagemap_walk(&walker, (struct range){address, address + pages * PAGE}, note, walk));
	assert_true(walk->reached <= address / PAGE + pages);
	pagemap_walker_deinit(&walker);
}

/* Walks the pages both ways and compares with plain preads of every entry. */
static void check_walk(const char *start, size_t pages, size_t populated)
{
	struct walk scanned, read;
	_cleanup_close_ int fd = open_own();
	uint64_t vpn = (uint64_t)(uintptr_t)start / PAGE;

	walk_range(true, start, pages, &scanned);
	walk_range(false, start, pages, &read);
	assert_int_equal(scanned.populated, populated);
	assert_int_equal(read.populated, populated);
	assert_memory_equal(scanned.pages.items, read.pages.items, populated * sizeof(uint64_t));
	for (size_t i = 0; i < populated; i++) {
		uint64_t word;

		assert_int_equal(pread(fd, &word, 8, (off_t)(read.pages.items[i] * 8)), 8);
		assert_true(word & PAGEMAP_POPULATED);
		assert_true(read.pages.items[i] >= vpn && read.pages.items[i] < vpn + pages);
	}
	vec_deinit(&scanned.pages);
	vec_deinit(&read.pages);
}

static void nothing_populated(void **state)
{
	char *p = reserve(8192);

	(void)state;
	check_walk(p, 8192, 0);
	check_walk(p, 1, 0);
	check_walk(p, 0, 0);
	munmap(p, 8192 * PAGE);
}

static void everything_populated(void **state)
{
	enum { PAGES = 40000 }; /* more than a read takes */
	char *p = reserve(PAGES);

	(void)state;
	touch(p, 0, PAGES);
	check_walk(p, PAGES, PAGES);
	check_walk(p + 5 * PAGE, 3, 3);
	munmap(p, PAGES * PAGE);
}

/* Few pages far apart, many pages, holes of every length around the walker's thresholds. */
static void holes_of_many_lengths(void **state)
{
	enum { PAGES = 200000 };
	char *p = reserve(PAGES);
	size_t at = 3, count = 0;

	(void)state;
	for (size_t step = 1; at + step < PAGES; at += step, step += 1 + step / 4) {
		touch(p, at, 1);
		count++;
	}
	touch(p, 100000, 1500);
	for (size_t i = 100000; i < 101500; i++)
		count++;
	struct walk walk;
	walk_range(false, p, PAGES, &walk);
	/* Those that fell into the stretch were counted twice. */
	assert_in_range(walk.populated, 1500, count);
	count = walk.populated;
	vec_deinit(&walk.pages);
	check_walk(p, PAGES, count);
	munmap(p, PAGES * PAGE);
}

/* More records than a scan returns at once: every second page. */
static void every_second_page(void **state)
{
	enum { PAGES = 6000 };
	char *p = reserve(PAGES);

	(void)state;
	for (size_t i = 0; i < PAGES; i += 2)
		touch(p, i, 1);
	check_walk(p, PAGES, PAGES / 2);
	munmap(p, PAGES * PAGE);
}

/* Isolated pages, farther apart than the walker bridges: more than the records of a scan. */
static void every_hundredth_page(void **state)
{
	enum { PAGES = 300000 };
	char *p = reserve(PAGES);

	(void)state;
	for (size_t i = 50; i < PAGES; i += 100)
		touch(p, i, 1);
	check_walk(p, PAGES, PAGES / 100);
	munmap(p, PAGES * PAGE);
}

/* A terabyte with one page at either end: no walk over the empty entries. */
static void the_price_is_of_populated_pages(void **state)
{
	size_t pages = ((size_t)1 << 40) / PAGE;
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	_cleanup_close_ int fd = open_own();
	struct walk walk;

	(void)state;
	if (p == MAP_FAILED || !pagemap_scan_works(fd, SCAN_PRESENT | SCAN_SWAPPED))
		skip();
	(void)madvise(p, pages * PAGE, MADV_NOHUGEPAGE);
	touch(p, 0, 1);
	touch(p, pages - 1, 1);
	walk_range(true, p, pages, &walk);
	assert_int_equal(walk.populated, 2);
	assert_true(walk.stretches <= 2);
	vec_deinit(&walk.pages);
	munmap(p, pages * PAGE);
}

static void the_visitor_ends_the_walk(void **state)
{
	char *p = reserve(4096);

	(void)state;
	touch(p, 0, 4096);
	for (int scan = 0; scan < 2; scan++) {
		_cleanup_close_ int fd = open_own();
		struct pagemap_walker walker;
		struct walk walk = {.stop = error_new(ERROR_OTHER, "enough")};
		uint64_t address = (uint64_t)(uintptr_t)p;

		assert_ok(pagemap_walker_init(&walker, fd, SHIFT));
		walker.scan = walker.scan && scan;
		assert_error(pagemap_walk(&walker, (struct range){address, address + 4096 * PAGE},
					  note, &walk),
			     ERROR_OTHER, "enough");
		assert_int_equal(walk.stretches, 1);
		vec_deinit(&walk.pages);
		pagemap_walker_deinit(&walker);
	}
	munmap(p, 4096 * PAGE);
}

/* What a search says, and what it was asked for. */
struct search {
	const struct range *ranges;
	size_t count;
	struct error *error;
	size_t asked;
	uint64_t reached;
};

static struct error *search(void *argument, struct range range, range_vec *found)
{
	struct search *search = argument;

	assert_true(range.start >= search->reached);
	search->asked++;
	search->reached = range.end;
	for (size_t i = 0; i < search->count; i++) {
		if (!range_is_empty(range_intersect(range, search->ranges[i])))
			assert_ok(vec_push(found, search->ranges[i]));
	}
	return scope_take(search->error, NULL);
}

static void walk_searching(const char *start, size_t pages, struct search *how, struct walk *walk)
{
	_cleanup_close_ int fd = open_own();
	struct pagemap_walker walker;
	uint64_t address = (uint64_t)(uintptr_t)start;

	*walk = (struct walk){0};
	assert_ok(pagemap_walker_init(&walker, fd, SHIFT));
	walker.scan = false;
	walker.find = search;
	walker.find_argument = how;
	assert_ok(
		pagemap_walk(&walker, (struct range){address, address + pages * PAGE}, note, walk));
	assert_true(walk->reached <= address / PAGE + pages);
	pagemap_walker_deinit(&walker);
}

/* More than one window of the search: 1.5 TiB. */
#define SEARCHED ((size_t)3 << 27)

static void a_search_says_where_to_read(void **state)
{
	char *p = reserve(SEARCHED);
	uint64_t a = (uint64_t)(uintptr_t)p, window = UINT64_C(1) << 28;
	struct walk walk;

	(void)state;
	touch(p, 0, 1);
	touch(p, 700, 3);
	touch(p, window - 1, 2);
	touch(p, SEARCHED - 1, 1);
	/* One begins before the range, one is in two windows, one ends after the range, and one
	 * that has nothing in it lies near another. */
	const struct range ranges[] = {{a - 5 * PAGE, a + PAGE},
				       {a + 512 * PAGE, a + 1024 * PAGE},
				       {a + 1030 * PAGE, a + 1040 * PAGE},
				       {a + (window - 9) * PAGE, a + (window + 9) * PAGE},
				       {a + (SEARCHED - 3) * PAGE, a + (SEARCHED + 512) * PAGE}};
	struct search search = {.ranges = ranges, .count = 5};
	walk_searching(p, SEARCHED, &search, &walk);
	assert_int_equal(search.asked, 2);
	assert_int_equal(search.reached, a + SEARCHED * PAGE);
	assert_int_equal(walk.populated, 7);
	assert_int_equal(walk.pages.items[0], a / PAGE);
	assert_int_equal(walk.pages.items[4], a / PAGE + window - 1);
	assert_int_equal(walk.pages.items[5], a / PAGE + window);
	assert_int_equal(walk.pages.items[6], a / PAGE + SEARCHED - 1);
	vec_deinit(&walk.pages);
	munmap(p, SEARCHED * PAGE);
}

static void what_cannot_be_searched_is_read(void **state)
{
	char *p = reserve(MIB_PAGE * 1024);
	struct search search = {.error = error_new(ERROR_OTHER, "no")};
	struct walk walk;

	(void)state;
	touch(p, 5, 2);
	touch(p, MIB_PAGE * 1024 - 1, 1);
	walk_searching(p, MIB_PAGE * 1024, &search, &walk);
	assert_int_equal(search.asked, 1);
	assert_int_equal(walk.populated, 3);
	vec_deinit(&walk.pages);
	search = (struct search){0};
	walk_searching(p, MIB_PAGE, &search, &walk); /* is read sooner than searched */
	assert_int_equal(search.asked, 0);
	assert_int_equal(walk.populated, 2);
	vec_deinit(&walk.pages);
	munmap(p, MIB_PAGE * 1024 * PAGE);
}

static void the_environment_forbids_the_scan(void **state)
{
	_cleanup_close_ int fd = open_own();
	struct pagemap_walker walker;

	(void)state;
	setenv("PHYSLENS_NO_SCAN", "1", 1);
	assert_ok(pagemap_walker_init(&walker, fd, SHIFT));
	assert_false(walker.scan);
	pagemap_walker_deinit(&walker);
	setenv("PHYSLENS_NO_SCAN", "0", 1);
	assert_ok(pagemap_walker_init(&walker, fd, SHIFT));
	assert_int_equal(walker.scan, pagemap_scan_works(fd, SCAN_PRESENT | SCAN_SWAPPED));
	pagemap_walker_deinit(&walker);
	unsetenv("PHYSLENS_NO_SCAN");
}

/* Reads go on to the end of the address space and no farther. */
static void past_the_end(void **state)
{
	_cleanup_close_ int fd = open_own();
	uint64_t words[4];
	size_t got = 9;

	(void)state;
	assert_int_equal(pagemap_read(fd, UINT64_C(0xffffffffff600), words, 4, &got), 0);
	assert_int_equal(got, 0);
	assert_int_equal(pagemap_read(-1, 0, words, 4, &got), EBADF);
}

static void categories_are_probed(void **state)
{
	_cleanup_close_ int fd = open_own();

	(void)state;
	assert_false(pagemap_scan_works(fd, UINT64_C(1) << 40));
	assert_false(pagemap_scan_works(STDIN_FILENO, SCAN_PRESENT));
}

static void swap_words(void **state)
{
	uint64_t word = PAGEMAP_SWAP | PAGEMAP_SOFT_DIRTY | UINT64_C(0x123456) << 5 | 3;

	(void)state;
	assert_int_equal(pagemap_swap_type(word), 3);
	assert_int_equal(pagemap_swap_offset(word), 0x123456);
	word = UINT64_MAX;
	assert_int_equal(pagemap_swap_type(word), 31);
	assert_int_equal(pagemap_swap_offset(word), (UINT64_C(1) << 50) - 1);
}

/* The fd outlives the process: its address space is gone, and that is what the walk says. */
static void a_process_that_has_ended(void **state)
{
	char path[64];
	pid_t child;

	(void)state;
	char *p = reserve(MIB_PAGE);
	touch(p, 0, MIB_PAGE);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		pause();
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)child);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	for (int scan = 0; scan < 2; scan++) {
		struct pagemap_walker walker = {0};
		struct walk walk = {0};
		uint64_t address = (uint64_t)(uintptr_t)p;
		struct error *error = pagemap_walker_init(&walker, fd, SHIFT);

		if (!error) {
			walker.scan = scan;
			error = pagemap_walk(&walker,
					     (struct range){address, address + MIB_PAGE * 4096},
					     note, &walk);
		}
		assert_int_equal(walk.populated, 0);
		assert_error(error, ERROR_GONE, "gone");
		vec_deinit(&walk.pages);
		pagemap_walker_deinit(&walker);
	}
	munmap(p, MIB_PAGE * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_populated),
		cmocka_unit_test(everything_populated),
		cmocka_unit_test(holes_of_many_lengths),
		cmocka_unit_test(every_second_page),
		cmocka_unit_test(every_hundredth_page),
		cmocka_unit_test(the_price_is_of_populated_pages),
		cmocka_unit_test(the_visitor_ends_the_walk),
		cmocka_unit_test(a_search_says_where_to_read),
		cmocka_unit_test(what_cannot_be_searched_is_read),
		cmocka_unit_test(the_environment_forbids_the_scan),
		cmocka_unit_test(past_the_end),
		cmocka_unit_test(categories_are_probed),
		cmocka_unit_test(swap_words),
		cmocka_unit_test(a_process_that_has_ended),
	};

	return TESTS_RUN(tests);
}
