// SPDX-License-Identifier: GPL-2.0-or-later
/* The page table of parent and child side by side: before fork, after it, after each has written.
 */
#include <inttypes.h>

#include "cmd/lab/lab.h"

enum { PARENT, CHILD };

/* Rows of the picture, in the order of scene_places(). */
enum { STACK, HEAP, BSS, DATA, UNUSED, TEXT };

struct fork_lab {
	struct lab *lab;
	struct subject subject;
	struct scene scene;
};

static struct error *scene_places(struct fork_lab *f)
{
	static const char *const places[][2] = {
		[STACK] = {"stack", "stack"},    [HEAP] = {"heap", "heap"},
		[BSS] = {".bss", "bss"},         [DATA] = {".data", "data"},
		[UNUSED] = {"unused", "unused"}, [TEXT] = {".text", "text"},
	};

	f->scene.processes[PARENT] = "parent";
	f->scene.processes[CHILD] = "child";
	f->scene.panes = 2;
	f->scene.pids[PARENT] = f->subject.pid;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		TRY(scene_place(&f->scene, &f->subject, places[i][0], places[i][1]));
	return NULL;
}

static struct error *look_and_show(struct fork_lab *f)
{
	TRY(scene_look(f->lab, &f->scene));
	return scene_show(f->lab, &f->scene);
}

/* Whether parent and child have the row's page in one frame. */
static bool is_shared(const struct scene *scene, size_t row, bool *known)
{
	return sight_same_frame(&scene->now[row][PARENT], &scene->now[row][CHILD], known);
}

static bool allows_write(const struct sight *sight)
{
	return sight->access & ENTRY_WRITE;
}

static struct error *before_fork(struct fork_lab *f)
{
	struct lab *lab = f->lab;

	lab_step(lab, "before fork");
	lab_say(lab,
		"One process. It has written one page each of its stack, heap, .bss and .data. "
		"Another page of .data it has never touched: it is still in the binary only "
		"(RAM? f).");
	return look_and_show(f);
}

static struct error *claim_shared(struct fork_lab *f)
{
	bool known = true, shared = true, hardware = true, writable = false, cow = true;

	for (size_t row = STACK; row <= DATA; row++) {
		const struct sight *sights = f->scene.now[row];
		bool row_known;

		shared &= is_shared(&f->scene, row, &row_known);
		known &= row_known;
		hardware &= sights[PARENT].has_access && sights[CHILD].has_access;
		writable |= allows_write(&sights[PARENT]) || allows_write(&sights[CHILD]);
		cow &= sights[PARENT].cow && sights[CHILD].cow;
	}
	TRY(lab_claim(f->lab, known, shared, "fork copies no page: both have the same frames"));
	TRY(lab_claim(f->lab, hardware, !writable,
		      "fork takes the write permission from both page tables"));
	return lab_claim(f->lab, true, cow, "a write to any of these pages would copy it now");
}

static struct error *after_fork(struct fork_lab *f)
{
	struct lab *lab = f->lab;
	uint64_t child;

	lab_step(lab, "after fork");
	TRY(subject_step(&f->subject));
	TRY(subject_word(&f->subject, "child", &child));
	f->scene.pids[CHILD] = (pid_t)child;
	lab_say(lab, "The page table was copied, the pages were not: the same frames in both. "
		     "Neither may write any more (rw became r), though both areas still are rw.");
	TRY(look_and_show(f));
	return claim_shared(f);
}

static struct error *child_writes(struct fork_lab *f)
{
	struct lab *lab = f->lab;
	const struct sight *stack = f->scene.now[STACK];
	bool known, shared;

	lab_step(lab, "the child writes cpid = 0");
	TRY(subject_step(&f->subject));
	lab_say(lab,
		"cpid is on the stack. The write faults, the kernel copies that page into a new "
		"frame for the child, and there the child may write again.");
	TRY(look_and_show(f));
	shared = is_shared(&f->scene, STACK, &known);
	TRY(lab_claim(lab, known, !shared,
		      "the child's write to cpid gave the child a frame of its own"));
	TRY(lab_claim(lab, stack[CHILD].has_access && stack[PARENT].has_access,
		      allows_write(&stack[CHILD]) && !allows_write(&stack[PARENT]),
		      "only the page that faulted is rw again, and only in the child"));
	shared = is_shared(&f->scene, HEAP, &known);
	return lab_claim(lab, known, shared, "what was not written is still shared");
}

static struct error *parent_writes(struct fork_lab *f)
{
	struct lab *lab = f->lab;
	const struct sight *stack = f->scene.now[STACK];
	bool known, same;

	lab_step(lab, "the parent writes cpid = the child's PID");
	TRY(subject_step(&f->subject));
	lab_say(lab, "The parent faults, too. But nobody else has its old frame any more: it keeps "
		     "that, and nothing is copied. &cpid is one address in both, and two frames.");
	TRY(look_and_show(f));
	same = sight_same_frame(&stack[PARENT], &f->scene.before[STACK][PARENT], &known);
	TRY(lab_claim(lab, known, same, "the parent, writing last, keeps the frame it had"));
	same = is_shared(&f->scene, STACK, &known);
	TRY(lab_claim(lab, known, !same && stack[PARENT].address == stack[CHILD].address,
		      "&cpid is 0x%" PRIx64 " in both, and two frames", stack[CHILD].address));
	TRY(lab_claim(lab, stack[PARENT].has_access,
		      allows_write(&stack[PARENT]) && allows_write(&stack[CHILD]),
		      "in the end both may write it"));
	same = is_shared(&f->scene, TEXT, &known);
	return lab_claim(lab, known, same, ".text never gets copied");
}

static struct error *steps(struct fork_lab *f)
{
	TRY(subject_start(&f->subject, "fork", NULL));
	TRY(scene_places(f));
	TRY(before_fork(f));
	TRY(after_fork(f));
	TRY(child_writes(f));
	return parent_writes(f);
}

static struct error *run(struct lab *lab)
{
	struct fork_lab f = {.lab = lab};
	struct error *error = steps(&f);

	if (!error)
		lab_last_step(lab);
	subject_stop(&f.subject);
	return error;
}

const struct experiment experiment_fork = {
	.name = "fork",
	.summary = "two page tables side by side: what fork shares and a write copies",
	.look = "Look at the frames: after fork parent and child have the same ones. Then look for "
		"the one frame that changes when one of them writes, and for who may write (rw) "
		"and "
		"who may only read (r).",
	.run = run,
};
