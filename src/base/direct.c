// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/direct.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/scope.h"

#ifndef STATX_DIOALIGN
#define STATX_DIOALIGN 0x2000U /* Linux 6.1 */
#endif

#ifndef SYS_cachestat
#define SYS_cachestat 451 /* Linux 6.5 */
#endif

enum {
	WINDOW = 1 << 16,
};

/* --- which file systems can ----------------------------------------------------------------- */

static const struct {
	uint32_t magic;
	const char *why; /* NULL: what it does with O_DIRECT goes to the disk */
} file_systems[] = {
	{0x58465342, NULL}, /* XFS */
	{0x6969, NULL},     /* NFS: to the server */
	{EXT4_SUPER_MAGIC, NULL},
	{F2FS_SUPER_MAGIC, NULL},
	{MSDOS_SUPER_MAGIC, NULL},
	{TMPFS_MAGIC, "tmpfs: there is no disk behind it"},
	{RAMFS_MAGIC, "ramfs: there is no disk behind it"},
	{HUGETLBFS_MAGIC, "hugetlbfs: there is no disk behind it"},
	{V9FS_MAGIC, "9p cannot be read past its cache"},
	{OVERLAYFS_SUPER_MAGIC, "overlay: its file system below cannot be read past the cache"},
	{BTRFS_SUPER_MAGIC, "btrfs reads compressed files through its cache"},
	{SQUASHFS_MAGIC, "squashfs cannot be read past its cache"},
	{0x65735546, "fuse: what is on the disk only its server knows"},
};

static const char *judge_magic(uint32_t magic)
{
	for (size_t i = 0; i < sizeof(file_systems) / sizeof(file_systems[0]); i++) {
		if (file_systems[i].magic == magic)
			return file_systems[i].why;
	}
	return "this file system may not be read past its cache";
}

/*
 * statx(2): a file system that supports STATX_DIOALIGN says for each file whether direct reads are
 * direct: ext4 falls back to its cache for inline data, verity and data=journal (fs/ext4/file.c,
 * ext4_dio_read_iter()), and gives an alignment of 0 for such.
 */
static bool dioalign(int fd, bool *can)
{
#ifdef STATX__RESERVED
	struct statx stx;

	memset(&stx, 0, sizeof(stx));
	if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) != 0 ||
	    !(stx.stx_mask & STATX_DIOALIGN))
		return false;
	/* stx_dio_mem_align, which older headers lack: behind stx_mnt_id
	 * (include/uapi/linux/stat.h)
	 */
	uint32_t align;
	memcpy(&align, (const char *)&stx + 0x98, sizeof(align));
	*can = align > 0 && align <= DIRECT_ALIGNMENT;
	return true;
#else
	(void)fd;
	(void)can;
	return false;
#endif
}

static const char *why_not(int fd)
{
	struct statfs fs;
	bool can = false;

	if (fstatfs(fd, &fs) < 0)
		return "its file system cannot be told";
	if (dioalign(fd, &can))
		return can ? NULL : "this file is not read past the cache by its file system";
	return judge_magic((uint32_t)fs.f_type);
}

static int reopen(int fd, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | flags);
}

static struct error *open_direct(int fd, struct direct_file *file)
{
	file->fd = reopen(fd, O_DIRECT);
	if (file->fd >= 0)
		return NULL;
	if (errno == EINVAL)
		file->why = "its file system cannot be read past the cache";
	else if (errno == EMFILE || errno == ENFILE)
		file->why = "too many files are open";
	else
		return error_errno(errno, "opening a file with O_DIRECT");
	return NULL;
}

struct error *direct_open(int fd, struct direct_file *file)
{
	*file = DIRECT_CLOSED;
	file->why = why_not(fd);
	if (!file->why)
		TRY(open_direct(fd, file));
	if (file->why)
		file->cached = reopen(fd, 0);
	return NULL;
}

void direct_close(struct direct_file *file)
{
	scope_closep(&file->fd);
	scope_closep(&file->cached);
	free(file->window);
	file->window = NULL;
	file->window_length = 0;
}

void *direct_buffer(size_t length)
{
	void *buffer = aligned_alloc(DIRECT_ALIGNMENT, length);

	if (buffer)
		memset(buffer, 0, length);
	return buffer;
}

/* --- reading ---------------------------------------------------------------------------------- */

enum state { STATE_HIDDEN, STATE_CLEAN, STATE_DIRTY };

/* cachestat(2): whether any of the range is dirty or being written. */
static enum state state_of(int fd, uint64_t offset, size_t length)
{
	struct {
		uint64_t offset, length;
	} range = {offset, length};
	struct {
		uint64_t cached, dirty, writeback, evicted, recently_evicted;
	} state;

