// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The layout of an address space: its areas cut into regions (".text", ".data", ".bss", heap,
 * stack, anon, …), each with the object it is of.
 */
#ifndef PHYSLENS_ANALYSIS_LAYOUT_H
#define PHYSLENS_ANALYSIS_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/page.h"
#include "base/error.h"
#include "base/range.h"
#include "base/vec.h"
#include "object/object.h"
#include "target/files.h"
#include "target/target.h"

enum backing {
	BACKING_ANONYMOUS, /* zeroes on demand */
	BACKING_FILE,
	BACKING_SHMEM,   /* tmpfs, memfd, System V and anonymous shared memory */
	BACKING_SPECIAL, /* what the kernel or a device fills in */
};

struct region {
	struct range range; /* bytes, page-aligned, within the area */
	const struct vma *vma;
	const char *name;   /* ".text", "heap", …; may be bytes from a file */
	const char *object; /* path or pseudo-name, or NULL */
	struct file *file;  /* that the area maps, or NULL */
	enum backing backing;
	struct object *elf; /* the object loaded here, for symbols, or NULL */
	uint64_t bias;      /* of elf: address = value as linked + bias, modulo 2^64 */
};

struct layout {
	struct space *space;
	struct target *target; /* whose the files are, also when the space is closed */
	struct vma_list vmas;
	VEC(struct region) regions; /* sorted by address */
	VEC(struct file *) files;   /* those that its areas map, each held once */
	void *file_tree;            /* the same, for tsearch(3) */
	bool late;                  /* named some time after the areas were read */
	/* Files whose sections have no names: */
	size_t refused; /* they may not be opened */
	size_t served;  /* they were not, since a server has their file system: the last one's */
	const char *served_why; /* reason, which the file keeps */
};

/* Reads the areas of `space`, which must outlive the layout, and the files they map. */
struct error *layout_init(struct layout *layout, struct space *space);

/*
 * The same in two steps, with other things done in between: layout_read() reads the areas and opens
 * no file, so that it may be called while processes are held still; layout_name() makes the
 * regions. What has ended since then is not in the way: its files just have no sections.
 */
struct error *layout_read(struct layout *layout, struct space *space);
struct error *layout_name(struct layout *layout);
void layout_deinit(struct layout *layout);

/*
 * Where an area that maps part of the ELF file `object` has it loaded: address = value as linked +
 * *bias. `module` is that of the areas before it if they are of the same file, else NULL. False
 * when it is just a mapping of the file.
 */
bool area_bias(const struct vma *vma, const struct object *object, const uint64_t *module,
	       uint64_t page, uint64_t *bias);

/*
 * Whether an area without a file is text of `object`, loaded with `bias`, that the program has
 * moved to memory of its own (huge pages): all of it lies where an executable segment was. *offset
 * is that of its first byte in the file.
 */
bool area_is_moved(const struct vma *vma, const struct object *object, uint64_t bias, uint64_t page,
		   uint64_t *offset);

/* That symbols of region->elf may be asked for. What they cannot be had for is an error. */
struct error *layout_need_symbols(struct layout *layout, const struct region *region);

/* The region that holds `address`, or NULL. */
const struct region *layout_find(const struct layout *layout, uint64_t address);

/*
 * The name of the section that holds `address` itself, where region->name is of the page: NULL when
 * none does. The address must lie in the region.
 */
const char *region_section_at(const struct region *region, uint64_t address);

/*
 * The state of page `vpn` of the region, which is empty, and until which page (not included, at
 * most `end`) it is the same for every empty page.
 */
enum page_state region_empty_state(const struct region *region, unsigned page_shift, uint64_t vpn,
				   uint64_t end, uint64_t *until);

/*
 * fnmatch(3) of a region's object, its whole path or the last component of it; "libc" also is
 * libc.so.6, whatever version it has. \xNN in the pattern is that byte, as tables write those that
 * are not printable.
 */
bool region_object_matches(const struct region *region, const char *glob);

/* Which regions a question is about; a NULL or zero member does not restrict. */
struct region_selection {
	struct range range;      /* bytes; empty: everything */
	const char *name;        /* the region's name */
	const char *object_glob; /* see region_object_matches() */
};

/* The region, cut to the selection's range, in *selected; false when it is not selected. */
bool region_select(const struct region *region, const struct region_selection *selection,
		   struct region *selected);

/*
 * What walks the pages of regions gives this: populated pages in bulk (words of a stretch that
 * begins and ends within the region; empty ones between are in it), and stretches of empty ones.
 */
struct region_sink {
	struct error *(*pages)(void *argument, const struct region *region, uint64_t vpn,
			       const uint64_t *words, size_t count);
	struct error *(*empty)(void *argument, const struct region *region, uint64_t vpn,
			       uint64_t end);
	void *argument;
};

/* Walks one region (or a selected part of one) from its first page to its last, leaving none out.
 */
struct error *region_walk(struct layout *layout, const struct region *region,
			  const struct region_sink *sink);

#endif
