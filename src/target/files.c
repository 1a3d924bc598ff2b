// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/files.h"

#include <errno.h>
#include <linux/magic.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/vec.h"

#define DEBUG_ROOT "/usr/lib/debug"

/* --- which file ----------------------------------------------------------------------------------
 */

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_files(const void *left, const void *right)
{
	const struct file *a = left, *b = right;
	int order = compare_numbers(a->inode, b->inode);

	if (!order)
		order = compare_numbers(a->device, b->device);
	if (!order)
		order = a->identified - b->identified;
	return order ? order : compare_numbers((uint64_t)a->only, (uint64_t)b->only);
}

static struct file *find(struct target *target, const struct file *key)
{
	struct file *const *found = tfind(key, &target->files, compare_files);

	return found ? *found : NULL;
}

static void destroy(struct file *file)
{
	object_close(file->object);
	vec_deinit(&file->data);
	free(file->why);
	free(file);
}

/* The file of this key, known already or new; a reference to it. Takes key->why. */
static struct error *get(struct target *target, struct file key, struct file **result)
{
	struct file *file = find(target, &key);

	if (file) {
		free(key.why);
	} else {
		file = malloc(sizeof(*file));
		if (file)
			*file = key;
		if (!file || !tsearch(file, &target->files, compare_files)) {
			free(key.why);
			free(file);
			return error_nomem();
		}
	}
	file->references++;
	*result = file;
	return NULL;
}

void file_put(struct target *target, struct file *file)
{
	if (!file || --file->references > 0)
		return;
	tdelete(file, &target->files, compare_files);
	destroy(file);
}

static struct file numbers_of(const struct vma *vma)
{
	return (struct file){.device = makedev(vma->dev_major, vma->dev_minor),
			     .inode = vma->inode};
}

char *file_refusal(const struct error *error, const struct vma *vma)
{
	const char *message = error_message(error);
	size_t length = strlen(vma->name);

	if (strncmp(message, vma->name, length) == 0 && strncmp(message + length, ": ", 2) == 0)
		message += length + 2;
	return strdup(message);
}

/* Neither rights nor the place where it lies are what is missing: the disk, or descriptors are. */
static bool is_broken(const struct error *error)
{
	int errnum = error_errnum(error);

	return error_is(error, ERROR_SYSTEM) && errnum != ENOENT && errnum != ENOTDIR &&
	       errnum != ELOOP && errnum != ENAMETOOLONG;
}

/* What an error of opening says of the file; *error is NULL then, unless it is the caller's. */
static struct error *take_refusal(struct file *file, const struct vma *vma, struct error *error)
{
	if (error_is(error, ERROR_GONE) || error_is(error, ERROR_NOMEM))
		return error;
	file->access = error_is(error, ERROR_LOOKUP)        ? FILE_DEVICE
		       : error_is(error, ERROR_UNSUPPORTED) ? FILE_SERVED
							    : FILE_REFUSED;
	file->denied = error_is(error, ERROR_DENIED);
	file->broken = is_broken(error);
	free(file->why);
	file->why = file_refusal(error, vma);
	error_free(error);
	return file->why ? NULL : error_nomem();
}

/* A command says how many, and why the first could not be. */
static struct error *note_unread(struct target *target, const struct vma *vma, struct file *file)
{
	if (!file->broken || file->told)
		return NULL;
	file->told = true;
	if (target->unread++ == 0 &&
	    asprintf(&target->unread_why, "%s: %s", vma->name, file->why) < 0) {
		target->unread_why = NULL;
		return error_nomem();
	}
	return NULL;
}

/*
 * One that could not be asked is known by the numbers of maps, and where it was refused only for
 * the process that it was asked of: another may have it, and nobody shall take it from others by
 * what he does with his own areas.
 */
static struct error *get_unidentified(struct space *space, const struct vma *vma,
				      struct error *error, struct file **file)
{
	struct file key = numbers_of(vma);

	TRY(take_refusal(&key, vma, error));
	if (key.access == FILE_REFUSED)
		key.only = space->pid;
	return get(space->target, key, file);
}

/* The file that the numbers of maps alone tell, since they are stat's as well and so nobody else's,
 * or since it was asked for in vain; NULL: it is to be asked for. */
static struct file *find_known(struct space *space, const struct vma *vma)
{
	struct file key = numbers_of(vma);
	struct file *file;

	key.identified = true;
	file = find(space->target, &key);
	if (file && file->plain)
		return file;
	key.identified = false;
	file = find(space->target, &key);
	if (file)
		return file;
	key.only = space->pid;
	return find(space->target, &key);
}

static struct file *hold_known(struct space *space, const struct vma *vma)
{
	struct file *file = find_known(space, vma);

