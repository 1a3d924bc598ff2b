// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pagekinds: makes every kind of page that a process can have, prints where each
 * is, and holds them until its standard input ends or a SIGTERM comes.
 *
 *	pagekinds [--only KIND,KIND… | --except KIND,KIND…]
 *	pagekinds --list
 *
 * A line a kind on standard output, separated by tabs:
 *
 *	KIND  START  PAGES  STATE  REGION  EXTRA
 *	anon-written  0x7f2a40000000  8  present  anon  private,nocow,excl
 *
 * STATE is what `physlens map --pages` must say of every page, REGION how it must
 * name it; "-" where there is nothing certain to expect. EXTRA holds facts:
 *
 *	private shared   the mapping
 *	cow nocow        whether a write now would copy, where it is certain
 *	excl noexcl      pagemap's bit 56, as measured on all present pages
 *	NAME=VALUE       what else a test may need (child=PID, twin=ADDRESS, path=…)
 *
 * A kind that cannot be made is `KIND <tab> skip <tab> reason`. The last line is
 * `ready PID`. Before a kind is printed its pages are read back from pagemap and
 * kpageflags: a kernel that did something else makes a skip, so that a test that
 * fails later is about physlens and not about this program.
 *
 * The kinds that fork come first in the table: fork makes every private page that
 * exists COW, and the kinds after it are to be untouched by that.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <link.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#ifdef __has_include
#if __has_include(<linux/userfaultfd.h>)
#include <linux/userfaultfd.h>
#endif
#endif

#include "helper.h"

/* Newer than some headers that this must compile with; values of the generic ABI. */
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#define PK_MADV_GUARD_INSTALL 102
#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

/* pagemap bits: Documentation/admin-guide/mm/pagemap.rst */
#define PM_SOFT_DIRTY (UINT64_C(1) << 55)
#define PM_FILE       (UINT64_C(1) << 61)
#define PM_EXCLUSIVE  (UINT64_C(1) << 56)
#define PM_UFFD_WP    (UINT64_C(1) << 57)
#define PM_SWAPPED    (UINT64_C(1) << 62)
#define PM_PRESENT    (UINT64_C(1) << 63)
#define PM_PFN        (PM_SOFT_DIRTY - 1)

/* kpageflags bits: include/uapi/linux/kernel-page-flags.h */
#define KPF_HUGE      (UINT64_C(1) << 17)
#define KPF_KSM       (UINT64_C(1) << 21)
#define KPF_THP       (UINT64_C(1) << 22)
#define KPF_ZERO_PAGE (UINT64_C(1) << 24)

#define MIB     ((size_t)1 << 20)
#define GIB     ((size_t)1 << 30)
#define HUGE_2M (2 * MIB)
#define COUNT   ((size_t)8) /* pages of an ordinary kind */

#define ARENA_SIZE   (96 * GIB)
#define SPARSE_PAGES ((size_t)64)
#define SPARSE_STEP  GIB

/* What a maker made. `set`, `clear` and `kpf` are what the pages must show when read back. */
struct made {
	uintptr_t start;
	size_t pages;
	const char *state;
	const char *region;
	uint64_t set, clear, kpf;
	char extra[512];
};

struct kind {
	const char *name;
	const char *what;
	const char *(*make)(struct made *made); /* NULL, or why it could not */
};

/*
 * The blocks below lie in this program's own sections. They are larger than the
 * pages used: a read fault maps the neighbours that the page cache has, 64 KiB
 * around by default (do_fault_around, mm/memory.c), so kinds keep their distance.
 */
#define BLOCK_PAGES ((size_t)112)
#define PAGE_MAX    ((size_t)4096)

extern const char pk_text_block[];
__asm__(".pushsection .text.pk_block,\"ax\"\n"
	".balign 4096\n"
	".globl pk_text_block\n"
	".hidden pk_text_block\n"
	"pk_text_block:\n"
	".fill 112 * 4096, 1, 0x90\n"
	".popsection\n");

static const char rodata_block[BLOCK_PAGES * PAGE_MAX] __attribute__((aligned(4096))) = {1};
/* Not aligned: an aligned .bss would start on a page of its own and have no tail in the file. */
static char data_block[(BLOCK_PAGES + 1) * PAGE_MAX + 136] = {1};
static char bss_block[(BLOCK_PAGES + 1) * PAGE_MAX];
#if defined(__PIE__) || defined(__PIC__)
#define RELRO_WORDS (4 * PAGE_MAX / sizeof(void *))
static const void *const relro_block[RELRO_WORDS] = {[0 ... RELRO_WORDS - 1] = &data_block};
#endif

static size_t page_size;
static int pagemap_fd = -1, kpageflags_fd = -1;
static char reason_text[256];

/* A page's worth of the sections' blocks is reached through this, or the compiler folds it. */
static const volatile char *opaque(const void *p)
{
	const void *volatile hidden = p;

	return (const volatile char *)hidden;
}

__attribute__((format(printf, 1, 2))) static const char *reason(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason_text, sizeof(reason_text), format, args);
	va_end(args);
	return reason_text;
}

static const char *failed(const char *what)
{
	return reason("%s: %s", what, strerror(errno));
}

/* ---- memory ---- */

/*
 * Each kind has its mapping in one reserved stretch, with a gap on either side, so
 * that no two kinds merge into one VMA. What is not used is unmapped at the end.
 */
static char *arena, *arena_next;
static size_t arena_size;

/* Smaller where a limit does not let it be: then only the largest kinds find no room. */
static bool arena_init(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

	for (arena_size = ARENA_SIZE; arena_size > 16 * MIB; arena_size /= 2) {
		arena = mmap(NULL, arena_size, PROT_NONE, flags, -1, 0);
		arena_next = arena;
		if (arena != MAP_FAILED)
			return true;
	}
	return false;
}

static char *round_up(const void *p, size_t align)
{
	return (char *)(((uintptr_t)p + align - 1) / align * align);
}

/* Space for len bytes; the hole behind the one before is given back. NULL: the arena is full. */
static void *carve(size_t len, size_t align)
{
	char *p = round_up(arena_next + 16 * page_size, align);

	if (len > arena_size || p > arena + arena_size - len)
		return NULL;
	munmap(arena_next, (size_t)(p - arena_next));
	arena_next = p + len;
	return p;
}

static void arena_trim(void)
{
	munmap(arena_next, (size_t)(arena + arena_size - arena_next));
}

static void *map_at(size_t len, size_t align, int prot, int flags, int fd)
{
	void *place = carve(len, align), *p;

	if (!place) {
		errno = ENOMEM;
		return NULL;
	}
	p = mmap(place, len, prot, flags | MAP_FIXED, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

/* Multi-size THP may put more pages there than were touched: not in these. */
static char *map_small(size_t pages, int prot, int flags, int fd)
{
	char *p = map_at(pages * page_size, page_size, prot, flags, fd);

	if (p)
		(void)madvise(p, pages * page_size, MADV_NOHUGEPAGE);
	return p;
}

static char *map_anon(size_t pages)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

	return map_small(pages, PROT_READ | PROT_WRITE, flags, -1);
}

static void touch_read(const void *start, size_t pages)
{
	const volatile char *p = opaque(start);

	for (size_t i = 0; i < pages; i++)
		(void)p[i * page_size];
}

/* Fills pages with what no other page has, so that neither KSM nor zswap finds them alike. */
static void touch_write(void *start, size_t pages)
{
	static uint64_t seed;
	char *p = (char *)(uintptr_t)opaque(start);

	if (!seed)
		seed = (uint64_t)getpid() << 32 ^ (uint64_t)time(NULL);
	for (size_t i = 0; i < pages * page_size; i += sizeof(seed)) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		memcpy(p + i, &seed, sizeof(seed));
	}
}

static const char *result(struct made *made, const void *start, size_t pages, const char *state,
			  const char *region, const char *extra)
{
	made->start = (uintptr_t)start;
	made->pages = pages;
	made->state = state;
	made->region = region;
	snprintf(made->extra, sizeof(made->extra), "%s", extra);
	return NULL;
}

