// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading a file past the page cache (O_DIRECT): the bytes that are on the disk, where an ordinary
 * read would give those that the kernel holds in RAM.
 */
#ifndef PHYSLENS_BASE_DIRECT_H
#define PHYSLENS_BASE_DIRECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Offsets, lengths and addresses of direct reads are multiples of it; no disk has larger blocks. */
enum { DIRECT_ALIGNMENT = 4096 };

struct direct_file {
	int fd;          /* -1: it cannot be read past the cache */
	const char *why; /* then, in words; a literal */
	int cached;      /* through the cache; -1 until that is needed, or where it cannot be */
	/* What direct_read_bytes() read last. */
	char *window;
	uint64_t window_start;
	size_t window_length;
};

/*
 * Opens the regular file behind `fd` once more. That it cannot be read past the cache is no error:
 * file->why says so then. A file system that takes O_DIRECT and reads through its cache all the
 * same counts as one that cannot; so does one of which that is not known. Such a file is read
 * through its cache by all that follow.
 */
struct error *direct_open(int fd, struct direct_file *file);
void direct_close(struct direct_file *file);

/* A file that is closed, or was never opened. */
#define DIRECT_CLOSED ((struct direct_file){.fd = -1, .cached = -1})

static inline bool direct_is_open(const struct direct_file *file)
{
	return file->fd >= 0 || file->cached >= 0;
}

/* What it may be mapped by; -1 where it is closed. */
static inline int direct_descriptor(const struct direct_file *file)
{
	return file->fd >= 0 ? file->fd : file->cached;
}

/* Memory for direct reads, zeroed; free with free(). NULL: there is none. */
void *direct_buffer(size_t length);

/*
 * Reads `length` bytes from `offset` on. *got is less at the end of the file only. Returns 0 or an
 * errno; EAGAIN when pages of the range are dirty or on their way to the disk: a direct read would
 * have the kernel write them first (mm/filemap.c, kiocb_write_and_wait()), and that is not for us
 * to cause.
 */
int direct_read(const struct direct_file *file, uint64_t offset, void *buffer, size_t length,
		size_t *got);

/* The same without EAGAIN, for who knows that nothing of the range is dirty. */
int direct_read_wait(const struct direct_file *file, uint64_t offset, void *buffer, size_t length,
		     size_t *got);

/* The same through the page cache, whatever the file. */
int direct_read_cached(struct direct_file *file, uint64_t offset, void *buffer, size_t length,
		       size_t *got);

/*
 * Whether it is known (Linux 6.5) that no page of the range is dirty or being written; `length` 0
 * reaches to the end of the file.
 */
bool direct_is_clean(const struct direct_file *file, uint64_t offset, size_t length);

/* Has the kernel write what is dirty to the disk, and waits for it. Returns 0 or an errno. */
int direct_sync(const struct direct_file *file);

/* As direct_read_wait(), of any bytes: for the headers and tables of a file. Never fails with
 * EAGAIN. */
int direct_read_bytes(struct direct_file *file, uint64_t offset, void *buffer, size_t length,
		      size_t *got);

#endif
