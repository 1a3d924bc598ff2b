/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One file, mapped by two processes in two ways: MAP_SHARED and MAP_PRIVATE. */
#include <string.h>
#include <sys/mman.h>

#include "lab/subject.h"

/* Written by the child, read by the parent. */
struct seen {
	volatile long shared;
	volatile long private;
};

int main(void)
{
	int file = memfd_create("one-file", 0);
	struct seen *seen =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct child child;

	if (file < 0 || ftruncate(file, 1 * PAGE) || pwrite(file, "f", 1, 0) != 1)
		fail("memfd");
	volatile char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	volatile char *own = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	if (seen == MAP_FAILED || shared == MAP_FAILED || own == MAP_FAILED)
		fail("mmap");

	if (fork_child(&child) == 0) {
		for (;;) { /* looks at both, each time it is asked */
			my_turn(&child);
			seen->shared = shared[0];
			seen->private = own[0];
			my_turn_is_over(&child);
		}
	}
	say_number("child", child.pid);
	say_address("shared", shared);
	say_address("private", own);
	for (int step = 0; step < 3; step++) {
		if (step == 1)
			shared[0] = 'S';
		if (step == 2)
			own[0] = 'P';
		step_child(&child);
		say_number("a.shared", shared[0]);
		say_number("a.private", own[0]);
		say_number("b.shared", seen->shared);
		say_number("b.private", seen->private);
		step_done();
	}
	return 0;
}
