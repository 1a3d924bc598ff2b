// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * peek PID START PAGES: what the kernel says of each page, read one entry at a
 * time with plain preads. The tests compare physlens with this, so it shares no
 * code with src/ and has no cleverness to get wrong. A line a page:
 *
 * 0x7f0000001000 0x8180000000012345 1 0 0 1 0x12345 0x400005828 1
 *
 * vaddr, entry, present, swapped, file, exclusive, pfn, kpageflags, kpagecount.
 * The bits are those of Documentation/admin-guide/mm/pagemap.rst. The pfn is
 * "-" when nothing is present; the kpage columns are "-" when they cannot be
 * read or the pfn is hidden.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned bit(uint64_t entry, unsigned n)
{
	return (unsigned)(entry >> n & 1);
}

static uint64_t number(const char *text)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0') {
		fprintf(stderr, "peek: not a number: %s\n", text);
		exit(2);
	}
	return value;
}

static void print_kpage(int fd, uint64_t pfn, int hex)
{
	uint64_t word;

	if (fd < 0 || pfn == 0 || pread(fd, &word, sizeof(word), (off_t)(pfn * 8)) != 8)
		printf(" -");
	else if (hex)
		printf(" 0x%" PRIx64, word);
	else
		printf(" %" PRIu64, word);
}

static void print_page(uint64_t vaddr, uint64_t entry, int flags_fd, int count_fd)
{
	uint64_t pfn = bit(entry, 63) ? entry & ((UINT64_C(1) << 55) - 1) : 0;

	printf("0x%" PRIx64 " 0x%" PRIx64 " %u %u %u %u", vaddr, entry, bit(entry, 63),
	       bit(entry, 62), bit(entry, 61), bit(entry, 56));
	if (bit(entry, 63))
		printf(" 0x%" PRIx64, pfn);
	else
		printf(" -");
	print_kpage(flags_fd, pfn, 1);
	print_kpage(count_fd, pfn, 0);
	putchar('\n');
}

int main(int argc, char **argv)
{
	char path[64];
	uint64_t start, pages, page = (uint64_t)sysconf(_SC_PAGESIZE);
	int map_fd, flags_fd, count_fd;

	if (argc != 4) {
		fprintf(stderr, "usage: peek PID START PAGES\n");
		return 2;
	}
	snprintf(path, sizeof(path), "/proc/%" PRIu64 "/pagemap", number(argv[1]));
	start = number(argv[2]) / page * page;
	pages = number(argv[3]);
	map_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (map_fd < 0) {
		fprintf(stderr, "peek: %s: %s\n", path, strerror(errno));
		return 2;
	}
	flags_fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	count_fd = open("/proc/kpagecount", O_RDONLY | O_CLOEXEC);
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t vaddr = start + i * page, entry;

		if (pread(map_fd, &entry, sizeof(entry), (off_t)(vaddr / page * 8)) != 8) {
			fprintf(stderr, "peek: 0x%" PRIx64 ": no pagemap entry\n", vaddr);
			return 2;
		}
		print_page(vaddr, entry, flags_fd, count_fd);
	}
	return fflush(stdout) == 0 ? 0 : 2;
}
