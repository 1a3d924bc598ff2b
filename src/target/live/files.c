// SPDX-License-Identifier: GPL-2.0-or-later
/* The files that areas show, and what file systems they are of. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/scope.h"
#include "proc/mounts.h"
#include "proc/smaps.h"
#include "target/live/live.h"

/* --- file systems, by their device numbers -------------------------------------------------------
 *
 * Known from what the kernel itself publishes, since a file system may be a process that does not
 * answer, or that is held still.
 */

static const struct device *find_device(const struct live_target *live, const struct vma *vma)
{
	for (size_t i = 0; i < live->devices.count; i++) {
		const struct device *device = &live->devices.items[i];

		if (device->major == vma->dev_major && device->minor == vma->dev_minor)
			return device;
	}
	return NULL;
}

/* The kernel's own mounts, which no list has: of memfds, System V segments, anonymous ones. */
static void learn_own_device(struct live_target *live, unsigned flags, bool hugetlb)
{
	_cleanup_close_ int fd = memfd_create("physlens", MFD_CLOEXEC | flags);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	error_free(vec_push(&live->devices, ((struct device){.major = major(st.st_dev),
							     .minor = minor(st.st_dev),
							     .hugetlb = hugetlb,
							     .own = true})));
}

static void learn_own_devices(struct live_target *live)
{
	enum { SMALLEST = 14, LARGEST = 34 }; /* 16 KiB to 16 GiB, as 2^n */

	learn_own_device(live, 0, false);
	for (unsigned log2 = SMALLEST; log2 <= LARGEST; log2++)
		learn_own_device(live, MFD_HUGETLB | log2 << MFD_HUGE_SHIFT, true);
	live->own_devices = true;
}

static void learn_mounts(struct live_target *live, int proc_fd)
{
	mount_vec mounts = {0};

	error_free(mounts_read(proc_fd, &mounts));
	for (size_t i = 0; i < mounts.count; i++) {
		const struct mount *mount = &mounts.items[i];
		struct vma place = {.dev_major = mount->major, .dev_minor = mount->minor};
		struct device device = {.major = mount->major, .minor = mount->minor};

		if (mount->major != 0 && strcmp(mount->type, "fuseblk") != 0)
			continue;
		device.hugetlb = strcmp(mount->type, "hugetlbfs") == 0;
		device.fuse = strncmp(mount->type, "fuse", 4) == 0;
		if (!find_device(live, &place))
			error_free(vec_push(&live->devices, device));
	}
	vec_deinit(&mounts);
}

/* File systems of a block device are known by it, but for those that a process serves. */
static bool learn_device(struct live_space *space, const struct vma *vma, struct device *result)
{
	struct live_target *live = live_target(space->base.target);

	pthread_mutex_lock(&live->lock);
	if (!live->own_devices && vma->dev_major == 0)
		learn_own_devices(live);
	const struct device *known = find_device(live, vma);
	if (!known && !live->base.held && !space->mounts_read) {
		learn_mounts(live, space->proc_fd);
		space->mounts_read = true;
		known = find_device(live, vma);
		/* Not to be asked for again by each process. */
		if (!known && vma->dev_major != 0 &&
		    !vec_push(&live->devices,
			      ((struct device){.major = vma->dev_major, .minor = vma->dev_minor})))
			known = &live->devices.items[live->devices.count - 1];
	}
	if (known)
		*result = *known;
	pthread_mutex_unlock(&live->lock);
	return known != NULL;
}

/* By the kernel's flag of the area: where its file system is in nobody's list of mounts. */
static bool has_huge_flag(struct live_space *space, const struct vma *vma)
{
	if (!space->huge_read)
		error_free(smaps_hugetlb_read(space->proc_fd, &space->huge));
	space->huge_read = true;
	for (size_t i = 0; i < space->huge.count; i++) {
		if (range_contains(space->huge.items[i], vma->range.start))
			return true;
	}
	return false;
}

bool live_is_hugetlb(struct space *base, const struct vma *vma)
{
	struct device device;

	/* An inode may be 0: that of a System V segment is its id. Pools have no block device
	 * (fs/hugetlbfs/inode.c, get_tree_nodev()). */
	if ((vma->inode == 0 && vma->name[0] != '/') || vma->dev_major != 0)
		return false;
	if (learn_device(live_space(base), vma, &device))
		return device.hugetlb;
	return has_huge_flag(live_space(base), vma);
}

