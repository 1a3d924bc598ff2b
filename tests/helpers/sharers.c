// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sharers N MIB [--scattered] [--private PAGES] [--clone-vm]: N processes with MIB in common
 *
 * The first writes MIB of anonymous memory and forks the others, which share it by copy-on-write,
 * as the workers of a prefork server do. Each process reads all of it (so that all are mappers),
 * and then writes PAGES pages of its own copy. --scattered writes it in random order first, so that
 * no two neighbours have frames that follow one another. --clone-vm makes one process more that has
 * the very address space of the first. Prints
 *
 *	mappers 26214400
 *	address 0x7f0000000000
 *	children 12 13 14
 *	clone 15
 *	ready 11
 *
 * the last with the PID of the first; the others end with it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <sys/wait.h>

#include "helper.h"

static size_t page_size, pages, private_pages;

/* Every page once, in an order that has no pattern: a permutation by an odd factor and offset. */
static size_t nth(size_t i, int scattered)
{
	size_t mask = 1;

	if (!scattered)
		return i;
	while (mask < pages)
		mask <<= 1;
	do {
		i = (i * 2654435761U + 12345) & (mask - 1);
	} while (i >= pages);
	return i;
}

static char *make(int scattered)
{
	char *p = mmap(NULL, pages * page_size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		helper_die("sharers: mmap");
	(void)madvise(p, pages * page_size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < pages && !helper_stopped; i++)
		p[nth(i, scattered) * page_size] = 1;
	return p;
}

static _Noreturn void follow(char *p, int done)
{
	volatile char *pages_read = p;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < pages; i++)
		(void)pages_read[i * page_size];
	for (size_t i = 0; i < private_pages && i < pages; i++)
		p[i * page_size] = 2;
	if (write(done, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static _Noreturn int same_space(void *argument)
{
	(void)argument;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

/* A process of its own with our memory: what vfork makes, but lasting. */
static pid_t clone_vm(void)
{
	enum { STACK = 1 << 16 };
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED)
		helper_die("sharers: mmap");
	return clone(same_space, stack + STACK, CLONE_VM | SIGCHLD, NULL);
}

int main(int argc, char **argv)
{
	size_t count, made = 1;
	int scattered = 0, cloned = 0, done[2];
	pid_t children[1024];
	char byte;

	if (argc < 3) {
		fprintf(stderr, "usage: sharers N MIB [--scattered] [--private PAGES]\n");
		return 2;
	}
	page_size = helper_page();
	count = helper_number(argv[1]);
	pages = ((size_t)helper_number(argv[2]) << 20) / page_size;
	for (int i = 3; i < argc; i++) {
		if (strcmp(argv[i], "--scattered") == 0)
			scattered = 1;
		else if (strcmp(argv[i], "--private") == 0 && i + 1 < argc)
			private_pages = helper_number(argv[++i]);
		else if (strcmp(argv[i], "--clone-vm") == 0)
			cloned = 1;
	}
	if (count < 1 || count > sizeof(children) / sizeof(children[0])) {
		fprintf(stderr, "sharers: not a number of processes: %s\n", argv[1]);
		return 2;
	}
	helper_init();
	char *p = make(scattered);
	if (pipe(done) != 0)
		helper_die("sharers: pipe");
	for (; made < count && !helper_stopped; made++) {
		/* Who was forked first is told by the clock tick: let there be some between. */
		if (private_pages && made)
			nanosleep(&(struct timespec){.tv_nsec = 30 * 1000 * 1000}, NULL);
		pid_t pid = fork();

		if (pid < 0)
			helper_die("sharers: fork");
		if (pid == 0)
			follow(p, done[1]);
		children[made] = pid;
		/* One after the other: what they copy is each one's own. */
		if (read(done[0], &byte, 1) != 1)
			break;
	}
	printf("mappers %zu\naddress 0x%" PRIxPTR "\nchildren", made * pages, (uintptr_t)p);
	for (size_t i = 1; i < made; i++)
		printf(" %d", (int)children[i]);
	printf("\n");
	if (cloned)
		printf("clone %d\n", (int)clone_vm());
	helper_ready();
	helper_wait();
	return 0;
}