__attribute__((format(printf, 2, 3))) static void add_extra(struct made *made, const char *format,
							    ...)
{
	size_t used = strlen(made->extra);
	va_list args;

	if (used > 0 && used + 1 < sizeof(made->extra))
		made->extra[used++] = ',';
	va_start(args, format);
	vsnprintf(made->extra + used, sizeof(made->extra) - used, format, args);
	va_end(args);
}

/* ---- what the kernel says ---- */

static bool pagemap_entry(int fd, uintptr_t addr, uint64_t *entry)
{
	return pread(fd, entry, 8, (off_t)(addr / page_size * 8)) == 8;
}

static bool page_flags(uint64_t entry, uint64_t *flags)
{
	uint64_t pfn = entry & PM_PFN;

	/* Frame 0 is what a reader without privilege is shown. */
	if (kpageflags_fd < 0 || !(entry & PM_PRESENT) || pfn == 0)
		return false;
	return pread(kpageflags_fd, flags, 8, (off_t)(pfn * 8)) == 8;
}

/* True if every page shows all of the pagemap bits. */
static bool all_have(const void *start, size_t pages, uint64_t bits)
{
	uint64_t entry;

	for (size_t i = 0; i < pages; i++) {
		uintptr_t addr = (uintptr_t)start + i * page_size;

		if (!pagemap_entry(pagemap_fd, addr, &entry) || (entry & bits) != bits)
			return false;
	}
	return true;
}

/* The first number of a file like "0\n"; -1 if it cannot be read. */
static long number_in(const char *path)
{
	char buf[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -1;
	got = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	return got > 0 ? strtol(buf, NULL, 10) : -1;
}

/* "7f00-7f10 rw-p …" starts an area; the "Key:   12 kB" lines up to the next belong to it. */
static bool header_of(const char *line, uintptr_t addr, bool *inside)
{
	unsigned long from, to;

	if (sscanf(line, "%lx-%lx ", &from, &to) != 2)
		return false;
	*inside = addr >= from && addr < to;
	return true;
}

/* KiB that /proc/self/smaps gives under key for the area at addr; -1 if it does not. */
static long smaps_kib(const void *addr, const char *key)
{
	char line[8192];
	FILE *file = fopen("/proc/self/smaps", "re");
	bool inside = false;
	long kib = -1;
	size_t len = strlen(key);

	if (!file)
		return -1;
	while (kib < 0 && fgets(line, sizeof(line), file)) {
		if (header_of(line, (uintptr_t)addr, &inside) || !inside)
			continue;
		if (strncmp(line, key, len) == 0 && line[len] == ':')
			kib = strtol(line + len + 1, NULL, 10);
	}
	fclose(file);
	return kib;
}

/* First area of that name, as in "7ffc0000-7ffc2000 r-xp 00000000 00:00 0   [vdso]". */
static bool find_area(const char *name, unsigned long *from, unsigned long *to)
{
	char line[8192];
	FILE *file = fopen("/proc/self/maps", "re");
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		found = strlen(line) > strlen(name) &&
			strcmp(line + strlen(line) - strlen(name), name) == 0 &&
			sscanf(line, "%lx-%lx", from, to) == 2;
	}
	fclose(file);
	return found;
}

static void nap(void)
{
	struct timespec ms20 = {.tv_nsec = 20 * 1000 * 1000};

	nanosleep(&ms20, NULL);
}

/* ---- files ---- */

/* Whatever has a name, to be removed at the end, the last first. */
struct leftover {
	int dir_fd;
	int flags;
	char name[NAME_MAX + 1];
};
static struct leftover leftovers[128];
static size_t leftover_count;
static char work_path[512];
static int work_fd = -1;

static void remember(int dir_fd, const char *name, int flags)
{
	struct leftover *left;

	if (leftover_count == sizeof(leftovers) / sizeof(*leftovers))
		return;
	left = &leftovers[leftover_count++];
	left->dir_fd = dir_fd;
	left->flags = flags;
	snprintf(left->name, sizeof(left->name), "%s", name);
}

static void cleanup(void)
{
	while (leftover_count > 0) {
		struct leftover *left = &leftovers[--leftover_count];

		unlinkat(left->dir_fd, left->name, left->flags);
	}
	if (work_fd >= 0)
		rmdir(work_path);
}

static bool work_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	if (work_fd >= 0)
		return true;
	snprintf(work_path, sizeof(work_path), "%s/pagekinds.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(work_path))
		return false;
	work_fd = open(work_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return work_fd >= 0;
}

static bool fill(int fd, size_t pages)
{
	char buf[PAGE_MAX];

	for (size_t i = 0; i < pages; i++) {
		memset(buf, 'a' + (int)(i % 26), sizeof(buf));
		if (write(fd, buf, sizeof(buf)) != (ssize_t)sizeof(buf))
			return false;
	}
	return true;
}

/* A file of so many pages in a directory, gone at the end; -1 on error. */
static int make_file(int dir_fd, const char *name, size_t pages)
{
	int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	remember(dir_fd, name, 0);
	if (fill(fd, pages))
		return fd;
	close(fd);
	return -1;
}

/* A new file in the work directory, mapped; with `length` pages in the file. NULL: see errno. */
static char *map_file_of(const char *name, size_t length, int prot, int flags)
{
	char *p;
	int fd;

	if (!work_dir())
		return NULL;
	fd = make_file(work_fd, name, length);
	if (fd < 0)
		return NULL;
	p = map_small(COUNT, prot, flags, fd);
	close(fd);
	return p;
}

static char *map_file(const char *name, int prot, int flags)
{
	return map_file_of(name, COUNT, prot, flags);
}

/* ---- copy-on-write: these fork, so they come first ---- */

static struct {
	bool tried;
	const char *why;
	char why_text[256];
	char *shared, *child_wrote, *parent_wrote, *both_wrote, *thp, *swapped;
	pid_t child;
} cow;

static bool swap_out(char *p, size_t pages)
{
	/*
	 * A page may be skipped while it sits in another CPU's batch of pages on
	 * their way to the LRU list (madvise_pageout, mm/madvise.c): ask again.
	 */
	for (int try = 0; try < 100 && !helper_stopped; try++) {
		if (madvise(p, pages * page_size, MADV_PAGEOUT) != 0)
			return false;
		if (all_have(p, pages, PM_SWAPPED))
			return true;
		nap();
	}
	return false;
}

static bool have_swap(void)
{
	char line[512];
	FILE *file = fopen("/proc/swaps", "re");
	int lines = 0;

	if (!file)
		return false;
	while (fgets(line, sizeof(line), file))
		lines++;
	fclose(file);
	return lines > 1;
}

/* Pages of a 2 MiB aligned area that the kernel may make huge; NULL on error. */
static char *map_huge(size_t len)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	char *p = map_at(len, HUGE_2M, PROT_READ | PROT_WRITE, flags, -1);

	if (p && madvise(p, len, MADV_HUGEPAGE) != 0)
		return NULL;
	return p;
}

static bool is_thp(const char *p, size_t len)
{
	return smaps_kib(p, "AnonHugePages") == (long)(len / 1024);
}

static const char *cow_map(void)
{
	char **areas[] = {&cow.shared, &cow.child_wrote, &cow.parent_wrote, &cow.both_wrote,
			  &cow.swapped};

	for (size_t i = 0; i < sizeof(areas) / sizeof(*areas); i++) {
		*areas[i] = map_anon(COUNT);
		if (!*areas[i])
			return failed("mmap");
		touch_write(*areas[i], COUNT);
	}
	cow.thp = map_huge(HUGE_2M);
	if (cow.thp)
		touch_write(cow.thp, HUGE_2M / page_size);
	if (!have_swap() || !swap_out(cow.swapped, COUNT))
		cow.swapped = NULL;
	return NULL;
}

/* Runs in the child: writes its part, says so, and holds it as long as the parent lives. */
__attribute__((noreturn)) static void cow_child(int told, int hold)
{
	char byte = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	touch_write(cow.child_wrote, COUNT);
	touch_write(cow.both_wrote, COUNT);
	if (write(told, &byte, 1) == 1) {
		while (read(hold, &byte, 1) < 0 && errno == EINTR)
			;
	}
	_exit(0);
}