/* Of one that is in no list of mounts, and was not met, only the name tells. */
bool live_is_own_mount(struct space *base, const struct vma *vma)
{
	struct device device;

	return vma->dev_major == 0 && (!learn_device(live_space(base), vma, &device) || device.own);
}

static struct error *check_not_held(const struct target *target, const char *name)
{
	return target->held ? error_new(ERROR_DENIED,
					"%s: not opened while processes are held still", name)
			    : NULL;
}

/*
 * A file of a file system that is a process is not opened: who serves it may never answer, and
 * opening alone drops its pages from the cache (fs/fuse/file.c, fuse_finish_open()), and so from
 * the processes that are looked at.
 */
static struct error *check_may_open(struct live_space *space, const struct vma *vma)
{
	struct device device;

	TRY(check_not_held(space->base.target, vma->name));
	if (learn_device(space, vma, &device) && device.fuse)
		return error_new(ERROR_UNSUPPORTED,
				 "%s: not opened: a process serves its file system "
				 "(FUSE)",
				 vma->name);
	return NULL;
}

/* Below /proc/PID. The directory's entries are named so: fs/proc/base.c, proc_map_files_readdir().
 */
static void map_files_path(const struct vma *vma, char path[64])
{
	snprintf(path, 64, "map_files/%lx-%lx", (unsigned long)vma->range.start,
		 (unsigned long)vma->range.end);
}

/*
 * A name with a backslash and 012 in it looks like one with a newline: the link in map_files, which
 * anybody may read who may see the process, tells the two apart.
 */
static void spell_name(struct live_space *space, const struct vma *vma, char *name)
{
	char path[64], link[PATH_MAX + 16];

	map_files_path(vma, path);
	ssize_t length = readlinkat(space->proc_fd, path, link, sizeof(link) - 1);
	if (length >= 0) {
		link[length] = '\0';
		if (strcmp(link, name) == 0)
			return;
	}
	spell_newlines(name);
}

void live_spell_names(struct live_space *space, struct vma_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct vma *vma = &list->items[i];

		if (may_have_newlines(vma->name))
			spell_name(space, vma, list->text + (vma->name - list->text));
	}
}

/* --- opening -------------------------------------------------------------------------------------
 */

/* Without asking a server: what the kernel has of the file is enough to tell it from others. */
static struct error *read_status(int fd, const char *name, struct file_status *status)
{
	struct statx x;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &x) < 0)
		return error_errno(errno, "%s", name);
	*status = (struct file_status){.device = makedev(x.stx_dev_major, x.stx_dev_minor),
				       .inode = x.stx_ino,
				       .regular = S_ISREG(x.stx_mode)};
	return NULL;
}

/* Opens for reading what the O_PATH fd `path_fd` refers to, which is a regular file. */
static struct error *reopen(int path_fd, const char *name, int *fd)
{
	char path[64];

	/* Only now is it opened: opening a device may hang or do something. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return *fd < 0 ? error_errno(errno, "%s", name) : NULL;
}

/* What maps shows of a mapping of our own of that file: device and inode. */
static struct error *read_own_numbers(int fd, struct vma *own)
{
	__attribute__((cleanup(vma_list_deinit))) struct vma_list list = {0};
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	_cleanup_close_ int maps = process_open_own(AT_FDCWD, "/proc/self/maps", O_RDONLY);

