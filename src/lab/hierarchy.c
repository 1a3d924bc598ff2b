/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A byte in each place that the system can keep one in: RAM, swap, a file. */
#include <sys/mman.h>

#include "lab/subject.h"

static char unused[64 * PAGE] __attribute__((aligned(PAGE))) = "initialised, and never touched";

int main(void)
{
	volatile char *pages =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		fail("mmap");
	stay_on_this_processor();
	madvise((void *)pages, 2 * PAGE, MADV_NOHUGEPAGE);
	pages[0x123] = 'r';
	pages[PAGE] = 's';
	evict(pages + PAGE, PAGE);
	say_address("ram", pages + 0x123);
	say_address("swap", pages + PAGE);
	say_address("file", unused + sizeof(unused) - PAGE);
	step_done();
	return 0;
}