static const char *cow_fork(void)
{
	int told[2], hold[2];
	char byte;

	if (pipe2(told, O_CLOEXEC) != 0 || pipe2(hold, O_CLOEXEC) != 0)
		return failed("pipe");
	cow.child = fork();
	if (cow.child < 0)
		return failed("fork");
	if (cow.child == 0) {
		close(hold[1]);
		cow_child(told[1], hold[0]);
	}
	/* hold[1] stays open: its end is what the child waits for. */
	close(told[1]);
	close(hold[0]);
	if (read(told[0], &byte, 1) != 1)
		return "the child did not answer";
	close(told[0]);
	touch_write(cow.parent_wrote, COUNT);
	touch_write(cow.both_wrote, COUNT);
	return NULL;
}

static const char *cow_setup(void)
{
	if (cow.tried)
		return cow.why;
	cow.tried = true;
	cow.why = cow_map();
	if (!cow.why)
		cow.why = cow_fork();
	if (cow.why) {
		snprintf(cow.why_text, sizeof(cow.why_text), "%s", cow.why);
		cow.why = cow.why_text;
	}
	return cow.why;
}

static void cow_end(void)
{
	if (cow.child > 0) {
		kill(cow.child, SIGKILL);
		waitpid(cow.child, NULL, 0);
	}
}

static const char *cow_result(struct made *made, const char *p, const char *extra)
{
	result(made, p, COUNT, "present", "anon", extra);
	add_extra(made, "child=%ld", (long)cow.child);
	return NULL;
}

static const char *make_cow_shared(struct made *made)
{
	const char *why = cow_setup();

	if (why)
		return why;
	made->clear = PM_EXCLUSIVE;
	return cow_result(made, cow.shared, "private,cow");
}

/* Whether a write would copy is not said: that also depends on passing references. */
static const char *make_cow_child_wrote(struct made *made)
{
	const char *why = cow_setup();

	if (why)
		return why;
	made->set = PM_EXCLUSIVE;
	return cow_result(made, cow.child_wrote, "private");
}

static const char *make_cow_parent_wrote(struct made *made)
{
	const char *why = cow_setup();

	if (why)
		return why;
	made->set = PM_EXCLUSIVE;
	return cow_result(made, cow.parent_wrote, "private,nocow");
}

static const char *make_cow_both_wrote(struct made *made)
{
	const char *why = cow_setup();

	if (why)
		return why;
	made->set = PM_EXCLUSIVE;
	return cow_result(made, cow.both_wrote, "private,nocow");
}

static const char *make_cow_thp(struct made *made)
{
	const char *why = cow_setup();

	if (why)
		return why;
	if (!cow.thp || !is_thp(cow.thp, HUGE_2M))
		return "the kernel gave no transparent huge page";
	made->kpf = KPF_THP;
	cow_result(made, cow.thp, "private,cow");
	made->pages = HUGE_2M / page_size;
	return NULL;
}

static const char *make_cow_swapped(struct made *made)
{
	const char *why = cow_setup();

	if (why)
		return why;
	if (!cow.swapped)
		return have_swap() ? "the kernel did not swap it out" : "no swap area";
	result(made, cow.swapped, COUNT, "swapped", "anon", "private");
	add_extra(made, "child=%ld", (long)cow.child);
	return NULL;
}

/* ---- anonymous ---- */

static const char *make_anon_written(struct made *made)
{
	char *p = map_anon(COUNT);

	if (!p)
		return failed("mmap");
	touch_write(p, COUNT);
	made->set = PM_EXCLUSIVE;
	return result(made, p, COUNT, "present", "anon", "private,nocow");
}

static const char *make_anon_read(struct made *made)
{
	char *p = map_anon(COUNT);

	if (!p)
		return failed("mmap");
	touch_read(p, COUNT);
	return result(made, p, COUNT, "zero", "anon", "private");
}

static const char *make_anon_untouched(struct made *made)
{
	char *p = map_anon(COUNT);

	if (!p)
		return failed("mmap");
	return result(made, p, COUNT, "untouched", "anon", "private");
}

static const char *make_mlocked(struct made *made)
{
	char *p = map_anon(COUNT);

	if (!p)
		return failed("mmap");
	/* Not mlock(), which AddressSanitizer replaces by one that does nothing. */
	if (syscall(SYS_mlock, p, COUNT * page_size) != 0)
		return failed("mlock");
	return result(made, p, COUNT, "present", "anon", "private,nocow,mlocked");
}

static const char *make_prot_none(struct made *made)
{
	char *p = map_anon(COUNT);

	if (!p)
		return failed("mmap");
	touch_write(p, COUNT);
	if (mprotect(p, COUNT * page_size, PROT_NONE) != 0)
		return failed("mprotect");
	return result(made, p, COUNT, "present", "anon", "private,nocow,perms=---p");
}

static const char *make_prot_none_untouched(struct made *made)
{
	char *p = map_anon(COUNT);

	if (!p)
		return failed("mmap");
	if (mprotect(p, COUNT * page_size, PROT_NONE) != 0)
		return failed("mprotect");
	return result(made, p, COUNT, "untouched", "anon", "private,perms=---p");
}

/* Guards lie in the middle of one area: pages before and after are as ever. */
static const char *make_guard(struct made *made)
{
	char *p = map_anon(3 * COUNT);

	if (!p)
		return failed("mmap");
	touch_write(p, 3 * COUNT);
	if (madvise(p + COUNT * page_size, COUNT * page_size, PK_MADV_GUARD_INSTALL) != 0)
		return failed("MADV_GUARD_INSTALL");
	return result(made, p + COUNT * page_size, COUNT, "guard", "anon", "private");
}

static const char *make_growsdown(struct made *made)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN;
	char *p = map_small(COUNT, PROT_READ | PROT_WRITE, flags, -1);

	if (!p)
		return failed("mmap");
	touch_write(p, COUNT);
	return result(made, p, COUNT, "present", "anon", "private,nocow");
}

static char *sparse_area;

static const char *sparse_setup(void)
{
	size_t pages = SPARSE_PAGES * SPARSE_STEP / page_size;

	if (sparse_area)
		return NULL;
	sparse_area = map_anon(pages);
	if (!sparse_area)
		return failed("mmap");
	for (size_t i = 0; i < SPARSE_PAGES; i++)
		touch_write(sparse_area + i * SPARSE_STEP, 1);
	return NULL;
}

static const char *make_sparse(struct made *made)
{
	const char *why = sparse_setup();

	if (why)
		return why;
	result(made, sparse_area, 1, "present", "anon", "private,nocow");
	add_extra(made, "area-pages=%zu,touched=%zu,step-pages=%zu",
		  SPARSE_PAGES * SPARSE_STEP / page_size, SPARSE_PAGES, SPARSE_STEP / page_size);
	return NULL;
}

static const char *make_sparse_hole(struct made *made)
{
	const char *why = sparse_setup();

	if (why)
		return why;
	return result(made, sparse_area + page_size, SPARSE_STEP / page_size - 1, "untouched",
		      "anon", "private");
}

/* ---- huge pages ---- */

static const char *make_thp(struct made *made)
{
	size_t len = 2 * HUGE_2M;
	char *p = map_huge(len);

	if (!p)
		return failed("MADV_HUGEPAGE");
	touch_write(p, len / page_size);
	if (!is_thp(p, len))
		return "the kernel gave no transparent huge page";
	made->kpf = KPF_THP;
	return result(made, p, len / page_size, "present", "anon", "private,nocow");
}

/* One page of other permission splits the PMD; the frames stay one folio (mm/huge_memory.c). */
static const char *make_thp_split(struct made *made)
{
	char *p = map_huge(HUGE_2M);

	if (!p)
		return failed("MADV_HUGEPAGE");
	touch_write(p, HUGE_2M / page_size);
	if (!is_thp(p, HUGE_2M))
		return "the kernel gave no transparent huge page";
	/* khugepaged, which the first huge area has woken, would put it together again. */
	if (madvise(p, HUGE_2M, MADV_NOHUGEPAGE) != 0)
		return failed("MADV_NOHUGEPAGE");
	if (mprotect(p + 5 * page_size, page_size, PROT_READ) != 0 ||
	    mprotect(p + 5 * page_size, page_size, PROT_READ | PROT_WRITE) != 0)
		return failed("mprotect");
	made->kpf = KPF_THP;
	return result(made, p, HUGE_2M / page_size, "present", "anon", "private,nocow");
}