	if (syscall(SYS_cachestat, fd, &range, &state, 0) != 0)
		return STATE_HIDDEN;
	return state.dirty || state.writeback ? STATE_DIRTY : STATE_CLEAN;
}

/*
 * RWF_NOWAIT refuses where the kernel would have to write first, but also a request that the disk
 * wants in two pieces (block/blk-merge.c).
 */
static int read_some(int fd, uint64_t offset, void *buffer, size_t length, bool may_wait,
		     size_t *got)
{
	struct iovec vector = {buffer, length};

	for (;;) {
		ssize_t result = preadv2(fd, &vector, 1, (off_t)offset, may_wait ? 0 : RWF_NOWAIT);

		if (result < 0 && errno == EINTR)
			continue;
		if (result < 0)
			return errno;
		*got = (size_t)result;
		return 0;
	}
}

/* Without waiting, unless it is known that there is nothing to wait for but the disk. */
static int read_clean(const struct direct_file *file, uint64_t offset, void *buffer, size_t length,
		      size_t *got)
{
	if (file->fd < 0)
		return read_some(file->cached, offset, buffer, length, true, got);
	int errnum = read_some(file->fd, offset, buffer, length, false, got);
	if (errnum != EOPNOTSUPP && errnum != EAGAIN)
		return errnum;
	if (errnum == EAGAIN && !direct_is_clean(file, offset, length))
		return EAGAIN;
	return read_some(file->fd, offset, buffer, length, true, got);
}

int direct_read(const struct direct_file *file, uint64_t offset, void *buffer, size_t length,
		size_t *got)
{
	for (*got = 0; *got < length;) {
		size_t part = 0;
		int errnum = read_clean(file, offset + *got, (char *)buffer + *got, length - *got,
					&part);

		if (errnum)
			return errnum;
		*got += part;
		/* The end of the file: what is left would begin within a block. */
		if (part == 0 || part % DIRECT_ALIGNMENT)
			return 0;
	}
	return 0;
}

bool direct_is_clean(const struct direct_file *file, uint64_t offset, size_t length)
{
	return state_of(file->fd, offset, length) == STATE_CLEAN;
}

static int read_wait(int fd, uint64_t offset, void *buffer, size_t length, size_t *got)
{
	for (*got = 0; *got < length;) {
		size_t part = 0;
		int errnum = read_some(fd, offset + *got, (char *)buffer + *got, length - *got,
				       true, &part);

		if (errnum)
			return errnum;
		*got += part;
		if (part == 0 || part % DIRECT_ALIGNMENT)
			return 0;
	}
	return 0;
}

int direct_read_wait(const struct direct_file *file, uint64_t offset, void *buffer, size_t length,
		     size_t *got)
{
	return read_wait(file->fd < 0 ? file->cached : file->fd, offset, buffer, length, got);
}

int direct_read_cached(struct direct_file *file, uint64_t offset, void *buffer, size_t length,
		       size_t *got)
{
	*got = 0;
	if (file->cached < 0)
		file->cached = reopen(file->fd, 0);
	return file->cached < 0 ? errno : read_wait(file->cached, offset, buffer, length, got);
}

int direct_sync(const struct direct_file *file)
{
	return file->fd >= 0 && fdatasync(file->fd) != 0 ? errno : 0;
}

/* Has the window begin at `offset`, aligned. */
static int move_window(struct direct_file *file, uint64_t offset)
{
	if (!file->window)
		file->window = direct_buffer(WINDOW);
	if (!file->window)
		return ENOMEM;
	file->window_length = 0;
	int errnum = direct_read(file, offset, file->window, WINDOW, &file->window_length);
	if (errnum == EAGAIN)
		errnum = direct_read_wait(file, offset, file->window, WINDOW, &file->window_length);
	file->window_start = offset;
	return errnum;
}

int direct_read_bytes(struct direct_file *file, uint64_t offset, void *buffer, size_t length,
		      size_t *got)
{
	for (*got = 0; *got < length;) {
		uint64_t at = offset + *got;

		if (at < file->window_start || at - file->window_start >= file->window_length) {
			int errnum = move_window(file, at / DIRECT_ALIGNMENT * DIRECT_ALIGNMENT);

			if (errnum)
				return errnum;
			if (at - file->window_start >= file->window_length)
				return 0;
		}
		size_t skip = (size_t)(at - file->window_start), some = file->window_length - skip;

		if (some > length - *got)
			some = length - *got;
		memcpy((char *)buffer + *got, file->window + skip, some);
		*got += some;
	}
	return 0;
}
