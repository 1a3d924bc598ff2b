// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the harnesses share. Each is one function, LLVMFuzzerTestOneInput(), which libFuzzer calls
 * with inputs of its making (--enable-fuzz) and replay.c with those of tests/fuzz/corpus/.
 */
#ifndef PHYSLENS_TESTS_FUZZ_H
#define PHYSLENS_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An invariant: it holds, or the program ends as if it had crashed. */
#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__,          \
				#condition);                                                       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* An error is an answer: it has a message. True when there is none. */
static inline bool fine(struct error *error)
{
	if (!error)
		return true;
	must(error_message(error) && *error_message(error));
	error_free(error);
	return false;
}

/* Bytes that are taken from the front; zeroes when there are none left. */
struct input {
	const uint8_t *data;
	size_t size;
};

static inline void take(struct input *input, void *bytes, size_t count)
{
	size_t some = count < input->size ? count : input->size;

	memset(bytes, 0, count);
	if (some == 0)
		return;
	memcpy(bytes, input->data, some);
	input->data += some;
	input->size -= some;
}

static inline uint8_t take_byte(struct input *input)
{
	uint8_t byte;

	take(input, &byte, 1);
	return byte;
}

static inline uint64_t take_word(struct input *input)
{
	uint64_t word;

	take(input, &word, sizeof(word));
	return word;
}

/* Up to `most` of them as a string of its own, which the caller frees. */
static inline char *take_text(struct input *input, size_t most)
{
	size_t count = input->size < most ? input->size : most;
	char *text = calloc(1, count + 1);

	must(text);
	take(input, text, count);
	return text;
}

/* A file with these bytes, for parsers that take one. */
static inline int memory_file(const void *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	must(fd >= 0);
	must(size == 0 || write(fd, data, size) == (ssize_t)size);
	must(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

#endif
