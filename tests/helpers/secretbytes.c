// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * secretbytes: two pages of memfd_secret(2), which the kernel takes out of its own map of all
 *memory, the first one with bytes in it. Where the kernel has no such call the address is 0. Prints
 *
 *	address 0x7f0000000000
 *	ready PID
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "helper.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

static char *secret_pages(size_t length)
{
	int fd = (int)syscall(SYS_memfd_secret, 0);
	char *p;

	if (fd < 0)
		return NULL;
	if (ftruncate(fd, (off_t)length) != 0)
		helper_die("ftruncate");
	p = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		helper_die("mmap");
	memset(p, 's', length / 2);
	memset(p + length / 2, 0, length / 2);
	return p;
}

int main(void)
{
	helper_init();
	printf("address 0x%" PRIxPTR "\n", (uintptr_t)secret_pages(2 * helper_page()));
	helper_ready();
	helper_wait();
	return 0;
}
