// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the waiting helper programs share: they build a state, print what they
 * built ("KEY VALUE" lines, the last one "ready PID"), and hold it until their
 * standard input ends or a signal asks them to stop.
 */
#ifndef PHYSLENS_TESTS_HELPER_H
#define PHYSLENS_TESTS_HELPER_H

#include <elf.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t helper_stopped;

static inline void helper_on_signal(int sig)
{
	(void)sig;
	helper_stopped = 1;
}

/* No SA_RESTART: a wait is to end. A reader that went away is seen by helper_ready. */
static inline void helper_init(void)
{
	struct sigaction act = {.sa_handler = helper_on_signal};

	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* True once standard input has ended; what it says meanwhile is thrown away. */
static inline int helper_input_ended(void)
{
	char buf[256];
	ssize_t got = read(STDIN_FILENO, buf, sizeof(buf));

	return got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN);
}

/* The signals are let in only inside ppoll, so that none is lost between test and wait. */
static inline void helper_wait(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	sigset_t block, before;

	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGHUP);
	sigprocmask(SIG_BLOCK, &block, &before);
	while (!helper_stopped) {
		if (ppoll(&input, 1, NULL, &before) <= 0)
			continue;
		if (helper_input_ended())
			break;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Prints the last line; if nobody reads it there is nothing to wait for. */
static inline void helper_ready(void)
{
	printf("ready %ld\n", (long)getpid());
	if (fflush(stdout) != 0)
		exit(2);
}

static inline void helper_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

static inline uint64_t helper_number(const char *text)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || *text == '-') {
		fprintf(stderr, "not a number: %s\n", text);
		exit(2);
	}
	return value;
}

static inline size_t helper_page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Where the file's code begins, in whole pages: 0 of what is no ELF file for 64 bits. */
static inline off_t helper_code_offset(int fd)
{
	Elf64_Ehdr header;
	Elf64_Phdr segment;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64)
		return 0;
	for (size_t i = 0; i < header.e_phnum; i++) {
		off_t at = (off_t)(header.e_phoff + i * sizeof(segment));

		if (pread(fd, &segment, sizeof(segment), at) == sizeof(segment) &&
		    segment.p_type == PT_LOAD && segment.p_flags & PF_X)
			return (off_t)(segment.p_offset & ~(Elf64_Off)(helper_page() - 1));
	}
	return 0;
}

#endif