	if (file)
		file->references++;
	return file;
}

struct error *space_file(struct space *space, const struct vma *vma, struct file **file)
{
	struct file key = numbers_of(vma);
	struct file_status status;

	*file = hold_known(space, vma);
	if (*file)
		return NULL;
	struct error *error = space->ops->identify(space, vma, &status);
	if (error)
		return get_unidentified(space, vma, error, file);
	key.identified = true;
	key.plain = key.device == status.device && key.inode == status.inode;
	key.device = status.device;
	key.inode = status.inode;
	key.access = status.regular ? FILE_OPEN : FILE_DEVICE;
	if (!status.regular && !(key.why = strdup("not a regular file")))
		return error_nomem();
	return get(space->target, key, file);
}

struct error *space_file_unasked(struct space *space, const struct vma *vma, struct file **file)
{
	*file = hold_known(space, vma);
	if (*file)
		return NULL;
	return get_unidentified(space, vma, error_new(ERROR_DENIED, "the process has ended by now"),
				file);
}

/* --- its content ---------------------------------------------------------------------------------
 */

static struct error *open_it(struct space *space, const struct vma *vma, const struct file *file,
			     int *fd, struct file_status *status)
{
	int opened;

	if (file->access != FILE_OPEN)
		return error_new(file->access == FILE_DEVICE   ? ERROR_LOOKUP
				 : file->access == FILE_SERVED ? ERROR_UNSUPPORTED
							       : ERROR_DENIED,
				 "%s: %s", vma->name, file->why);
	TRY(space->ops->open_object(space, vma, &opened, status));
	if (status->device != file->device || status->inode != file->inode) {
		close(opened);
		return error_new(ERROR_DENIED, "%s: another file is mapped there by now",
				 vma->name);
	}
	*fd = opened;
	return NULL;
}

struct error *space_open_file(struct space *space, const struct vma *vma, const struct file *file,
			      int *fd)
{
	struct file_status status;

	return open_it(space, vma, file, fd, &status);
}

/* Where a shared memory object has pages, in RAM or in swap (mm/filemap.c,
 * mapping_seek_hole_data()). */
static struct error *find_data(struct file *file, int fd)
{
	for (off_t at = 0; (uint64_t)at < file->size;) {
		off_t start = lseek(fd, at, SEEK_DATA);
		if (start < 0) /* ENXIO: only a hole is left */
			return NULL;
		off_t end = lseek(fd, start, SEEK_HOLE);
		if (end <= start)
			return NULL;
		TRY(vec_push(&file->data, ((struct range){(uint64_t)start, (uint64_t)end})));
		at = end;
	}
	return NULL;
}

static struct error *examine(struct target *target, struct file *file, int fd,
			     const struct file_status *status)
{
	file->size = status->size;
	file->deleted = status->links == 0;
	file->copied = status->copied;
	file->hugetlb = status->magic == HUGETLBFS_MAGIC;
	/* hugetlbfs has no SEEK_DATA, but it counts (fs/hugetlbfs/inode.c,
	 * hugetlb_reserve_pages()). */
	file->blank = file->hugetlb && status->blocks == 0;
	file->examined = true;
	if (file->hugetlb)
		return NULL;
	file->shmem = status->magic == TMPFS_MAGIC;
	if (file->shmem)
		TRY(find_data(file, fd));
	TRY(object_open(fd, DEBUG_ROOT, &file->object));
	object_limit(file->object, &target->symbol_bytes);
	object_release_file(file->object);
	return NULL;
}

struct error *file_examine(struct space *space, const struct vma *vma, struct file *file)
{
	_cleanup_close_ int fd = -1;
	struct file_status status;

	if (file->examined || file->access != FILE_OPEN)
		return note_unread(space->target, vma, file);
	free(file->why);
	file->why = NULL;
	file->broken = false;
	struct error *error = open_it(space, vma, file, &fd, &status);
	bool opened = !error;
	if (!error)
		error = examine(space->target, file, fd, &status);
	if (!error)
		return NULL;
	/* Of which file it is is known: through another of its areas it may well be had. */
	error = take_refusal(file, vma, error);
	if (file->access != FILE_SERVED)
		file->access = FILE_OPEN;
	file->broken = file->broken || (opened && file->access == FILE_OPEN);
	return error ? error : note_unread(space->target, vma, file);
}

struct error *file_need_symbols(struct space *space, const struct vma *vma, struct file *file)
{
	_cleanup_close_ int fd = -1;

	if (!file->object || !object_lacks_symbols(file->object))
		return NULL;
	TRY(space_open_file(space, vma, file, &fd));
	return object_read_symbols(file->object, fd);
}
