/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thing in each part of an address space. */
#include "lab/subject.h"

static char initialised[64 * PAGE] = "in .data: its bytes are in the file";
static char zeroes[16 * PAGE]; /* in .bss: the file has only its size */
static const char constant[48 * PAGE] = "in .rodata";

/* Code that nobody calls, so that .text is more than a page. */
__asm__(".pushsection .text\n\t.fill 48 * 4096, 1, 0x90\n\t.popsection");

int main(void)
{
	char local = 's';
	char *allocated = malloc(100);

	if (!allocated)
		fail("malloc");
	*(volatile char *)allocated = 'h';
	((volatile char *)initialised)[100] = 'd';
	((volatile char *)zeroes)[8 * PAGE] = 'b';
	say_address("stack", &local);
	say_address("library", (void *)puts);
	say_address("heap", allocated);
	say_address(".bss", zeroes + 8 * PAGE);
	say_address(".data", initialised + 100);
	say_address(".rodata", constant);
	say_address(".text", (void *)main);
	step_done();
	return 0;
}
