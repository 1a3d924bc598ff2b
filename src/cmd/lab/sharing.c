// SPDX-License-Identifier: GPL-2.0-or-later
/* One file, MAP_SHARED and MAP_PRIVATE, in two processes. */
#include "cmd/lab/lab.h"

enum { A, B };
enum { SHARED, PRIVATE };

struct sharing_lab {
	struct lab *lab;
	struct subject subject;
	struct scene scene;
	uint64_t reads[2][2]; /* what process A or B reads through its mapping */
};

static struct error *take_reads(struct sharing_lab *s)
{
	static const char *const words[2][2] = {{"a.shared", "a.private"},
						{"b.shared", "b.private"}};

	for (int process = A; process <= B; process++) {
		for (int way = SHARED; way <= PRIVATE; way++) {
			TRY(subject_word(&s->subject, words[process][way],
					 &s->reads[process][way]));
			TRY(lab_value(s->lab, "read", words[process][way], s->reads[process][way]));
		}
	}
	return NULL;
}

static struct error *show(struct sharing_lab *s)
{
	TRY(scene_look(s->lab, &s->scene));
	TRY(scene_show(s->lab, &s->scene));
	TRY(take_reads(s));
	if (s->lab->text)
		fprintf(s->lab->draw.out,
			"\n   first byte read:  A shared '%c'  A private '%c'  B shared '%c'  B "
			"private '%c'\n",
			(char)s->reads[A][SHARED], (char)s->reads[A][PRIVATE],
			(char)s->reads[B][SHARED], (char)s->reads[B][PRIVATE]);
	return NULL;
}

static struct error *begin(struct sharing_lab *s)
{
	uint64_t child;

	TRY(subject_start(&s->subject, "sharing", NULL));
	TRY(subject_word(&s->subject, "child", &child));
	s->scene.panes = 2;
	s->scene.processes[A] = "A";
	s->scene.processes[B] = "B";
	s->scene.pids[A] = s->subject.pid;
	s->scene.pids[B] = (pid_t)child;
	TRY(scene_place(&s->scene, &s->subject, "shared", "shared"));
	return scene_place(&s->scene, &s->subject, "private", "private");
}

static struct error *everybody_reads(struct sharing_lab *s)
{
	const struct sight(*now)[SCENE_PANES] = s->scene.now;
	bool known[3], same;

	lab_step(s->lab, "both have read both mappings");
	lab_say(s->lab, "Four mappings of one page of the file, and one frame: the page cache's.");
	TRY(show(s));
	same = sight_same_frame(&now[SHARED][A], &now[SHARED][B], &known[0]);
	same &= sight_same_frame(&now[SHARED][A], &now[PRIVATE][A], &known[1]);
	same &= sight_same_frame(&now[SHARED][A], &now[PRIVATE][B], &known[2]);
	return lab_claim(s->lab, known[0] && known[1] && known[2], same,
			 "until somebody writes, all four mappings are one frame");
}

static struct error *shared_write(struct sharing_lab *s)
{
	const struct sight(*now)[SCENE_PANES] = s->scene.now;
	bool known, same;

	lab_step(s->lab, "A writes 'S' through its shared mapping");
	TRY(subject_step(&s->subject));
	lab_say(s->lab, "It goes to the file's own frame. Everybody sees it, those who mapped the "
			"file privately among them: they have no copy yet.");
	TRY(show(s));
	same = sight_same_frame(&now[SHARED][A], &s->scene.before[SHARED][A], &known);
	TRY(lab_claim(s->lab, known, same, "the write went to the frame that was there"));
	return lab_claim(s->lab, true,
			 s->reads[B][SHARED] == 'S' && s->reads[B][PRIVATE] == 'S' &&
				 s->reads[A][PRIVATE] == 'S',
			 "all four mappings read 'S'");
}

static struct error *private_write(struct sharing_lab *s)
{
	const struct sight(*now)[SCENE_PANES] = s->scene.now;
	bool known, same;

	lab_step(s->lab, "A writes 'P' through its private mapping");
	TRY(subject_step(&s->subject));
	lab_say(s->lab, "The page is copied first: A has a frame of its own, the file and B know "
			"nothing of it.");
	TRY(show(s));
	same = sight_same_frame(&now[PRIVATE][A], &now[SHARED][A], &known);
	TRY(lab_claim(s->lab, known, !same, "the private write went to a new frame"));
	same = sight_same_frame(&now[SHARED][A], &now[PRIVATE][B], &known);
	TRY(lab_claim(s->lab, known, same, "the other three mappings are still one frame"));
	return lab_claim(s->lab, true,
			 s->reads[A][PRIVATE] == 'P' && s->reads[A][SHARED] == 'S' &&
				 s->reads[B][SHARED] == 'S' && s->reads[B][PRIVATE] == 'S',
			 "only A's private mapping reads 'P'");
}

static struct error *run(struct lab *lab)
{
	struct sharing_lab s = {.lab = lab};
	struct error *error = begin(&s);

	if (!error)
		error = everybody_reads(&s);
	if (!error)
		error = shared_write(&s);
	if (!error)
		error = private_write(&s);
	if (!error)
		lab_last_step(lab);
	subject_stop(&s.subject);
	return error;
}

const struct experiment experiment_sharing = {
	.name = "sharing",
	.summary = "one file mapped MAP_SHARED and MAP_PRIVATE: who sees a write",
	.look = "Two processes, A and B, map one file twice each. Look at which frame a write goes "
		"to, "
		"and who reads what was written.",
	.run = run,
};
