// SPDX-License-Identifier: GPL-2.0-or-later
/* A thread against a child: one page table against two. */
#include <inttypes.h>

#include "base/scope.h"
#include "cmd/lab/lab.h"

enum { PROCESS, CHILD };

struct threads_lab {
	struct lab *lab;
	struct subject subject;
	struct scene scene;
	pid_t thread;
	uint64_t roots[2];
	bool has_roots;
	uint64_t seen[2]; /* the counter, by process */
};

/* Where each page table begins: what CR3 holds while the process runs. */
static struct error *look_at_roots(struct threads_lab *t)
{
	for (int i = 0; i < 2; i++) {
		_cleanup_view_ struct view view = {0};

		TRY(view_open(t->lab, t->scene.pids[i], &view));
		t->has_roots = view.has_tables;
		t->roots[i] = view.has_tables ? view.tables.root : 0;
	}
	return NULL;
}

static struct error *show(struct threads_lab *t)
{
	TRY(scene_look(t->lab, &t->scene));
	return scene_show(t->lab, &t->scene);
}

static struct error *show_seen(struct threads_lab *t)
{
	TRY(subject_word(&t->subject, "main.sees", &t->seen[PROCESS]));
	TRY(subject_word(&t->subject, "child.sees", &t->seen[CHILD]));
	TRY(lab_value(t->lab, "read", "main.sees", t->seen[PROCESS]));
	TRY(lab_value(t->lab, "read", "child.sees", t->seen[CHILD]));
	if (t->lab->text)
		fprintf(t->lab->draw.out,
			"\n   counter:  main thread reads %" PRIu64 ", the child reads %" PRIu64
			"\n",
			t->seen[PROCESS], t->seen[CHILD]);
	return NULL;
}

static struct error *show_roots(struct threads_lab *t)
{
	const struct draw *draw = &t->lab->draw;

	TRY(look_at_roots(t));
	if (!t->has_roots)
		return NULL;
	TRY(lab_value(t->lab, "cr3", "process", t->roots[PROCESS]));
	TRY(lab_value(t->lab, "cr3", "child", t->roots[CHILD]));
	if (!t->lab->text)
		return NULL;
	fputc('\n', draw->out);
	draw_format(draw, CELL_PLAIN, 36, "   CR3 of threads %d and %d", (int)t->subject.pid,
		    (int)t->thread);
	draw_format(draw, CELL_CYAN, 0, "0x%" PRIx64 "\n", t->roots[PROCESS]);
	draw_format(draw, CELL_PLAIN, 36, "   CR3 of process %d", (int)t->scene.pids[CHILD]);
	draw_format(draw, CELL_CYAN, 0, "0x%" PRIx64 "\n", t->roots[CHILD]);
	return NULL;
}

static struct error *claim_one_space(struct threads_lab *t)
{
	int with_thread = 1, with_child = 0;
	_cleanup_error_ struct error *error =
		target_compare_spaces(t->lab->target, t->subject.pid, t->thread, &with_thread);

	if (!error)
		error = target_compare_spaces(t->lab->target, t->subject.pid, t->scene.pids[CHILD],
					      &with_child);
	if (error)
		TRY(lab_missing(t->lab, "whether two tasks have one address space: %s",
				error_message(error)));
	TRY(lab_claim(t->lab, !error, with_thread == 0,
		      "the thread has the address space of its process"));
	TRY(lab_claim(t->lab, !error, with_child != 0, "the child has one of its own"));
	return lab_claim(t->lab, t->has_roots, t->roots[PROCESS] != t->roots[CHILD],
			 "process and child have two page tables (CR3 differs)");
}

static struct error *begin(struct threads_lab *t)
{
	uint64_t child, thread;

	TRY(subject_start(&t->subject, "threads", NULL));
	TRY(subject_word(&t->subject, "child", &child));
	TRY(subject_word(&t->subject, "thread", &thread));
	t->thread = (pid_t)thread;
	t->scene.panes = 2;
	t->scene.processes[PROCESS] = "2 threads";
	t->scene.processes[CHILD] = "child";
	t->scene.pids[PROCESS] = t->subject.pid;
	t->scene.pids[CHILD] = (pid_t)child;
	TRY(scene_place(&t->scene, &t->subject, "counter", "counter"));
	lab_step(t->lab, "a process forked a child, then started a thread");
	lab_say(t->lab, "The thread runs in the page table of its process. The child has another, "
			"which leads to the same frame so far.");
	TRY(show(t));
	TRY(show_roots(t));
	return claim_one_space(t);
}

static struct error *thread_writes(struct threads_lab *t)
{
	lab_step(t->lab, "the thread writes counter = 2");
	TRY(subject_step(&t->subject));
	lab_say(t->lab, "The main thread sees it: it is one page in one page table. The child does "
			"not: for that write the page was copied.");
	TRY(show(t));
	TRY(show_seen(t));
	TRY(lab_claim(t->lab, true, t->seen[PROCESS] == 2,
		      "the main thread reads what the thread "
		      "wrote"));
	return lab_claim(t->lab, true, t->seen[CHILD] == 1, "the child does not");
}

static struct error *child_writes(struct threads_lab *t)
{
	const struct sight *now = t->scene.now[0];
	bool known, same;

	lab_step(t->lab, "the child writes counter = 3");
	TRY(subject_step(&t->subject));
	lab_say(t->lab, "Now it is the other way round: neither thread sees it.");
	TRY(show(t));
	TRY(show_seen(t));
	same = sight_same_frame(&now[PROCESS], &now[CHILD], &known);
	TRY(lab_claim(t->lab, known, !same, "process and child have the counter in two frames"));
	return lab_claim(t->lab, true, t->seen[PROCESS] == 2 && t->seen[CHILD] == 3,
			 "the threads do not read what the child wrote");
}

static struct error *run(struct lab *lab)
{
	struct threads_lab t = {.lab = lab};
	struct error *error = begin(&t);

	if (!error)
		error = thread_writes(&t);
	if (!error)
		error = child_writes(&t);
	subject_stop(&t.subject);
	return error;
}

const struct experiment experiment_threads = {
	.name = "threads",
	.summary = "a thread against a child: one page table against two",
	.look = "Look at CR3, where the page tables begin: threads have one, a child has its own. "
		"Then look at who sees a write.",
	.run = run,
};
