// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cowpages [--run] [--only KIND,…]: a parent and a child that write known pages after fork
 *
 * Of each kind of memory there are sixteen pages; after the fork the pages are written in this
 * order, by their number modulo 8:
 *
 *	0, 5  by nobody        1, 6  by the child     2, 7  by the parent
 *	3     by the child, then by the parent        4     by the parent, then by the child
 *
 * A line a kind on standard output, separated by tabs:
 *
 *	KIND  START  CLASSES  PARENT  CHILD
 *	heap  0x55d000  SCPBB.cpSCPBB.cp  --w-rr…  …
 *
 * CLASSES has a letter a page, as `physlens cow PARENT CHILD` must class it: S shared, C by the
 * child, P by the parent, B by both, ? unknown, p only the parent has it, c only the child, "."
 * neither. PARENT and CHILD say what each did with the page, as a trace must find: c copied, r
 * reused in place, t newly touched, - nothing. A kind that cannot be made is "KIND skip REASON".
 * Then "child PID" and "ready PID"; with --run both end instead, the child with status 7 and the
 * parent with 5. `cowpages --vfork` only makes a child as posix_spawn(3) does.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "helper.h"

/* The sanitizer's search for leaks ends a program that is traced, as this one is. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

enum { PAGES = 16, PAGE = 4096, HUGE = 2 << 20 };

#define PM_PRESENT (UINT64_C(1) << 63)
#define PM_PFN     ((UINT64_C(1) << 55) - 1)
#define KPF_KSM    (UINT64_C(1) << 21)
#define KPF_THP    (UINT64_C(1) << 22)

/* What the pages of a kind are before the fork, and what a write then does. */
enum pattern {
	SPARSE, /* 5, 6 and 7 are untouched */
	FULL,   /* all are written: the second to write reuses */
	COPIES, /* all are there, and every write copies: files, huge pages */
	MERGED, /* the same of KSM, whose pages do not tell who wrote */
	SHARED, /* no copy-on-write at all; 5, 6 and 7 are untouched */
	PATTERNS,
};

static const char *const classes[PATTERNS] = {
	[SPARSE] = "SCPBB.cp",     [FULL] = "SCPBBSCP",   [COPIES] = "SCPBBSCP",
	[MERGED] = "S\?\?BBS\?\?", [SHARED] = "pSpSS.cp",
};
static const char *const by_parent[PATTERNS] = {
	[SPARSE] = "--crc--t", [FULL] = "--crc--c",   [COPIES] = "--ccc--c",
	[MERGED] = "--ccc--c", [SHARED] = "--------",
};
static const char *const by_child[PATTERNS] = {
	[SPARSE] = "-c-cr-t-", [FULL] = "-c-cr-c-",   [COPIES] = "-c-cc-c-",
	[MERGED] = "-c-cc-c-", [SHARED] = "--------",
};

struct kind {
	const char *name;
	enum pattern pattern;
	char *(*make)(void); /* NULL: it cannot be had, for `reason` */
	char *start;
};

static char data_pages[(PAGES + 2) * PAGE] __attribute__((aligned(4096))) = {1};
static char bss_pages[(PAGES + 2) * PAGE] __attribute__((aligned(4096)));
static char *stack_pages;
static const char *reason;

static char *failed(const char *why)
{
	reason = why;
	return NULL;
}

/* Different in every page and at every call, so that KSM finds nothing alike. */
static void write_page(char *page)
{
	static uint64_t count;
	uint64_t value = (uint64_t)getpid() << 32 | ++count;

	memcpy((char *)(uintptr_t)page, &value, sizeof(value));
}

static bool is_untouched(enum pattern pattern, size_t i)
{
	return (pattern == SPARSE || pattern == SHARED) && i % 8 >= 5;
}

static char *fill(char *p, enum pattern pattern)
{
	for (size_t i = 0; p && i < PAGES; i++) {
		if (!is_untouched(pattern, i))
			write_page(p + i * PAGE);
	}
	return p;
}