/* Only the first page is read: that the last is present shows that the huge zero page came. */
static const char *make_thp_zero(struct made *made)
{
	char *p = map_huge(HUGE_2M);

	if (!p)
		return failed("MADV_HUGEPAGE");
	touch_read(p, 1);
	if (!all_have(p + HUGE_2M - page_size, 1, PM_PRESENT))
		return "the kernel gave no huge zero page (khugepaged's use_zero_page)";
	return result(made, p, HUGE_2M / page_size, "zero", "anon", "private");
}

/* The same where the mapping has a file, of which nothing is ever read. */
static const char *make_thp_zero_dev(struct made *made)
{
	char *room = mmap(NULL, 2 * HUGE_2M, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	char *p = (char *)(((uintptr_t)room + HUGE_2M - 1) & ~(uintptr_t)(HUGE_2M - 1));

	if (room == MAP_FAILED || fd < 0 ||
	    mmap(p, HUGE_2M, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0) != p)
		return failed("/dev/zero");
	close(fd);
	if (madvise(p, HUGE_2M, MADV_HUGEPAGE) != 0)
		return failed("MADV_HUGEPAGE");
	touch_read(p, 1);
	if (!all_have(p + HUGE_2M - page_size, 1, PM_PRESENT))
		return "the kernel gave no huge zero page (khugepaged's use_zero_page)";
	return result(made, p, HUGE_2M / page_size, "zero", "anon", "private");
}

/* MADV_COLLAPSE (6.1) works whatever shmem_enabled says, except "deny". */
static const char *make_thp_shared(struct made *made)
{
	int fd = memfd_create("pagekinds-thp", MFD_CLOEXEC);
	char *p;

	if (fd < 0 || ftruncate(fd, (off_t)HUGE_2M) != 0)
		return failed("memfd_create");
	p = map_at(HUGE_2M, HUGE_2M, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	close(fd);
	if (!p)
		return failed("mmap");
	touch_write(p, HUGE_2M / page_size);
	if (madvise(p, HUGE_2M, MADV_COLLAPSE) != 0)
		return failed("MADV_COLLAPSE");
	touch_read(p, HUGE_2M / page_size);
	made->kpf = KPF_THP;
	return result(made, p, HUGE_2M / page_size, "present", "memfd", "shared,nocow");
}

static const char *make_hugetlb_of(struct made *made, unsigned shift, int flags, bool touch)
{
	size_t len = (size_t)1 << shift, pages = len / page_size;
	int huge = MAP_ANONYMOUS | MAP_HUGETLB | (int)(shift << MAP_HUGE_SHIFT);
	char *p = map_at(len, len, PROT_READ | PROT_WRITE, flags | huge, -1);
	bool shared = flags == MAP_SHARED;

	if (!p)
		return reason("no huge page of %zu MiB reserved: %s", len / MIB, strerror(errno));
	if (!touch)
		return result(made, p, pages, "untouched", "hugetlb", "private");
	*(volatile char *)p = 1;
	made->kpf = KPF_HUGE;
	return result(made, p, pages, "present", "hugetlb",
		      shared ? "shared,nocow" : "private,nocow");
}

static const char *make_hugetlb(struct made *made)
{
	return make_hugetlb_of(made, 21, MAP_PRIVATE, true);
}

static const char *make_hugetlb_untouched(struct made *made)
{
	return make_hugetlb_of(made, 21, MAP_PRIVATE, false);
}

static const char *make_hugetlb_shared(struct made *made)
{
	return make_hugetlb_of(made, 21, MAP_SHARED, true);
}

static const char *make_hugetlb_1g(struct made *made)
{
	return make_hugetlb_of(made, 30, MAP_PRIVATE, true);
}

/* ---- KSM ---- */

static char *ksm_one, *ksm_two;

static bool all_ksm(const char *p)
{
	uint64_t entry, flags;

	for (size_t i = 0; i < COUNT; i++) {
		if (!pagemap_entry(pagemap_fd, (uintptr_t)p + i * page_size, &entry) ||
		    !page_flags(entry, &flags) || !(flags & KPF_KSM))
			return false;
	}
	return true;
}

static bool ksm_merged(void)
{
	if (kpageflags_fd >= 0)
		return all_ksm(ksm_one) && all_ksm(ksm_two);
	return number_in("/proc/self/ksm_merging_pages") >= (long)(2 * COUNT);
}

static const char *ksm_setup(void)
{
	static bool tried, merged;
	size_t len = COUNT * page_size;

	if (tried)
		return merged ? NULL : "ksmd did not merge the pages in 20 s";
	if (number_in("/sys/kernel/mm/ksm/run") != 1)
		return "KSM is not running (/sys/kernel/mm/ksm/run)";
	ksm_one = map_anon(COUNT);
	ksm_two = map_anon(COUNT);
	if (!ksm_one || !ksm_two)
		return failed("mmap");
	touch_write(ksm_one, COUNT);
	memcpy(ksm_two, ksm_one, len);
	if (madvise(ksm_one, len, MADV_MERGEABLE) != 0 ||
	    madvise(ksm_two, len, MADV_MERGEABLE) != 0)
		return failed("MADV_MERGEABLE");
	tried = true;
	for (int i = 0; i < 1000 && !merged && !helper_stopped; i++) {
		nap();
		merged = ksm_merged();
	}
	return merged ? NULL : "ksmd did not merge the pages in 20 s";
}

static const char *ksm_result(struct made *made, const char *p, const char *twin)
{
	made->kpf = KPF_KSM;
	result(made, p, COUNT, "present", "anon", "private,cow");
	add_extra(made, "twin=0x%" PRIxPTR, (uintptr_t)twin);
	return NULL;
}

static const char *make_ksm(struct made *made)
{
	const char *why = ksm_setup();

	return why ? why : ksm_result(made, ksm_one, ksm_two);
}

static const char *make_ksm_twin(struct made *made)
{
	const char *why = ksm_setup();

	return why ? why : ksm_result(made, ksm_two, ksm_one);
}

/* ---- swap ---- */

static const char *make_swapped(struct made *made)
{
	char *p = map_anon(COUNT);

	if (!p)
		return failed("mmap");
	if (!have_swap())
		return "no swap area";
	touch_write(p, COUNT);
	if (!swap_out(p, COUNT))
		return "the kernel did not swap it out";
	return result(made, p, COUNT, "swapped", "anon", "private");
}

static const char *make_swapped_thp(struct made *made)
{
	char *p = map_huge(HUGE_2M);

	if (!p)
		return failed("MADV_HUGEPAGE");
	if (!have_swap())
		return "no swap area";
	touch_write(p, HUGE_2M / page_size);
	if (!is_thp(p, HUGE_2M))
		return "the kernel gave no transparent huge page";
	if (!swap_out(p, HUGE_2M / page_size))
		return "the kernel did not swap it out";
	return result(made, p, HUGE_2M / page_size, "swapped", "anon", "private");
}

/*
 * A shared page that is swapped out leaves an empty entry: the swap slot is kept in
 * the file's page cache, not in the page table (shmem_writeout, mm/shmem.c; before
 * 6.17 shmem_writepage). smaps counts it all the same; pagemap cannot. For a process
 * its bytes are then where those of an untouched file are: in the object it maps.
 */
static const char *make_swapped_shmem(struct made *made)
{
	char *p = map_small(COUNT, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);

	if (!p)
		return failed("mmap");
	if (!have_swap())
		return "no swap area";
	touch_write(p, COUNT);
	for (int i = 0; i < 100 && smaps_kib(p, "Swap") < (long)(COUNT * page_size / 1024); i++) {
		(void)madvise(p, COUNT * page_size, MADV_PAGEOUT);
		nap();
	}
	if (smaps_kib(p, "Swap") < (long)(COUNT * page_size / 1024))
		return "the kernel did not swap it out";
	return result(made, p, COUNT, "in-file", "shm", "shared,shmem-swapped");
}

/* ---- files ---- */

static const char *make_file_private_read(struct made *made)
{
	char *p = map_file("private-read", PROT_READ | PROT_WRITE, MAP_PRIVATE);

	if (!p)
		return failed("file");
	touch_read(p, COUNT);
	return result(made, p, COUNT, "present", "file", "private,cow");
}

static const char *make_file_private_written(struct made *made)
{
	char *p = map_file("private-written", PROT_READ | PROT_WRITE, MAP_PRIVATE);

	if (!p)
		return failed("file");
	touch_write(p, COUNT);
	return result(made, p, COUNT, "present", "file", "private,nocow");
}

static const char *make_file_private_untouched(struct made *made)
{
	char *p = map_file("private-untouched", PROT_READ | PROT_WRITE, MAP_PRIVATE);

	if (!p)
		return failed("file");
	return result(made, p, COUNT, "in-file", "file", "private");
}

static const char *make_file_readonly(struct made *made)
{
	char *p = map_file("readonly", PROT_READ, MAP_PRIVATE);

	if (!p)
		return failed("file");
	touch_read(p, COUNT);
	return result(made, p, COUNT, "present", "file", "private,nocow");
}

static const char *make_file_shared(struct made *made)
{
	char *p = map_file("shared", PROT_READ | PROT_WRITE, MAP_SHARED);

	if (!p)
		return failed("file");
	touch_write(p, COUNT);
	return result(made, p, COUNT, "present", "file", "shared,nocow");
}

static const char *make_file_shared_untouched(struct made *made)
{
	char *p = map_file("shared-untouched", PROT_READ | PROT_WRITE, MAP_SHARED);

	if (!p)
		return failed("file");
	return result(made, p, COUNT, "in-file", "file", "shared");
}

/* The file ends after two pages; a touch of what is mapped behind them would be a SIGBUS. */
static const char *make_file_past_eof(struct made *made)
{
	char *p = map_file_of("short", 2, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	if (!p)
		return failed("file");
	touch_read(p, 2);
	made->clear = ~PM_SOFT_DIRTY;
	return result(made, p + 2 * page_size, COUNT - 2, "special", "file", "private,past-eof");
}

static const char *make_file_deleted(struct made *made)
{
	char *p = map_file("deleted", PROT_READ | PROT_WRITE, MAP_PRIVATE);

	if (!p || unlinkat(work_fd, "deleted", 0) != 0)
		return failed("file");
	touch_read(p, COUNT);
	return result(made, p, COUNT, "present", "file", "private,cow,deleted");
}

static const char *make_file_hostile_name(struct made *made)
{
	char *p = map_file("new\nline\t\x1b[31mred", PROT_READ, MAP_PRIVATE);

	if (!p)
		return failed("file");
	touch_read(p, COUNT);
	return result(made, p, COUNT, "present", "file", "private,nocow");
}

/* Directories in directories until the path has room for a last name; the fds stay open. */
static int long_dir(size_t *len)
{
	char name[201];
	int dir = work_fd, next;

	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	while (*len + sizeof(name) + 100 < 4000) {
		if (mkdirat(dir, name, 0700) != 0)
			return -1;
		remember(dir, name, AT_REMOVEDIR);
		next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (next < 0)
			return -1;
		dir = next;
		*len += sizeof(name);
	}
	return dir;
}

static const char *make_file_long_name(struct made *made)
{
	char name[128], *p;
	size_t len;
	int dir, fd;

	if (!work_dir())
		return failed("file");
	len = strlen(work_path);
	dir = long_dir(&len);
	if (dir < 0)
		return failed("mkdir");
	snprintf(name, sizeof(name), "long-name-%080d", 0);
	fd = make_file(dir, name, COUNT);
	if (fd < 0)
		return failed("file");
	p = map_small(COUNT, PROT_READ, MAP_PRIVATE, fd);
	close(fd);
	if (!p)
		return failed("mmap");
	touch_read(p, COUNT);
	result(made, p, COUNT, "present", "file", "private,nocow");
	add_extra(made, "path-bytes=%zu", len + 1 + strlen(name));
	return NULL;
}

/* ---- shared memory ---- */

static const char *make_shared_anon(struct made *made)
{
	char *p = map_small(COUNT, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);

	if (!p)
		return failed("mmap");
	touch_write(p, COUNT);
	return result(made, p, COUNT, "present", "shm", "shared,nocow");
}

static const char *make_shared_anon_untouched(struct made *made)
{
	char *p = map_small(COUNT, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);

	if (!p)
		return failed("mmap");
	return result(made, p, COUNT, "untouched", "shm", "shared");
}

static char *memfd_one, *memfd_two;

/* The same frames twice in one process: pagemap then says that they are not exclusive. */
static const char *memfd_setup(void)
{
	int fd;

	if (memfd_two)
		return NULL;
	fd = memfd_create("pagekinds", MFD_CLOEXEC);
	if (fd < 0 || !fill(fd, COUNT))
		return failed("memfd_create");
	memfd_one = map_small(COUNT, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	memfd_two = map_small(COUNT, PROT_READ, MAP_SHARED, fd);
	close(fd);
	if (!memfd_one || !memfd_two)
		return failed("mmap");
	touch_write(memfd_one, COUNT);
	touch_read(memfd_two, COUNT);
	return NULL;
}

static const char *make_memfd(struct made *made)
{
	const char *why = memfd_setup();

	if (why)
		return why;
	result(made, memfd_one, COUNT, "present", "memfd", "shared,nocow");
	add_extra(made, "twin=0x%" PRIxPTR, (uintptr_t)memfd_two);
	return NULL;
}

static const char *make_memfd_twice(struct made *made)
{
	const char *why = memfd_setup();

	if (why)
		return why;
	result(made, memfd_two, COUNT, "present", "memfd", "shared,nocow");
	add_extra(made, "twin=0x%" PRIxPTR, (uintptr_t)memfd_one);
	return NULL;
}

/* In a bare system /dev/shm is a directory like any other. */
static bool is_tmpfs(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return false;
	errno = ENODEV;
	return fs.f_type == TMPFS_MAGIC;
}

static char *map_tmpfs(const char *what, int flags)
{
	static int dir = -1;
	char name[64], *p;
	int fd;

	if (dir < 0)
		dir = open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || !is_tmpfs(dir))
		return NULL;
	snprintf(name, sizeof(name), "pagekinds-%ld-%s", (long)getpid(), what);
	fd = make_file(dir, name, COUNT);
	if (fd < 0)
		return NULL;
	p = map_small(COUNT, PROT_READ | PROT_WRITE, flags, fd);
	close(fd);
	return p;
}

static const char *make_tmpfs_shared(struct made *made)
{
	char *p = map_tmpfs("shared", MAP_SHARED);

	if (!p)
		return failed("a file on a tmpfs at /dev/shm");
	touch_write(p, COUNT);
	return result(made, p, COUNT, "present", "shm", "shared,nocow");
}

static const char *make_tmpfs_private_read(struct made *made)
{
	char *p = map_tmpfs("private-read", MAP_PRIVATE);

	if (!p)
		return failed("a file on a tmpfs at /dev/shm");
	touch_read(p, COUNT);
	return result(made, p, COUNT, "present", "shm", "private,cow");
}

static const char *make_tmpfs_private_written(struct made *made)
{
	char *p = map_tmpfs("private-written", MAP_PRIVATE);

	if (!p)
		return failed("a file on a tmpfs at /dev/shm");
	touch_write(p, COUNT);
	return result(made, p, COUNT, "present", "shm", "private,nocow");
}

static const char *make_tmpfs_private_untouched(struct made *made)
{
	char *p = map_tmpfs("private-untouched", MAP_PRIVATE);

	if (!p)
		return failed("a file on a tmpfs at /dev/shm");
	return result(made, p, COUNT, "in-file", "shm", "private");
}

/* Marked for removal at once: the segment lives as long as it is attached. */
static const char *make_sysv_shm(struct made *made)
{
	int id = shmget(IPC_PRIVATE, COUNT * page_size, IPC_CREAT | 0600);
	void *place = carve(COUNT * page_size, page_size), *p;

	if (id < 0 || !place)
		return failed("shmget");
	p = shmat(id, place, SHM_REMAP);
	shmctl(id, IPC_RMID, NULL);
	if (p == (void *)-1)
		return failed("shmat");
	touch_write(p, COUNT);
	return result(made, p, COUNT, "present", "shm", "shared,nocow");
}

/* ---- userfaultfd ---- */

#ifdef UFFDIO_WRITEPROTECT
#define PK_UFFD_USER_MODE_ONLY 1                   /* 5.11 */
#define PK_UFFD_WP             (UINT64_C(1) << 0)  /* UFFD_FEATURE_PAGEFAULT_FLAG_WP */
#define PK_UFFD_WP_UNPOPULATED (UINT64_C(1) << 13) /* 6.4 */

/* Registers an area for write protection; the fd, which stays open, or -1. */
static int uffd_register(const char *p, uint64_t features)
{
	struct uffdio_api api = {.api = UFFD_API, .features = features};
	struct uffdio_register reg = {.range = {(uintptr_t)p, COUNT * page_size},
				      .mode = UFFDIO_REGISTER_MODE_WP};
	int fd;

	fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | PK_UFFD_USER_MODE_ONLY);
	if (fd < 0)
		return -1;
	if (ioctl(fd, UFFDIO_API, &api) == 0 && ioctl(fd, UFFDIO_REGISTER, &reg) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool uffd_protect(int fd, const char *p)
{
	struct uffdio_writeprotect wp = {.range = {(uintptr_t)p, COUNT * page_size},
					 .mode = UFFDIO_WRITEPROTECT_MODE_WP};

	return ioctl(fd, UFFDIO_WRITEPROTECT, &wp) == 0;
}

static const char *make_uffd_wp(struct made *made)
{
	char *p = map_anon(COUNT);
	int fd;

	if (!p)
		return failed("mmap");
	touch_write(p, COUNT);
	fd = uffd_register(p, PK_UFFD_WP);
	if (fd < 0 || !uffd_protect(fd, p))
		return failed("userfaultfd");
	made->set = PM_UFFD_WP;
	return result(made, p, COUNT, "present", "anon", "private,uffd-wp");
}

/*
 * A marker (PTE_MARKER_UFFD_WP) in an entry that was empty: pagemap shows it as
 * swapped, with a swap type that is no swap area. Nothing is there to be swapped.
 */
static const char *make_uffd_wp_marker(struct made *made)
{
	char *p = map_anon(COUNT);
	int fd;

	if (!p)
		return failed("mmap");
	fd = uffd_register(p, PK_UFFD_WP | PK_UFFD_WP_UNPOPULATED);
	if (fd < 0 || !uffd_protect(fd, p))
		return failed("userfaultfd");
	made->set = PM_UFFD_WP;
	made->clear = PM_PRESENT;
	return result(made, p, COUNT, "special", "anon", "private,uffd-wp,marker");
}
#else
static const char *make_uffd_wp(struct made *made)
{
	(void)made;
	return "built without linux/userfaultfd.h";
}

static const char *make_uffd_wp_marker(struct made *made)
{
	return make_uffd_wp(made);
}
#endif

/* ---- this program's own image ---- */

static const char *make_text(struct made *made)
{
	touch_read(pk_text_block, 2);
	return result(made, pk_text_block, 2, "present", ".text", "private,nocow");
}

/* Thrown out of the page table: what the loader and the faults around others mapped goes. */
static const char *make_dropped(struct made *made, const char *block, const char *region)
{
	const char *p = block + 64 * page_size;

	if (madvise((void *)(uintptr_t)p, COUNT * page_size, MADV_DONTNEED) != 0)
		return failed("MADV_DONTNEED");
	return result(made, p, COUNT, "in-file", region, "private");
}

static const char *make_text_untouched(struct made *made)
{
	return make_dropped(made, pk_text_block, ".text");
}

static const char *make_rodata(struct made *made)
{
	touch_read(rodata_block, 2);
	return result(made, rodata_block, 2, "present", ".rodata", "private,nocow");
}

static const char *make_rodata_untouched(struct made *made)
{
	return make_dropped(made, (const char *)(uintptr_t)opaque(rodata_block), ".rodata");
}

static const char *make_data_written(struct made *made)
{
	char *p = round_up(data_block, page_size);

	touch_write(p, 2);
	return result(made, p, 2, "present", ".data", "private,nocow");
}

static const char *make_data_read(struct made *made)
{
	char *p = round_up(data_block, page_size) + 32 * page_size;

	touch_read(p, 2);
	return result(made, p, 2, "present", ".data", "private,cow");
}

static const char *make_data_untouched(struct made *made)
{
	return make_dropped(made, round_up(data_block, page_size), ".data");
}

static const char *make_bss_written(struct made *made)
{
	char *p = round_up(bss_block, page_size) + 4 * page_size;

	touch_write(p, 2);
	return result(made, p, 2, "present", ".bss", "private,nocow");
}

static const char *make_bss_read(struct made *made)
{
	char *p = round_up(bss_block, page_size) + 32 * page_size;

	touch_read(p, 2);
	return result(made, p, 2, "zero", ".bss", "private");
}

static const char *make_bss_untouched(struct made *made)
{
	char *p = round_up(bss_block, page_size) + 64 * page_size;

	return result(made, p, COUNT, "untouched", ".bss", "private");
}

/* Where the file's bytes of this program's writable segment end: there .bss begins. */
static int file_end_of(struct dl_phdr_info *info, size_t size, void *end)
{
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];

		if (ph->p_type == PT_LOAD && ph->p_memsz > ph->p_filesz)
			*(uintptr_t *)end = info->dlpi_addr + ph->p_vaddr + ph->p_filesz;
	}
	return 1; /* the first object is the program itself */
}

/*
 * The page where .data ends and .bss begins: the kernel clears the rest of it at
 * exec (padzero, fs/binfmt_elf.c), so it is private from the start. Its last byte
 * is .bss, and that is what addr= names.
 */
static const char *make_bss_tail(struct made *made)
{
	uintptr_t end = 0, first;

	dl_iterate_phdr(file_end_of, &end);
	if (end == 0 || end % page_size == 0)
		return "the file's part of .data ends on a page's end";
	first = end / page_size * page_size;
	if (first + page_size > (uintptr_t)bss_block + sizeof(bss_block))
		return ".bss is not where it was expected";
	*(volatile char *)(first + page_size - 1) = 1;
	result(made, (void *)first, 1, "present", "-", "private,nocow");
	add_extra(made, "addr=0x%" PRIxPTR ",addr-region=.bss", first + page_size - 1);
	return NULL;
}

/* The loader wrote these (relocations) and then took away the right to write. */
static const char *make_relro(struct made *made)
{
#if defined(__PIE__) || defined(__PIC__)
	char *p = round_up((const void *)(uintptr_t)opaque(relro_block), page_size);

	return result(made, p, 2, "present", ".data.rel.ro", "private,nocow");
#else
	(void)made;
	return "not built as a position-independent executable";
#endif
}

/* DT_PLTGOT of this program; glibc has added the load address to it, others have not. */
static int got_of(struct dl_phdr_info *info, size_t size, void *got)
{
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		const ElfW(Dyn) *dyn = (const ElfW(Dyn) *)(info->dlpi_addr + ph->p_vaddr);

		for (; ph->p_type == PT_DYNAMIC && dyn->d_tag != DT_NULL; dyn++) {
			if (dyn->d_tag != DT_PLTGOT)
				continue;
			*(uintptr_t *)got = dyn->d_un.d_ptr;
			if (dyn->d_un.d_ptr < info->dlpi_addr)
				*(uintptr_t *)got += info->dlpi_addr;
		}
	}
	return 1;
}

/* .got or .got.plt, by how the program was linked; the page may begin in another section. */
static const char *make_got(struct made *made)
{
	uintptr_t addr = 0;

	dl_iterate_phdr(got_of, &addr);
	if (addr == 0)
		return "linked without DT_PLTGOT";
	touch_read((const void *)(addr / page_size * page_size), 1);
	result(made, (const void *)(addr / page_size * page_size), 1, "present", "-", "private");
	add_extra(made, "addr=0x%" PRIxPTR, addr);
	return NULL;
}

/*
 * From brk, with a distance behind: multi-size THP may put more pages there than are
 * written, and to forbid that here would cut the heap into areas.
 */
static char *heap_more(void)
{
	char *old = sbrk((intptr_t)((COUNT + 33) * page_size));

	return old == (char *)-1 ? NULL : round_up(old, page_size);
}

static const char *make_heap(struct made *made)
{
	char *p = heap_more();

	if (!p)
		return failed("sbrk");
	touch_write(p, COUNT);
	return result(made, p, COUNT, "present", "heap", "private,nocow");
}

static const char *make_heap_untouched(struct made *made)
{
	char *p = heap_more();

	if (!p)
		return failed("sbrk");
	return result(made, p, COUNT, "untouched", "heap", "private");
}

/* The frame's own address: a variable's may lie on AddressSanitizer's other stack. */
static const char *make_stack(struct made *made)
{
	uintptr_t addr = (uintptr_t)__builtin_frame_address(0);

	result(made, (void *)(addr / page_size * page_size), 1, "present", "stack", "private");
	add_extra(made, "addr=0x%" PRIxPTR, addr);
	return NULL;
}

static const char *make_vdso(struct made *made)
{
	unsigned long from, to;

	if (!find_area("[vdso]", &from, &to))
		return "no [vdso]";
	touch_read((const void *)from, (to - from) / page_size);
	return result(made, (const void *)from, (to - from) / page_size, "present", "vdso", "");
}

/* VM_PFNMAP: pagemap's walk passes over it, so its entries read as empty though it is mapped. */
static const char *make_vvar(struct made *made)
{
	const char *state = "special";
	struct timespec now;
	unsigned long from, to;

	if (!find_area("[vvar]", &from, &to))
		return "no [vvar]";
	clock_gettime(CLOCK_MONOTONIC, &now);
	/* Frames without a page of their own, which pagemap does not show; from 7.3 on pages. */
	for (unsigned long at = from; at < to; at += page_size) {
		uint64_t entry;

		if (pagemap_entry(pagemap_fd, at, &entry) && (entry & PM_PRESENT))
			state = "-";
	}
	return result(made, (const void *)from, (to - from) / page_size, state, "vvar", "");
}

/* Above the user's part of the address space: pagemap ends before it. */
static const char *make_vsyscall(struct made *made)
{
	unsigned long from, to;

	if (!find_area("[vsyscall]", &from, &to))
		return "no [vsyscall]";
	return result(made, (const void *)from, (to - from) / page_size, "special", "vsyscall", "");
}

/* ---- the table ---- */

static const struct kind kinds[] = {
	{"cow-shared", "written before fork, by nobody since", make_cow_shared},
	{"cow-child-wrote", "written before fork, then by the child", make_cow_child_wrote},
	{"cow-parent-wrote", "written before fork, then by the parent", make_cow_parent_wrote},
	{"cow-both-wrote", "written before fork, then by the child and the parent",
	 make_cow_both_wrote},
	{"cow-thp", "a transparent huge page that a forked child shares", make_cow_thp},
	{"cow-swapped", "swapped out before fork", make_cow_swapped},
	{"anon-written", "anonymous, written", make_anon_written},
	{"anon-read", "anonymous, only read: the shared zero page", make_anon_read},
	{"anon-untouched", "anonymous, never touched", make_anon_untouched},
	{"mlocked", "anonymous, locked in memory", make_mlocked},
	{"prot-none", "written, then made inaccessible", make_prot_none},
	{"prot-none-untouched", "inaccessible and never touched", make_prot_none_untouched},
	{"guard", "guard pages inside an anonymous area (6.13)", make_guard},
	{"growsdown", "an area that grows down, written", make_growsdown},
	{"sparse", "first of 64 pages written in 64 GiB, one each GiB", make_sparse},
	{"sparse-hole", "what lies between two of those", make_sparse_hole},
	{"thp", "transparent huge pages, written", make_thp},
	{"thp-split", "a transparent huge page mapped by small entries", make_thp_split},
	{"thp-zero", "the huge zero page", make_thp_zero},
	{"thp-zero-dev", "the same, in a private mapping of /dev/zero", make_thp_zero_dev},
	{"thp-shared", "a transparent huge page of a memfd", make_thp_shared},
	{"hugetlb", "hugetlb, 2 MiB, written", make_hugetlb},
	{"hugetlb-untouched", "hugetlb, 2 MiB, never touched", make_hugetlb_untouched},
	{"hugetlb-shared", "hugetlb, 2 MiB, shared, written", make_hugetlb_shared},
	{"hugetlb-1g", "hugetlb, 1 GiB, written", make_hugetlb_1g},
	{"ksm", "pages that KSM merged with those of ksm-twin", make_ksm},
	{"ksm-twin", "pages that KSM merged with those of ksm", make_ksm_twin},
	{"swapped", "anonymous, swapped out", make_swapped},
	{"swapped-thp", "a transparent huge page, swapped out", make_swapped_thp},
	{"swapped-shmem", "shared memory, swapped out", make_swapped_shmem},
	{"file-private-read", "private file, read", make_file_private_read},
	{"file-private-written", "private file, written", make_file_private_written},
	{"file-private-untouched", "private file, never touched", make_file_private_untouched},
	{"file-readonly", "private file mapped read-only, read", make_file_readonly},
	{"file-shared", "shared file, written", make_file_shared},
	{"file-shared-untouched", "shared file, never touched", make_file_shared_untouched},
	{"file-past-eof", "mapped behind the end of the file: a touch is SIGBUS",
	 make_file_past_eof},
	{"file-deleted", "a file that has been deleted, read", make_file_deleted},
	{"file-hostile-name", "a file with a newline and an escape sequence in its name",
	 make_file_hostile_name},
	{"file-long-name", "a file whose path has nearly 4,000 bytes", make_file_long_name},
	{"shared-anon", "shared anonymous, written", make_shared_anon},
	{"shared-anon-untouched", "shared anonymous, never touched", make_shared_anon_untouched},
	{"memfd", "memfd, written", make_memfd},
	{"memfd-twice", "the same memfd, mapped a second time", make_memfd_twice},
	{"tmpfs-shared", "file in /dev/shm, shared, written", make_tmpfs_shared},
	{"tmpfs-private-read", "file in /dev/shm, private, read", make_tmpfs_private_read},
	{"tmpfs-private-written", "file in /dev/shm, private, written", make_tmpfs_private_written},
	{"tmpfs-private-untouched", "file in /dev/shm, private, never touched",
	 make_tmpfs_private_untouched},
	{"sysv-shm", "System V shared memory, written", make_sysv_shm},
	{"uffd-wp", "written, then write-protected by userfaultfd", make_uffd_wp},
	{"uffd-wp-marker", "never touched, write-protected by userfaultfd", make_uffd_wp_marker},
	{"text", ".text, read", make_text},
	{"text-untouched", ".text, not mapped", make_text_untouched},
	{"rodata", ".rodata, read", make_rodata},
	{"rodata-untouched", ".rodata, not mapped", make_rodata_untouched},
	{"data-written", ".data, written", make_data_written},
	{"data-read", ".data, read", make_data_read},
	{"data-untouched", ".data, not mapped", make_data_untouched},
	{"bss-written", ".bss in anonymous memory, written", make_bss_written},
	{"bss-read", ".bss in anonymous memory, only read", make_bss_read},
	{"bss-untouched", ".bss in anonymous memory, never touched", make_bss_untouched},
	{"bss-tail", ".bss in the last page that .data has in the file", make_bss_tail},
	{"relro", ".data.rel.ro, written by the loader", make_relro},
	{"got", "the global offset table", make_got},
	{"heap", "heap, written", make_heap},
	{"heap-untouched", "heap, never touched", make_heap_untouched},
	{"stack", "stack", make_stack},
	{"vdso", "the kernel's code for processes", make_vdso},
	{"vvar", "the kernel's data for processes", make_vvar},
	{"vsyscall", "the legacy system call page", make_vsyscall},
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

struct outcome {
	bool wanted;
	bool skipped;
	char why[256];
	struct made made;
};
static struct outcome outcomes[KINDS];

/* ---- the check ---- */

/* What a state looks like in pagemap: bits that must be set, and that must be clear. */
static const struct state_bits {
	const char *state;
	uint64_t set, clear;
} state_table[] = {
	{"present", PM_PRESENT, PM_SWAPPED},
	{"zero", PM_PRESENT, PM_SWAPPED},
	{"swapped", PM_SWAPPED, PM_PRESENT},
	{"guard", PM_SWAPPED, PM_PRESENT},
	/* Everything but the soft-dirty bit, which a new area shows on empty entries too. */
	{"in-file", 0, ~PM_SOFT_DIRTY},
	{"untouched", 0, ~PM_SOFT_DIRTY},
};

static void state_bits_of(const struct made *made, uint64_t *set, uint64_t *clear)
{
	*set = made->set;
	*clear = made->clear;
	for (size_t i = 0; i < sizeof(state_table) / sizeof(*state_table); i++) {
		if (strcmp(made->state, state_table[i].state) == 0) {
			*set |= state_table[i].set;
			*clear |= state_table[i].clear;
		}
	}
}

enum { CHUNK = 512 };

/* Of COUNT words of pagemap; a flag word is unknown (false) where it cannot be read. Frames that
 * follow each other are asked for together. */
static void flags_of(const uint64_t *entries, size_t count, uint64_t *flags, bool *known)
{
	for (size_t i = 0, run; i < count; i += run) {
		uint64_t pfn = entries[i] & PM_PFN;
		ssize_t got = -1;

		run = 1;
		/* Frame 0 is what a reader without privilege is shown. */
		if (kpageflags_fd >= 0 && (entries[i] & PM_PRESENT) && pfn != 0) {
			while (i + run < count && (entries[i + run] & PM_PRESENT) &&
			       (entries[i + run] & PM_PFN) == pfn + run)
				run++;
			got = pread(kpageflags_fd, flags + i, run * 8, (off_t)(pfn * 8));
		}
		for (size_t k = 0; k < run; k++)
			known[i + k] = got == (ssize_t)(run * 8);
	}
}

/* Whether flags are those that the state and the kind call for. */
static bool flags_agree(const struct made *made, uint64_t flags)
{
	bool zero = strcmp(made->state, "zero") == 0;

	return (flags & made->kpf) == made->kpf && ((flags & KPF_ZERO_PAGE) != 0) == zero;
}

/* NULL if every page is what the maker meant it to be; counts the present and the exclusive. Some
 * kinds have a quarter of a million pages: they are read in bulk. */
static const char *check_pages(const struct made *made, size_t *present, size_t *exclusive)
{
	uint64_t set, clear, entries[CHUNK], flags[CHUNK];
	bool known[CHUNK], zero = strcmp(made->state, "zero") == 0;

	state_bits_of(made, &set, &clear);
	for (size_t i = 0; i < made->pages; i += CHUNK) {
		size_t count = made->pages - i < CHUNK ? made->pages - i : CHUNK;
		uintptr_t addr = made->start + i * page_size;

		/* Without pagemap, or where it has no entry, nothing can be checked. */
		if (pread(pagemap_fd, entries, count * 8, (off_t)(addr / page_size * 8)) !=
		    (ssize_t)(count * 8))
			return NULL;
		flags_of(entries, count, flags, known);
		for (size_t k = 0; k < count; k++) {
			uint64_t entry = entries[k];
			/* The zero page is exclusive to nobody: such a kernel maps none. */
			bool none = zero && (entry & (PM_EXCLUSIVE | PM_FILE)) == PM_EXCLUSIVE;

			if (none || (entry & set) != set || (entry & clear) != 0 ||
			    (known[k] && !flags_agree(made, flags[k])))
				return reason(
					"the kernel made something else of page %zu: 0x%" PRIx64,
					i + k, entry);
			*present += (entry & PM_PRESENT) != 0;
			*exclusive += (entry & PM_PRESENT) != 0 && (entry & PM_EXCLUSIVE) != 0;
		}
	}
	return NULL;
}

static void check(struct outcome *out)
{
	size_t present = 0, exclusive = 0;
	const char *why = check_pages(&out->made, &present, &exclusive);

	if (why) {
		out->skipped = true;
		snprintf(out->why, sizeof(out->why), "%s", why);
	} else if (present > 0 && exclusive == present) {
		add_extra(&out->made, "excl");
	} else if (present > 0 && exclusive == 0) {
		add_extra(&out->made, "noexcl");
	}
}

/* ---- the program ---- */

static void make(size_t i)
{
	struct outcome *out = &outcomes[i];
	const char *why = kinds[i].make(&out->made);

	if (why) {
		out->skipped = true;
		snprintf(out->why, sizeof(out->why), "%s", why);
	}
}

static void print(size_t i)
{
	const struct outcome *out = &outcomes[i];
	const struct made *made = &out->made;

	if (out->skipped)
		printf("%s\tskip\t%s\n", kinds[i].name, out->why);
	else
		printf("%s\t0x%" PRIxPTR "\t%zu\t%s\t%s\t%s\n", kinds[i].name, made->start,
		       made->pages, made->state, made->region, *made->extra ? made->extra : "-");
}

static int list(void)
{
	for (size_t i = 0; i < KINDS; i++)
		printf("%s\t%s\n", kinds[i].name, kinds[i].what);
	return fflush(stdout) == 0 ? 0 : 2;
}

static bool want(const char *name, bool wanted)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			outcomes[i].wanted = wanted;
			return true;
		}
	}
	fprintf(stderr, "pagekinds: no such kind: %s\n", name);
	return false;
}

