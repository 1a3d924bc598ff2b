// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench-pagemap PID[,PID…] ADDRESS PAGES [rows]
 *
 * The floor under `physlens map --pages`, and of several processes under `physlens cow`: a process
 * that reads the pagemap entries of those pages, looks at each, and ends. Prints how many are
 * present. With "rows" also what anybody must print who is to tell where the pages are: "ADDRESS
 * PAGES PFN" of each run of consecutive frames.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PRESENT (UINT64_C(1) << 63)
#define PFN     ((UINT64_C(1) << 55) - 1)

/* 128 KiB at a time: larger ones are no faster, since the kernel works in steps of 2 MiB. */
static uint64_t words[16384];

static uint64_t page_size;

struct run {
	uint64_t vpn;
	uint64_t pages;
	uint64_t word;
};

static void end_run(struct run *run)
{
	if (run->pages > 0)
		printf("0x%012" PRIx64 " %7" PRIu64 " 0x%08" PRIx64 "\n", run->vpn * page_size,
		       run->pages, run->word & PFN);
	run->pages = 0;
}

static void print_rows(struct run *run, uint64_t vpn, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		if (run->pages > 0 && words[i] != run->word + run->pages)
			end_run(run);
		if (run->pages == 0)
			*run = (struct run){vpn + i, 0, words[i]};
		run->pages++;
	}
}

/* Present pages among the next ones, at most `pages`; *read_pages is how many were looked at. */
static uint64_t step(int fd, uint64_t vpn, uint64_t pages, uint64_t *read_pages)
{
	size_t limit = sizeof(words) / sizeof(words[0]);
	size_t count = pages < limit ? (size_t)pages : limit;
	ssize_t got = pread(fd, words, count * sizeof(words[0]), (off_t)(vpn * sizeof(words[0])));
	uint64_t present = 0;

	if (got < (ssize_t)sizeof(words[0])) {
		fprintf(stderr, "bench-pagemap: pagemap: %s\n",
			got < 0 ? strerror(errno) : "ended");
		exit(2);
	}
	*read_pages = (uint64_t)got / sizeof(words[0]);
	for (size_t i = 0; i < *read_pages; i++)
		present += words[i] & PRESENT ? 1 : 0;
	return present;
}

static uint64_t read_process(const char *pid, uint64_t vpn, uint64_t pages, int rows)
{
	struct run run = {0, 0, 0};
	uint64_t present = 0, done;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%s/pagemap", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr, "bench-pagemap: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	for (; pages > 0; vpn += done, pages -= done) {
		present += step(fd, vpn, pages, &done);
		if (rows)
			print_rows(&run, vpn, done);
	}
	end_run(&run);
	close(fd);
	return present;
}

int main(int argc, char **argv)
{
	uint64_t present = 0;

	if (argc < 4 || argc > 5) {
		fputs("usage: bench-pagemap PID[,PID...] ADDRESS PAGES [rows]\n", stderr);
		return 2;
	}
	page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	for (char *pid = strtok(argv[1], ","); pid; pid = strtok(NULL, ","))
		present += read_process(pid, strtoull(argv[2], NULL, 0) / page_size,
					strtoull(argv[3], NULL, 0), argc == 5);
	printf("%" PRIu64 "\n", present);
	return 0;
}
