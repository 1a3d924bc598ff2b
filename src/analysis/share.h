// SPDX-License-Identifier: GPL-2.0-or-later
/* What processes share: for each object's region, its frames and who has them. */
#ifndef PHYSLENS_ANALYSIS_SHARE_H
#define PHYSLENS_ANALYSIS_SHARE_H

#include "analysis/index.h"
#include "analysis/layout.h"

/* Why a page is in one process's tables alone. */
enum private_reason {
	PRIVATE_WRITTEN,   /* a private page of a file, written: it was copied */
	PRIVATE_RELOCATED, /* the same, in a section that the dynamic loader writes */
	PRIVATE_PATCHED,   /* the same, where the program may not write */
	PRIVATE_OWN,       /* anonymous: no file is behind it, and no fork shares it */
	PRIVATE_UNMAPPED,  /* a page that could be shared: the others have not touched it */
	PRIVATE_HUGETLB,   /* from a pool of huge pages, private */
	PRIVATE_COUNT,
};

/* "written", "relocated", … */
const char *private_reason_name(enum private_reason reason);

/* One region of one process. */
struct share_part {
	size_t space;
	const struct region *region;
	size_t group;
	uint64_t present;
	uint64_t shared; /* of them, mapped by another of the processes */
	uint64_t reasons[PRIVATE_COUNT];
};

/* The same region of one object, in all processes. */
struct share_group {
	const char *name;
	const char *object; /* or NULL */
	uint64_t frames;    /* distinct, of all its parts */
	uint64_t shared;    /* of them: mapped by more than one of the processes */
	uint64_t common;    /* of them: mapped by all of the processes */
};

struct share {
	const struct index *index;
	struct layout *layouts; /* by space; only of INDEX_READ */
	size_t space_count;     /* how many were read */
	VEC(struct share_group) groups;
	uint64_t lost; /* pages in no selected region; with all selected: theirs had gone meanwhile
			*/
	VEC(struct share_part) parts; /* by space and address */
	size_t *first_part;           /* by space, and one behind the last */
};

/*
 * Groups the regions of the layouts (one a space of the index, which was sorted) that `selection`
 * takes, and counts their frames. `layouts` must outlive it.
 */
struct error *share_init(struct share *share, const struct index *index, struct layout *layouts,
			 const struct region_selection *selection);
void share_deinit(struct share *share);

/* Consecutive frames that every mapper has in one region each. */
struct share_piece {
	uint64_t pfn;
	uint64_t pages;
	const struct index_mapper *mappers;
	uint64_t offset; /* to be added to their addresses, in pages */
	/* By mapper; NULL when its region was not selected, or was not there any more. */
	struct share_part *const *parts;
	size_t count;
	size_t spaces; /* how many of the processes map them */
};

typedef struct error *(*share_visit)(void *argument, const struct share_piece *piece);

/* Gives `visit` all frames that any selected region has, in ascending order. */
struct error *share_walk(const struct share *share, share_visit visit, void *argument);

#endif
