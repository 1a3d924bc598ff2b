// SPDX-License-Identifier: GPL-2.0-or-later
/* The files that areas show, and what file systems they are of. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/scope.h"
#include "target/live/live.h"

/* Opens for reading what the O_PATH fd `path_fd` refers to, if that is a regular file. */
static struct error *reopen_regular(int path_fd, const char *name, int *fd)
{
	struct stat st;
	char path[64];

	if (fstat(path_fd, &st) < 0)
		return error_errno(errno, "%s", name);
	if (!S_ISREG(st.st_mode))
		return error_new(ERROR_LOOKUP, "%s: not a regular file", name);
	/* Only now is it opened: opening a device may hang or do something. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return *fd < 0 ? error_errno(errno, "%s", name) : NULL;
}

/*
 * Without CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE map_files may not be followed (fs/proc/base.c,
 * proc_map_files_get_link()). The path as the process sees it is then the way, good only if device
 * and inode there are those of the mapping.
 */
static struct error *open_by_path(struct live_space *space, const struct vma *vma, int *fd)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (vma->name[0] != '/')
		return error_new(ERROR_LOOKUP, "%s: not a path", vma->name);
	if (asprintf(&path, "root%s", vma->name) < 0) {
		path = NULL;
		return error_nomem();
	}
	_cleanup_close_ int path_fd = openat(space->proc_fd, path, O_PATH | O_CLOEXEC);
	if (path_fd < 0 && errno == ESRCH)
		return live_gone(&space->base);
	if (path_fd < 0 || fstat(path_fd, &st) < 0)
		return error_errno(errno, "%s", vma->name);
	if (st.st_ino != vma->inode || major(st.st_dev) != vma->dev_major ||
	    minor(st.st_dev) != vma->dev_minor)
		return error_new(ERROR_DENIED, "%s: another file is there now", vma->name);
	return reopen_regular(path_fd, vma->name, fd);
}

struct error *live_open_object(struct space *base, const struct vma *vma, int *fd)
{
	struct live_space *space = live_space(base);
	char path[64];

	/* The directory's entries are named so: fs/proc/base.c, proc_map_files_readdir(). */
	snprintf(path, sizeof(path), "map_files/%lx-%lx", (unsigned long)vma->range.start,
		 (unsigned long)vma->range.end);
	_cleanup_close_ int path_fd = openat(space->proc_fd, path, O_PATH | O_CLOEXEC);
	if (path_fd >= 0)
		return reopen_regular(path_fd, vma->name, fd);
	if (errno == ESRCH)
		return live_gone(base);
	return open_by_path(space, vma, fd);
}

struct error *live_open_path(struct space *base, const char *path, int *fd)
{
	struct live_space *space = live_space(base);
	_cleanup_free_ char *below = NULL;

	if (asprintf(&below, "root/%s", path) < 0) {
		below = NULL;
		return error_nomem();
	}
	_cleanup_close_ int path_fd = openat(space->proc_fd, below, O_PATH | O_CLOEXEC);
	if (path_fd < 0 && errno == ESRCH)
		return live_gone(base);
	if (path_fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return error_new(ERROR_LOOKUP, "%s: there is no such file", path);
	if (path_fd < 0)
		return error_errno(errno, "%s", path);
	return reopen_regular(path_fd, path, fd);
}

static const struct device *find_device(const struct live_target *live, const struct vma *vma)
{
	for (size_t i = 0; i < live->devices.count; i++) {
		const struct device *device = &live->devices.items[i];

		if (device->major == vma->dev_major && device->minor == vma->dev_minor)
			return device;
	}
	return NULL;
}

/*
 * The area's directory entry is opened by path only: nothing is read, no device woken. Filesystems
 * of a pool of huge pages have no block device (fs/hugetlbfs/inode.c, get_tree_nodev()).
 */
static bool learn_device(struct live_space *space, const struct vma *vma, struct device *device)
{
	struct statfs fs;
	char path[64];

	*device = (struct device){.major = vma->dev_major, .minor = vma->dev_minor};
	if (vma->dev_major != 0)
		return true;
	snprintf(path, sizeof(path), "map_files/%lx-%lx", (unsigned long)vma->range.start,
		 (unsigned long)vma->range.end);
	_cleanup_close_ int fd = openat(space->proc_fd, path, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return false;
	device->hugetlb = fs.f_type == HUGETLBFS_MAGIC;
	return true;
}

bool live_is_hugetlb(struct space *base, const struct vma *vma)
{
	struct live_target *live = live_target(base->target);
	struct device device;

	/* An inode may be 0: that of a System V segment is its id. */
	if (vma->inode == 0 && vma->name[0] != '/')
		return false;
	pthread_mutex_lock(&live->lock);
	const struct device *known = find_device(live, vma);
	if (known)
		device = *known;
	else if (learn_device(live_space(base), vma, &device))
		error_free(vec_push(&live->devices, device));
	pthread_mutex_unlock(&live->lock);
	return device.hugetlb;
}
