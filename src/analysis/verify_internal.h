// SPDX-License-Identifier: GPL-2.0-or-later
/* What the files of verify share; nobody else includes it. */
#ifndef PHYSLENS_ANALYSIS_VERIFY_INTERNAL_H
#define PHYSLENS_ANALYSIS_VERIFY_INTERNAL_H

#include "analysis/explain.h"
#include "analysis/verify.h"
#include "base/direct.h"
#include "base/vec.h"
#include "object/object.h"
#include "object/relocations.h"
#include "proc/uprobes.h"
#include "target/files.h"

enum {
	VERIFY_PAGE = 4096,
	VERIFY_BATCH = 64, /* pages that are read together: 256 KiB */
	VERIFY_FINDINGS_MAX = 1 << 15,
};

/* What the kernel writes behind the path of a file that has no name any more. */
#define DELETED_SUFFIX " (deleted)"

#define VERIFY_PRIVATE (UINT64_C(1) << 63) /* in file_page.pfn: of one process alone */
#define VERIFY_NONE    UINT32_MAX          /* no file */

/* A resident page of a file. Of the page cache: in `area` as well as in others. */
struct file_page {
	uint64_t pfn;   /* 0 where it is hidden */
	uint32_t index; /* the page's number in the file */
	uint32_t area;
};

/* Page-cache pages by index: open addressing, a capacity of 2^n; area VERIFY_NONE is free. */
struct page_set {
	struct file_page *items;
	size_t count;
	size_t capacity;
};

enum file_fate {
	FATE_UNKNOWN,
	FATE_FINE,
	FATE_DELETED,
	FATE_REPLACED,
};

struct verify_file {
	struct file *file;             /* the target's, held */
	uint32_t dev_major, dev_minor; /* as maps has them */
	uint64_t inode;
	uint32_t number; /* in verify->files */
	char *path;
	bool opened; /* once; else why says what was in the way */
	struct direct_file direct;
	bool shut; /* `direct` is closed until its turn comes: too many are open */
	char *why; /* it cannot be compared; else NULL */
	/* Or only private pages can, with what the cache has; a literal, else NULL. */
	const char *cached_why;
	bool said; /* for each process that has pages of it */
	enum file_fate fate;
	char *fate_why;
	uint32_t flagged; /* the last space that a row says the fate to */
	struct page_set shared;
	VEC(struct file_page) others; /* private ones; second frames of one page */
	VEC(struct file_page) pages;  /* all of them, sorted, while they are compared */
	bool large;    /* its pages are not remembered: it is compared piece by piece */
	bool unended;  /* another piece of it follows */
	uint64_t held; /* of a large one: pages that were seen */
	size_t first_area, area_count; /* in verify->by_file, by offset */
	uint64_t longest;              /* bytes of one of them */
	struct range wanted;           /* addresses, as linked, that relocations are asked for */
	bool has_relocations;
	struct relocations relocations;
};

struct verify_area {
	struct range range;
	uint64_t offset;
	uint64_t bias;
	uint32_t space;
	uint32_t file;
	uint32_t resident; /* pages */
	uint32_t cached;   /* those of them that are of the cache, if these cannot be compared */
	unsigned perms;    /* enum vma_perms */
	bool has_bias;
	bool moved; /* the file's text in memory of the program's own */
};

/* An area of a file, as it lies in a process; they are sorted by address. */
struct placed_area {
	struct range range;
	uint64_t offset;
	uint64_t bias;
	uint32_t file;
	bool has_bias;
	bool exec;
};

struct placed_areas {
	struct placed_area *items;
	size_t count, capacity;
};

struct mapped_range {
	struct range range;
	uint32_t file; /* or VERIFY_NONE */
	uint32_t place;
};

struct verify_space {
	pid_t pid;
	char command[64];
	pid_t tracer;
	bool unread;  /* not to the end: where its pointers lead is not known, and that is said */
	bool uprobes; /* the kernel has put its area for them into the process */
	VEC(struct mapped_range) ranges;
};

/* A process that something else is shown of, and whether there is a row for it. */
struct covered_process_row {
	struct covered_process process;
	bool said;
};

