/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process that becomes another program, the one that it was given. */
#include "lab/subject.h"

static char data[PAGE] __attribute__((aligned(PAGE))) = "initialised";

int main(int count, char **arguments)
{
	int local = 0;
	char *heap = aligned_alloc(PAGE, PAGE);

	if (count < 2 || !heap)
		return 1;
	*(volatile char *)heap = 'h';
	((volatile char *)data)[0] = 'd';
	say_address("stack", &local);
	say_address("heap", heap);
	say_address("data", data);
	say_address("text", (void *)main);
	say_address("puts", (void *)puts);
	step_done();
	execv(arguments[1], arguments + 1);
	fail(arguments[1]);
}
