// SPDX-License-Identifier: GPL-2.0-or-later
/* Which processes a command is about, and what is said of those it could not read. */
#ifndef PHYSLENS_CMD_PROCESSES_H
#define PHYSLENS_CMD_PROCESSES_H

#include <regex.h>

#include "analysis/index.h"
#include "analysis/layout.h"
#include "cmd/command.h"
#include "target/freeze.h"

/*
 * Keeps of `list` those whose command matches the extended regular expression, as pgrep(1) does:
 * kernel threads and this very program are left out. ERROR_INPUT for a bad expression.
 */
struct error *processes_by_name(process_vec *list, const char *expression);

/* Processes as people select several; NULL: not by that. */
struct process_filter {
	const char *name;      /* see processes_by_name() */
	const char *cgroup;    /* a pattern (fnmatch(3)) of the path of a cgroup, or one above it */
	const char *container; /* see container_is_called() */
};

/* Whether anything is asked of processes. */
bool process_filter_is_set(const struct process_filter *filter);

/*
 * Keeps of `list` those that meet the filter. ERROR_INPUT for a bad expression, ERROR_LOOKUP when
 * none of them meets it.
 */
struct error *processes_select(process_vec *list, const struct process_filter *filter);

/* The options that make a filter: keys of one's own, the option's name and its argument's. */
#define PROCESS_FILTER_OPTIONS(name_key, cgroup_key, container_key)                                \
	{name_key, "name", "REGEX", "processes whose name matches, as pgrep(1) does"},             \
		{cgroup_key, "cgroup", "GLOB", "processes in cgroups whose path matches"},         \
	{                                                                                          \
		container_key, "container", "ID",                                                  \
			"processes of the container with this ID or name"                          \
	}

/* The container that a process is in, or "" ("-" is never one's name): `name` has its room. */
struct error *process_container(pid_t pid, char *name, size_t size);

/* Neither a kernel thread nor a zombie: it may have memory. */
bool process_may_run(const struct process *process);

/*
 * Puts those that may have memory into the index: neither kernel threads nor zombies. This program
 * is one of them: it maps libraries as the others do, and without it their frames would have one
 * mapper less than the kernel counts.
 */
struct error *processes_add(struct index *index, const process_vec *list);

/*
 * Names on stderr every process of the index that could not be read, and why; how many there are.
 * A user who may not see others' memory gets one line for all of them, with `one_by_one` false.
 */
size_t processes_explain(const struct invocation *invocation, const struct index *index,
			 bool one_by_one);

/* Says of how many files of `count` layouts the sections have no names since a server has them. */
void processes_explain_served(const struct invocation *invocation, const struct layout *layouts,
			      size_t count);

/* Says so, for who asks for all processes, where only some are shown. */
void processes_explain_hidden(const struct invocation *invocation);

/* The option --freeze, with how long they may be held, or NULL: ERROR_INPUT if that is no time. */
struct error *processes_freeze_option(const char *argument, struct freeze *freeze);

/*
 * Holds the processes of the index still. From here to processes_release() nothing may be printed:
 * who reads our output may be among them.
 */
struct error *processes_freeze(struct index *index, struct freeze *freeze);

/* The same with all processes; *list is who there was when the last of them stood still. */
struct error *processes_freeze_all(struct target *target, process_vec *list, struct freeze *freeze);

/* Lets them go, and then names on stderr those that could not be held. Fine when none is held. */
void processes_release(const struct invocation *invocation, struct freeze *freeze);

/* The name of a user, or its number; valid until the next call. */
const char *user_name(uid_t uid);

#endif
