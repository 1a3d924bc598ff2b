// SPDX-License-Identifier: GPL-2.0-or-later
/* An address space before and after execve(2), beside a process that runs the new program already.
 */
#include <stdlib.h>

#include "base/scope.h"
#include "cmd/lab/lab.h"

enum { BEFORE, AFTER, OTHER };
enum { STACK, HEAP, DATA, TEXT, PUTS, ROWS };

struct exec_lab {
	struct lab *lab;
	struct subject subject, other;
	struct scene scene;
	uint64_t roots[2];
	bool has_roots;
};

static const char *const words[ROWS][2] = {[STACK] = {"stack", "stack"},
					   [HEAP] = {"heap", "heap"},
					   [DATA] = {".data", "data"},
					   [TEXT] = {".text", "text"},
					   [PUTS] = {"libc", "puts"}};

/* Where the page table of the process begins; 0 where that cannot be seen. */
static struct error *look_at_root(struct exec_lab *e, int when)
{
	_cleanup_view_ struct view view = {0};

	TRY(view_open(e->lab, e->subject.pid, &view));
	e->has_roots = view.has_tables;
	e->roots[when] = view.has_tables ? view.tables.root : 0;
	return NULL;
}

/* One pane at a time: the first one is gone when the second comes. */
static struct error *look(struct exec_lab *e, size_t pane, const struct subject *subject)
{
	struct scene one = {.rows = ROWS, .panes = 1, .pids = {subject->pid}};

	for (size_t row = 0; row < ROWS; row++) {
		TRY(subject_word(subject, words[row][1], &one.addresses[row][0]));
		e->scene.places[row] = words[row][0];
	}
	TRY(scene_look(e->lab, &one));
	for (size_t row = 0; row < ROWS; row++)
		e->scene.now[row][pane] = one.now[row][0];
	e->scene.pids[pane] = subject->pid;
	return NULL;
}

static struct error *before(struct exec_lab *e)
{
	_cleanup_free_ char *path = NULL;

	TRY(subject_start(&e->other, "image", NULL));
	TRY(subject_path("image", &path));
	TRY(subject_start(&e->subject, "exec", path));
	e->scene.apart = true;
	e->scene.rows = ROWS;
	e->scene.panes = 1;
	e->scene.processes[BEFORE] = "before";
	lab_step(e->lab, "before execve");
	lab_say(e->lab,
		"A process with a stack, a heap, .data and .text of its program, and libc.");
	TRY(look(e, BEFORE, &e->subject));
	TRY(look_at_root(e, BEFORE));
	return scene_show(e->lab, &e->scene);
}

/* The picture of the second step: after, beside the other process. */
static struct error *show_after(struct exec_lab *e, struct scene *scene)
{
	*scene = (struct scene){.rows = ROWS, .panes = 2, .apart = true};
	for (size_t row = 0; row < ROWS; row++) {
		scene->places[row] = words[row][0];
		scene->now[row][0] = e->scene.now[row][AFTER];
		scene->now[row][1] = e->scene.now[row][OTHER];
	}
	scene->processes[0] = "after";
	scene->processes[1] = "already there";
	scene->pids[0] = e->subject.pid;
	scene->pids[1] = e->other.pid;
	return scene_show(e->lab, scene);
}

static struct error *claim_replaced(struct exec_lab *e)
{
	const struct sight(*now)[SCENE_PANES] = e->scene.now;
	bool known, same;

	same = sight_same_frame(&now[TEXT][BEFORE], &now[TEXT][AFTER], &known);
	TRY(lab_claim(e->lab, known, !same, ".text is the new program's, in other frames"));
	TRY(lab_claim(e->lab, e->has_roots, e->roots[BEFORE] != e->roots[AFTER],
		      "the process has a new page table (CR3 differs), under the same PID"));
	same = sight_same_frame(&now[TEXT][AFTER], &now[TEXT][OTHER], &known);
	TRY(lab_claim(e->lab, known, same,
		      "the new .text was in RAM already: it is the other process's frame"));
	same = sight_same_frame(&now[PUTS][BEFORE], &now[PUTS][AFTER], &known);
	TRY(lab_claim(e->lab, known, same, "libc, loaded anew, is in the frame where it was"));
	same = sight_same_frame(&now[DATA][AFTER], &now[DATA][OTHER], &known);
	return lab_claim(e->lab, known, !same, "the new .data, once written, is its own");
}

static struct error *after(struct exec_lab *e)
{
	struct scene scene;

	lab_step(e->lab, "after execve");
	TRY(subject_step(&e->subject));
	lab_say(e->lab,
		"The same PID, and nothing of the address space is left. On the right a "
		"process that ran the new program before: its .text, and all of libc's code, "
		"was in RAM already and is shared. Frames that the old one had are free, and may "
		"be used again at once.");
	TRY(look(e, AFTER, &e->subject));
	TRY(look(e, OTHER, &e->other));
	TRY(look_at_root(e, AFTER));
	TRY(show_after(e, &scene));
	return claim_replaced(e);
}

static struct error *run(struct lab *lab)
{
	struct exec_lab e = {.lab = lab};
	struct error *error = before(&e);

	if (!error)
		error = after(&e);
	subject_stop(&e.subject);
	subject_stop(&e.other);
	return error;
}

const struct experiment experiment_exec = {
	.name = "exec",
	.summary = "an address space before and after execve",
	.look = "Look at the PID, which stays, and at the pages, which are all replaced. The new "
		"program's code may be in RAM already, because another process runs it.",
	.run = run,
};
