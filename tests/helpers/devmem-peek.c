// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * devmem-peek [--mmap] PADDR LEN: the bytes at a physical address, on standard
 * output, read through /dev/mem with read(2) or mmap(2). The tests compare
 * physlens with this, so it shares no code with src/. One failed page fails
 * the whole call, as the kernel does it: nothing is filled in.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t number(const char *text)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0') {
		fprintf(stderr, "devmem-peek: not a number: %s\n", text);
		exit(2);
	}
	return value;
}

static int failed(const char *what, uint64_t paddr)
{
	fprintf(stderr, "devmem-peek: %s: 0x%" PRIx64 ": %s\n", what, paddr, strerror(errno));
	return 1;
}

static int put(const void *buf, size_t len)
{
	return fwrite(buf, 1, len, stdout) == len && fflush(stdout) == 0 ? 0 : 2;
}

static int by_read(int fd, uint64_t paddr, size_t len)
{
	char *buf = malloc(len);
	ssize_t got;

	if (!buf)
		return failed("malloc", paddr);
	got = pread(fd, buf, len, (off_t)paddr);
	if (got < 0)
		return failed("read", paddr);
	if ((size_t)got != len) {
		errno = EIO;
		return failed("short read", paddr + (uint64_t)got);
	}
	return put(buf, len);
}

static int by_mmap(int fd, uint64_t paddr, size_t len)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), skip = paddr % page;
	char *p = mmap(NULL, len + skip, PROT_READ, MAP_SHARED, fd, (off_t)(paddr - skip));

	if (p == MAP_FAILED)
		return failed("mmap", paddr);
	return put(p + skip, len);
}

int main(int argc, char **argv)
{
	int map = argc > 1 && strcmp(argv[1], "--mmap") == 0, fd;
	uint64_t paddr;
	size_t len;

	argv += map;
	argc -= map;
	if (argc != 3) {
		fprintf(stderr, "usage: devmem-peek [--mmap] PADDR LEN\n");
		return 2;
	}
	paddr = number(argv[1]);
	len = number(argv[2]);
	fd = open("/dev/mem", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed("/dev/mem", paddr);
	return map ? by_mmap(fd, paddr, len) : by_read(fd, paddr, len);
}
