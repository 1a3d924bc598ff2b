// SPDX-License-Identifier: GPL-2.0-or-later
/* Two unrelated processes with the C library: other addresses, the same frames. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/share.h"
#include "base/scope.h"
#include "cmd/lab/lab.h"
#include "ui/escape.h"

enum { A, B };
enum { TEXT, DATA };

struct libc_lab {
	struct lab *lab;
	struct subject subjects[2];
	struct scene scene;
	struct view views[2];
	struct index index;
	struct share share;
};

static struct error *begin(struct libc_lab *l)
{
	static const char *const words[][2] = {
		[TEXT] = {"puts()", "puts"}, [DATA] = {"*stdout", "stdout"}};
	static const char *const names[] = {"A", "B"};

	l->scene.apart = true;
	l->scene.panes = 2;
	l->scene.rows = 2;
	for (size_t i = 0; i < 2; i++) {
		TRY(subject_start(&l->subjects[i], "libc", NULL));
		l->scene.processes[i] = names[i];
		l->scene.pids[i] = l->subjects[i].pid;
		for (size_t row = TEXT; row <= DATA; row++) {
			l->scene.places[row] = words[row][0];
			TRY(subject_word(&l->subjects[i], words[row][1],
					 &l->scene.addresses[row][i]));
		}
	}
	return NULL;
}

static struct error *look_at_two(struct libc_lab *l)
{
	const struct sight(*now)[SCENE_PANES] = l->scene.now;
	bool known, same;

	lab_step(l->lab, "a function and a variable of libc");
	lab_say(l->lab, "The two were started one after the other and know nothing of each other. "
			"puts() is code of the C library, *stdout is one of its variables.");
	TRY(scene_look(l->lab, &l->scene));
	TRY(scene_show(l->lab, &l->scene));
	same = sight_same_frame(&now[TEXT][A], &now[TEXT][B], &known);
	TRY(lab_claim(l->lab, known, same, "puts() is in one frame for both"));
	same = sight_same_frame(&now[DATA][A], &now[DATA][B], &known);
	return lab_claim(l->lab, known, !same, "the variable that libc writes is in two frames");
}

static struct error *read_share(struct libc_lab *l)
{
	static const struct region_selection selection = {.object_glob = "libc.so*"};
	struct index_options all = {0};
	struct layout layouts[2];

	index_init(&l->index, l->lab->target);
	for (size_t i = 0; i < 2; i++)
		TRY(index_add(&l->index, l->subjects[i].pid, "libc"));
	TRY(index_identify(&l->index));
	TRY(index_read(&l->index, &all));
	TRY(index_sort(&l->index));
	for (size_t i = 0; i < 2; i++) {
		TRY(view_open(l->lab, l->subjects[i].pid, &l->views[i]));
		layouts[i] = l->views[i].layout;
	}
	TRY(share_init(&l->share, &l->index, layouts, &selection));
	return NULL;
}

/* Pages that a process has of a group alone: its copies, and those the other has not touched. */
struct alone {
	uint64_t own[2];
	uint64_t untouched[2]; /* by the other */
};

static struct alone count_alone(const struct share *share, size_t group)
{
	struct alone alone = {0};

	for (size_t i = 0; i < share->parts.count; i++) {
		const struct share_part *part = &share->parts.items[i];

		if (part->group != group || part->space > B)
			continue;
		alone.untouched[part->space] += part->reasons[PRIVATE_UNMAPPED];
		alone.own[part->space] +=
			part->present - part->shared - part->reasons[PRIVATE_UNMAPPED];
	}
	return alone;
}

/* "A 20, B 22", "B 22" or "". */
static void alone_text(const uint64_t pages[2], char text[48])
{
	int used = 0;

	*text = '\0';
	for (size_t i = A; i <= B; i++) {
		if (pages[i])
			used += snprintf(text + used, 48 - (size_t)used, "%s%s %" PRIu64,
					 used ? ", " : "", i == A ? "A" : "B", pages[i]);
	}
}

