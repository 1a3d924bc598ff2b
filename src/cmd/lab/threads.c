// SPDX-License-Identifier: GPL-2.0-or-later
/* A thread against a child: one page table against two. */
#include <inttypes.h>

#include "base/scope.h"
#include "cmd/lab/lab.h"

/* Each is looked at by its own number: the kernel has a /proc/TID for a thread, too. */
enum { MAIN, THREAD, CHILD, TASKS };

/* Columns of the picture. */
enum { TASK = 16, NUMBER = 8, ROOT = 13, FRAME = 11, PERMS = 8 };

struct task {
	pid_t id;
	bool has_root;
	uint64_t root; /* where its page table begins: what CR3 holds while it runs */
	struct sight now, before;
	uint64_t reads; /* the counter, as it sees it */
};

struct threads_lab {
	struct lab *lab;
	struct subject subject;
	struct task tasks[TASKS];
};

static const struct {
	const char *name;
	const char *word; /* its number */
	const char *sees;
} names[TASKS] = {
	[MAIN] = {"main thread", "main", "main.sees"},
	[THREAD] = {"other thread", "thread", "thread.sees"},
	[CHILD] = {"child", "child", "child.sees"},
};

static struct error *look_at_task(struct threads_lab *t, size_t number)
{
	_cleanup_view_ struct view view = {0};
	struct task *task = &t->tasks[number];
	uint64_t address;

	TRY(subject_word(&t->subject, "counter", &address));
	TRY(subject_word(&t->subject, names[number].sees, &task->reads));
	TRY(view_open(t->lab, task->id, &view));
	task->has_root = view.has_tables;
	task->root = view.has_tables ? view.tables.root : 0;
	task->before = task->now;
	return view_look(&view, address, &task->now);
}

/* --- the picture ------------------------------------------------------------------------------ */

static void draw_headings(const struct draw *draw)
{
	draw_text(draw, CELL_DIM, TASK + NUMBER, "");
	draw_text(draw, CELL_DIM, ROOT, "CR3");
	draw_text(draw, CELL_DIM, ROOT, "virtual page");
	draw_text(draw, CELL_DIM, FRAME, "frame");
	draw_text(draw, CELL_DIM, PERMS, "perms");
	draw_text(draw, CELL_DIM, 0, "it reads\n");
}

static void draw_task(const struct threads_lab *t, size_t number)
{
	const struct draw *draw = &t->lab->draw;
	const struct task *task = &t->tasks[number];
	bool moved = task->before.has_pfn && task->now.pfn != task->before.pfn;
	char frame[24], perms[8];

	sight_frame_text(&task->now, frame);
	sight_perms_text(&task->now, perms);
	fputs("   ", draw->out);
	draw_text(draw, CELL_CYAN, TASK - 3, names[number].name);
	draw_format(draw, CELL_PLAIN, NUMBER, "%d", (int)task->id);
	draw_format(draw, CELL_PLAIN, ROOT, task->has_root ? "0x%" PRIx64 : "-", task->root);
	draw_format(draw, CELL_PLAIN, ROOT, "0x%" PRIx64,
		    task->now.address >> t->lab->target->page_shift);
	draw_format(draw, moved ? CELL_YELLOW : CELL_PLAIN, FRAME, "%s%s", frame, moved ? "*" : "");
	draw_text(draw, CELL_PLAIN, PERMS, perms);
	draw_format(draw, CELL_PLAIN, 0, "%" PRIu64 "\n", task->reads);
}

static struct error *put_task(const struct threads_lab *t, size_t number)
{
	const struct task *task = &t->tasks[number];

	TRY(lab_sight(t->lab, names[number].name, task->id, "counter", &task->now));
	if (task->has_root)
		TRY(lab_value(t->lab, "cr3", names[number].name, task->root));
	return lab_value(t->lab, "read", names[number].name, task->reads);
}

static struct error *show(struct threads_lab *t)
{
	bool moved = false;

