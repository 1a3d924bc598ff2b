/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Demand paging: pages touched one by one, evicted, and touched again; faults are counted. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "lab/subject.h"

/* The mapping begins behind what others read of a file, and ahead, to see what kind of file it is.
 */
enum { PAGES = 8, SKIPPED = 256 };

/* Reads or writes a byte of the page, and says how many faults that took. */
static void touch(volatile char *page, int write_it)
{
	struct rusage before, after;

	getrusage(RUSAGE_SELF, &before);
	if (write_it)
		*page = 't';
	else
		(void)*page;
	getrusage(RUSAGE_SELF, &after);
	say_number("minor", after.ru_minflt - before.ru_minflt);
	say_number("major", after.ru_majflt - before.ru_majflt);
}

static void no_faults(void)
{
	say_number("minor", 0);
	say_number("major", 0);
}

/* A file of our own on a disk, if one of these directories is. */
static int open_file(void)
{
	static const char *const directories[] = {NULL, "/var/tmp", "/tmp"};
	char page[PAGE];
	int file = -1;

	for (size_t i = 0; i < 3 && file < 0; i++) {
		const char *directory = directories[i] ? directories[i] : getenv("TMPDIR");

		if (directory)
			file = open(directory, O_TMPFILE | O_RDWR, 0600);
		if (file < 0 && directory) {
			char name[4096];

			snprintf(name, sizeof(name), "%s/physlens-lab.XXXXXX", directory);
			file = mkstemp(name);
			if (file >= 0)
				unlink(name);
		}
	}
	memset(page, 'f', sizeof(page));
	for (int i = 0; file >= 0 && i < SKIPPED + PAGES; i++) {
		if (write(file, page, sizeof(page)) != sizeof(page))
			return -1;
	}
	if (file >= 0)
		fsync(file);
	return file;
}

/*
 * The kernel maps neighbours of a page only where they are in the same page table (mm/memory.c,
 * do_fault_around()): eight pages that begin at a multiple of eight are.
 */
static volatile char *map_in_one_table(int file)
{
	enum { SIZE = PAGES * PAGE };
	char *room = mmap(NULL, 2 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED)
		return MAP_FAILED;
	return mmap((char *)(((uintptr_t)room + SIZE - 1) & ~(uintptr_t)(SIZE - 1)), SIZE,
		    PROT_READ, MAP_SHARED | MAP_FIXED, file, SKIPPED * PAGE);
}

/* Frames that were just let go are given out first: somebody else is to have them. */
static void take_free_frames(void)
{
	enum { FRAMES = 512 };
	volatile char *pages = mmap(NULL, FRAMES * PAGE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		return;
	madvise((void *)pages, FRAMES * PAGE, MADV_NOHUGEPAGE);
	for (int i = 0; i < FRAMES; i++)
		pages[i * PAGE] = 'x';
}

/*
 * Whether a page that was evicted is still in RAM: what goes to a disk stays in the swap cache
 * until the kernel wants its frame (mincore(2) looks there).
 */
static int in_swap_cache(volatile char *page)
{
	unsigned char there = 0;

	return !any_present(page, PAGE) && mincore((void *)page, PAGE, &there) == 0 && there & 1;
}

int main(void)
{
	int file;

	stay_on_this_processor();
	file = open_file();
	volatile char *anonymous = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile char *mapped = map_in_one_table(file);

	if (anonymous == MAP_FAILED || mapped == MAP_FAILED)
		fail("mmap");
	madvise((void *)anonymous, PAGES * PAGE, MADV_NOHUGEPAGE);
	say_address("anonymous", anonymous);
	say_address("file", mapped);
	say_number("pages", PAGES);
	say_number("cached", 0);
	no_faults();
	step_done();

	touch(&anonymous[0], 1);
	step_done();
	touch(&anonymous[1 * PAGE], 1);
	step_done();
	touch(&anonymous[5 * PAGE], 0); /* read before it was ever written */
	step_done();
	touch(&mapped[0], 0); /* the kernel maps its neighbours, too */
	step_done();

	evict(anonymous, 2 * PAGE); /* the zero page is nobody's to evict */
	evict(mapped, PAGES * PAGE);
	take_free_frames();
	no_faults();
	step_done();

	say_number("cached", in_swap_cache(anonymous));
	touch(&anonymous[0], 1);
	step_done();
	touch(&mapped[0], 0);
	step_done();
	return 0;
}