static struct error *show_group(struct libc_lab *l, size_t number)
{
	const struct share_group *group = &l->share.groups.items[number];
	const struct draw *draw = &l->lab->draw;
	_cleanup_free_ char *name = NULL;

	if (!group->frames)
		return NULL;
	TRY(escape_terminal_dup(group->name, &name));
	TRY(lab_value(l->lab, "shared-frames", group->name, group->shared));
	TRY(lab_value(l->lab, "frames", group->name, group->frames));
	if (!l->lab->text)
		return NULL;
	struct alone alone = count_alone(&l->share, number);
	char own[48], untouched[48];
	alone_text(alone.own, own);
	alone_text(alone.untouched, untouched);
	fputs("   ", draw->out);
	draw_text(draw, CELL_PLAIN, 20, name);
	draw_format(draw, CELL_PLAIN, -6, "%" PRIu64, group->frames);
	draw_format(draw, CELL_GREEN, -8, "%" PRIu64, group->shared);
	if (*own || *untouched)
		fputs("   ", draw->out);
	draw_text(draw, CELL_YELLOW, *untouched ? 15 : 0, own);
	fprintf(draw->out, "%s\n", untouched);
	return NULL;
}

static bool group_is(const struct share_group *group, const char *name)
{
	return group->frames && strcmp(group->name, name) == 0;
}

static struct error *claim_groups(struct libc_lab *l)
{
	bool text = false, data = false;

	for (size_t i = 0; i < l->share.groups.count; i++) {
		const struct share_group *group = &l->share.groups.items[i];

		if (group_is(group, ".text"))
			text = group->shared * 2 > group->frames;
		if (group_is(group, ".data"))
			data = group->shared == 0;
	}
	TRY(lab_claim(l->lab, true, text, "most of libc's code in RAM is there once for both"));
	return lab_claim(l->lab, true, data, "its .data is there twice: each has written its own");
}

static struct error *look_at_all(struct libc_lab *l)
{
	const struct draw *draw = &l->lab->draw;

	lab_step(l->lab, "all of libc, region by region");
	if (!l->scene.now[TEXT][A].has_pfn) {
		lab_say(l->lab, "Without frame numbers it cannot be told what is shared.");
		TRY(lab_claim(l->lab, false, false,
			      "most of libc's code in RAM is there once for both"));
		return lab_claim(l->lab, false, false,
				 "its .data is there twice: each has written its own");
	}
	lab_say(l->lab,
		"Code and constants are there once; where one process has a page of them that "
		"the other has not, the other just has not needed it yet. Private is what was "
		"written: .data, .bss, and what the dynamic loader relocated (.data.rel.ro, .got). "
		"Each has its own copies of that.");
	TRY(read_share(l));
	if (l->lab->text) {
		fputs("\n   ", draw->out);
		draw_text(draw, CELL_DIM, 0,
			  "region              frames  shared   own copies     not needed by the "
			  "other\n");
	}
	for (size_t i = 0; i < l->share.groups.count; i++)
		TRY(show_group(l, i));
	return claim_groups(l);
}

static struct error *run(struct lab *lab)
{
	struct libc_lab l = {.lab = lab};
	struct error *error = begin(&l);

	if (!error)
		error = look_at_two(&l);
	if (!error)
		error = look_at_all(&l);
	if (!error)
		lab_last_step(lab);
	share_deinit(&l.share);
	if (l.index.target)
		index_deinit(&l.index);
	for (size_t i = 0; i < 2; i++) {
		view_close(&l.views[i]);
		subject_stop(&l.subjects[i]);
	}
	return error;
}

const struct experiment experiment_libc = {
	.name = "libc",
	.summary = "unrelated processes: libc at other addresses, in the same frames",
	.look = "Look at the virtual pages, which differ, and at the frames, which do not, as long "
		"as "
		"nobody has written there.",
	.run = run,
};
