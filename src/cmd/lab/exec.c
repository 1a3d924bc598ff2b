// SPDX-License-Identifier: GPL-2.0-or-later
/* An address space before and after execve(2), beside a process that runs the new program already.
 */
#include <stdlib.h>
#include <string.h>

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
	size_t old_areas[2]; /* of the old program's file: how many are mapped */
};

static const char *const words[ROWS][2] = {[STACK] = {"stack", "stack"},
					   [HEAP] = {"heap", "heap"},
					   [DATA] = {".data", "data"},
					   [TEXT] = {".text", "text"},
					   [PUTS] = {"libc", "puts"}};

/* Where the page table of the process begins, and whether there is anything of the old program. */
static struct error *look_at_process(struct exec_lab *e, int when)
{
	_cleanup_view_ struct view view = {0};
	_cleanup_free_ char *path = NULL;

	TRY(subject_path("exec", &path));
	TRY(view_open(e->lab, e->subject.pid, &view));
	e->has_roots = view.has_tables;
	e->roots[when] = view.has_tables ? view.tables.root : 0;
	for (size_t i = 0; i < view.layout.vmas.count; i++) {
		const struct vma *vma = &view.layout.vmas.items[i];

		e->old_areas[when] += vma->name && strcmp(vma->name, path) == 0;
	}
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
	e->scene.processes[AFTER] = "after";
	e->scene.processes[OTHER] = "other";
	lab_step(e->lab, "before execve");
	lab_say(e->lab,
		"A process with a stack, a heap, .data and .text of its program, and libc.");
	TRY(look(e, BEFORE, &e->subject));
	TRY(look_at_process(e, BEFORE));
	return scene_show(e->lab, &e->scene);
}

/* Two of the three looks beside each other. */
static struct error *show_two(struct exec_lab *e, int left, int right)
{
	struct scene scene = {.rows = ROWS, .panes = 2, .apart = true};
	const int panes[] = {left, right};

	for (size_t pane = 0; pane < 2; pane++) {
		for (size_t row = 0; row < ROWS; row++) {
			scene.places[row] = words[row][0];
			scene.now[row][pane] = e->scene.now[row][panes[pane]];
		}
		scene.processes[pane] = e->scene.processes[panes[pane]];
		scene.pids[pane] = e->scene.pids[panes[pane]];
	}
	return scene_show(e->lab, &scene);
}

static struct error *after(struct exec_lab *e)
{
	const struct sight(*now)[SCENE_PANES] = e->scene.now;
	bool known, same;

	lab_step(e->lab, "after execve");
	TRY(subject_step(&e->subject));
	lab_say(e->lab,
		"The same PID, and nothing of the address space is left. The old frames are free; "
		"if one of them comes up again on the right, it was taken because it was free. "
		"Only the code of libc is where it was: it never left RAM.");
	TRY(look(e, AFTER, &e->subject));
	TRY(look_at_process(e, AFTER));
	TRY(show_two(e, BEFORE, AFTER));
	TRY(lab_claim(e->lab, e->old_areas[BEFORE], e->old_areas[AFTER] == 0,
		      "nothing of the old program's file is mapped any more"));
	TRY(lab_claim(e->lab, e->has_roots, e->roots[BEFORE] != e->roots[AFTER],
		      "the process has a new page table (CR3 differs), under the same PID"));
	same = sight_same_frame(&now[TEXT][BEFORE], &now[TEXT][AFTER], &known);
	TRY(lab_claim(e->lab, known, !same, ".text is the new program's, in other frames"));
	same = sight_same_frame(&now[PUTS][BEFORE], &now[PUTS][AFTER], &known);
	return lab_claim(e->lab, known, same, "libc, loaded anew, is in the frame where it was");
}

static struct error *beside_another(struct exec_lab *e)
{
	const struct sight(*now)[SCENE_PANES] = e->scene.now;
	bool known, same;

	lab_step(e->lab, "beside a process that ran the new program before");
	lab_say(e->lab,
		"It was started earlier, so the new .text was in RAM already, and both have it in "
		"the same frames. What either has written is its own.");
	TRY(look(e, OTHER, &e->other));
	TRY(show_two(e, AFTER, OTHER));
	same = sight_same_frame(&now[TEXT][AFTER], &now[TEXT][OTHER], &known);
	TRY(lab_claim(e->lab, known, same,
		      "the new .text was in RAM already: it is the other process's frame"));
	same = sight_same_frame(&now[DATA][AFTER], &now[DATA][OTHER], &known);
	return lab_claim(e->lab, known, !same, "the new .data, once written, is its own");
}

static struct error *run(struct lab *lab)
{
	struct exec_lab e = {.lab = lab};
	struct error *error = before(&e);

	if (!error)
		error = after(&e);
	if (!error)
		error = beside_another(&e);
	if (!error)
		lab_last_step(lab);
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
