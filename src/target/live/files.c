// SPDX-License-Identifier: GPL-2.0-or-later
/* The files that areas show, and what file systems they are of. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/scope.h"
#include "proc/mounts.h"
#include "proc/smaps.h"
#include "target/live/elsewhere.h"
#include "target/live/live.h"

/* --- file systems, by their device numbers -------------------------------------------------------
 *
 * Known from what the kernel itself publishes, since a file system may be a process that does not
 * answer, or that is held still.
 */

static struct device *find_device(const struct live_target *live, const struct vma *vma)
{
	for (size_t i = 0; i < live->devices.count; i++) {
		struct device *device = &live->devices.items[i];

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
	live->own_known = true;
	error_free(vec_push(&live->devices, ((struct device){.major = major(st.st_dev),
							     .minor = minor(st.st_dev),
							     .hugetlb = hugetlb,
							     .known = true,
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

/* A server elsewhere, which may not answer. 9p of a virtual machine is its hypervisor's, as disks
 * are.
 */
static bool is_net(const struct mount *mount)
{
	static const char *const types[] = {"nfs", "nfs4", "cifs",   "smb3",   "ceph",     "9p",
					    "afs", "coda", "lustre", "beegfs", "orangefs", "gpfs"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(mount->type, types[i]) == 0)
			return !mount->virtio;
	}
	return false;
}

static void learn_mounts(struct live_target *live, struct live_space *space)
{
	mount_vec mounts = {0};

	error_free(mounts_read(space->proc_fd, &mounts));
	for (size_t i = 0; i < mounts.count; i++) {
		const struct mount *mount = &mounts.items[i];
		struct vma place = {.dev_major = mount->major, .dev_minor = mount->minor};
		struct device device = {
			.major = mount->major, .minor = mount->minor, .known = true};

		if (mount->major != 0 && strcmp(mount->type, "fuseblk") != 0)
			continue;
		device.hugetlb = strcmp(mount->type, "hugetlbfs") == 0;
		device.fuse = strncmp(mount->type, "fuse", 4) == 0;
		device.net = is_net(mount);
		space->has_servers |= device.fuse || device.net;
		space->has_net |= device.net;
		if (!find_device(live, &place))
			error_free(vec_push(&live->devices, device));
	}
	vec_deinit(&mounts);
	space->mounts_read = true;
}

/*
 * File systems of a block device are known by it, but for those that a process serves. What is in
 * no list of mounts is not known: false.
 */
static bool learn_device(struct live_space *space, const struct vma *vma, struct device *result)
{
	struct live_target *live = live_target(space->base.target);

	pthread_mutex_lock(&live->lock);
	if (!live->own_devices && vma->dev_major == 0)
		learn_own_devices(live);
	struct device *known = find_device(live, vma);
	if (!(known && known->known) && !live->base.held && !space->mounts_read) {
		learn_mounts(live, space);
		known = find_device(live, vma);
		/* Not to be asked for again by each process. */
		if (!known && vma->dev_major != 0 &&
		    !vec_push(&live->devices, ((struct device){.major = vma->dev_major,
							       .minor = vma->dev_minor,
							       .known = true})))
			known = &live->devices.items[live->devices.count - 1];
	}
	if (known)
		*result = *known;
	pthread_mutex_unlock(&live->lock);
	return known && known->known;
}

/* Adds to the time that a server was waited for; the device of one that is in no list is kept, too.
 */
static void spend(struct live_target *live, const struct vma *vma, int64_t ms)
{
	pthread_mutex_lock(&live->lock);
	struct device *device = find_device(live, vma);
	if (!device && !vec_push(&live->devices, ((struct device){.major = vma->dev_major,
								  .minor = vma->dev_minor})))
		device = &live->devices.items[live->devices.count - 1];
	if (device)
		device->spent += ms;
	pthread_mutex_unlock(&live->lock);
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

/* Only where the kernel gave us none of its own to learn from does the name alone tell. */
bool live_is_own_mount(struct space *base, const struct vma *vma)
{
	struct device device = {0};

	if (vma->dev_major != 0)
		return false;
	learn_device(live_space(base), vma, &device);
	return device.own || !live_target(base->target)->own_known;
}

static struct error *check_not_held(const struct target *target, const char *name)
{
	return target->held ? error_new(ERROR_DENIED,
					"%s: not opened while processes are held still", name)
			    : NULL;
}

static unsigned server_seconds(const struct target *target)
{
	return target->server_seconds ? target->server_seconds : SERVER_SECONDS;
}

/* Whether a server has had its time: so many answers of the longest kind. */
static bool is_patience_over(const struct target *target, int64_t spent)
{
	enum { ANSWERS = 5 };

	return spent >= (int64_t)server_seconds(target) * 1000 * ANSWERS;
}

static struct error *is_served(const char *name)
{
	return error_new(ERROR_UNSUPPORTED,
			 "%s: not opened: a process serves its file system (FUSE)", name);
}

static struct error *is_silent(const struct target *target, const char *name)
{
	return error_new(ERROR_UNSUPPORTED,
			 "%s: not waited for: its server did not answer within %u s", name,
			 server_seconds(target));
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

/* Opens what the O_PATH fd refers to, if it is a regular file, and says all of it. */
static struct error *open_whole(int path_fd, const char *name, int *fd, struct file_status *status)
{
	_cleanup_close_ int opened = -1;
	struct statfs fs;
	struct stat st;

	if (!status->regular)
		return error_new(ERROR_LOOKUP, "%s: not a regular file", name);
	TRY(reopen(path_fd, name, &opened));
	if (fstat(opened, &st) < 0 || fstatfs(opened, &fs) < 0)
		return error_errno(errno, "%s", name);
	*status = (struct file_status){.device = st.st_dev,
				       .inode = st.st_ino,
				       .regular = true,
				       .size = (uint64_t)st.st_size,
				       .blocks = (uint64_t)st.st_blocks,
				       .links = st.st_nlink,
				       .magic = (uint64_t)fs.f_type};
	*fd = scope_take(opened, -1);
	return NULL;
}

/* --- asking servers ------------------------------------------------------------------------------
 */

/* What is asked for elsewhere: the file of an area, or at a path, or of the program. */
struct request {
	struct live_space *space;
	const struct vma *vma;
	const char *path;
};

static struct error *find_at_path(struct live_space *space, const char *path, int *path_fd,
				  struct file_status *status)
{
	_cleanup_free_ char *below = NULL;

	if (asprintf(&below, "root/%s", path) < 0) {
		below = NULL;
		return error_nomem();
	}
	*path_fd = openat(space->proc_fd, below, O_PATH | O_CLOEXEC);
	if (*path_fd < 0 && errno == ESRCH)
		return live_gone(&space->base);
	if (*path_fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return error_new(ERROR_LOOKUP, "%s: there is no such file", path);
	if (*path_fd < 0)
		return error_errno(errno, "%s", path);
	return read_status(*path_fd, path, status);
}

/* The file that the kernel has noted as the program, without opening it. */
static struct error *find_program(struct live_space *space, struct file_status *status)
{
	_cleanup_close_ int path_fd = openat(space->proc_fd, "exe", O_PATH | O_CLOEXEC);

	if (path_fd < 0 && errno == ESRCH)
		return live_gone(&space->base);
	if (path_fd < 0)
		return error_errno(errno, "exe");
	return read_status(path_fd, "exe", status);
}

static struct error *read_magic(int path_fd, const char *name, uint64_t *magic)
{
	struct statfs fs;

	if (fstatfs(path_fd, &fs) < 0)
		return error_errno(errno, "%s", name);
	*magic = (uint64_t)fs.f_type;
	return NULL;
}

static struct error *copy_bytes(int from, const char *name, int to, uint64_t size)
{
	enum { COPY_MAX = 256 << 20 };

	if (size > COPY_MAX)
		return error_new(ERROR_UNSUPPORTED, "%s: more than is copied of a server's file",
				 name);
	for (uint64_t done = 0; done < size;) {
		ssize_t n = sendfile(to, from, NULL, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(errno, "%s", name);
		if (n == 0)
			break;
		done += (uint64_t)n;
	}
	return NULL;
}

static struct error *ask(void *argument, int copy, struct file_status *status)
{
	const struct request *r = argument;
	const char *name = r->vma ? r->vma->name : r->path;
	_cleanup_close_ int path_fd = -1, fd = -1;

	if (!r->vma && !r->path)
		return find_program(r->space, status);
	TRY(r->vma ? find_mapped(r->space, r->vma, &path_fd, status)
		   : find_at_path(r->space, r->path, &path_fd, status));
	TRY(read_magic(path_fd, name, &status->magic));
	if (copy < 0)
		return NULL;
	if (status->magic == FUSE_SUPER_MAGIC && !r->space->base.target->ask_fuse)
		return is_served(name);
	TRY(open_whole(path_fd, name, &fd, status));
	status->copied = true;
	return copy_bytes(fd, name, copy, status->size);
}

/* Its status, and with `fd` a copy of its bytes. *spent: so many milliseconds were waited for it.
 */
static struct error *ask_elsewhere(struct request *r, int *fd, struct file_status *status,
				   int64_t *spent)
{
	const char *name = r->vma ? r->vma->name : r->path ? r->path : "exe";
	struct target *target = r->space->base.target;
	unsigned ms = server_seconds(target) * 1000;
	_cleanup_close_ int copy = -1;
	int64_t start = clock_ms();
	bool in_time;

	if (fd && (copy = memfd_create("physlens", MFD_CLOEXEC)) < 0)
		return error_errno(errno, "memfd_create");
	struct error *error = elsewhere(ask, r, r->space->proc_fd, copy, ms, status, &in_time);
	/* Who does not answer at all is not asked again. */
	*spent = in_time ? clock_ms() - start : INT32_MAX;
	if (!in_time)
		return is_silent(target, name);
	TRY(error);
	if (fd)
		*fd = scope_take(copy, -1);
	return NULL;
}

static struct error *ask_for_area(struct live_space *space, const struct vma *vma, int *fd,
				  struct file_status *status)
{
	struct request request = {.space = space, .vma = vma};
	int64_t spent = 0;
	struct error *error = ask_elsewhere(&request, fd, status, &spent);

	spend(live_target(space->base.target), vma, spent);
	return error;
}

/* By the number of a file system's kind, where no list of mounts has its name. */
static bool is_net_magic(uint64_t magic)
{
	static const uint64_t magics[] = {NFS_SUPER_MAGIC,  CIFS_SUPER_MAGIC,
					  SMB_SUPER_MAGIC,  SMB2_SUPER_MAGIC,
					  CEPH_SUPER_MAGIC, CODA_SUPER_MAGIC,
					  AFS_SUPER_MAGIC,  AFS_FS_MAGIC,
					  0x0bd00bd0 /* lustre */};

	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (magics[i] == magic)
			return true;
	}
	return false;
}

/*
 * What is in nobody's list of mounts (the layers of an overlay on older kernels, what was unmounted
 * lazily) may be a server's: its kind is asked for elsewhere, once. 9p is taken for a hypervisor's.
 */
static struct error *learn_unlisted(struct live_space *space, const struct vma *vma,
				    struct device *result)
{
	struct live_target *live = live_target(space->base.target);
	struct file_status status;

	if (is_patience_over(space->base.target, result->spent))
		return is_silent(space->base.target, vma->name);
	TRY(ask_for_area(space, vma, NULL, &status));
	pthread_mutex_lock(&live->lock);
	struct device *device = find_device(live, vma);
	if (device) {
		device->known = true;
		device->fuse = status.magic == FUSE_SUPER_MAGIC;
		device->net = is_net_magic(status.magic);
		*result = *device;
	}
	pthread_mutex_unlock(&live->lock);
	return device ? NULL : error_nomem();
}

/*
 * A file of a file system that is a process is not opened unless that was asked for: who serves it
 * may never answer, and opening alone drops its pages from the cache (fs/fuse/file.c,
 * fuse_finish_open()), and so from the processes that are looked at. *away: it is asked for by a
 * process that can be abandoned, as are those of other servers.
 */
static struct error *check_may_open(struct live_space *space, const struct vma *vma, bool *away)
{
	struct target *target = space->base.target;
	struct device device = {0};

	TRY(check_not_held(target, vma->name));
	if (!learn_device(space, vma, &device) && vma->dev_major == 0)
		TRY(learn_unlisted(space, vma, &device));
	if (device.fuse && !target->ask_fuse)
		return is_served(vma->name);
	*away = device.fuse || device.net;
	if (*away && is_patience_over(target, device.spent))
		return is_silent(target, vma->name);
	return NULL;
}

struct error *live_identify(struct space *base, const struct vma *vma, struct file_status *status)
{
	struct live_space *space = live_space(base);
	_cleanup_close_ int path_fd = -1;
	bool away;

	TRY(check_may_open(space, vma, &away));
	return away ? ask_for_area(space, vma, NULL, status)
		    : find_mapped(space, vma, &path_fd, status);
}

struct error *live_open_object(struct space *base, const struct vma *vma, int *fd,
			       struct file_status *status)
{
	struct live_space *space = live_space(base);
	_cleanup_close_ int path_fd = -1;
	bool away;

	TRY(check_may_open(space, vma, &away));
	if (away)
		return ask_for_area(space, vma, fd, status);
	TRY(find_mapped(space, vma, &path_fd, status));
	return open_whole(path_fd, vma->name, fd, status);
}

/* A path may lead anywhere: where the process has any file system of a server, to that. */
struct error *live_open_path(struct space *base, const char *path, int *fd,
			     struct file_status *status)
{
	struct live_space *space = live_space(base);
	struct live_target *live = live_target(base->target);
	struct request request = {.space = space, .path = path};
	_cleanup_close_ int path_fd = -1;
	int64_t spent = 0;

	TRY(check_not_held(base->target, path));
	if (!space->mounts_read)
		learn_mounts(live, space);
	if (!space->has_servers) {
		TRY(find_at_path(space, path, &path_fd, status));
		return open_whole(path_fd, path, fd, status);
	}
	if (is_patience_over(base->target, live->paths_spent))
		return is_silent(base->target, path);
	struct error *error = ask_elsewhere(&request, fd, status, &spent);
	live->paths_spent += spent;
	return error;
}

/* The link is followed as a path is where a network's file system says so: a process that has any
 * is asked of elsewhere. */
struct error *live_identify_program(struct space *base, struct file_status *status)
{
	struct live_space *space = live_space(base);
	struct live_target *live = live_target(base->target);
	struct request request = {.space = space};
	int64_t spent = 0;

	TRY(check_not_held(base->target, "exe"));
	if (!space->mounts_read)
		learn_mounts(live, space);
	if (!space->has_net)
		return find_program(space, status);
	if (is_patience_over(base->target, live->paths_spent))
		return is_silent(base->target, "exe");
	struct error *error = ask_elsewhere(&request, NULL, status, &spent);
	live->paths_spent += spent;
	return error;
}
