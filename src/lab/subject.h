/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a program of the lab talks with `physlens lab`, which started it. It prints lines "NAME
 * VALUE" that say where things are, then "ready", and waits for a byte on its standard input before
 * it does the next thing. When the input ends it ends, too.
 */
#ifndef PHYSLENS_LAB_SUBJECT_H
#define PHYSLENS_LAB_SUBJECT_H

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

enum { PAGE = 4096 };

static inline void say_address(const char *name, const volatile void *address)
{
	printf("%s 0x%lx\n", name, (unsigned long)address);
}

static inline void say_number(const char *name, long number)
{
	printf("%s %ld\n", name, number);
}

/* Waits for a byte; at the end of the input the program ends. */
static inline void hear(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		_exit(0);
}

static inline void tell(int fd)
{
	if (write(fd, "", 1) != 1)
		_exit(1);
}

/* A step is done: all that was said is true now. */
static inline void step_done(void)
{
	puts("ready");
	fflush(stdout);
	hear(STDIN_FILENO);
}

static inline void __attribute__((noreturn)) fail(const char *what)
{
	perror(what);
	_exit(1);
}

/* Whether any page is in RAM; 0 as well where the kernel does not say. */
static inline int any_present(const volatile char *pages, size_t size)
{
	int file = open("/proc/self/pagemap", O_RDONLY), present = 0;
	uint64_t word;

	for (size_t i = 0; file >= 0 && i < size; i += PAGE) {
		off_t offset = (off_t)((uintptr_t)(pages + i) / PAGE * sizeof(word));

		if (pread(file, &word, sizeof(word), offset) == sizeof(word))
			present |= word >> 63 != 0;
	}
	if (file >= 0)
		close(file);
	return present;
}

/*
 * To be called before pages are touched that are to be evicted, or to be written last of those who
 * share them. A page that was put onto a processor's list of new ones is only taken off it on that
 * processor (mm/swap.c, lru_add_drain()): elsewhere madvise() does not find it, and a write to it
 * copies it although nobody else has it (mm/memory.c, wp_can_reuse_anon_folio()).
 */
static inline void stay_on_this_processor(void)
{
	cpu_set_t processors;
	int here = sched_getcpu();

	CPU_ZERO(&processors);
	if (here >= 0 && here < CPU_SETSIZE) {
		CPU_SET((size_t)here, &processors);
		sched_setaffinity(0, sizeof(processors), &processors);
	}
}

/*
 * Has the kernel evict pages; again, where it was busy with one. Where pages stay, as those of
 * memory do without swap, it is left at that.
 */
static inline void evict(volatile char *pages, size_t size)
{
	for (int tries = 0; tries < 20; tries++) {
		madvise((void *)pages, size, MADV_PAGEOUT);
		if (!any_present(pages, size))
			return;
		usleep(10000);
	}
}

/* A child and the two pipes that step it. */
struct child {
	pid_t pid;
	int to;   /* parent to child */
	int from; /* child to parent */
};

/*
 * fork(2): 0 in the child, whose ends of the pipes are then in *child as `from` (to hear) and `to`
 * (to tell). A child ends with its parent.
 */
static inline pid_t fork_child(struct child *child)
{
	int down[2], up[2];

	if (pipe(down) || pipe(up))
		fail("pipe");
	child->pid = fork();
	if (child->pid < 0)
		fail("fork");
	if (child->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(down[1]);
		close(up[0]);
		child->from = down[0];
		child->to = up[1];
		tell(child->to); /* it runs: its code is in its page table */
		return 0;
	}
	close(down[0]);
	close(up[1]);
	child->to = down[1];
	child->from = up[0];
	hear(child->from);
	return child->pid;
}

/* Lets the child do its next thing, and waits until it has. */
static inline void step_child(const struct child *child)
{
	tell(child->to);
	hear(child->from);
}

/* The child's side of it: waits for its turn. */
static inline void my_turn(const struct child *child)
{
	hear(child->from);
}

static inline void my_turn_is_over(const struct child *child)
{
	tell(child->to);
}

#endif
