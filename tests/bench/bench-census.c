// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench-census: the floor under `physlens census`. Reads the pagemap entries of all populated pages
 * of all processes, and does nothing with them.
 *
 * An area is read whole, in bulk. Only one that is reserved rather than used (larger than twice
 * what the process has in RAM) is scanned with PAGEMAP_SCAN first, since its holes are not to be
 * read by either side. `bench-census --counts` reads, too, what a tool must that takes the kernel's
 * count of mappers for its own: the word of /proc/kpagecount of each page.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WORDS = 1 << 14, RECORDS = 1 << 10 };

struct scan {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages, inverted, mask, any,
		ret;
};

struct record {
	uint64_t start, end, categories;
};

static uint64_t words[WORDS], counts[WORDS], total;
static int count_fd = -1;

static void read_counts(size_t count)
{
	for (size_t i = 0, n; i < count; i += n) {
		uint64_t pfn = words[i] & ((UINT64_C(1) << 55) - 1);

		for (n = 1; i + n < count && words[i + n] == words[i] + n; n++)
			;
		if (words[i] >> 63 && pread(count_fd, counts, n * 8, (off_t)(pfn * 8)) > 0)
			total += counts[0];
	}
}

static void read_words(int fd, uint64_t start, uint64_t end)
{
	for (uint64_t vpn = start / 4096; vpn < end / 4096;) {
		uint64_t left = end / 4096 - vpn;
		ssize_t got = pread(fd, words, (left < WORDS ? left : WORDS) * 8, (off_t)(vpn * 8));

		if (got <= 0)
			return;
		total += words[0];
		if (count_fd >= 0)
			read_counts((size_t)got / 8);
		vpn += (uint64_t)got / 8;
	}
}

static void scan(int fd, uint64_t start, uint64_t end)
{
	static struct record records[RECORDS];
	struct scan s = {
		.size = sizeof(s), .start = start, .end = end, .any = 8 | 16, .ret = 8 | 16};

	s.vec = (uint64_t)(uintptr_t)records;
	s.vec_len = RECORDS;
	while (s.start < end) {
		int count = ioctl(fd, _IOWR('f', 16, struct scan), &s);

		if (count < 0)
			return;
		for (int i = 0; i < count; i++)
			read_words(fd, records[i].start, records[i].end);
		if (count < RECORDS)
			return;
		s.start = records[count - 1].end;
	}
}

static void read_process(const char *pid)
{
	char path[300], line[8192];
	unsigned long size = 0, resident = 0;

	snprintf(path, sizeof(path), "/proc/%s/statm", pid);
	FILE *file = fopen(path, "r");
	if (!file || fscanf(file, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	if (file)
		fclose(file);
	snprintf(path, sizeof(path), "/proc/%s/pagemap", pid);
	int fd = open(path, O_RDONLY);
	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	file = fopen(path, "r");
	while (file && fd >= 0 && fgets(line, sizeof(line), file)) {
		uint64_t start, end;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64, &start, &end) != 2 || start >> 63)
			continue;
		if ((end - start) / 4096 > 2 * resident + 512)
			scan(fd, start, end);
		else
			read_words(fd, start, end);
	}
	if (file)
		fclose(file);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (!proc)
		return 2;
	if (argc > 1 && strcmp(argv[1], "--counts") == 0)
		count_fd = open("/proc/kpagecount", O_RDONLY);
	while ((entry = readdir(proc))) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			read_process(entry->d_name);
	}
	closedir(proc);
	printf("%" PRIu64 "\n", total);
	return 0;
}
