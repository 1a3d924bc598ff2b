// SPDX-License-Identifier: GPL-2.0-or-later
/* Physical memory through /dev/mem (drivers/char/mem.c). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/scope.h"
#include "phys/impl.h"

enum {
	/* RAM below this reads as zeros where the rest of RAM is refused (devmem_is_allowed()). */
	RESTRICTED_END = 1 << 20,
	/* Batches by each of the two ways before the faster one is taken. */
	TRIALS = 4,
};

enum way { BY_READ, BY_MMAP, WAYS };

struct devmem_source {
	struct source source;
	int fd;
	bool strict;      /* a kernel with STRICT_DEVMEM: no RAM, or zeros instead of it */
	bool mmap_denied; /* mmap is refused, as before 6.16 while PAT is on */
	unsigned trials[WAYS];
	uint64_t nanoseconds[WAYS];
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int copy_by_read(const struct devmem_source *s, uint64_t paddr, void *buffer, size_t length)
{
	size_t got;
	int errnum = pread_full(s->fd, buffer, length, paddr, &got);

	return errnum ? errnum : got == length ? 0 : EFAULT;
}

/*
 * The pages are in the page table when mmap() returns (remap_pfn_range()), so that nothing is left
 * to fail while they are copied.
 */
static int copy_by_mmap(const struct devmem_source *s, uint64_t paddr, void *buffer, size_t length)
{
	size_t skip = (size_t)(paddr % s->source.page_size);
	char *bytes =
		mmap(NULL, skip + length, PROT_READ, MAP_SHARED, s->fd, (off_t)(paddr - skip));

	if (bytes == MAP_FAILED)
		return errno;
	memcpy(buffer, bytes + skip, length);
	munmap(bytes, skip + length);
	return 0;
}

/* mmap() pays for whole batches only, and device memory is left to read(), which goes page by page.
 */
static bool may_map(const struct devmem_source *s, size_t length)
{
	return !s->mmap_denied && length == SOURCE_BATCH && !(s->source.flags & SOURCE_ANY_ADDRESS);
}

/* By turns until both ways were tried enough, then the one that took less time. */
static enum way choose(const struct devmem_source *s)
{
	if (s->trials[BY_READ] < TRIALS || s->trials[BY_MMAP] < TRIALS)
		return s->trials[BY_MMAP] < s->trials[BY_READ] ? BY_MMAP : BY_READ;
	return s->nanoseconds[BY_MMAP] < s->nanoseconds[BY_READ] ? BY_MMAP : BY_READ;
}

/* 0, or an errno: then read() is to be tried. */
static int copy_timed(struct devmem_source *s, enum way way, uint64_t paddr, void *buffer,
		      size_t length)
{
	uint64_t start = now();
	int errnum = way == BY_MMAP ? copy_by_mmap(s, paddr, buffer, length)
				    : copy_by_read(s, paddr, buffer, length);

	if (!errnum && s->trials[way] < TRIALS) {
		s->trials[way]++;
		s->nanoseconds[way] += now() - start;
	}
	return errnum;
}

static int devmem_copy(struct source *source, uint64_t paddr, void *buffer, size_t length)
{
	struct devmem_source *s = (struct devmem_source *)source;

	if (s->strict && paddr < RESTRICTED_END) {
		size_t count;
		const struct range *ram = source_ram(source, &count);

		/* The zeros of a strict kernel are not data. */
		for (size_t i = 0; i < count; i++) {
			if (!range_is_empty(
				    range_intersect(ram[i], (struct range){paddr, paddr + length})))
				return EPERM;
		}
	}
	if (!may_map(s, length))
		return copy_by_read(s, paddr, buffer, length);
	enum way way = choose(s);
	int errnum = copy_timed(s, way, paddr, buffer, length);
	if (errnum && way == BY_MMAP) {
		s->mmap_denied = true;
		return copy_by_read(s, paddr, buffer, length);
	}
	return errnum;
}

static struct error *open_refused(const struct source *source, int errnum)
{
	/* A node made by hand, without the driver behind it, gives ENXIO. */
	if (errnum == ENOENT || errnum == ENXIO || errnum == ENODEV)
		return error_new(ERROR_UNSUPPORTED, "absent: /dev/mem: %s", strerror(errnum));
	return source_open_refused(source, errnum, false);
}

/* Whether RAM is refused is asked of a page of our own, and never of a device. */
static struct error *probe_strict(struct devmem_source *s, struct marker *marker)
{
	_cleanup_free_ void *buffer = malloc(marker->size);
	uint64_t paddr;

	if (!buffer)
		return error_nomem();
	TRY(marker_renew(marker, &paddr));
	s->strict = copy_by_read(s, paddr, buffer, marker->size) == EPERM;
	return NULL;
}

static struct error *devmem_open(struct source *source)
{
	struct devmem_source *s = (struct devmem_source *)source;
	struct marker marker;

	s->fd = openat(source->root, "dev/mem", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (s->fd < 0)
		return open_refused(source, errno);
	if (!(source->flags & SOURCE_ANY_ADDRESS))
		return NULL;
	TRY(marker_init(&marker, source->root, source->page_size));
	struct error *error = probe_strict(s, &marker);
	marker_deinit(&marker);
	return error;
}

static void devmem_close(struct source *source)
{
	struct devmem_source *s = (struct devmem_source *)source;

	scope_closep(&s->fd);
}

static const char *devmem_cause(int errnum)
{
	switch (errnum) {
	case EPERM:
		return "strict: RAM above 1 MiB is refused; below it reads as zeros";
	case EFAULT:
		return "not in the kernel's map of all memory";
	}
	return NULL;
}

const struct source_ops source_devmem = {
	.name = "devmem",
	.size = sizeof(struct devmem_source),
	.devices = true,
	.open = devmem_open,
	.close = devmem_close,
	.copy = devmem_copy,
	.cause = devmem_cause,
};
