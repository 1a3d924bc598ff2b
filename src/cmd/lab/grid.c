// SPDX-License-Identifier: GPL-2.0-or-later
/* fork once more, with many pages: a cell a page of heap, stack and code, in parent and child. */
#include <inttypes.h>
#include <string.h>

#include "cmd/lab/lab.h"

enum { PARENT, CHILD, PROCESSES };
enum { HEAP_PAGES = 16, STACK_PAGES = 8, CODE_PAGES = 8, PAGES_MAX = 16, LINE = 4 };

/* What the pages of the three are called, and where they are. */
struct area {
	const char *label;
	const char *word;
	size_t pages;
	uint64_t address;
	struct sight now[PROCESSES][PAGES_MAX];
};

struct grid_lab {
	struct lab *lab;
	struct subject subject;
	pid_t pids[PROCESSES];
	struct area areas[3];
};

enum { HEAP, STACK, CODE };

static const char *const process_names[] = {"parent", "child"};

/* What a cell is: a letter behind the label says it. */
enum cell { CELL_NOTHING, CELL_ALONE, CELL_SHARED, CELL_OWN, CELL_UNSURE };

static enum cell cell_of(const struct grid_lab *g, const struct area *area, int process,
			 size_t page)
{
	const struct sight *mine = &area->now[process][page], *other = &area->now[!process][page];
	bool known;

	if (!mine->present)
		return CELL_NOTHING;
	if (!g->pids[CHILD])
		return CELL_ALONE;
	if (!other->present)
		return CELL_OWN;
	bool same = sight_same_frame(mine, other, &known);
	return !known ? CELL_UNSURE : same ? CELL_SHARED : CELL_OWN;
}

static const struct {
	char mark;
	enum cell_color color;
	const char *help;
} cells[] = {
	[CELL_NOTHING] = {'.', CELL_DIM, "not in RAM: never touched"},
	[CELL_ALONE] = {' ', CELL_PLAIN, "in RAM"},
	[CELL_SHARED] = {'=', CELL_GREEN, "in RAM, one frame for both"},
	[CELL_OWN] = {'*', CELL_YELLOW, "in RAM, a frame of its own"},
	[CELL_UNSURE] = {'?', CELL_PLAIN, "in RAM, whose frame is hidden"},
};

static struct error *look(struct grid_lab *g)
{
	for (int process = 0; process < PROCESSES; process++) {
		_cleanup_view_ struct view view = {0};

		if (!g->pids[process])
			continue;
		TRY(view_open(g->lab, g->pids[process], &view));
		for (size_t a = 0; a < 3; a++) {
			struct area *area = &g->areas[a];

			for (size_t i = 0; i < area->pages; i++)
				TRY(view_look(&view, area->address + i * 4096,
					      &area->now[process][i]));
		}
	}
	return NULL;
}

static void draw_page(const struct grid_lab *g, const struct area *area, int process, size_t page)
{
	enum cell cell = cell_of(g, area, process, page);

	draw_format(&g->lab->draw, cells[cell].color, 7, "%s%c",
		    cell == CELL_NOTHING ? "...." : area->label, cells[cell].mark);
}

static void draw_line(const struct grid_lab *g, const struct area *area, size_t first)
{
	const struct draw *draw = &g->lab->draw;

	draw_format(draw, CELL_DIM, 16, "0x%" PRIx64, area->address + first * 4096);
	for (int process = 0; process < PROCESSES && g->pids[process]; process++) {
		fprintf(draw->out, "%s ", draw_glyph(draw, DRAW_BAR));
		for (size_t i = first; i < first + LINE; i++)
			draw_page(g, area, process, i);
	}
	fprintf(draw->out, "%s\n", draw_glyph(draw, DRAW_BAR));
}

static void draw_rule(const struct grid_lab *g)
{
	const struct draw *draw = &g->lab->draw;

	draw_text(draw, CELL_PLAIN, 16, "");
	for (int process = 0; process < PROCESSES && g->pids[process]; process++) {
		fputs(draw_glyph(draw, DRAW_CROSS), draw->out);
		draw_repeat(draw, DRAW_LINE, LINE * 7 + 1);
	}
	fprintf(draw->out, "%s\n", draw_glyph(draw, DRAW_CROSS));
}

static void draw_legend(const struct grid_lab *g)
{
	bool used[sizeof(cells) / sizeof(cells[0])] = {false};

	for (size_t a = 0; a < 3; a++) {
		for (size_t i = 0; i < g->areas[a].pages; i++) {
			for (int process = 0; process < PROCESSES && g->pids[process]; process++)
				used[cell_of(g, &g->areas[a], process, i)] = true;
		}
	}
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		if (used[i] && i != CELL_ALONE)
			fprintf(g->lab->draw.out, "  %s%c  %s\n",
				i == CELL_NOTHING ? "...." : "XXXX", cells[i].mark, cells[i].help);
	}
}

