// SPDX-License-Identifier: GPL-2.0-or-later
/* physlens cow PID: a master and its descendants, a row each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analysis/family.h"
#include "base/scope.h"
#include "cmd/cow.h"
#include "ui/escape.h"
#include "ui/prose.h"

enum {
	COL_PID,
	COL_PPID,
	COL_COMMAND,
	COL_STATE,
	COL_SHARED,
	COL_COW,
	COL_DIVERGED,
	COL_PRIVATE,
	COL_SWAPPED,
	COL_EROSION,
	COL_SAVES,
	COL_COSTS,
};

static const struct column columns[] = {
	[COL_PID] = {"PID", CELL_NUMBER, 0, 0, "the descendant"},
	[COL_PPID] = {"PPID", CELL_NUMBER, 0, 0, "its parent"},
	[COL_COMMAND] = {"COMMAND", CELL_TEXT, 0, 0, "its name"},
	[COL_STATE] = {"STATE", CELL_TEXT, 0, COLUMN_YIELDS(2),
		       "empty: a worker; new, exited, exec, same-memory, zombie, hidden"},
	[COL_SHARED] = {"SHARED", CELL_PAGES, 0, COLUMN_HUMAN,
			"pages in the same frame as the master's"},
	[COL_COW] = {"COW", CELL_PAGES, 0, COLUMN_HUMAN,
		     "of them: anonymous, or a write would copy them: what can still diverge"},
	[COL_DIVERGED] = {"DIVERGED", CELL_PAGES, 0, COLUMN_HUMAN,
			  "pages in another frame than the master's"},
	[COL_PRIVATE] = {"PRIVATE", CELL_PAGES, 0, COLUMN_HUMAN | COLUMN_YIELDS(1),
			 "pages that nobody else maps"},
	[COL_SWAPPED] = {"SWAPPED", CELL_PAGES, 0, COLUMN_HUMAN | COLUMN_YIELDS(3),
			 "in swap, in one or both"},
	[COL_EROSION] = {"EROSION", CELL_TEXT, 0, 0,
			 "part of what it once shared that is gone: DIVERGED of DIVERGED + COW"},
	[COL_SAVES] = {"SAVES", CELL_NUMBER, 0, 0,
		       "bytes that fork saves: anonymous frames it shares with the master"},
	[COL_COSTS] = {"COSTS", CELL_NUMBER, 0, 0, "bytes of the copies: a frame a diverged page"},
};

const struct table_spec cow_family_table = {
	.name = "cow",
	.title = "cow PID --watch",
	.columns = columns,
	.count = sizeof(columns) / sizeof(columns[0]),
	.defaults =
		"PID,PPID,COMMAND,STATE,SHARED,COW,DIVERGED,PRIVATE,SWAPPED,EROSION,SAVES,COSTS",
	.screen = "PID,COMMAND,STATE,SHARED,COW,DIVERGED,PRIVATE,SWAPPED,EROSION",
};

struct member {
	struct process process;
	const char *state;
	bool counted;
	bool eroding; /* it runs the master's program */
	struct cow_counts counts;
};

typedef VEC(struct member) member_vec;

struct family_view {
	struct cow *cow;
	pid_t pid;
	struct space *master;
	struct snapshot snapshot; /* the master's */
	struct snapshot other;    /* of the descendant in hand */
	process_pointers descendants;
	member_vec members; /* of this sample */
	member_vec before;  /* of the last one */
};

/* --- a sample -----------------------------------------------------------------------------------
 */

static struct error *count_stretch(void *argument, const struct stretch_pair *s)
{
	cow_count(argument, s);
	return NULL;
}

static struct error *count_member(struct family_view *view, struct space *space,
				  struct member *member)
{
	TRY(snapshot_take(&view->other, space, SNAPSHOT_ALL));
	TRY(pair_walk(&view->snapshot, &view->other, RANGE_ALL, count_stretch, &member->counts));
	TRY(space_check_alive(space));
	member->counted = true;
	member->eroding = space->heap_start == view->master->heap_start;
	if (!member->eroding)
		member->state = "exec";
	return NULL;
}

static bool same_memory(const struct family_view *view, pid_t pid)
{
	int order = 1;

	error_free(target_compare_spaces(view->cow->target, view->pid, pid, &order));
	return order == 0;
}

