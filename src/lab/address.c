/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One byte, at an address of at most 32 bits, as the textbooks have it. */
#include <sys/mman.h>

#include "lab/subject.h"

int main(void)
{
	volatile char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (page == MAP_FAILED)
		fail("mmap");
	page[0xabc] = 'P';
	mlock((const void *)page, PAGE); /* it stays where it is, if that is allowed */
	say_address("byte", page + 0xabc);
	say_number("value", page[0xabc]);
	step_done();
	return 0;
}