static void draw_grid(const struct grid_lab *g)
{
	const struct draw *draw = &g->lab->draw;

	fputc('\n', draw->out);
	draw_text(draw, CELL_PLAIN, 18, "");
	for (int process = 0; process < PROCESSES && g->pids[process]; process++)
		draw_format(draw, CELL_CYAN, process == PARENT && g->pids[CHILD] ? LINE * 7 + 2 : 0,
			    "%s: process %d", process_names[process], (int)g->pids[process]);
	fputc('\n', draw->out);
	for (size_t a = 0; a < 3; a++) {
		draw_rule(g);
		for (size_t i = 0; i < g->areas[a].pages; i += LINE)
			draw_line(g, &g->areas[a], i);
	}
	draw_rule(g);
	draw_legend(g);
}

static struct error *put_grid(const struct grid_lab *g)
{
	for (int process = 0; process < PROCESSES && g->pids[process]; process++) {
		for (size_t a = 0; a < 3; a++) {
			const struct area *area = &g->areas[a];

			for (size_t i = 0; i < area->pages; i++)
				TRY(lab_sight(g->lab, process_names[process], g->pids[process],
					      area->label, &area->now[process][i]));
		}
	}
	return NULL;
}

static struct error *show(struct grid_lab *g)
{
	TRY(look(g));
	if (!g->lab->text)
		return put_grid(g);
	draw_grid(g);
	return NULL;
}

/* How many pages of the area are in a frame that only `process` has. */
static size_t count_own(const struct grid_lab *g, const struct area *area, int process)
{
	size_t count = 0;

	for (size_t i = 0; i < area->pages; i++)
		count += cell_of(g, area, process, i) == CELL_OWN;
	return count;
}

static bool frames_known(const struct grid_lab *g)
{
	return g->areas[HEAP].now[PARENT][0].has_pfn && g->areas[HEAP].now[CHILD][0].has_pfn;
}

static struct error *begin(struct grid_lab *g)
{
	static const struct area areas[] = {
		[HEAP] = {.label = "HEAP", .word = "heap", .pages = HEAP_PAGES},
		[STACK] = {.label = "STCK", .word = "stack", .pages = STACK_PAGES},
		[CODE] = {.label = "CODE", .word = "code", .pages = CODE_PAGES},
	};

	TRY(subject_start(&g->subject, "grid", NULL));
	g->pids[PARENT] = g->subject.pid;
	for (size_t a = 0; a < 3; a++) {
		g->areas[a] = areas[a];
		TRY(subject_word(&g->subject, areas[a].word, &g->areas[a].address));
	}
	lab_step(g->lab, "before fork");
	lab_say(g->lab, "A cell is a page. The last four of the heap were never touched.");
	return show(g);
}

static struct error *after_fork(struct grid_lab *g)
{
	uint64_t child;

	lab_step(g->lab, "after fork");
	TRY(subject_step(&g->subject));
	TRY(subject_word(&g->subject, "child", &child));
	g->pids[CHILD] = (pid_t)child;
	lab_say(g->lab, "Every page of the child is a page of the parent.");
	TRY(show(g));
	size_t own = 0;
	for (size_t a = 0; a < 3; a++)
		own += count_own(g, &g->areas[a], CHILD) + count_own(g, &g->areas[a], PARENT);
	return lab_claim(g->lab, frames_known(g), own == 0, "after fork both have the same frames");
}

static struct error *writes(struct grid_lab *g)
{
	lab_step(g->lab, "the child writes four pages of its heap and one of its stack");
	TRY(subject_step(&g->subject));
	lab_say(g->lab, "Three of the four were shared: they are copied. The other one was never "
			"touched and is new.");
	TRY(show(g));
	TRY(lab_claim(g->lab, frames_known(g),
		      count_own(g, &g->areas[HEAP], CHILD) == 4 &&
			      count_own(g, &g->areas[STACK], CHILD) == 1,
		      "five pages that the child wrote are in frames of its own, and no others"));
	lab_step(g->lab, "the parent writes five pages of its heap and two of its stack");
	TRY(subject_step(&g->subject));
	lab_say(g->lab, "What the child had copied already, the parent writes where it was.");
	TRY(show(g));
	TRY(lab_claim(g->lab, frames_known(g),
		      count_own(g, &g->areas[HEAP], CHILD) == 7 &&
			      count_own(g, &g->areas[STACK], CHILD) == 2,
		      "6 of 12 heap pages and 2 of 8 of the stack are shared no more"));
	return lab_claim(g->lab, frames_known(g), count_own(g, &g->areas[CODE], CHILD) == 0,
			 "the code is the same frames for both to the end");
}

static struct error *run(struct lab *lab)
{
	struct grid_lab g = {.lab = lab};
	struct error *error = begin(&g);

	if (!error)
		error = after_fork(&g);
	if (!error)
		error = writes(&g);
	if (!error)
		lab_last_step(lab);
	subject_stop(&g.subject);
	return error;
}

const struct experiment experiment_grid = {
	.name = "grid",
	.summary = "fork as a grid of HEAP, STCK and CODE pages, filling in as writes happen",
	.look = "Look at the marks behind the cells: = is a frame that both have, * one that this "
		"process has alone. Every write turns one = into a * on both sides; code never "
		"changes.",
	.run = run,
};
