// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/processes.h"

#include <fnmatch.h>
#include <pwd.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/scope.h"
#include "proc/cgroup.h"
#include "proc/container.h"
#include "proc/mounted.h"

static struct error *keep_named(process_vec *list, const char *expression)
{
	regex_t regex;
	size_t kept = 0;
	/* A search that there is no memory for has not found that nothing is there. */
	int result = regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB), found = 0;

	if (result) {
		char why[128];

		regerror(result, &regex, why, sizeof(why));
		return error_new(ERROR_INPUT, "--name: %s: %s", expression, why);
	}
	for (size_t i = 0; i < list->count && found != REG_ESPACE; i++) {
		const struct process *process = &list->items[i];

		if (process->kernel_thread || process->pid == getpid())
			continue;
		found = regexec(&regex, process->command, 0, NULL, 0);
		if (found == 0)
			list->items[kept++] = *process;
	}
	list->count = kept;
	regfree(&regex);
	return found == REG_ESPACE ? error_nomem() : NULL;
}

bool process_filter_is_set(const struct process_filter *filter)
{
	return filter->name || filter->cgroup || filter->container;
}

bool process_filter_option(struct process_filter *filter, int key, const char *argument)
{
	const char **wanted = key == OPTION_NAME        ? &filter->name
			      : key == OPTION_CGROUP    ? &filter->cgroup
			      : key == OPTION_CONTAINER ? &filter->container
							: NULL;

	if (wanted)
		*wanted = argument;
	return wanted != NULL;
}

struct error *process_cgroup(pid_t pid, char **path)
{
	return error_forgive(cgroup_of_process(pid, path));
}

static int compare_pid(const void *key, const void *item)
{
	pid_t pid = *(const pid_t *)key, other = ((const struct process *)item)->pid;

	return (pid > other) - (pid < other);
}

const struct process *processes_find(const process_vec *list, pid_t pid)
{
	return list->count
		       ? bsearch(&pid, list->items, list->count, sizeof(*list->items), compare_pid)
		       : NULL;
}

static struct error *is_selected(const struct process_filter *filter, pid_t pid, bool *selected)
{
	_cleanup_free_ char *path = NULL;
	char name[CONTAINER_LENGTH];

	TRY(process_cgroup(pid, &path));
	const char *text = path ? path : "";
	*selected = (!filter->cgroup || fnmatch(filter->cgroup, text, FNM_LEADING_DIR) == 0) &&
		    (!filter->container || (container_of_cgroup(text, name) &&
					    container_is_called(name, filter->container)));
	return NULL;
}

struct error *processes_select(process_vec *list, const struct process_filter *filter)
{
	size_t kept = 0;