/* What is not there any more, or may not be seen, is a state and not a failure. */
static struct error *look_at(struct family_view *view, struct member *member)
{
	struct space *space;
	pid_t pid = member->process.pid;

	if (member->process.state == 'Z' || member->process.state == 'X') {
		member->state = "zombie";
		return NULL;
	}
	if (same_memory(view, pid)) {
		member->state = "same-memory";
		return NULL;
	}
	struct error *error = target_open_space(view->cow->target, pid, &space);
	if (!error) {
		error = count_member(view, space, member);
		space_close(space);
	}
	if (error_is(error, ERROR_EXECUTED))
		member->state = "exec";
	else if (error_is(error, ERROR_GONE) || error_is(error, ERROR_LOOKUP))
		member->state = "exited";
	else if (error_is(error, ERROR_DENIED))
		member->state = "hidden";
	else
		return error;
	member->counted = false;
	error_free(error);
	return NULL;
}

static struct member *find_member(const member_vec *members, const struct process *process)
{
	for (size_t i = 0; i < members->count; i++) {
		if (members->items[i].process.pid == process->pid &&
		    members->items[i].process.started == process->started)
			return &members->items[i];
	}
	return NULL;
}

static struct error *add_member(struct family_view *view, const struct process *process)
{
	struct member member = {.process = *process};

	if (process->pid == getpid() || process->kernel_thread)
		return NULL;
	TRY(look_at(view, &member));
	if (view->cow->watch.samples > 0 && !member.state && !find_member(&view->before, process))
		member.state = "new";
	return vec_push(&view->members, member);
}

/* Those of the sample before that are not there any more are shown once. */
static struct error *add_exited(struct family_view *view)
{
	for (size_t i = 0; i < view->before.count; i++) {
		const struct member *old = &view->before.items[i];
		struct member member = {.process = old->process, .state = "exited"};

		if ((old->state && strcmp(old->state, "exited") == 0) ||
		    find_member(&view->members, &old->process))
			continue;
		TRY(vec_push(&view->members, member));
	}
	return NULL;
}

/* The master and all its descendants, as they are now. */
static struct error *list_family(void *argument, pid_vec *pids)
{
	struct family_view *view = argument;
	process_vec *all = &view->cow->processes;

	all->count = 0;
	view->descendants.count = 0;
	TRY(target_processes(view->cow->target, all));
	TRY(family_descendants(all, view->pid, &view->descendants));
	TRY(vec_push(pids, view->pid));
	for (size_t i = 0; i < view->descendants.count; i++) {
		if (!view->descendants.items[i]->kernel_thread)
			TRY(vec_push(pids, view->descendants.items[i]->pid));
	}
	return NULL;
}

static struct error *look_at_all(struct family_view *view)
{
	TRY(cow_hold(view->cow, list_family, view));
	TRY(snapshot_take(&view->snapshot, view->master, SNAPSHOT_ALL));
	for (size_t i = 0; i < view->descendants.count; i++)
		TRY(add_member(view, view->descendants.items[i]));
	TRY(add_exited(view));
	return space_check_alive(view->master);
}

static struct error *take_sample(struct family_view *view)
{
	member_vec older = view->before;

	view->before = view->members;
	view->members = older;
	view->members.count = 0;
	struct error *error = look_at_all(view);
	cow_release(view->cow);
	return error;
}

/* --- rows --------------------------------------------------------------------------------------
 */

static struct error *put_erosion(struct table *table, const struct cow_counts *counts)
{
	uint64_t gone = cow_diverged(counts), once = gone + counts->cow;
	char text[16];

	if (once == 0)
		return NULL;
	double part = 100.0 * (double)gone / (double)once;
	snprintf(text, sizeof(text), part > 0 && part < 10 ? "%.1f%%" : "%.0f%%", part);
	TRY(table_text(table, COL_EROSION, text));
	table_color(table, COL_EROSION,
		    part >= 50   ? CELL_RED
		    : part >= 10 ? CELL_YELLOW
				 : CELL_GREEN);
	return NULL;
}

