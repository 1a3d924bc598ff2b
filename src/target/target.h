// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The system under examination, behind one interface: the live system (live/); later a memory
 * image. Analyses and commands know only this.
 *
 * A `target` has address spaces; a `space` has areas and pages. Pages come in bulk, as arrays of
 * words whose layout is pagemap's (proc/pagemap.h) with what pagemap cannot say added by the
 * target.
 */
#ifndef PHYSLENS_TARGET_TARGET_H
#define PHYSLENS_TARGET_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "arch/pagetable.h"
#include "base/error.h"
#include "base/range.h"
#include "proc/iomem.h"
#include "proc/maps.h"
#include "proc/mounts.h"
#include "proc/pagemap.h"
#include "proc/process.h"
#include "proc/smaps.h"

/* The page word: PAGEMAP_* and, in bits that pagemap leaves free, */
#define PAGE_ZERO      (UINT64_C(1) << 60) /* with PRESENT: the shared (or huge) zero page */
#define PAGE_KSM       (UINT64_C(1) << 59) /* with PRESENT: merged by KSM */
#define PAGE_SPECIAL   (UINT64_C(1) << 60) /* with SWAP: no swap slot but a marker or the like */
#define PAGE_MIGRATING (UINT64_C(1) << 59) /* with SWAP: on its way to another frame */

struct target;
struct space;

/* What is said of a file: by identify() which it is, by open_object() all. */
struct file_status {
	uint64_t device; /* as makedev(3) */
	uint64_t inode;
	bool regular;
	uint64_t size; /* bytes */
	uint64_t blocks;
	uint64_t links;
	uint64_t magic; /* of its file system, as statfs(2) */
	bool copied;    /* it is a copy that was opened: its server is not to be waited for */
};

/* See pagemap_visit: words are valid until it returns. */
typedef struct error *(*pages_visit)(void *argument, uint64_t vpn, const uint64_t *words,
				     size_t count);

/* What a process is called, and what the kernel knows of the program that it runs. */
struct identity {
	char title[256]; /* its first argument, cut, which a process may write itself; may be "" */
	bool has_title;  /* it could be read */
	char *exe;       /* the path of the program that the kernel has noted, or NULL */
	bool exe_known;  /* then: these are stat's of that file */
	uint64_t exe_device, exe_inode;
	bool started;   /* its program was mapped and started: execve(2) is over */
	uint64_t entry; /* the address at which that was, or 0 */
};

static inline void identity_deinit(struct identity *identity)
{
	free(identity->exe);
	identity->exe = NULL;
}

/* What the target knows of one frame. */
struct frame {
	uint64_t flags;   /* as kpageflags; 0 where it has none */
	uint64_t mappers; /* as kpagecount */
};

struct target_ops {
	void (*destroy)(struct target *target);
	struct error *(*open_space)(struct target *target, pid_t pid, struct space **space);
	struct error *(*frames)(struct target *target, const uint64_t *pfns, size_t count,
				struct frame *frames);
	int (*node)(struct target *target, uint64_t pfn);
	struct error *(*processes)(struct target *target, process_vec *list);
	struct error *(*compare_spaces)(struct target *target, pid_t a, pid_t b, int *order);
	struct error *(*flags)(struct target *target, uint64_t pfn, uint64_t *words, size_t count);
	struct error *(*cgroups)(struct target *target, uint64_t pfn, uint64_t *words,
				 size_t count);
	struct error *(*resources)(struct target *target, const struct iomem **iomem);
	struct error *(*file_frame)(struct target *target, int fd, uint64_t offset, uint64_t *pfn);
	struct error *(*covered)(struct target *target, covered_vec *list);
};

struct space_ops {
	void (*close)(struct space *space);
	struct error *(*vmas)(struct space *space, struct vma_list *list);
	struct error *(*pages)(struct space *space, const struct vma *vma, struct range range,
			       pages_visit visit, void *argument);
	/* Which file the area shows, and that very file opened: see target/files.h. */
	struct error *(*identify)(struct space *space, const struct vma *vma,
				  struct file_status *status);
	struct error *(*open_object)(struct space *space, const struct vma *vma, int *fd,
				     struct file_status *status);
	struct error *(*open_path)(struct space *space, const char *path, int *fd,
				   struct file_status *status);
	struct error *(*tracer)(struct space *space, pid_t *tracer);
	struct error *(*identity)(struct space *space, struct identity *identity);
	struct error *(*environ)(struct space *space, const char *name, char **value);
	struct error *(*check_alive)(struct space *space);
	struct error *(*sums)(struct space *space, struct memory_sums *sums);
	bool (*is_hugetlb)(struct space *space, const struct vma *vma);
	bool (*is_own_mount)(struct space *space, const struct vma *vma);
	struct error *(*page_table)(struct space *space, struct page_table *table);
};

