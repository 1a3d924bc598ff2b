// SPDX-License-Identifier: GPL-2.0-or-later
/* Who forked whom, as far as the parents' numbers in a list of processes tell. */
#ifndef PHYSLENS_ANALYSIS_FAMILY_H
#define PHYSLENS_ANALYSIS_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/vec.h"
#include "proc/process.h"

enum relation {
	RELATION_NONE,
	RELATION_CHILD,      /* the second is the first one's own child */
	RELATION_DESCENDANT, /* there are others between them */
	RELATION_REVERSED,   /* the first descends from the second */
};

enum relation family_relation(const process_vec *list, pid_t first, pid_t second);

/*
 * Whether `pid` has a child that it forked after (or in the same clock tick as) the one through
 * which it is related to `other`; any child counts if it is not related to it.
 */
bool family_forked_since(const process_vec *list, pid_t pid, pid_t other);

typedef VEC(const struct process *) process_pointers;

/* Appends all descendants of `pid`, children before their own children. Zombies are among them. */
struct error *family_descendants(const process_vec *list, pid_t pid, process_pointers *descendants);

/* The process of the list with this PID, or NULL. */
const struct process *family_find(const process_vec *list, pid_t pid);

#endif
