// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/processes.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROUNDS_MAX = 16 };

struct error *processes_by_name(process_vec *list, const char *expression)
{
	regex_t regex;
	size_t kept = 0;
	int result = regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB);

	if (result) {
		char why[128];

		regerror(result, &regex, why, sizeof(why));
		return error_new(ERROR_INPUT, "--name: %s: %s", expression, why);
	}
	for (size_t i = 0; i < list->count; i++) {
		const struct process *process = &list->items[i];

		if (!process->kernel_thread && process->pid != getpid() &&
		    regexec(&regex, process->command, 0, NULL, 0) == 0)
			list->items[kept++] = *process;
	}
	list->count = kept;
	regfree(&regex);
	return NULL;
}

/* Neither a kernel thread nor a zombie, nor this program. */
static bool may_run(const struct process *process)
{
	return !process->kernel_thread && process->state != 'Z' && process->state != 'X' &&
	       process->pid != getpid();
}

struct error *processes_add(struct index *index, const process_vec *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct process *process = &list->items[i];

		if (may_run(process))
			TRY(index_add(index, process->pid, process->command));
	}
	return NULL;
}

static size_t count_fate(const struct index *index, enum index_fate fate)
{
	size_t count = 0;

	for (size_t i = 0; i < index->spaces.count; i++)
		count += index->spaces.items[i].fate == fate;
	return count;
}

size_t processes_explain(const struct invocation *invocation, const struct index *index,
			 bool one_by_one)
{
	size_t refused = count_fate(index, INDEX_REFUSED);

	for (size_t i = 0; i < index->spaces.count; i++) {
		const struct index_space *space = &index->spaces.items[i];

		if (space->fate == INDEX_GONE)
			invocation_warn(invocation,
					"process %d (%s) ended while it was read: left out",
					(int)space->pid, space->command);
		else if (space->fate == INDEX_REFUSED && one_by_one)
			invocation_warn(invocation, "%s (%s): left out", error_message(space->why),
					space->command);
	}
	if (refused && !one_by_one)
		invocation_warn(invocation,
				"%zu processes may not be read and are left out: "
				"CAP_SYS_PTRACE is missing (run as root)",
				refused);
	return refused + count_fate(index, INDEX_GONE);
}

/* Holds one process. That it cannot be is a remark: it is read all the same. */
static struct error *hold(const struct invocation *invocation, struct freeze *freeze, pid_t pid)
{
	struct error *error = freeze_process(freeze, pid);

	if (error_is(error, ERROR_NOMEM))
		return error;
	if (error_is(error, ERROR_DENIED))
		invocation_warn(invocation, "%s: it is read while it runs", error_message(error));
	error_free(error);
	return NULL;
}

struct error *processes_freeze(const struct invocation *invocation, const struct index *index,
			       struct freeze *freeze)
{
	for (size_t i = 0; i < index->spaces.count; i++)
		TRY(hold(invocation, freeze, index->spaces.items[i].pid));
	return NULL;
}

/* Whether `list`, of before, has this very process. */
static bool is_listed(const process_vec *list, const struct process *process)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].pid == process->pid &&
		    list->items[i].started == process->started)
			return true;
	}
	return false;
}

static struct error *hold_fresh(const struct invocation *invocation, const process_vec *before,
				const process_vec *list, struct freeze *freeze, size_t *fresh)
{
	*fresh = 0;
	for (size_t i = 0; i < list->count; i++) {
		if (!may_run(&list->items[i]) || is_listed(before, &list->items[i]))
			continue;
		++*fresh;
		TRY(hold(invocation, freeze, list->items[i].pid));
	}
	return NULL;
}

struct error *processes_freeze_all(const struct invocation *invocation, struct target *target,
				   process_vec *list, struct freeze *freeze)
{
	process_vec before = {0};
	struct error *error = NULL;
	size_t fresh = 1;

	/* Who cannot be held may go on making processes: not for ever. */
	for (int rounds = 0; !error && fresh > 0 && rounds < ROUNDS_MAX; rounds++) {
		process_vec older = before;

		before = *list;
		*list = older;
		list->count = 0;
		error = target_processes(target, list);
		if (!error)
			error = hold_fresh(invocation, &before, list, freeze, &fresh);
	}
	vec_deinit(&before);
	return error;
}

const char *user_name(uid_t uid)
{
	static char number[16];
	const struct passwd *entry = getpwuid(uid);

	if (entry)
		return entry->pw_name;
	snprintf(number, sizeof(number), "%u", uid);
	return number;
}