static struct error *put_counts(const struct family_view *view, struct table *table,
				const struct member *member)
{
	const struct cow_counts *counts = &member->counts;
	unsigned shift = view->cow->target->page_shift;

	TRY(table_number(table, COL_SHARED, counts->of[COW_SHARED]));
	TRY(table_number(table, COL_COW, counts->cow));
	TRY(table_number(table, COL_DIVERGED, cow_diverged(counts)));
	TRY(table_number(table, COL_PRIVATE, counts->alone));
	TRY(table_number(table, COL_SWAPPED, counts->of[COW_SWAPPED]));
	TRY(table_number(table, COL_SAVES, counts->anonymous << shift));
	/* Between two programs a frame of one's own is no copy. */
	if (!member->eroding)
		return NULL;
	TRY(table_number(table, COL_COSTS, cow_diverged(counts) << shift));
	return put_erosion(table, counts);
}

static struct error *put_member(const struct family_view *view, struct table *table,
				const struct member *member)
{
	TRY(table_row(table));
	TRY(table_number(table, COL_PID, (uint64_t)member->process.pid));
	TRY(table_number(table, COL_PPID, (uint64_t)member->process.ppid));
	TRY(table_text(table, COL_COMMAND, member->process.command));
	TRY(table_text(table, COL_STATE, member->state));
	return member->counted ? put_counts(view, table, member) : NULL;
}

static void print_summary(const struct family_view *view)
{
	uint64_t anonymous = 0, diverged = 0;
	unsigned shift = view->cow->target->page_shift;
	size_t counted = 0;
	char saved[32], cost[32], name[4 * sizeof(view->master->command)];

	for (size_t i = 0; i < view->members.count; i++) {
		const struct member *member = &view->members.items[i];

		if (!member->counted || !member->eroding)
			continue;
		counted++;
		anonymous += member->counts.anonymous;
		diverged += cow_diverged(&member->counts);
	}
	escape_terminal(name, sizeof(name), view->master->command);
	prose_printf("\n%zu %s of process %d (%s) %s its program. In all, %s of its private memory "
		     "serve "
		     "them, too,\nand %s of what was once shared has been copied.\n",
		     counted, counted == 1 ? "descendant" : "descendants", (int)view->pid, name,
		     counted == 1 ? "runs" : "run", cow_size_text(anonymous << shift, saved),
		     cow_size_text(diverged << shift, cost));
}

static struct error *put_sample(struct family_view *view)
{
	struct table *table;

	TRY(table_create(&cow_family_table, &view->cow->invocation->table, stdout, &table));
	struct error *error = NULL;
	for (size_t i = 0; !error && i < view->members.count; i++)
		error = put_member(view, table, &view->members.items[i]);
	if (!error)
		error = table_finish(table);
	table_destroy(table);
	if (!error && cow_is_text(view->cow))
		print_summary(view);
	return error;
}

static struct error *show_each(struct family_view *view)
{
	struct watch *watch = &view->cow->watch;

	watch_begin(watch, view->cow->invocation->table.format);
	do {
		invocation_again(view->cow->invocation);
		struct error *error = take_sample(view);

		if (error_is(error, ERROR_GONE) && watch->samples > 0) {
			invocation_warn(view->cow->invocation, "%s", error_message(error));
			error_free(error);
			return NULL;
		}
		if (error)
			return error;
		watch_show(watch, &view->cow->invocation->table);
		TRY(put_sample(view));
	} while (watch_wait(watch));
	return NULL;
}

static struct error *show_once(struct family_view *view)
{
	TRY(take_sample(view));
	if (view->members.count == 0)
		invocation_warn(view->cow->invocation, "process %d has no descendants",
				(int)view->pid);
	return put_sample(view);
}

struct error *cow_family_show(struct cow *cow, pid_t master)
{
	struct family_view view = {.cow = cow, .pid = master};
	struct error *error = target_open_space(cow->target, master, &view.master);

	if (!error)
		error = space_require_pfns(view.master);
	if (!error)
		error = cow->watch.interval ? show_each(&view) : show_once(&view);
	space_close(view.master);
	snapshot_deinit(&view.snapshot);
	snapshot_deinit(&view.other);
	vec_deinit(&view.members);
	vec_deinit(&view.before);
	vec_deinit(&view.descendants);
	return error;
}
