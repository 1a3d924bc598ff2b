// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * flickering KIND FILE: a child has code of the file executable, and one page of it will not hold
 *still until the parent, which waits, has ended. KIND is one of patch	other bytes are written to
 *it, and thrown away a moment later
 *	swap	they are written, and the kernel is asked to move them to swap, all the time
 *	memory	the page and anonymous memory are mapped there in turn
 * Prints "flickering PID", the child's, "address 0x7f0000000000", and then "ready PID".
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "helper.h"

enum { PAGES = 16, PAUSE_NS = 300000 };

static const char patch[] = "patched";

struct place {
	int fd, mem;
	char *at; /* PAGES of the file */
	size_t page;
	off_t offset; /* of the file's code */
};

static void rest(void)
{
	nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
}

static void map(const struct place *p, char *at, size_t pages)
{
	off_t offset = p->offset + (off_t)(at - p->at);

	if (mmap(at, pages * p->page, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, p->fd,
		 offset) != at)
		helper_die("flickering: mmap");
	for (size_t i = 0; i < pages; i++)
		(void)*(volatile char *)(at + i * p->page);
}

/* As a debugger writes: the page is copied, and its permissions stay. */
static void write_patch(const struct place *p, char *at)
{
	if (pwrite(p->mem, patch, sizeof(patch), (off_t)(uintptr_t)at) != (ssize_t)sizeof(patch))
		helper_die("flickering: mem");
}

static void patch_page(const struct place *p, char *at)
{
	write_patch(p, at);
	rest();
	madvise(at, p->page, MADV_DONTNEED);
}

static void swap_page(const struct place *p, char *at)
{
	write_patch(p, at);
	for (int i = 0; i < 1000; i++)
		madvise(at, p->page, MADV_PAGEOUT);
}

static void change_memory(const struct place *p, char *at)
{
	char *memory = mmap(at, p->page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);

	if (memory != at)
		helper_die("flickering: mmap");
	memcpy(memory, patch, sizeof(patch));
	mprotect(memory, p->page, PROT_READ | PROT_EXEC);
	map(p, at, 1);
}

static void (*change_of(const char *kind))(const struct place *p, char *at)
{
	if (strcmp(kind, "patch") == 0)
		return patch_page;
	if (strcmp(kind, "swap") == 0)
		return swap_page;
	return strcmp(kind, "memory") == 0 ? change_memory : NULL;
}

int main(int argc, char **argv)
{
	struct place p = {.page = helper_page()};

	if (argc != 3 || !change_of(argv[1])) {
		fprintf(stderr, "usage: flickering patch|swap|memory FILE\n");
		return 2;
	}
	helper_init();
	p.fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	p.at = mmap(NULL, PAGES * p.page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p.fd < 0 || p.at == MAP_FAILED)
		helper_die(argv[2]);
	/* Other memory in the place of code would be code that the program has moved. */
	p.offset = strcmp(argv[1], "memory") == 0 ? 0 : helper_code_offset(p.fd);
	map(&p, p.at, PAGES);
	pid_t parent = getpid(), child = fork();
	if (child == 0) {
		signal(SIGTERM, SIG_DFL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		p.mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
		while (getppid() == parent)
			change_of(argv[1])(&p, p.at + 3 * p.page);
		_exit(1);
	}
	if (child < 0)
		helper_die("flickering: fork");
	printf("flickering %d\naddress 0x%" PRIxPTR "\n", (int)child,
	       (uintptr_t)(p.at + 3 * p.page));
	helper_ready();
	helper_wait();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}