	if (maps < 0)
		return error_errno(errno, "/proc/self/maps");
	void *at = mmap(NULL, size, PROT_NONE, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return error_errno(errno, "mmap");
	struct error *error = vma_list_read(&list, maps);
	munmap(at, size);
	TRY(error);
	const struct vma *found = vma_list_find(&list, (uint64_t)(uintptr_t)at);
	if (!found)
		return error_new(ERROR_OTHER, "/proc/self/maps: a mapping is missing");
	*own = *found;
	own->name = "";
	return NULL;
}

static bool has_name(int fd, const char *name)
{
	char path[64], link[PATH_MAX + 16];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ssize_t length = readlink(path, link, sizeof(link) - 1);
	if (length < 0)
		return false;
	link[length] = '\0';
	return strcmp(link, name) == 0;
}

static bool has_numbers(const struct vma *vma, const struct file_status *status)
{
	return status->inode == vma->inode &&
	       status->device == makedev(vma->dev_major, vma->dev_minor);
}

/*
 * Whether what was opened is what the area's line showed: between the two another file may have
 * been mapped at its place, by who wants to be taken for it. The numbers of stat are those of maps
 * on most file systems. Not so on btrfs, where maps has the file system's device for every
 * subvolume, nor on an overlay of several file systems: what maps would show is asked of a mapping
 * of our own there, and since two files may have these numbers in common, the name is asked, too.
 */
static struct error *check_is_mapped(const struct vma *vma, int path_fd,
				     const struct file_status *status)
{
	_cleanup_close_ int fd = -1;
	struct vma own = {0};

	if (has_numbers(vma, status))
		return NULL;
	bool same = has_name(path_fd, vma->name);
	if (same && status->regular) {
		TRY(reopen(path_fd, vma->name, &fd));
		TRY(read_own_numbers(fd, &own));
		same = own.inode == vma->inode && own.dev_major == vma->dev_major &&
		       own.dev_minor == vma->dev_minor;
	}
	return same ? NULL : error_new(ERROR_DENIED, "%s: another file is there by now", vma->name);
}

/*
 * Without CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE map_files may not be followed (fs/proc/base.c,
 * proc_map_files_get_link()). The path as the process sees it is then the way.
 */
static struct error *find_by_path(struct live_space *space, const struct vma *vma, int *path_fd)
{
	_cleanup_free_ char *path = NULL;

	if (vma->name[0] != '/')
		return error_new(ERROR_LOOKUP, "%s: not a path", vma->name);
	if (asprintf(&path, "root%s", vma->name) < 0) {
		path = NULL;
		return error_nomem();
	}
	*path_fd = openat(space->proc_fd, path, O_PATH | O_CLOEXEC);
	if (*path_fd < 0 && errno == ESRCH)
		return live_gone(&space->base);
	return *path_fd < 0 ? error_errno(errno, "%s", vma->name) : NULL;
}

static struct error *find_file(struct live_space *space, const struct vma *vma, int *path_fd)
{
	char path[64];

	map_files_path(vma, path);
	*path_fd = openat(space->proc_fd, path, O_PATH | O_CLOEXEC);
	if (*path_fd >= 0)
		return NULL;
	return errno == ESRCH ? live_gone(&space->base) : find_by_path(space, vma, path_fd);
}

/* An O_PATH fd of the file that the area shows: asked again where it was another one meanwhile. */
static struct error *find_mapped(struct live_space *space, const struct vma *vma, int *result,
				 struct file_status *status)
{
	enum { TRIES = 3 };
	struct error *error = NULL;

	TRY(check_may_open(space, vma));
	for (int i = 0; i < TRIES && (i == 0 || error); i++) {
		_cleanup_close_ int path_fd = -1;

		error_free(error);
		TRY(find_file(space, vma, &path_fd));
		TRY(read_status(path_fd, vma->name, status));
		error = check_is_mapped(vma, path_fd, status);
		if (!error) {
			*result = path_fd;
			path_fd = -1;
		}
	}
	return error;
}

struct error *live_identify(struct space *base, const struct vma *vma, struct file_status *status)
{
	_cleanup_close_ int path_fd = -1;

	return find_mapped(live_space(base), vma, &path_fd, status);
}

struct error *live_open_object(struct space *base, const struct vma *vma, int *fd)
{
	_cleanup_close_ int path_fd = -1;
	struct file_status status;

	TRY(find_mapped(live_space(base), vma, &path_fd, &status));
	if (!status.regular)
		return error_new(ERROR_LOOKUP, "%s: not a regular file", vma->name);
	return reopen(path_fd, vma->name, fd);
}

struct error *live_open_path(struct space *base, const char *path, int *fd)
{
	struct live_space *space = live_space(base);
	_cleanup_free_ char *below = NULL;
	struct file_status status;

	TRY(check_not_held(base->target, path));
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
	TRY(read_status(path_fd, path, &status));
	if (!status.regular)
		return error_new(ERROR_LOOKUP, "%s: not a regular file", path);
	return reopen(path_fd, path, fd);
}