/* Implementations embed these as their first member. */
struct target {
	const struct target_ops *ops;
	unsigned page_shift;
	bool held;         /* processes are held still: no file may be opened, nothing waited for */
	bool pfns_visible; /* frames are shown; else only states of pages, and sums */
	bool no_zero_page; /* this kernel maps none: a page that is only read has its own frame */
	bool ask_fuse;
	unsigned server_seconds; /* 0: SERVER_SECONDS */
	size_t unread;         /* files whose sections have no names since they could not be read */
	char *unread_why;      /* of the first of them, or NULL */
	void *files;           /* target/files.c's, of struct file: those that somebody holds */
	uint64_t symbol_bytes; /* what was read of symbol tables in all: see object_limit() */
};

struct space {
	const struct space_ops *ops;
	struct target *target;
	pid_t pid;
	char command[64];    /* anything may be in it */
	bool pfns_visible;   /* else the PFN field of every word is 0 and means nothing */
	bool zero_visible;   /* else PAGE_ZERO is never set, and zero pages look shared */
	uint64_t heap_start; /* where brk began, or 0 where that may not be seen */
};

/*
 * The live system. `source` names the source of physical memory for what only the page tables tell
 * ("auto", "devmem", "kcore", "bpf"; NULL or "none": there is none). It is opened when that is
 * first asked for, so that what does not ask pays nothing.
 */
struct error *target_live_create(const char *source, struct target **target);

/*
 * From now on files that a process serves (FUSE) are opened, too, which takes their pages from whom
 * it is looked at, and a server, also that of a network file system, may take so many seconds to
 * answer. Before, it is SERVER_SECONDS, and FUSE is not asked at all.
 */
enum { SERVER_SECONDS = 2 };
static inline void target_ask_servers(struct target *target, unsigned seconds)
{
	target->ask_fuse = true;
	target->server_seconds = seconds;
}

static inline void target_destroy(struct target *target) /* NULL is fine */
{
	if (target) {
		free(target->unread_why);
		target->ops->destroy(target);
	}
}

/*
 * Opens the address space of a process. ERROR_LOOKUP: there is no such process, or it has no
 * address space (a kernel thread, a zombie). ERROR_DENIED: another user's.
 */
static inline struct error *target_open_space(struct target *target, pid_t pid,
					      struct space **space)
{
	return target->ops->open_space(target, pid, space);
}

/*
 * Flags and mapper counts of `count` frames, in bulk; sorted PFNs are fastest. A PFN that is no
 * frame has flags KPF_NOPAGE. ERROR_DENIED or ERROR_UNSUPPORTED where the target does not tell.
 */
static inline struct error *target_frames(struct target *target, const uint64_t *pfns, size_t count,
					  struct frame *frames)
{
	return target->ops->frames(target, pfns, count, frames);
}

/* What is said where frame numbers are hidden, as an error or as a warning. */
#define PFNS_HIDDEN "frame numbers are hidden: CAP_SYS_ADMIN is missing (run as root)"

/* For what makes no sense without frame numbers. ERROR_DENIED where they are hidden. */
static inline struct error *space_require_pfns(const struct space *space)
{
	return space->pfns_visible ? NULL : error_new(ERROR_DENIED, PFNS_HIDDEN);
}

/* The NUMA node of a frame, or -1 where that is not known. */
static inline int target_node(struct target *target, uint64_t pfn)
{
	return target->ops->node(target, pfn);
}

/* Appends every process that there is; those without an address space are among them. */
static inline struct error *target_processes(struct target *target, process_vec *list)
{
	return target->ops->processes(target, list);
}

/*
 * Whether two processes have one address space (threads, vfork(2), CLONE_VM): *order is 0 then, and
 * otherwise below or above it, in an order that lasts as long as both live. ERROR_UNSUPPORTED where
 * the target cannot tell, ERROR_GONE, ERROR_DENIED.
 */
static inline struct error *target_compare_spaces(struct target *target, pid_t a, pid_t b,
						  int *order)
{
	return target->ops->compare_spaces(target, a, b, order);
}

/*
 * The flags (as kpageflags) of `count` consecutive frames from `pfn` on; KPF_NOPAGE past the last
 * frame. May be called by several threads at once.
 */
static inline struct error *target_flags(struct target *target, uint64_t pfn, uint64_t *words,
					 size_t count)
{
	return target->ops->flags(target, pfn, words, count);
}

/* The inode of the memory cgroup that each of `count` consecutive frames is charged to, or 0. */
static inline struct error *target_cgroups(struct target *target, uint64_t pfn, uint64_t *words,
					   size_t count)
{
	return target->ops->cgroups(target, pfn, words, count);
}

