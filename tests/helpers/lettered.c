// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lettered: memory at addresses that begin with a letter, a page each at 0xc000000000 (where Go has
 * its heap), at 0xc0ffee00 and at 0xabc000; and a symbol that is called as an address is written,
 * c0ffee00. Prints
 *
 *	symbol 0x404010
 *	ready PID
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <inttypes.h>
#include <sys/mman.h>

#include "helper.h"

extern int c0ffee00;
int c0ffee00 = 1;

static void map_page(uintptr_t address)
{
	size_t page = helper_page();
	uintptr_t start = address / page * page;
	volatile char *p = mmap((void *)start, page, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (p == MAP_FAILED)
		helper_die("mmap");
	*p = 1;
}

int main(void)
{
	helper_init();
	map_page(0xc000000000);
	map_page(0xc0ffee00);
	map_page(0xabc000);
	printf("symbol 0x%" PRIxPTR "\n", (uintptr_t)&c0ffee00);
	helper_ready();
	helper_wait();
	return 0;
}
