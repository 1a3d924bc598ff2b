// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mapfile [-x] [-w] [-s] [-t] [-o OFFSET] FILE…: maps files, privately and to be read, and waits.
 *	-x also executable	-w also writable	-s shared	-t reads every page
 *	-o from that byte on
 * Prints of each
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

struct how {
	int prot, flags;
	int reads;
	off_t offset;
};

static void map_file(const struct how *how, const char *path)
{
	size_t page = helper_page(), len;
	struct stat st;
	int writes = how->prot & PROT_WRITE && how->flags == MAP_SHARED;
	int fd = open(path, (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0)
		helper_die(path);
	/* An empty file, or a device, is mapped by one page that cannot be touched. */
	len = st.st_size > how->offset ? (size_t)(st.st_size - how->offset) : page;
	char *p = mmap(NULL, len, how->prot, how->flags, fd, how->offset);
	if (p == MAP_FAILED)
		helper_die(path);
	close(fd);
	if (how->reads && st.st_size > 0)
		touch(p, len, page);
	printf("address 0x%" PRIxPTR "\npages %zu\n", (uintptr_t)p, (len + page - 1) / page);
}

int main(int argc, char **argv)
{
	struct how how = {PROT_READ, MAP_PRIVATE, 0, 0};
	int opt;

	while ((opt = getopt(argc, argv, "xwsto:")) != -1) {
		if (opt == 'x')
			how.prot |= PROT_EXEC;
		else if (opt == 'w')
			how.prot |= PROT_WRITE;
		else if (opt == 's')
			how.flags = MAP_SHARED;
		else if (opt == 't')
			how.reads = 1;
		else if (opt == 'o')
			how.offset = (off_t)helper_number(optarg);
		else
			return 2;
	}
	if (optind == argc) {
		fprintf(stderr, "usage: mapfile [-x] [-w] [-s] [-t] [-o OFFSET] FILE...\n");
		return 2;
	}
	helper_init();
	for (int i = optind; i < argc; i++)
		map_file(&how, argv[i]);
	helper_ready();
	helper_wait();
	return 0;
}