/* The map of the physical address space, which stays the target's. */
static inline struct error *target_resources(struct target *target, const struct iomem **iomem)
{
	return target->ops->resources(target, iomem);
}

/*
 * The frame of the page cache that has the file's page at `offset` (bytes), which is read into the
 * cache if it is not there. ERROR_UNSUPPORTED where that cannot be told.
 */
static inline struct error *target_file_frame(struct target *target, int fd, uint64_t offset,
					      uint64_t *pfn)
{
	if (!target->ops->file_frame)
		return error_new(ERROR_UNSUPPORTED, "frames of files are not known here");
	return target->ops->file_frame(target, fd, offset, pfn);
}

/* Appends the processes of which something else is shown, since another mount lies over them. */
static inline struct error *target_covered(struct target *target, covered_vec *list)
{
	return target->ops->covered ? target->ops->covered(target, list) : NULL;
}

static inline void space_close(struct space *space) /* NULL is fine */
{
	if (space)
		space->ops->close(space);
}

/* The areas, in a list that the caller deinits. ERROR_GONE when the space ended. */
static inline struct error *space_vmas(struct space *space, struct vma_list *list)
{
	return space->ops->vmas(space, list);
}

/*
 * Gives `visit` the populated pages of `range` (bytes, page-aligned, within `vma`): see
 * pagemap_walk(). ERROR_GONE when the space ended midway.
 */
static inline struct error *space_pages(struct space *space, const struct vma *vma,
					struct range range, pages_visit visit, void *argument)
{
	return space->ops->pages(space, vma, range, visit, argument);
}

/*
 * The regular file that is now at `path`, as the processes of the space see paths: open for
 * reading, caller closes, with all that is said of it. ERROR_LOOKUP when there is none, or it is no
 * regular file.
 */
static inline struct error *space_open_path(struct space *space, const char *path, int *fd,
					    struct file_status *status)
{
	if (!space->ops->open_path)
		return error_new(ERROR_UNSUPPORTED, "%s: there are no paths here", path);
	return space->ops->open_path(space, path, fd, status);
}

/* What the kernel itself has counted: for who is not shown frames. */
static inline struct error *space_sums(struct space *space, struct memory_sums *sums)
{
	if (!space->ops->sums)
		return error_new(ERROR_UNSUPPORTED, "nothing is counted here");
	return space->ops->sums(space, sums);
}

/* The process that traces this one (ptrace(2)), or 0. */
static inline struct error *space_tracer(struct space *space, pid_t *tracer)
{
	*tracer = 0;
	return space->ops->tracer ? space->ops->tracer(space, tracer) : NULL;
}

/* What it is called; what is not told is left out. The caller deinits it. */
static inline struct error *space_identity(struct space *space, struct identity *identity)
{
	*identity = (struct identity){0};
	return space->ops->identity ? space->ops->identity(space, identity) : NULL;
}

/* A variable of the environment that it was started with; caller frees. NULL: there is none, or it
 * is not told. */
static inline struct error *space_environ(struct space *space, const char *name, char **value)
{
	*value = NULL;
	return space->ops->environ ? space->ops->environ(space, name, value) : NULL;
}

/* Whether the area's pages come from a pool of huge pages: the kernel counts those apart. */
static inline bool space_is_hugetlb(struct space *space, const struct vma *vma)
{
	return space->ops->is_hugetlb(space, vma);
}

/*
 * Whether the area is called so by the kernel, which names memory without a file like one:
 * "/memfd:x", "/SYSV00000000 (deleted)". A file may be called the same, so its file must be of the
 * kernel's own mounts, too, which nobody can reach by a path.
 */
static inline bool space_is_called(struct space *space, const struct vma *vma, const char *prefix)
{
	return strncmp(vma->name, prefix, strlen(prefix)) == 0 &&
	       (!space->ops->is_own_mount || space->ops->is_own_mount(space, vma));
}

/* NULL while the space is still there: what was read until now is of one living process. */
static inline struct error *space_check_alive(struct space *space)
{
	return space->ops->check_alive(space);
}

/*
 * The hardware's page tables of the space, to be read for as long as it is open: its addresses to
 * frames as the processor finds them, beside space_pages(), which is the kernel's word. After an
 * exec they are those of the new address space; space_check_alive() tells. ERROR_UNSUPPORTED or
 * ERROR_DENIED when no source of physical memory can be had: the message names what is in the way.
 */
static inline struct error *space_page_table(struct space *space, struct page_table *table)
{
	if (!space->ops->page_table)
		return error_new(ERROR_UNSUPPORTED, "page tables cannot be read here");
	return space->ops->page_table(space, table);
}

#endif