struct vdso_page {
	uint32_t space;
	uint32_t index; /* in the vdso */
	uint32_t pages; /* of it */
	bool high;      /* beyond 4 GiB, as no 32-bit one is */
	bool written;   /* a copy of the process's own; else the kernel's frame */
	uint64_t vaddr;
	uint64_t pfn; /* 0: hidden, or in swap */
};

/* Pages of one file that lie near each other, and what the disk has there. */
struct verify_batch {
	struct verify_file *file;
	uint64_t number;
	const struct file_page *pages; /* by index; of one index the shared one first */
	size_t count;
	uint32_t first; /* index */
	size_t span;    /* pages in data */
	uint8_t *data;
	size_t length; /* bytes in data that are the file's; zeroes are behind them */
	int errnum;    /* why nothing was read, or 0 */
	bool last;     /* of its file */
	/* Page by page, where not all could be read; by index. */
	bool dirty[VERIFY_BATCH]; /* not read, since the disk has not got it yet */
	int failed[VERIFY_BATCH]; /* an errno */
	struct verify_batch *next;
};

struct verify {
	struct target *target;
	struct source *source;
	struct verify_counts counts;
	VEC(struct verify_space) spaces;
	VEC(struct verify_area) areas;
	VEC(struct verify_file *) files;
	void *file_tree;
	uint32_t *by_file; /* indices of areas, by file and offset */
	VEC(struct vdso_page) vdso;
	VEC(struct verify_finding) findings;
	VEC(char *) remarks;
	VEC(struct covered_process_row) covered;
	VEC(char *) kernel_threads; /* their names, once they were asked for */
	bool has_kernel_threads;
	void *names; /* of areas without a file: a tree of tsearch(3) */
	struct uprobe_list uprobes;
	bool sync; /* what was written to a file is to reach the disk first */
	size_t pages_held, pages_max;
	size_t direct_open, direct_max; /* files that are open until they are compared */
	uint32_t self; /* the space of this program, for its vdso alone; or VERIFY_NONE */

	/* one process held open */
	struct space *open;
	uint32_t open_space;
	int mem_fd;
	struct vma_list
		open_vmas; /* its areas, if they were asked for; when, and how long it took */
	int64_t vmas_read_ns, vmas_cost_ns;

	struct verify_reader *reader;
	uint8_t *ram;       /* VERIFY_BATCH pages, aligned */
	uint8_t *disk_page; /* one page each, to look again */
	uint8_t *ram_page;

	verify_progress progress;
	void *argument;
	uint64_t done, all; /* bytes */
};

/* --- verify_collect.c --- */

/* Adds the vdso of this very program, to compare others with. */
struct error *verify_add_self(struct verify *v);
void verify_file_destroy(struct verify *v, struct verify_file *file);

/* Has what was written to the file reach the disk, if that is wanted. */
void verify_sync_file(const struct verify *v, struct verify_file *file);

/* Opens file->direct, through whichever process still has an area of it; else sets file->why. */
struct error *verify_reopen(struct verify *v, struct verify_file *file);

/* Remembers those pages of a large file whose number is `first` … `first` + `count` - 1. */
struct error *verify_collect_piece(struct verify *v, struct verify_file *file, uint64_t first,
				   uint64_t count);

/*
 * A row for an area as a whole, of space number `number`, with its resident pages: its object is
 * the file, or the area's name where that is VERIFY_NONE. Takes `why`, which may be NULL.
 */
struct error *verify_found_area(struct verify *v, enum verify_kind kind, struct space *space,
				uint32_t number, uint32_t file, const struct vma *vma, char *why);

/* --- verify_disk.c: the files, read ahead ----------------------------------------------------- */

/*
 * Begins to read the pages of files number `from` … `until` - 1; from then on their lists of pages
 * are the reader's.
 */
struct error *verify_reader_start(struct verify *v, size_t from, size_t until);
void verify_reader_stop(struct verify *v); /* not started is fine */

/* The next batch, in the order of files and offsets; NULL: that was all. Give it back. */
struct error *verify_reader_take(struct verify *v, struct verify_batch **batch);
void verify_reader_give(struct verify *v, struct verify_batch *batch);

/* Bytes of the file in hand, from what was read of it, or else from the disk: as
 * direct_read_bytes().
 */
int verify_reader_bytes(struct verify *v, struct verify_file *file, uint64_t offset, void *buffer,
			size_t length, size_t *got);

/* --- verify_look.c: looking at memory once more --- */

