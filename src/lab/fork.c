/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parent and child after fork: one variable of each, until one of them is written. */
#include <string.h>

#include "lab/subject.h"

/* A page each, so that nothing else writes to it. */
static char data[PAGE] __attribute__((aligned(PAGE))) = "initialised: its bytes come from the file";
static char unused[32 * PAGE] __attribute__((aligned(PAGE))) = "initialised, and never touched";
static char bss[PAGE] __attribute__((aligned(PAGE)));

int main(void)
{
	/*
	 * Functions that are called write to the stack below; and down to here the dynamic loader
	 * has not come, which may have run on another processor (stay_on_this_processor()).
	 */
	struct {
		char above[4 * PAGE + 0x5a4];
		volatile pid_t cpid;
		char rest[2 * PAGE - 0x5a4 - sizeof(pid_t)];
	} __attribute__((aligned(PAGE))) stack;
	char *heap = aligned_alloc(PAGE, PAGE);
	struct child child;

	if (!heap)
		fail("aligned_alloc");
	stay_on_this_processor();
	stack.cpid = -1;
	strcpy(heap, "on the heap");
	((volatile char *)data)[PAGE - 1] = 'd';
	((volatile char *)bss)[0] = 'b';
	say_address("stack", &stack.cpid);
	say_address("heap", heap);
	say_address("bss", bss);
	say_address("data", data);
	say_address("unused", unused + sizeof(unused) - PAGE);
	say_address("text", (void *)main);
	step_done();

	if (fork_child(&child) == 0) {
		my_turn(&child);
		stack.cpid = 0; /* what fork returns in the child */
		my_turn_is_over(&child);
		my_turn(&child);
	}
	say_number("child", child.pid);
	step_done();

	step_child(&child);
	step_done();

	stack.cpid = child.pid; /* and in the parent */
	step_done();
	return 0;
}
