// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Physical memory through /proc/kcore (fs/proc/kcore.c), an ELF core file of the kernel's address
 * space. Segments of RAM carry their physical address; vmalloc, modules and vmemmap have none (all
 * ones). The headers change when memory is plugged in or out; when their number does, all that
 * follows them may move in the file.
 *
 * The kernel puts zeroes in the place of pages that are offline, ballooned, poisoned or not in its
 * own map of all memory. The flags of frames in /proc/kpageflags tell some of them from pages that
 * hold zeroes, and zeroes.c the others.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/scope.h"
#include "object/core.h"
#include "phys/impl.h"
#include "phys/zeroes.h"
#include "proc/kpage.h"

#ifndef NT_TASKSTRUCT
#define NT_TASKSTRUCT 4
#endif

enum { LAYOUT_TRIES = 4 }; /* copies until the headers have not changed meanwhile */

struct kcore_source {
	struct source source;
	int fd;
	int kpageflags; /* -1: zeroes cannot be told apart */
	struct core core;
	struct core first; /* the headers as they were at first, whose notes may be in use */
	bool has_first;
	size_t last;  /* segment: reads come in sequence */
	bool judging; /* `judge` was asked for: it is made at the first page of zeroes */
	struct zero_judge judge;
	int64_t missed; /* second in which an address was in no segment, and they were read again */
};

static bool segment_holds(const struct core_segment *segment, uint64_t paddr)
{
	return segment->paddr != UINT64_MAX && paddr >= segment->paddr &&
	       paddr - segment->paddr < segment->size;
}

static const struct core_segment *find_segment(struct kcore_source *s, uint64_t paddr)
{
	if (s->last < s->core.segments.count &&
	    segment_holds(&s->core.segments.items[s->last], paddr))
		return &s->core.segments.items[s->last];
	for (size_t i = 0; i < s->core.segments.count; i++) {
		if (segment_holds(&s->core.segments.items[i], paddr)) {
			s->last = i;
			return &s->core.segments.items[i];
		}
	}
	return NULL;
}

/*
 * The headers are those of the moment when the file was opened or, in later kernels, of this one:
 * it is opened again.
 */
static bool reread(struct kcore_source *s)
{
	struct core core;
	int fd = openat(s->source.root, "proc/kcore", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	struct error *error = core_read(fd, "/proc/kcore", &core);
	if (error) {
		error_free(error);
		close(fd);
		return false;
	}
	close(s->fd);
	s->fd = fd;
	if (s->has_first) {
		core_deinit(&s->core);
	} else {
		s->first = s->core;
		s->has_first = true;
	}
	s->core = core;
	s->last = 0;
	return true;
}

static bool is_zero(const unsigned char *bytes, size_t length)
{
	return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

/* 0, or why the zeroes of a frame with these flags are none of its own. */
static int zeroes_of(uint64_t flags)
{
	if (flags & KPF_BIT_HWPOISON)
		return EHWPOISON;
	return flags & (KPF_BIT_OFFLINE | KPF_BIT_NOPAGE) ? ENODEV : 0;
}

static int copy_segments(struct kcore_source *s, uint64_t paddr, char *buffer, size_t length);
static struct error *kcore_kernel(struct source *source, struct source_kernel *kernel);

/* Bytes of a page table: zeroes among them are entries that map nothing. */
static struct error *read_table(void *argument, uint64_t paddr, void *buffer, size_t length)
{
	int errnum = copy_segments(argument, paddr, buffer, length);

	return errnum ? error_errno(errnum, "/proc/kcore") : NULL;
}

/* 0, or why these zeroes are not believed. */
static int judge_zeroes(struct kcore_source *s, uint64_t paddr)
{
	static const int errnums[] = {
		[ZEROES_TRUE] = 0,
		[ZEROES_OFFLINE] = ENODEV,
		[ZEROES_UNMAPPED] = EADDRNOTAVAIL,
		[ZEROES_UNPROVEN] = ENODATA,
	};

	if (!s->judging) {
		struct source_kernel kernel = {0};

		s->judging = true;
		error_free(kcore_kernel(&s->source, &kernel));
		error_free(zero_judge_init(&s->judge, s->source.root, &kernel, read_table, s));
	}
	return errnums[zero_judge_page(&s->judge, paddr)];
}

/*
 * Judges the pages of zeroes among those just read. Flags are read at the first of them, for all
 * that follow: one by one they would cost as much as the bytes.
 */
static int check_zeroes(struct kcore_source *s, uint64_t paddr, const unsigned char *bytes,
			size_t length)
{
	uint64_t flags[SOURCE_BATCH / 4096 + 1], first = 0;
	size_t page = s->source.page_size, known = 0;

	zero_judge_forget(&s->judge);
	for (size_t done = 0, some; done < length; done += some) {
		uint64_t pfn = (paddr + done) / page;

		some = page - (size_t)((paddr + done) % page);
		if (some > length - done)
			some = length - done;
		if (!is_zero(bytes + done, some))
			continue;
		if (known == 0 && s->kpageflags >= 0) {
			uint64_t last = (paddr + length - 1) / page;

			first = pfn;
			pread_full(s->kpageflags, flags, (size_t)(last - pfn + 1) * 8, pfn * 8,
				   &known);
			known /= 8;
		}
		int errnum = pfn - first < known ? zeroes_of(flags[pfn - first]) : 0;
		if (!errnum)
			errnum = judge_zeroes(s, paddr + done);
		if (errnum)
			return errnum;
	}
	return 0;
}

/* At most once a second: some RAM is in no segment at all, such as what is no whole page. */
static const struct core_segment *find_plugged(struct kcore_source *s, uint64_t paddr)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec == s->missed || !reread(s))
		return NULL;
	s->missed = now.tv_sec;
	return find_segment(s, paddr);
}