static char *map(size_t length, int flags, int fd)
{
	char *p = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		return failed(strerror(errno));
	return p;
}

static char *make_anon(void)
{
	return fill(map(PAGES * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1), SPARSE);
}

static char *make_heap(void)
{
	uintptr_t end = (uintptr_t)sbrk(0);
	char *p = sbrk((intptr_t)((-end & (PAGE - 1)) + PAGES * PAGE));

	if (p == (void *)-1)
		return failed("brk");
	return fill((char *)((end + PAGE - 1) & ~(uintptr_t)(PAGE - 1)), SPARSE);
}

static char *make_data(void)
{
	return fill(data_pages + PAGE, FULL);
}

static char *make_bss(void)
{
	return fill(bss_pages + PAGE, SPARSE);
}

static char *make_stack(void)
{
	return fill(stack_pages, FULL);
}

static char *make_shared(void)
{
	return fill(map(PAGES * PAGE, MAP_SHARED | MAP_ANONYMOUS, -1), SHARED);
}

static char *make_mlocked(void)
{
	char *p = map(PAGES * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	if (p && mlock(p, PAGES * PAGE) != 0)
		return failed("mlock");
	return fill(p, FULL);
}

/*
 * Pages of the page cache. Fork copies the entries of an area only if it has a page of its own
 * already: the last one, which is not counted.
 */
static char *make_file(void)
{
	char name[] = "/tmp/cowpages.XXXXXX", page[PAGE] = {1};
	int fd = mkstemp(name);

	if (fd < 0)
		return failed("mkstemp");
	unlink(name);
	for (size_t i = 0; i < PAGES + 1; i++) {
		if (write(fd, page, sizeof(page)) != (ssize_t)sizeof(page))
			return failed("write");
	}
	char *p = map((PAGES + 1) * PAGE, MAP_PRIVATE, fd);
	for (size_t i = 0; p && i < PAGES; i++)
		(void)*(volatile char *)(p + i * PAGE);
	if (p)
		write_page(p + PAGES * PAGE);
	return p;
}

static bool frame_has(const char *p, uint64_t flag)
{
	uint64_t entry = 0, flags = 0;
	int pagemap = open("/proc/self/pagemap", O_RDONLY);
	int kpageflags = open("/proc/kpageflags", O_RDONLY);
	bool has = pread(pagemap, &entry, 8, (off_t)((uintptr_t)p / PAGE * 8)) == 8 &&
		   entry & PM_PRESENT &&
		   pread(kpageflags, &flags, 8, (off_t)((entry & PM_PFN) * 8)) == 8 && flags & flag;

	close(pagemap);
	close(kpageflags);
	return has;
}

static char *make_thp(void)
{
	char *room = map(2 * HUGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	char *p = (char *)(((uintptr_t)room + HUGE - 1) & ~(uintptr_t)(HUGE - 1));

	if (!room || madvise(p, HUGE, MADV_HUGEPAGE) != 0)
		return failed("no transparent huge pages");
	for (size_t i = 0; i < HUGE / PAGE; i++)
		write_page(p + i * PAGE);
	return frame_has(p, KPF_THP) ? p : failed("it did not become a huge page");
}

static char *make_ksm(void)
{
	char *p = map(PAGES * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	size_t merged = 0;

	if (!p || madvise(p, PAGES * PAGE, MADV_MERGEABLE) != 0)
		return failed("no KSM");
	for (size_t i = 0; i < PAGES; i++)
		memset(p + i * PAGE, 0x5a, PAGE);
	for (int tries = 0; tries < 500 && merged < PAGES; tries++) {
		nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
		for (merged = 0; merged < PAGES && frame_has(p + merged * PAGE, KPF_KSM);)
			merged++;
	}
	return merged == PAGES ? p : failed("KSM did not merge");
}

static struct kind kinds[] = {
	{"anon", SPARSE, make_anon, NULL},     {"heap", SPARSE, make_heap, NULL},
	{"stack", FULL, make_stack, NULL},     {"data", FULL, make_data, NULL},
	{"bss", SPARSE, make_bss, NULL},       {"file", COPIES, make_file, NULL},
	{"thp", COPIES, make_thp, NULL},       {"shared", SHARED, make_shared, NULL},
	{"mlocked", FULL, make_mlocked, NULL}, {"ksm", MERGED, make_ksm, NULL},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void write_numbers(const char *numbers)
{
	for (size_t k = 0; k < KINDS; k++) {
		for (size_t i = 0; kinds[k].start && i < PAGES; i++) {
			if (strchr(numbers, (int)('0' + i % 8)))
				write_page(kinds[k].start + i * PAGE);
		}
	}
}

/* A child in our own memory, until it executes a program of its own. */
static int spawn(void)
{
	char *const argv[] = {(char[]){"true"}, NULL};
	pid_t pid;
	int status;

	if (posix_spawnp(&pid, "true", NULL, NULL, argv, NULL) != 0)
		helper_die("cowpages: posix_spawn");
	return waitpid(pid, &status, 0) == pid ? status : 1;
}

static void step(int fd, bool tell)
{
	char byte = 0;

	if ((tell ? write(fd, &byte, 1) : read(fd, &byte, 1)) != 1)
		_exit(9);
}

static _Noreturn void be_child(int from, int to, bool run)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	write_numbers("136");
	step(to, true);
	step(from, false);
	write_numbers("4");
	step(to, true);
	if (run)
		_exit(7);
	for (;;)
		pause();
}

static void print_kind(const struct kind *kind)
{
	printf("%s\t0x%" PRIxPTR, kind->name, (uintptr_t)kind->start);
	for (int column = 0; column < 3; column++) {
		const char *of = (column == 0   ? classes
				  : column == 1 ? by_parent
						: by_child)[kind->pattern];

		printf("\t%s%s", of, of);
	}
	printf("\n");
}

/*
 * Before pages are made, and so that the child stays here, too: a new page waits on a list of the
 * processor that made it; on another one a write copies it although nobody else has it any more.
 */
static void stay_on_this_processor(void)
{
	cpu_set_t processors;

	CPU_ZERO(&processors);
	CPU_SET((size_t)sched_getcpu(), &processors);
	sched_setaffinity(0, sizeof(processors), &processors);
}

static void make_kinds(const char *only)
{
	for (size_t k = 0; k < KINDS; k++) {
		if (only && !strstr(only, kinds[k].name))
			continue;
		kinds[k].start = kinds[k].make();
		if (kinds[k].start)
			print_kind(&kinds[k]);
		else
			printf("%s\tskip\t%s\n", kinds[k].name, reason);
	}
}

int main(int argc, char **argv)
{
	char room[(PAGES + 2) * PAGE];
	const char *only = NULL;
	bool run = false;
	int down[2], up[2];

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--vfork") == 0)
			return spawn();
		if (strcmp(argv[i], "--run") == 0)
			run = true;
		else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
			only = argv[++i];
	}
	stack_pages = (char *)(((uintptr_t)room + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
	helper_init();
	stay_on_this_processor();
	setvbuf(stdout, NULL, _IOFBF, 1 << 14);
	make_kinds(only);
	fflush(stdout);
	if (pipe(down) != 0 || pipe(up) != 0)
		helper_die("cowpages: pipe");
	pid_t child = fork();
	if (child < 0)
		helper_die("cowpages: fork");
	if (child == 0)
		be_child(down[0], up[1], run);
	step(up[0], false);
	write_numbers("2347");
	step(down[1], true);
	step(up[0], false);
	printf("child %d\n", (int)child);
	if (run) {
		printf("parent %d\n", (int)getpid());
		fflush(stdout);
		int status = 0;
		waitpid(child, &status, 0);
		return WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 5 : 1;
	}
	helper_ready();
	helper_wait();
	return 0;
}
