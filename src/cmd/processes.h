// SPDX-License-Identifier: GPL-2.0-or-later
/* Which processes a command is about, and what is said of those it could not read. */
#ifndef PHYSLENS_CMD_PROCESSES_H
#define PHYSLENS_CMD_PROCESSES_H

#include <regex.h>

#include "analysis/index.h"
#include "cmd/command.h"
#include "target/freeze.h"

/*
 * Keeps of `list` those whose command matches the extended regular expression, as pgrep(1) does:
 * kernel threads and this very program are left out. ERROR_INPUT for a bad expression.
 */
struct error *processes_by_name(process_vec *list, const char *expression);

/* Puts those that may have memory into the index: neither kernel threads nor zombies, nor us. */
struct error *processes_add(struct index *index, const process_vec *list);

/*
 * Names on stderr every process of the index that could not be read, and why; how many there are.
 * A user who may not see others' memory gets one line for all of them, with `one_by_one` false.
 */
size_t processes_explain(const struct invocation *invocation, const struct index *index,
			 bool one_by_one);

/* Holds the processes of the index that are to be read; one that cannot be is named, and read. */
struct error *processes_freeze(const struct invocation *invocation, const struct index *index,
			       struct freeze *freeze);

/*
 * The list of all processes, each of them held still but kernel threads, zombies and ourselves: the
 * list is read again until nobody is new. One that cannot be held is named.
 */
struct error *processes_freeze_all(const struct invocation *invocation, struct target *target,
				   process_vec *list, struct freeze *freeze);

/* The name of a user, or its number; valid until the next call. */
const char *user_name(uid_t uid);

#endif
