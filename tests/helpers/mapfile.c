// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mapfile [-x] [-w] [-s] [-t] FILE: maps a file, privately and to be read, and waits.
 *	-x also executable	-w also writable	-s shared	-t reads every page
 * Prints
 *
 *	address 0x7f0000000000
 *	pages 3
 *	ready PID
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "helper.h"

static void touch(const volatile char *p, size_t len, size_t page)
{
	for (size_t i = 0; i < len; i += page)
		(void)p[i];
}

int main(int argc, char **argv)
{
	int prot = PROT_READ, flags = MAP_PRIVATE, reads = 0, opt, fd;
	size_t page = helper_page(), len;
	struct stat st;
	char *p;

	while ((opt = getopt(argc, argv, "xwst")) != -1) {
		if (opt == 'x')
			prot |= PROT_EXEC;
		else if (opt == 'w')
			prot |= PROT_WRITE;
		else if (opt == 's')
			flags = MAP_SHARED;
		else if (opt == 't')
			reads = 1;
		else
			return 2;
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: mapfile [-x] [-w] [-s] [-t] FILE\n");
		return 2;
	}
	helper_init();
	fd = open(argv[optind],
		  (prot & PROT_WRITE && flags == MAP_SHARED ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		helper_die(argv[optind]);
	/* An empty file, or a device, is mapped by one page that cannot be touched. */
	len = st.st_size > 0 ? (size_t)st.st_size : page;
	p = mmap(NULL, len, prot, flags, fd, 0);
	if (p == MAP_FAILED)
		helper_die(argv[optind]);
	close(fd);
	if (reads && st.st_size > 0)
		touch(p, len, page);
	printf("address 0x%" PRIxPTR "\npages %zu\n", (uintptr_t)p, (len + page - 1) / page);
	helper_ready();
	helper_wait();
	return 0;
}
