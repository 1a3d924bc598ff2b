// SPDX-License-Identifier: GPL-2.0-or-later
/* Exact reads, and small files read whole. */
#ifndef PHYSLENS_BASE_IO_H
#define PHYSLENS_BASE_IO_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Reads `length` bytes at `offset`, going on after short reads and EINTR. *got says how many came:
 * less than `length` only at the end of the file. Returns 0 or an errno; *got is valid then too.
 */
int pread_full(int fd, void *buffer, size_t length, uint64_t offset, size_t *got);

/*
 * The whole of an open file (from its current position), NUL-terminated; caller frees *text. More
 * than `limit` bytes is ERROR_INPUT. `name` is for the message. *length may be NULL.
 */
struct error *read_all(int fd, const char *name, size_t limit, char **text, size_t *length);

/* The same by path, relative to `dirfd` (AT_FDCWD for none). */
struct error *read_file_at(int dirfd, const char *path, size_t limit, char **text, size_t *length);

/* A decimal number alone in a file, as sysfs has them (white space around it is allowed). */
struct error *read_number_at(int dirfd, const char *path, uint64_t *value);

/*
 * The next entry of the directory `name`, NULL at its end. That it cannot be read is an error,
 * which readdir(3) is easily taken for the end of.
 */
struct error *next_entry(DIR *dir, const char *name, struct dirent **entry);

/*
 * Strict number parsing: the whole of `text`, no sign, no space, no overflow. Base 10, or 16 with
 * an optional "0x". False when it is not such a number; *value is then untouched.
 */
bool parse_decimal(const char *text, uint64_t *value);
bool parse_hex(const char *text, uint64_t *value);

#endif
