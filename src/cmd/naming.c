// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/naming.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/scope.h"
#include "cmd/arguments.h"
#include "cmd/nearest.h"
#include "cmd/processes.h"

enum {
	COMMAND_LENGTH = 15, /* of a process's name: the kernel keeps no more */
	NAMESAKES_NAMED = 16,
};

static bool is_digits(const char *text)
{
	return text[strspn(text, "0123456789")] == '\0';
}

static bool is_called(const struct process *process, const char *name)
{
	const char *command = process->command;

	return strcmp(command, name) == 0 ||
	       (strlen(name) > COMMAND_LENGTH && strlen(command) == COMMAND_LENGTH &&
		strncmp(command, name, COMMAND_LENGTH) == 0);
}

static bool may_be_meant(const struct process *process)
{
	return process_may_run(process) && process->pid != getpid();
}

static struct error *nobody_called(const process_vec *list, const char *name)
{
	struct nearest nearest;
	char like[512];

	nearest_init(&nearest, name);
	for (size_t i = 0; i < list->count; i++) {
		if (may_be_meant(&list->items[i]))
			nearest_offer(&nearest, list->items[i].command);
	}
	nearest_keep_like(&nearest);
	nearest_text(&nearest, like, sizeof(like));
	return error_new(ERROR_INPUT, "not a process ID: %.200s; and no process is called so%s%s",
			 name, *like ? ", but: " : "", like);
}

static struct error *many_called(const process_vec *list, const char *name, size_t count)
{
	char pids[NAMESAKES_NAMED * 48] = "";
	size_t named = 0, used = 0;

	for (size_t i = 0; i < list->count && named < NAMESAKES_NAMED; i++) {
		const struct process *process = &list->items[i];

		if (!may_be_meant(process) || !is_called(process, name))
			continue;
		used += (size_t)snprintf(pids + used, sizeof(pids) - used, "%s%d (child of %d)",
					 named++ ? ", " : "", (int)process->pid,
					 (int)process->ppid);
	}
	return error_new(ERROR_INPUT, "%zu processes are called %.200s, say which: %s%s", count,
			 name, pids, count > named ? ", and others" : "");
}

static struct error *find_by_name(const process_vec *list, const char *name, pid_t *pid)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (!may_be_meant(&list->items[i]) || !is_called(&list->items[i], name))
			continue;
		*pid = list->items[i].pid;
		count++;
	}
	if (count == 0)
		return nobody_called(list, name);
	return count > 1 ? many_called(list, name, count) : NULL;
}

struct error *process_named(struct target *target, const char *text, pid_t *pid)
{
	process_vec list = {0};

	if (is_digits(text))
		return parse_pid(text, pid);
	if (strcmp(text, "self") == 0) {
		*pid = getpid();
		return NULL;
	}
	struct error *error = target_processes(target, &list);
	if (!error)
		error = find_by_name(&list, text, pid);
	vec_deinit(&list);
	return error;
}

void warn_also_process(const struct invocation *invocation, const char *text, const char *taken,
		       const char *instead)
{
	struct process process;
	pid_t pid;

	if (!is_digits(text) || *text == '0')
		return;
	_cleanup_error_ struct error *error = parse_pid(text, &pid);
	if (!error)
		error = process_examine(pid, &process);
	if (!error && process_may_run(&process))
		invocation_warn(invocation, "%s is taken for %s; of process %s (%s) it is '%s'",
				text, taken, text, process.command, instead);
}

static const char *object_name(const struct region *region)
{
	return region->object ? path_name(region->object) : NULL;
}

/* What the regions are called in one respect, the nearest to what was asked for first. */
static void list_names(const struct layout *layout, const char *given, bool objects, char *text,
		       size_t size)
{
	char word[64];
	struct nearest nearest;

	/* A pattern's signs are nobody's letters. */
	given += strspn(given, "*?/");
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(given, "*?["), given);
	nearest_init(&nearest, word);
	for (size_t i = 0; i < layout->regions.count; i++) {
		const struct region *region = &layout->regions.items[i];
		const char *name = objects ? object_name(region) : region->name;

		if (name)
			nearest_offer(&nearest, name);
	}
	nearest_text(&nearest, text, size);
}

struct error *nothing_selected(const struct layout *layout,
			       const struct region_selection *selection)
{
	struct region_selection name = {.name = selection->name},
				object = {.object_glob = selection->object_glob};
	bool name_found = false, object_found = false;
	int pid = (int)layout->space->pid;
	char names[NEAREST_KEPT * 52];
	struct region ignored;

	for (size_t i = 0; i < layout->regions.count; i++) {
		const struct region *region = &layout->regions.items[i];

		name_found |= region_select(region, &name, &ignored);
		object_found |= region_select(region, &object, &ignored);
	}
	if (!name_found) {
		list_names(layout, selection->name, false, names, sizeof(names));
		return error_new(ERROR_LOOKUP,
				 "no region of process %d is called %.100s; there are: %s", pid,
				 selection->name, names);
	}
	if (!object_found) {
		list_names(layout, selection->object_glob, true, names, sizeof(names));
		return error_new(ERROR_LOOKUP,
				 "no object of process %d matches %.100s; there are: %s", pid,
				 selection->object_glob, names);
	}
	if (!selection->name && !selection->object_glob)
		return error_new(ERROR_LOOKUP,
				 "nothing is mapped from 0x%llx to 0x%llx in process %d",
				 (unsigned long long)selection->range.start,
				 (unsigned long long)selection->range.end, pid);
	return error_new(ERROR_LOOKUP, "no region of process %d meets all that was asked for", pid);
}
