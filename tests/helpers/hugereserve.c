// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hugereserve [--reserve MIB] [--touch N]	4 TiB reserved, 64 pages spread over it written
 * hugereserve --populate MIB			that much memory, every page written
 *
 * Prints what it made and waits:
 *
 *	address 0x7b0000000000
 *	pages 1073741824
 *	touched 64
 *	ready PID
 *
 * No transparent huge pages: the bench counts small ones.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <inttypes.h>
#include <sys/mman.h>

#include "helper.h"

static char *reserve(size_t len)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		helper_die("hugereserve: mmap");
	(void)madvise(p, len, MADV_NOHUGEPAGE);
	return p;
}

static void touch(char *p, size_t pages, size_t count, size_t page)
{
	for (size_t i = 0; i < count && !helper_stopped; i++)
		p[pages / count * i * page] = 1;
}

int main(int argc, char **argv)
{
	size_t page = helper_page(), mib = (size_t)4 << 20, count = 64, pages;
	int populate = 0;
	char *p;

	for (int i = 1; i < argc; i += 2) {
		if (i + 1 < argc && strcmp(argv[i], "--reserve") == 0) {
			mib = helper_number(argv[i + 1]);
		} else if (i + 1 < argc && strcmp(argv[i], "--touch") == 0) {
			count = helper_number(argv[i + 1]);
		} else if (i + 1 < argc && strcmp(argv[i], "--populate") == 0) {
			mib = helper_number(argv[i + 1]);
			populate = 1;
		} else {
			fprintf(stderr, "usage: hugereserve [--reserve MIB] [--touch N] | "
					"--populate MIB\n");
			return 2;
		}
	}
	helper_init();
	pages = (mib << 20) / page;
	if (populate || count > pages)
		count = pages;
	p = reserve(pages * page);
	if (count > 0)
		touch(p, pages, count, page);
	printf("address 0x%" PRIxPTR "\npages %zu\ntouched %zu\n", (uintptr_t)p, pages, count);
	helper_ready();
	helper_wait();
	return 0;
}