static int copy_segments(struct kcore_source *s, uint64_t paddr, char *buffer, size_t length)
{
	size_t got;

	for (size_t done = 0; done < length; done += got) {
		uint64_t at = paddr + done;
		const struct core_segment *segment = find_segment(s, at);

		if (!segment)
			segment = find_plugged(s, at);
		if (!segment)
			return ENXIO;
		uint64_t skip = at - segment->paddr, rest = segment->size - skip;
		size_t some = rest < length - done ? (size_t)rest : length - done;
		int errnum = pread_full(s->fd, buffer + done, some, segment->offset + skip, &got);
		if (errnum)
			return errnum;
		if (got < some)
			return EFAULT;
	}
	return 0;
}

/* Whether the headers are still those that the offsets came from. */
static bool is_current(const struct kcore_source *s)
{
	size_t count;
	struct error *error = core_header_count(s->fd, "/proc/kcore", &count);

	if (!error)
		return count == s->core.header_count;
	error_free(error);
	return false;
}

static int kcore_copy(struct source *source, uint64_t paddr, void *buffer, size_t length)
{
	struct kcore_source *s = (struct kcore_source *)source;

	for (int i = 0; i < LAYOUT_TRIES; i++) {
		int errnum = copy_segments(s, paddr, buffer, length);

		/* Asked after the copy: what was copied was where it was thought to be. */
		if (is_current(s))
			return errnum ? errnum : check_zeroes(s, paddr, buffer, length);
		if (!reread(s))
			return EIO;
	}
	return EAGAIN;
}

static const char *kcore_cause(int errnum)
{
	switch (errnum) {
	case ENXIO:
		return "in none of its segments";
	case EHWPOISON:
		return "hardware-poisoned, zeroes are in its place";
	case ENODEV:
		return "offline, zeroes are in its place";
	case EADDRNOTAVAIL:
		return "not in the kernel's map of all memory, zeroes are in its place";
	case ENODATA:
		return "zeroes, and it cannot be told whether they are its own";
	}
	return NULL;
}

static struct error *open_refused(const struct source *source, int errnum)
{
	if (errnum == ENOENT)
		return error_new(ERROR_UNSUPPORTED, "absent: /proc/kcore: %s", strerror(errnum));
	return source_open_refused(source, errnum, true);
}

static struct error *kcore_open(struct source *source)
{
	struct kcore_source *s = (struct kcore_source *)source;

	s->kpageflags = -1;
	s->fd = openat(source->root, "proc/kcore", O_RDONLY | O_CLOEXEC);
	if (s->fd < 0)
		return open_refused(source, errno);
	/* Container runtimes cover it with /dev/null. */
	struct error *error = core_read(s->fd, "/proc/kcore", &s->core);
	if (error)
		return error_is(error, ERROR_INPUT) ? error_context(error, "masked") : error;
	s->kpageflags = openat(source->root, "proc/kpageflags", O_RDONLY | O_CLOEXEC);
	return NULL;
}

static void kcore_close(struct source *source)
{
	struct kcore_source *s = (struct kcore_source *)source;

	core_deinit(&s->core);
	core_deinit(&s->first);
	zero_judge_deinit(&s->judge);
	scope_closep(&s->fd);
	scope_closep(&s->kpageflags);
}

/*
 * The kernel's image is a segment of its own, in the last 2 GiB; all other RAM is in the direct
 * map, whose segments differ from their physical addresses by the same amount.
 */
static void addresses(const struct core *core, struct source_kernel *kernel)
{
	for (size_t i = 0; i < core->segments.count; i++) {
		const struct core_segment *segment = &core->segments.items[i];

		if (segment->paddr == UINT64_MAX)
			continue;
		if (segment->vaddr >= KERNEL_IMAGE) {
			kernel->has_phys_base = true;
			kernel->phys_base = segment->paddr - (segment->vaddr - KERNEL_IMAGE);
		} else {
			kernel->has_direct_map = true;
			kernel->direct_map = segment->vaddr - segment->paddr;
		}
	}
}

static struct error *kcore_kernel(struct source *source, struct source_kernel *kernel)
{
	struct kcore_source *s = (struct kcore_source *)source;
	/* Kept until the source is closed, whatever is read again. */
	const struct core *core = s->has_first ? &s->first : &s->core;
	const struct core_note *task = core_find_note(core, "CORE", NT_TASKSTRUCT);
	const struct core_note *vmcoreinfo = core_find_note(core, "VMCOREINFO", 0);

	addresses(core, kernel);
	if (task) {
		kernel->task_bytes = task->bytes;
		kernel->task_size = task->size;
	}
	if (vmcoreinfo)
		kernel->vmcoreinfo = vmcoreinfo->bytes;
	return NULL;
}

const struct source_ops source_kcore = {
	.name = "kcore",
	.size = sizeof(struct kcore_source),
	.open = kcore_open,
	.close = kcore_close,
	.copy = kcore_copy,
	.cause = kcore_cause,
	.kernel = kcore_kernel,
};
