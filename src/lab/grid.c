/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same as fork.c with many pages: parent and child each write some of heap and stack. */
#include <string.h>

#include "lab/subject.h"

enum { HEAP = 16, STACK = 8, CODE = 8 };

/* Pages of code that nobody calls: they can be looked at. */
__asm__(".pushsection .text\n\t.balign 4096\n\t.globl lab_code\nlab_code:\n\t"
	".fill 8 * 4096, 1, 0x90\n\t.popsection");
extern const char lab_code[];

static void write_pages(volatile char *pages, const char *which)
{
	for (; *which; which++)
		pages[(*which - 'a') * PAGE] = 'w';
}

int main(void)
{
	struct {
		char above[PAGE];
		char pages[STACK * PAGE];
		char rest[PAGE];
	} __attribute__((aligned(PAGE))) stack;
	char *heap = aligned_alloc(PAGE, HEAP * PAGE);
	struct child child;

	if (!heap)
		fail("aligned_alloc");
	stay_on_this_processor();
	write_pages(heap, "abcdefghijkl"); /* the last four stay untouched */
	write_pages(stack.pages, "abcdefgh");
	for (int i = 0; i < CODE; i++)
		(void)((const volatile char *)lab_code)[i * PAGE];
	say_address("heap", heap);
	say_address("stack", stack.pages);
	say_address("code", lab_code);
	step_done();

	if (fork_child(&child) == 0) {
		for (int i = 0; i < CODE; i++)
			(void)((const volatile char *)lab_code)[i * PAGE];
		my_turn(&child);
		write_pages(heap, "abcm");
		write_pages(stack.pages, "h");
		my_turn_is_over(&child);
		my_turn(&child);
	}
	say_number("child", child.pid);
	step_done();

	step_child(&child);
	step_done();

	write_pages(heap, "cdefn");
	write_pages(stack.pages, "gh");
	step_done();
	return 0;
}
