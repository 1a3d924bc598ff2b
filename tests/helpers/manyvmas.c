// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * manyvmas [COUNT]: as many areas as the kernel allows (vm.max_map_count), or
 * COUNT of them if that is less, by giving every second page of one mapping
 * another permission. Prints
 *
 *	address 0x7f0000000000
 *	count 65000
 *	ready PID
 *
 * Every fourth page is written, so that there are present pages in many areas.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <inttypes.h>
#include <sys/mman.h>

#include "helper.h"

static uint64_t max_map_count(void)
{
	unsigned long long max = 65530;
	FILE *file = fopen("/proc/sys/vm/max_map_count", "re");

	if (file) {
		if (fscanf(file, "%llu", &max) != 1)
			max = 65530;
		fclose(file);
	}
	return max;
}

/* Areas made; the kernel's limit, which also counts this program's own, may end it early. */
static uint64_t split(char *start, uint64_t pages, size_t page)
{
	uint64_t i;

	for (i = 1; i < pages; i += 2) {
		if (mprotect(start + i * page, page, PROT_READ) != 0)
			break;
	}
	return i < pages ? i : pages;
}

int main(int argc, char **argv)
{
	size_t page = helper_page();
	/* Room for this program's own areas and for what it or a sanitizer may yet map. */
	uint64_t max = max_map_count(), want = max > 1000 ? max - 500 : max / 2;
	uint64_t asked = argc > 1 ? helper_number(argv[1]) : 65000;
	char *start;

	helper_init();
	if (asked < want)
		want = asked;
	start = mmap(NULL, want * page, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (start == MAP_FAILED)
		helper_die("manyvmas: mmap");
	for (uint64_t i = 0; i < want; i += 4)
		start[i * page] = 1;
	want = split(start, want, page);
	printf("address 0x%" PRIxPTR "\ncount %" PRIu64 "\n", (uintptr_t)start, want);
	helper_ready();
	helper_wait();
	return 0;
}