static bool want_each(char *names, bool wanted)
{
	char *rest = NULL;

	for (char *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		if (!want(name, wanted))
			return false;
	}
	return true;
}

static void want_all(void)
{
	for (size_t i = 0; i < KINDS; i++)
		outcomes[i].wanted = true;
}

/* All are made before any is checked: making one must not have changed another. */
static void run(void)
{
	for (size_t i = 0; i < KINDS && !helper_stopped; i++) {
		if (outcomes[i].wanted)
			make(i);
	}
	arena_trim();
	for (size_t i = 0; i < KINDS && !helper_stopped; i++) {
		if (outcomes[i].wanted && !outcomes[i].skipped)
			check(&outcomes[i]);
	}
	for (size_t i = 0; i < KINDS && !helper_stopped; i++) {
		if (outcomes[i].wanted)
			print(i);
	}
}

static bool setup(void)
{
	page_size = helper_page();
	if (page_size != PAGE_MAX) {
		fprintf(stderr, "pagekinds: made for pages of %zu bytes\n", PAGE_MAX);
		return false;
	}
	pagemap_fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	kpageflags_fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	if (!arena_init()) {
		fprintf(stderr, "pagekinds: mmap: %s\n", strerror(errno));
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--list") == 0)
		return list();
	if (argc == 3 && strcmp(argv[1], "--only") == 0) {
		if (!want_each(argv[2], true))
			return 2;
	} else if (argc == 3 && strcmp(argv[1], "--except") == 0) {
		want_all();
		if (!want_each(argv[2], false))
			return 2;
	} else if (argc == 1) {
		want_all();
	} else {
		fprintf(stderr, "usage: pagekinds [--only KIND,KIND... | --except KIND,KIND... | "
				"--list]\n");
		return 2;
	}
	helper_init();
	if (!setup())
		return 2;
	run();
	printf("ready %ld\n", (long)getpid());
	if (fflush(stdout) == 0)
		helper_wait();
	cow_end();
	cleanup();
	return 0;
}
