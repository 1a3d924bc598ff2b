/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What exec.c becomes: the same things as it has, in another program. */
#include "lab/subject.h"

static char data[PAGE] __attribute__((aligned(PAGE))) = "initialised in another file";

int main(void)
{
	int local = 0;
	char *heap = aligned_alloc(PAGE, PAGE);

	if (!heap)
		fail("aligned_alloc");
	*(volatile char *)heap = 'H';
	((volatile char *)data)[0] = 'D';
	say_address("stack", &local);
	say_address("heap", heap);
	say_address("data", data);
	say_address("text", (void *)main);
	say_address("puts", (void *)puts);
	step_done();
	return 0;
}
