// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/family.h"

#include <stdlib.h>

const struct process *family_find(const process_vec *list, pid_t pid)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].pid == pid)
			return &list->items[i];
	}
	return NULL;
}

/*
 * The child of `ancestor` that `pid` is or descends from, or NULL. A list that was read while
 * processes came and went might have a loop: there are no more steps than processes.
 */
static const struct process *branch_of(const process_vec *list, pid_t ancestor, pid_t pid)
{
	const struct process *process = family_find(list, pid);

	for (size_t steps = 0; process && steps < list->count; steps++) {
		if (process->ppid == ancestor)
			return process;
		process = family_find(list, process->ppid);
	}
	return NULL;
}

enum relation family_relation(const process_vec *list, pid_t first, pid_t second)
{
	const struct process *branch = branch_of(list, first, second);

	if (branch)
		return branch->pid == second ? RELATION_CHILD : RELATION_DESCENDANT;
	return branch_of(list, second, first) ? RELATION_REVERSED : RELATION_NONE;
}

bool family_forked_since(const process_vec *list, pid_t pid, pid_t other)
{
	const struct process *branch = branch_of(list, pid, other);

	for (size_t i = 0; i < list->count; i++) {
		const struct process *child = &list->items[i];

		if (child->ppid == pid && child != branch &&
		    (!branch || child->started >= branch->started))
			return true;
	}
	return false;
}

static struct error *add_children(const process_vec *list, pid_t pid, process_pointers *found)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].ppid == pid && list->items[i].pid != pid)
			TRY(vec_push(found, &list->items[i]));
	}
	return NULL;
}

struct error *family_descendants(const process_vec *list, pid_t pid, process_pointers *descendants)
{
	size_t next = descendants->count;

	TRY(add_children(list, pid, descendants));
	/* As above, a loop must not go on for ever. */
	for (; next < descendants->count && descendants->count <= list->count; next++)
		TRY(add_children(list, descendants->items[next]->pid, descendants));
	return NULL;
}
