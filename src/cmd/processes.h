// SPDX-License-Identifier: GPL-2.0-or-later
/* Which processes a command is about, and what is said of those it could not read. */
#ifndef PHYSLENS_CMD_PROCESSES_H
#define PHYSLENS_CMD_PROCESSES_H

#include "analysis/index.h"
#include "analysis/layout.h"
#include "cmd/command.h"
#include "target/freeze.h"

/* Processes as people select several; NULL: not by that. */
struct process_filter {
	const char *name;      /* an extended regular expression, as pgrep(1) takes it: kernel
				* threads and this very program are left out */
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

/* The options that make a filter, for a command's table. No option of its own has such a key. */
enum { OPTION_NAME = 900, OPTION_CGROUP, OPTION_CONTAINER };

#define PROCESS_FILTER_OPTIONS                                                                     \
	{OPTION_NAME, "name", "REGEX", "processes whose name matches, as pgrep(1) does"},          \
		{OPTION_CGROUP, "cgroup", "GLOB", "processes in cgroups whose path matches"},      \
	{                                                                                          \
		OPTION_CONTAINER, "container", "ID",                                               \
			"processes of the container with this ID or name"                          \
	}

/* Takes one of them into the filter; false: it is another option. */
bool process_filter_option(struct process_filter *filter, int key, const char *argument);

/* The path of a process's memory cgroup, which the caller frees; NULL for one that is in none, or
 * has just ended. */
struct error *process_cgroup(pid_t pid, char **path);

/* The process in a list, or NULL. The list is in the order of PIDs: that of /proc. */
const struct process *processes_find(const process_vec *list, pid_t pid);

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
