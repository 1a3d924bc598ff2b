// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench-scan PID
 *
 * The floor under `physlens map`: a process that does nothing but one PAGEMAP_SCAN over
 * everything that PID has mapped, and ends. Prints how many pages have something behind
 * them. Exits with 77 where the kernel has no PAGEMAP_SCAN (before 6.7).
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Newer than the headers of Debian 12 (include/uapi/linux/fs.h). */
struct scan_region {
	uint64_t start;
	uint64_t end;
	uint64_t categories;
};

struct scan_argument {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t category_inverted;
	uint64_t category_mask;
	uint64_t category_anyof_mask;
	uint64_t return_mask;
};

#define SCAN         _IOWR('f', 16, struct scan_argument)
#define SCAN_PRESENT (UINT64_C(1) << 3)
#define SCAN_SWAPPED (UINT64_C(1) << 4)
#define SKIP         77
/* The lower half, short of its last page: what user space can have with four levels. */
#define USER_END ((UINT64_C(1) << 47) - 4096)

int main(int argc, char **argv)
{
	static struct scan_region regions[1024];
	struct scan_argument scan = {
		.size = sizeof(scan),
		.end = USER_END,
		.vec = (uint64_t)(uintptr_t)regions,
		.vec_len = sizeof(regions) / sizeof(regions[0]),
		.category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
		.return_mask = SCAN_PRESENT | SCAN_SWAPPED,
	};
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), pages = 0;
	char path[PATH_MAX];
	int fd;

	if (argc != 2) {
		fputs("usage: bench-scan PID\n", stderr);
		return 2;
	}
	snprintf(path, sizeof(path), "/proc/%s/pagemap", argv[1]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr, "bench-scan: %s: %s\n", path, strerror(errno));
		return 2;
	}
	for (scan.start = 0; scan.start < scan.end; scan.start = scan.walk_end) {
		int found = ioctl(fd, SCAN, &scan);

		if (found < 0) {
			fprintf(stderr, "bench-scan: PAGEMAP_SCAN: %s\n", strerror(errno));
			return errno == ENOTTY ? SKIP : 2;
		}
		for (int i = 0; i < found; i++)
			pages += (regions[i].end - regions[i].start) / page;
	}
	printf("%" PRIu64 "\n", pages);
	return 0;
}