	if (t->lab->text) {
		fputc('\n', t->lab->draw.out);
		draw_headings(&t->lab->draw);
	}
	for (size_t i = 0; i < TASKS; i++) {
		struct task *task = &t->tasks[i];

		TRY(look_at_task(t, i));
		TRY(put_task(t, i));
		if (t->lab->text)
			draw_task(t, i);
		moved |= task->before.has_pfn && task->now.pfn != task->before.pfn;
	}
	if (t->lab->text && moved)
		fputs("   * another frame than in the step before\n", t->lab->draw.out);
	return NULL;
}

/* --- what is claimed ----------------------------------------------------------------------------
 */

static struct error *claim_one_space(struct threads_lab *t)
{
	const struct task *tasks = t->tasks;
	bool has_roots = tasks[MAIN].has_root && tasks[THREAD].has_root && tasks[CHILD].has_root;
	int with_thread = 1, with_child = 0;
	_cleanup_error_ struct error *error = target_compare_spaces(t->lab->target, tasks[MAIN].id,
								    tasks[THREAD].id, &with_thread);

	if (!error)
		error = target_compare_spaces(t->lab->target, tasks[MAIN].id, tasks[CHILD].id,
					      &with_child);
	if (error)
		TRY(lab_missing(t->lab, "whether two tasks have one address space: %s",
				error_message(error)));
	TRY(lab_claim(t->lab, !error, with_thread == 0 && with_child != 0,
		      "the two threads have one address space, the child has one of its own"));
	return lab_claim(t->lab, has_roots,
			 tasks[MAIN].root == tasks[THREAD].root &&
				 tasks[MAIN].root != tasks[CHILD].root,
			 "both threads have one page table (the same CR3), the child has another");
}

static struct error *claim_reads(struct threads_lab *t, const char *who, uint64_t threads,
				 uint64_t child)
{
	const struct task *tasks = t->tasks;

	return lab_claim(t->lab, true,
			 tasks[MAIN].reads == threads && tasks[THREAD].reads == threads &&
				 tasks[CHILD].reads == child,
			 "%s has written: both threads read %" PRIu64 ", the child %" PRIu64, who,
			 threads, child);
}

static struct error *begin(struct threads_lab *t)
{
	TRY(subject_start(&t->subject, "threads", NULL));
	for (size_t i = 0; i < TASKS; i++) {
		uint64_t id;

		TRY(subject_word(&t->subject, names[i].word, &id));
		t->tasks[i].id = (pid_t)id;
	}
	lab_step(t->lab, "a process forked a child, then started a thread");
	lab_say(t->lab,
		"counter is 1. The two threads run in one page table. The child has another, "
		"which leads to the same frame so far.");
	TRY(show(t));
	return claim_one_space(t);
}

static struct error *thread_writes(struct threads_lab *t)
{
	const struct task *tasks = t->tasks;
	bool known, same, with_child;

	lab_step(t->lab, "the other thread writes counter = 2");
	TRY(subject_step(&t->subject));
	lab_say(t->lab,
		"The main thread sees it: it is one page in one page table. The child does "
		"not: for that write the page was copied, and the child has the old frame.");
	TRY(show(t));
	TRY(claim_reads(t, "a thread", 2, 1));
	same = sight_same_frame(&tasks[MAIN].now, &tasks[THREAD].now, &known);
	with_child = sight_same_frame(&tasks[MAIN].now, &tasks[CHILD].now, &known);
	return lab_claim(t->lab, known, same && !with_child,
			 "the write went to one frame for both threads, and not to the child's");
}

static struct error *child_writes(struct threads_lab *t)
{
	lab_step(t->lab, "the child writes counter = 3");
	TRY(subject_step(&t->subject));
	lab_say(t->lab, "Now it is the other way round: neither thread sees it. The child is alone "
			"with its frame, so nothing was copied.");
	TRY(show(t));
	return claim_reads(t, "the child", 2, 3);
}

static struct error *run(struct lab *lab)
{
	struct threads_lab t = {.lab = lab};
	struct error *error = begin(&t);

	if (!error)
		error = thread_writes(&t);
	if (!error)
		error = child_writes(&t);
	if (!error)
		lab_last_step(lab);
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
