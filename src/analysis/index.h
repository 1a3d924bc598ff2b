// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The frame index: pages turned around. For every frame in use, who maps it: which process, at
 * which address. It is made of two processes or of all of them.
 *
 * What is stored is a *stretch*: consecutive pages of one address space whose frames are
 * consecutive, too. A stretch takes 16 bytes, so a mapper takes at most that, and where frames were
 * given out in order far less. Nothing is kept for pages that are not there, nor by frame number.
 */
#ifndef PHYSLENS_ANALYSIS_INDEX_H
#define PHYSLENS_ANALYSIS_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/range.h"
#include "base/vec.h"
#include "proc/iomem.h"
#include "target/target.h"

/*
 * Stretches that several spaces have alike are stored once (blocks.h): the number of the space is
 * then that of a block, which has a list of spaces.
 *
 * Packed so that comparing `where`, then `what`, sorts by frame, space and address: `where` is the
 * first frame (40 bits: all that 52 bits of physical address can name) and the space (24), `what`
 * the first virtual page (44: half of 57 bits of address), the length less one (16) and flags (4).
 */
struct stretch {
	uint64_t where;
	uint64_t what;
};

enum {
	STRETCH_SPACE_BITS = 24,
	STRETCH_LENGTH_BITS = 16,
	STRETCH_FLAG_BITS = 4,
	STRETCH_VPN_SHIFT = STRETCH_LENGTH_BITS + STRETCH_FLAG_BITS,
	STRETCH_PAGES_MAX = 1 << STRETCH_LENGTH_BITS,
};

/* Of all pages of a stretch. */
enum stretch_flags {
	STRETCH_FILE = 1,     /* a page of a file or of shared memory */
	STRETCH_KSM = 2,      /* merged */
	STRETCH_WRITABLE = 4, /* its area is private and may be written: a write may copy it */
	STRETCH_HUGETLB = 8,  /* from a pool of huge pages */
};

static inline struct stretch stretch_make(uint64_t pfn, uint64_t space, uint64_t vpn,
					  uint64_t pages, unsigned flags)
{
	return (struct stretch){pfn << STRETCH_SPACE_BITS | space,
				vpn << STRETCH_VPN_SHIFT | (pages - 1) << STRETCH_FLAG_BITS |
					flags};
}

static inline uint64_t stretch_pfn(const struct stretch *s)
{
	return s->where >> STRETCH_SPACE_BITS;
}

/* Or of its block, from the number of spaces on. */
static inline size_t stretch_space(const struct stretch *s)
{
	return s->where & ((1 << STRETCH_SPACE_BITS) - 1);
}

static inline uint64_t stretch_vpn(const struct stretch *s)
{
	return s->what >> STRETCH_VPN_SHIFT;
}

static inline uint64_t stretch_pages(const struct stretch *s)
{
	return (s->what >> STRETCH_FLAG_BITS & (STRETCH_PAGES_MAX - 1)) + 1;
}

static inline unsigned stretch_flags(const struct stretch *s)
{
	return s->what & ((1 << STRETCH_FLAG_BITS) - 1);
}

enum index_fate {
	INDEX_READ,
	INDEX_NO_MEMORY, /* a kernel thread or a zombie */
	INDEX_SAME,      /* the address space of another one in the index */
	INDEX_GONE, /* ended, or executed, before it was read whole: nothing of it is in the index
		     */
	INDEX_REFUSED, /* nor of it */
};

struct index_space {
	pid_t pid;
	char command[64];
	enum index_fate fate;
	struct error *why; /* of INDEX_GONE and INDEX_REFUSED */
	pid_t same_as;     /* of INDEX_SAME */
	bool comparable;   /* its address space may be held against others */
	/* Pages, of INDEX_READ: */
	uint64_t present; /* in the index, those of hugetlb among them */
	uint64_t swapped;
	uint64_t zero;           /* of the zero page, which is not in the index */
	uint64_t special;        /* markers, migration entries and the like */
	struct vma_list vmas;    /* with INDEX_VMAS */
	struct memory_sums sums; /* by index_sum(), and then nothing else but `swapped` */
};

struct index;
struct block_user;

/* The other space that is read while this one waits; `done` of `all`; may be called by any thread.
 */
typedef void (*index_progress)(void *argument, size_t done, size_t all);

enum index_flags {
	INDEX_VMAS = 1 << 0, /* keep each space's areas: see index_vma() */
};

struct index_options {
	unsigned flags;
	/* Only these frames (PFNs, ascending, apart); NULL for all. */
	const struct range *frames;
	size_t frame_count;
	/* By space number, of those that are to be read: open ones, which stay open; or NULL. */
	struct space **spaces;
	index_progress progress; /* or NULL */
	void *argument;
};

struct index {
	struct target *target;
	VEC(struct index_space) spaces; /* by space number */
	struct stretch *stretches;
	size_t count;
	bool summed; /* by index_sum(): there are no frames */
	/* Whether one address space in two processes could be told: else it is counted twice. */
	bool identity_known;

	struct block_user *block_users; /* see struct block_users */
	size_t *block_first;

	void *memory; /* what the stretches are in */
	size_t memory_size;
	size_t capacity; /* of the reservation, in stretches */
	size_t usable;   /* the part of it that was made memory */
};

void index_init(struct index *index, struct target *target);
void index_deinit(struct index *index);

/* Puts a process on the list of those to read. */
struct error *index_add(struct index *index, pid_t pid, const char *command);

/* Finds those on the list that have one address space; the first by PID is read. */
struct error *index_identify(struct index *index);

/*
 * Reads the pages of every process on the list, several at once. A process that cannot be read does
 * not fail the call: its fate says why. ERROR_DENIED when frame numbers are hidden.
 */
struct error *index_read(struct index *index, const struct index_options *options);

/*
 * Instead of index_read(), where frames are hidden: what the kernel itself has counted of each
 * process on the list that may be read.
 */
struct error *index_sum(struct index *index);

/*
 * Takes an error that met a space: what is the process's own affair (it ended, has no memory, may
 * not be read) becomes its fate, and the space is not read; any other is given back.
 */
struct error *index_settle(struct index_space *space, struct error *error);

/* Sorts by first frame, which index_walk() needs: those that begin with the same one in any order.
 */
struct error *index_sort(struct index *index);

struct index_mapper {
	uint64_t vpn; /* where it maps the first frame */
	uint32_t space;
	uint32_t flags; /* enum stretch_flags */
};

/*
 * `pages` consecutive frames that are mapped alike: each of the `count` mappers has all of them, at
 * consecutive addresses. In no certain order of spaces.
 */
struct index_span {
	uint64_t pfn;
	uint64_t pages;
	const struct index_mapper *mappers;
	size_t count;
};

typedef struct error *(*index_visit)(void *argument, const struct index_span *span);

/* Gives `visit` every frame of the index, in ascending order, each once. */
struct error *index_walk(const struct index *index, index_visit visit, void *argument);

/* The area of a page of a space that was read with INDEX_VMAS; NULL when it has none. */
const struct vma *index_vma(const struct index *index, size_t space, uint64_t vpn);

#endif