	if (filter->name)
		TRY(keep_named(list, filter->name));
	for (size_t i = 0; i < list->count; i++) {
		bool selected = process_may_run(&list->items[i]);

		if (selected && (filter->cgroup || filter->container))
			TRY(is_selected(filter, list->items[i].pid, &selected));
		if (selected)
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
	if (kept > 0)
		return NULL;
	return error_new(ERROR_LOOKUP, "no process is selected by%s%.100s%s%.100s%s%.100s",
			 filter->name ? " --name " : "", filter->name ? filter->name : "",
			 filter->cgroup ? " --cgroup " : "", filter->cgroup ? filter->cgroup : "",
			 filter->container ? " --container " : "",
			 filter->container ? filter->container : "");
}

bool process_may_run(const struct process *process)
{
	return !process->kernel_thread && process->state != 'Z' && process->state != 'X';
}

struct error *processes_add(struct index *index, const process_vec *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct process *process = &list->items[i];

		if (process_may_run(process))
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

/* What was in the way, without the process that it is said of. */
static const char *reason_of(const struct index_space *space)
{
	const char *message = error_message(space->why), *colon = strrchr(message, ':');

	return colon ? colon + 2 : message;
}

struct refusal {
	const char *reason;
	size_t count;
};

/* In one line what many processes are refused for: what was missing is the same for most. */
static struct error *explain_refused(const struct invocation *invocation, const struct index *index)
{
	VEC(struct refusal) refusals = {0};
	struct error *error = NULL;

	for (size_t i = 0; !error && i < index->spaces.count; i++) {
		const struct index_space *space = &index->spaces.items[i];
		size_t r = 0;

		if (space->fate != INDEX_REFUSED)
			continue;
		while (r < refusals.count &&
		       strcmp(refusals.items[r].reason, reason_of(space)) != 0)
			r++;
		if (r == refusals.count)
			error = vec_push(&refusals, ((struct refusal){reason_of(space), 0}));
		if (!error)
			refusals.items[r].count++;
	}
	for (size_t r = 0; r < refusals.count; r++) {
		bool one = refusals.items[r].count == 1;

		invocation_warn(invocation, "%zu %s may not be read and %s left out: %s",
				refusals.items[r].count, one ? "process" : "processes",
				one ? "is" : "are", refusals.items[r].reason);
	}
	vec_deinit(&refusals);
	return error;
}

void processes_explain_served(const struct invocation *invocation, const struct layout *layouts,
			      size_t count)
{
	const char *why = NULL;
	size_t served = 0;

	for (size_t i = 0; i < count; i++) {
		served += layouts[i].served;
		why = layouts[i].served ? layouts[i].served_why : why;
	}
	if (served > 0)
		invocation_warn(invocation,
				"%zu mapped %s not opened, so %s sections have no names: %s",
				served, served == 1 ? "file was" : "files were",
				served == 1 ? "its" : "their", why);
}

void processes_explain_hidden(const struct invocation *invocation)
{
	if (proc_hides_processes())
		invocation_warn(invocation, "processes of other users are hidden: /proc is "
					    "mounted with hidepid");
}

size_t processes_explain(const struct invocation *invocation, const struct index *index,
			 bool one_by_one)
{
	size_t refused = count_fate(index, INDEX_REFUSED);

	for (size_t i = 0; i < index->spaces.count; i++) {
		const struct index_space *space = &index->spaces.items[i];

		if (space->fate == INDEX_GONE)
			invocation_warn(invocation,
					"process %d (%s) %s while it was read: left out",
					(int)space->pid, space->command,
					error_is(space->why, ERROR_EXECUTED)
						? "executed another program"
						: "ended");
		else if (space->fate == INDEX_REFUSED && one_by_one)
			invocation_warn(invocation, "%s (%s): left out", error_message(space->why),
					space->command);
	}
	if (!one_by_one)
		error_free(explain_refused(invocation, index));
	return refused + count_fate(index, INDEX_GONE);
}

/* --- holding them still ------------------------------------------------------------------------
 */

struct error *processes_freeze_option(const char *argument, struct freeze *freeze)
{
	enum { SECONDS_MAX = 3600 };
	uint64_t seconds = FREEZE_SECONDS;

	if (argument &&
	    (!parse_decimal(argument, &seconds) || seconds == 0 || seconds > SECONDS_MAX))
		return error_new(ERROR_INPUT, "--freeze: not a number of seconds (1 to %d): %s",
				 SECONDS_MAX, argument);
	freeze->seconds = (unsigned)seconds;
	return NULL;
}

static struct error *list_index(void *argument, pid_vec *pids)
{
	const struct index *index = argument;

	for (size_t i = 0; i < index->spaces.count; i++)
		TRY(vec_push(pids, index->spaces.items[i].pid));
	return NULL;
}

struct error *processes_freeze(struct index *index, struct freeze *freeze)
{
	return freeze_hold(freeze, index->target, list_index, index);
}

struct lister {
	struct target *target;
	process_vec *list;
};

static struct error *list_all(void *argument, pid_vec *pids)
{
	struct lister *lister = argument;

	lister->list->count = 0;
	TRY(target_processes(lister->target, lister->list));
	for (size_t i = 0; i < lister->list->count; i++) {
		if (process_may_run(&lister->list->items[i]))
			TRY(vec_push(pids, lister->list->items[i].pid));
	}
	return NULL;
}

struct error *processes_freeze_all(struct target *target, process_vec *list, struct freeze *freeze)
{
	struct lister lister = {target, list};

	return freeze_hold(freeze, target, list_all, &lister);
}

void processes_release(const struct invocation *invocation, struct freeze *freeze)
{
	freeze_release(freeze);
	if (freeze->expired)
		invocation_warn(
			invocation,
			"the processes were let go after %u seconds, before all was read: this "
			"is not of one instant (see --freeze=SECONDS)",
			freeze->seconds);
	freeze->expired = false;
	for (size_t i = 0; i < freeze->refusals.count; i++)
		invocation_warn(invocation, "%s: it is read while it runs",
				error_message(freeze->refusals.items[i]));
	freeze_deinit(freeze);
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
