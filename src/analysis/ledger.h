// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What processes that were forked from one another do with the pages they share, told look by
 * look. Each address space keeps the words of its private, writable pages as they were at the last
 * look; what is different at the next one is explained, and entered once, for the process that
 * did it.
 */
#ifndef PHYSLENS_ANALYSIS_LEDGER_H
#define PHYSLENS_ANALYSIS_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/layout.h"
#include "analysis/snapshot.h"
#include "base/error.h"
#include "base/vec.h"
#include "target/target.h"

enum ledger_change {
	LEDGER_COPIED,  /* a write to a shared page, or to one of a file: a new frame */
	LEDGER_REUSED,  /* a write in place, since nobody shared the page any more */
	LEDGER_TOUCHED, /* a page that had no frame of its own */
	LEDGER_DROPPED, /* given back: unmapped, or by madvise(2) */
	LEDGER_SWAPPED, /* out */
	LEDGER_MOVED,   /* by the kernel: migration, huge pages put together, KSM */
	LEDGER_UNKNOWN, /* it has a new frame, and cannot be told why */
	LEDGER_CHANGES,
};

/* Whoever forked last of the two: a process that has forked since its birth is a parent. */
enum ledger_role { LEDGER_PARENT, LEDGER_CHILD, LEDGER_ROLES };

struct ledger_counts {
	uint64_t of[LEDGER_ROLES][LEDGER_CHANGES]; /* pages */
};

/* An address space that shares pages with another one, or did. */
struct ledger_member {
	pid_t pid;
	struct space *space;
	struct snapshot last; /* words, with LEDGER_SHARED */
	struct snapshot now;
	uint64_t round; /* the last one in which it was looked at */
	bool forked;
	struct ledger_counts counts;
	struct ledger_counts parent_before; /* its parent's when it was born */
	pid_t parent;
	uint64_t shared;             /* pages that it shared with its parent when it was born */
	const struct region *region; /* the last one named */
	uint64_t program;            /* see struct ledger_names */
};

/* The regions of one program; address spaces that are forked from one another have the same. */
struct ledger_names {
	uint64_t program;
	struct layout layout;
};

struct ledger_row {
	char *region;
	char *object; /* or NULL */
	struct ledger_counts counts;
};

/* A page that changed, as it is entered; `region` may be NULL. */
typedef struct error *(*ledger_visit)(void *argument, const struct ledger_member *member,
				      enum ledger_change change, uint64_t vpn,
				      const struct region *region);

struct ledger {
	struct target *target;
	ledger_visit visit; /* or NULL */
	void *argument;
	VEC(struct ledger_member *) members;
	VEC(struct ledger_names *) names;
	VEC(struct ledger_row) rows;
	size_t last_row;
	uint64_t round;
	bool lost;           /* a sharer has gone since the last look */
	bool forking;        /* fork has just cleared what tells of writes */
	uint64_t migrations; /* pages that the kernel had moved, system-wide, when last asked */
	bool migrated;       /* it has moved some since then */
};

/* "copied", "reused", … */
const char *ledger_change_name(enum ledger_change change);

void ledger_init(struct ledger *ledger, struct target *target);
void ledger_deinit(struct ledger *ledger);

/*
 * A fork: both stand still, and share what they share. *shared says how many pages. ERROR_GONE
 * when one was killed meanwhile: nothing is noted then.
 */
struct error *ledger_fork(struct ledger *ledger, pid_t parent, pid_t child, uint64_t *shared);

/* Looks at all of them. */
struct error *ledger_look(struct ledger *ledger);

/* The last look at one whose memory is still there. */
struct error *ledger_last_look(struct ledger *ledger, pid_t pid);

/*
 * Its memory is gone, or about to be. What its parent wrote until then is found by a last look at
 * the parent: the sooner, the surer.
 */
void ledger_gone(struct ledger *ledger, pid_t pid);

/* NULL for one that never shared anything. */
const struct ledger_member *ledger_find(const struct ledger *ledger, pid_t pid);

/*
 * What has happened since the child was born: what it did itself, and in *counts (row
 * LEDGER_PARENT) what its parent has done.
 */
void ledger_story(const struct ledger *ledger, const struct ledger_member *child,
		  struct ledger_counts *counts);

#endif