/* Opens the process of a space, or leaves it open; ERROR_GONE and others when it cannot be had. */
struct error *verify_open(struct verify *v, uint32_t space);
void verify_close(struct verify *v);

/* The area as maps had it, without its permissions. */
struct vma verify_vma(const struct verify *v, const struct verify_area *area);

/* The page words of a part of an area; none when the process ended. */
struct error *verify_words(struct verify *v, const struct verify_area *area, struct range range,
			   pages_visit visit, void *argument);

/* The page word at `vaddr` in an area; 0 when it is not mapped there any more, or the process
 * ended. */
struct error *verify_word(struct verify *v, const struct verify_area *area, uint64_t vaddr,
			  uint64_t *word);

/* Whether there is a process of that number with memory: it may have executed another program. */
struct error *verify_lives(struct verify *v, uint32_t space, bool *lives);

/* Whether the area's file is still what is mapped at `vaddr`, with the same permissions: the
 * process may have unmapped it, or have executed another program. */
struct error *verify_still_maps(struct verify *v, const struct verify_area *area, uint64_t vaddr,
				bool *still);

/* Reads `pages` consecutive frames; in `space` the first is at `vaddr`. NULL: all of it. */
struct error *verify_read(struct verify *v, uint32_t space, uint64_t vaddr, uint64_t pfn,
			  size_t pages, uint8_t *buffer);

static inline uint64_t verify_vaddr(const struct verify_area *area, uint32_t index)
{
	return area->range.start + (uint64_t)index * VERIFY_PAGE - area->offset;
}

/* --- verify_find.c: rows --- */

/* Puts a row on the list, with the area's process and object, and `why` (taken; may be NULL). */
struct error *verify_found(struct verify *v, enum verify_kind kind, uint32_t space, uint32_t file,
			   const char *object, struct range range, char *why,
			   struct verify_finding **finding);

/* --- verify_compare.c --- */

struct error *verify_compare(struct verify *v);

/* --- verify_pages.c: what becomes of a page that is not what its file has --- */

struct error *verify_private_page(struct verify *v, struct verify_file *file,
				  const struct file_page *page, const uint8_t *disk,
				  const uint8_t *ram);
struct error *verify_shared_page(struct verify *v, struct verify_file *file,
				 const struct file_page *page);
/* A page-cache page that is dirty, so that the disk was not read. */
struct error *verify_dirty_page(struct verify *v, struct verify_file *file,
				const struct file_page *page);

/* A page that could not be read: its process may have ended. Takes the error. */
struct error *verify_unread_page(struct verify *v, struct verify_file *file,
				 const struct file_page *page, struct error *error);

/* Whether the frame is dirty or being written; false where that is hidden: *known says so. */
struct error *verify_is_dirty(struct verify *v, uint64_t pfn, bool *dirty, bool *known);

/* --- verify_identity.c --- */

/*
 * Whether the area's file is of a format that holds code, with code there: an executable segment
 * of an ELF file, or such a section of a PE file. Also where it cannot be read.
 */
bool verify_is_program(const struct verify_file *file, const struct vma *vma);

/* Whether it shows an executable segment of an ELF file, be it executable or not. */
bool verify_has_code(const struct verify_file *file, const struct vma *vma);

/* What is in verify->covered. */
struct error *verify_find_covers(struct verify *v);

/* A row for a process that lies beneath another mount, once; nothing for others. */
struct error *verify_put_cover(struct verify *v, pid_t pid, const char *command);

/*
 * Rows for a process that is called as a thread of the kernel, whose program is not what is mapped,
 * or that runs a preloaded library which was removed. `vmas` are its areas, of which those of files
 * are `places`.
 */
struct error *verify_identity(struct verify *v, struct space *space, uint32_t number,
			      const struct vma_list *vmas, const struct placed_areas *places);

/* Whose code it is, by the name alone ("by its name …", a literal), or NULL. */
const char *verify_known_cache(const char *path);

/* --- verify_vdso.c --- */

struct error *verify_vdsos(struct verify *v);

/* --- verify_places.c --- */

/* Rows for what is mapped over the code or constants of a loaded object. */
struct error *verify_places(struct verify *v, uint32_t space, const struct placed_areas *areas);

/* --- verify_names.c --- */

struct error *verify_name_findings(struct verify *v);

#endif
