// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/scope.h"

struct error *process_title_read(int proc_fd, char *title, size_t size, bool *known)
{
	_cleanup_close_ int fd = openat(proc_fd, "cmdline", O_RDONLY | O_CLOEXEC);
	size_t got = 0;
	int errnum = fd < 0 ? errno : pread_full(fd, title, size - 1, 0, &got);

	title[got] = '\0';
	*known = errnum == 0;
	return errnum == ENOMEM ? error_nomem() : NULL;
}

/*
 * Pairs of words, as the program has them: type and value (fs/proc/base.c, proc_pid_auxv_read()).
 * All types are small, so that a pair of 32 bits taken for one of 64 has a type that is none.
 */
static uint64_t word_at(const unsigned char *at, size_t size)
{
	uint64_t word = 0;

	memcpy(&word, at, size);
	return word;
}

uint64_t auxv_value(const void *auxv, size_t length, uint64_t type)
{
	enum { TYPES = 1 << 16 };
	const unsigned char *at = auxv;
	size_t size = length >= 8 && word_at(at, 8) < TYPES ? 8 : 4;

	for (; length >= 2 * size && word_at(at, size) != 0; at += 2 * size, length -= 2 * size) {
		if (word_at(at, size) == type)
			return word_at(at + size, size);
	}
	return 0;
}

const char *environ_value(const char *text, size_t length, const char *name)
{
	size_t name_length = strlen(name);

	for (size_t at = 0; at < length; at += strlen(text + at) + 1) {
		if (strncmp(text + at, name, name_length) == 0 && text[at + name_length] == '=')
			return text + at + name_length + 1;
	}
	return NULL;
}
