// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The files that areas show. A file is one thing for all areas, processes and analyses of a
 * command: opened and parsed once, and told from others by what stat(2) says of it. The numbers in
 * maps are not enough: all subvolumes of a btrfs have one device there, and so have the layers of
 * an overlay, so that two files can have the same numbers.
 *
 * Files belong to their target, and are used by one thread.
 */
#ifndef PHYSLENS_TARGET_FILES_H
#define PHYSLENS_TARGET_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/range.h"
#include "object/object.h"
#include "target/target.h"

/* Whether its content can be had. */
enum file_access {
	FILE_OPEN,    /* it can, as far as is known */
	FILE_DEVICE,  /* no regular file: what is there is a driver's or the kernel's */
	FILE_REFUSED, /* it may not be opened, is not there any more, or cannot be */
	FILE_SERVED,  /* a process serves its file system, which is not asked */
};

struct file {
	uint64_t device; /* as makedev(3) */
	uint64_t inode;
	bool identified; /* these are stat's; else those of maps */
	enum file_access access;
	char *why; /* it is not FILE_OPEN, or could not be opened when that was tried last; or NULL
		    */
	bool denied; /* then: for want of rights, or since another file is there by now */

	bool broken; /* why: it may be read, and could not be */

	/* By file_examine(): */
	bool examined;
	bool hugetlb;          /* of a pool of huge pages */
	bool blank;            /* then: not one page is in the file yet */
	bool shmem;            /* shared memory: tmpfs, memfd, System V */
	bool deleted;          /* no link is left */
	bool copied;           /* what is opened is a copy that its server gave */
	uint64_t size;         /* bytes */
	struct object *object; /* may be no ELF file; NULL for huge pages */
	range_vec data;        /* shmem: where it has pages, in bytes of the file, sorted */

	/* files.c's own: */
	bool told;  /* that it is broken: it is counted in target->unread */
	pid_t only; /* not identified, and known as such for this process alone; or 0 */
	bool plain; /* identified, and maps has the same numbers */
	size_t references;
};

/*
 * The file that `vma` shows, which the caller gives back by file_put(). What it can be told by is
 * learned without reading it; where even that cannot be done, file->why says so. ERROR_GONE and
 * ERROR_EXECUTED where the process is not there any more.
 */
struct error *space_file(struct space *space, const struct vma *vma, struct file **file);

/* The same by maps alone: for who has read the areas, and asks after the process has ended. */
struct error *space_file_unasked(struct space *space, const struct vma *vma, struct file **file);

void file_put(struct target *target, struct file *file); /* NULL is fine */

/*
 * Opens that very file for reading; caller closes. ERROR_DENIED: it cannot be had, or another is
 * there by now; ERROR_LOOKUP: no regular file; ERROR_UNSUPPORTED: a process serves it.
 */
struct error *space_open_file(struct space *space, const struct vma *vma, const struct file *file,
			      int *fd);

/*
 * Opens, looks at and closes it, once: fills in what is said to be this function's. That it cannot
 * be opened is no error: then file->why says so, and the next call tries again.
 */
struct error *file_examine(struct space *space, const struct vma *vma, struct file *file);

/* That its symbols may be asked for: opens it once more for those, unless that was done. */
struct error *file_need_symbols(struct space *space, const struct vma *vma, struct file *file);

/* The message of an error about that file, which is the caller's, without its name; or NULL. */
char *file_refusal(const struct error *error, const struct vma *vma);

#endif
