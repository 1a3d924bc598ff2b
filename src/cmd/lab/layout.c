// SPDX-License-Identifier: GPL-2.0-or-later
/* A process's virtual memory from high to low, and beside it the file that it comes from. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/tally.h"
#include "base/path.h"
#include "base/scope.h"
#include "cmd/lab/lab.h"
#include "ui/escape.h"

/* Columns: 80 with the file beside the process. */
enum { BOX = 32, ADDRESS = 15, FILE_GAP = 4, FILE_BOX = 24 };

/* A part of the picture: a region of the program, or all regions of a library in one. */
struct part {
	const struct region *region; /* the lowest of them */
	uint64_t end;
	struct tally tally;
	bool of_program;
	bool library;
};

struct layout_lab {
	struct lab *lab;
	struct subject subject;
	struct view view;
	VEC(struct part) parts; /* ascending */
};

static bool is_program(const struct layout_lab *l, const struct region *region)
{
	const struct region *first = &l->view.layout.regions.items[0];

	/* The program is the lowest thing in an address space, but for what is below 4 GiB. */
	return region->elf && region->elf == first->elf;
}

static bool joins(const struct layout_lab *l, const struct region *region)
{
	const struct part *last;

	if (l->parts.count == 0)
		return false;
	last = &l->parts.items[l->parts.count - 1];
	/* By the object: the anonymous end of a .bss has no file. */
	return last->library && region->elf && last->region->elf == region->elf;
}

static struct error *add_region(struct layout_lab *l, const struct region *region)
{
	struct part part = {.region = region, .of_program = is_program(l, region)};

	part.library = region->elf && !part.of_program && region->file;
	if (!joins(l, region))
		TRY(vec_push(&l->parts, part));
	struct part *last = &l->parts.items[l->parts.count - 1];
	struct tally tally = {0};

	TRY(tally_region(&l->view.layout, region, &tally));
	tally_add(&last->tally, &tally);
	last->end = region->range.end;
	return NULL;
}

static struct error *begin(struct layout_lab *l)
{
	TRY(subject_start(&l->subject, "layout", NULL));
	TRY(view_open(l->lab, l->subject.pid, &l->view));
	for (size_t i = 0; i < l->view.layout.regions.count; i++) {
		const struct region *region = &l->view.layout.regions.items[i];

		/* vsyscall is in the kernel's half: no process's own. */
		if (region->range.start >> 63 == 0)
			TRY(add_region(l, region));
	}
	return NULL;
}

/* "libc.so.6 (library)", ".data", "heap": escaped. */
static void part_name(const struct part *part, char *text, size_t size)
{
	const char *object = part->region->object ? part->region->object : "";
	char name[128];

	if (part->library)
		snprintf(name, sizeof(name), "%s", path_name(object));
	else
		snprintf(name, sizeof(name), "%s", part->region->name);
	escape_terminal(text, size, name);
}

/* Beside a part of the program the file: where in it the bytes are. */
static void draw_file_side(const struct layout_lab *l, const struct part *part)
{
	const struct draw *draw = &l->lab->draw;
	const struct region *region = part->region;
	uint64_t in_file = part->tally.state[STATE_IN_FILE];
	bool from_file = region->backing == BACKING_FILE;
	uint64_t offset = region->range.start - region->vma->range.start + region->vma->offset;

	if (!part->of_program)
		return;
	draw_text(draw, CELL_PLAIN, FILE_GAP, !from_file ? "" : draw->ascii ? " <-" : " ←─");
	fprintf(draw->out, "%s ", draw_glyph(draw, DRAW_BAR));
	draw_format(draw, CELL_PLAIN, 9, from_file ? "0x%05" PRIx64 : "not in it", offset);
	if (in_file)
		draw_format(draw, CELL_YELLOW, FILE_BOX - 10, "%" PRIu64 " only here", in_file);
	else
		draw_text(draw, CELL_PLAIN, FILE_BOX - 10, from_file ? "" : ": zeroes");
	fputs(draw_glyph(draw, DRAW_BAR), draw->out);
}

static enum cell_color part_color(const struct part *part)
{
	return part->of_program ? CELL_GREEN : part->library ? CELL_CYAN : CELL_PLAIN;
}

static void draw_part(const struct layout_lab *l, const struct part *part)
{
	const struct draw *draw = &l->lab->draw;
	char name[128], perms[5];

	part_name(part, name, sizeof(name));
	vma_perms_text(part->region->vma->perms, perms);
	draw_format(draw, CELL_DIM, -ADDRESS, "0x%" PRIx64, part->region->range.start);
	fprintf(draw->out, " %s ", draw_glyph(draw, DRAW_BAR));
	draw_format(draw, part_color(part), part->library ? 21 : 15, "%.20s", name);
	if (!part->library)
		draw_text(draw, CELL_PLAIN, 6, perms);
	draw_format(draw, CELL_PLAIN, -4, "%" PRIu64, part->tally.state[STATE_PRESENT]);
	draw_format(draw, CELL_PLAIN, 6, "/%" PRIu64, part->tally.pages);
	fputs(draw_glyph(draw, DRAW_BAR), draw->out);
	draw_file_side(l, part);
	fputc('\n', draw->out);
}

/* An edge of the process's box, and with `file` of the file's beside it. */
static void draw_edge(const struct layout_lab *l, enum draw_glyph left, enum draw_glyph right,
		      bool file)
{
	const struct draw *draw = &l->lab->draw;

	fprintf(draw->out, "%*s%s", ADDRESS + 1, "", draw_glyph(draw, left));
	draw_repeat(draw, DRAW_LINE, BOX);
	fputs(draw_glyph(draw, right), draw->out);
	if (file) {
		bool top = left != DRAW_BOTTOM_LEFT;

		fprintf(draw->out, "%*s%s", FILE_GAP, "",
			draw_glyph(draw, top ? DRAW_TOP_LEFT : DRAW_BOTTOM_LEFT));
		draw_repeat(draw, DRAW_LINE, FILE_BOX);
		fputs(draw_glyph(draw, top ? DRAW_TOP_RIGHT : DRAW_BOTTOM_RIGHT), draw->out);
	}
	fputc('\n', draw->out);
}

/* What is between a part and the next lower one; the program's file begins beside the first of its
 * own. */
static void draw_between(const struct layout_lab *l, const struct part *part,
			 const struct part *lower)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
	const struct draw *draw = &l->lab->draw;
	bool file = lower->of_program && !part->of_program;
	uint64_t bytes = part->region->range.start - lower->end;
	size_t unit = 0;

	if (bytes == 0 && file)
		draw_edge(l, DRAW_TEE_RIGHT, DRAW_TEE_LEFT, file);
	if (bytes == 0)
		return;
	while (bytes >= 10240 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		unit++;
	}
	draw_edge(l, DRAW_BOTTOM_LEFT, DRAW_BOTTOM_RIGHT, false);
	draw_format(draw, CELL_DIM, file ? ADDRESS + BOX + FILE_GAP + 5 : 0,
		    "%*s%s %" PRIu64 " %s of nothing", ADDRESS + 3, "", draw_glyph(draw, DRAW_DOTS),
		    bytes, units[unit]);
	draw_text(draw, CELL_DIM, 0, file ? "offset in the file\n" : "\n");
	draw_edge(l, DRAW_TOP_LEFT, DRAW_TOP_RIGHT, file);
}

static void draw_picture(const struct layout_lab *l)
{
	const struct draw *draw = &l->lab->draw;

	fputc('\n', draw->out);
	draw_text(draw, CELL_DIM, ADDRESS + 3, " high addresses");
	draw_text(draw, CELL_DIM, 0, "what           perms  RAM/pages\n");
	draw_edge(l, DRAW_TOP_LEFT, DRAW_TOP_RIGHT, false);
	for (size_t i = l->parts.count; i-- > 0;) {
		const struct part *part = &l->parts.items[i];

		draw_part(l, part);
		if (i)
			draw_between(l, part, &l->parts.items[i - 1]);
	}
	draw_edge(l, DRAW_BOTTOM_LEFT, DRAW_BOTTOM_RIGHT, true);
	draw_text(draw, CELL_DIM, 0, "  low addresses\n");
}

static struct error *put_parts(const struct layout_lab *l)
{
	for (size_t i = l->parts.count; i-- > 0;) {
		const struct part *part = &l->parts.items[i];
		char text[128];

		snprintf(text, sizeof(text),
			 "to 0x%" PRIx64 ": %" PRIu64 " pages, %" PRIu64 " in the file only",
			 part->end, part->tally.pages, part->tally.state[STATE_IN_FILE]);
		TRY(lab_region(l->lab, part->library ? part->region->object : part->region->name,
			       part->region->range.start, part->tally.state[STATE_PRESENT], text));
	}
	return NULL;
}

/* From high to low, as the textbooks draw it. */
static const char *const order[] = {"stack", "library", "heap", ".bss",
				    ".data", ".rodata", ".text"};
enum { ORDER_COUNT = sizeof(order) / sizeof(order[0]) };

static struct error *claim_names(struct layout_lab *l, const uint64_t *addresses)
{
	for (size_t i = 0; i < ORDER_COUNT; i++) {
		struct sight sight;

		TRY(view_look(&l->view, addresses[i], &sight));
		TRY(lab_sight(l->lab, "program", l->subject.pid, order[i], &sight));
		if (strcmp(order[i], "library") == 0)
			continue; /* its code, which is in a .text of its own */
		TRY(lab_claim(l->lab, true, strcmp(sight.region, order[i]) == 0,
			      "0x%" PRIx64 ", where the program has something in %s, is in %s",
			      addresses[i], order[i], order[i]));
	}
	return NULL;
}

static struct error *claim_order(struct layout_lab *l)
{
	uint64_t addresses[ORDER_COUNT];

	for (size_t i = 0; i < ORDER_COUNT; i++)
		TRY(subject_word(&l->subject, order[i], &addresses[i]));
	TRY(claim_names(l, addresses));
	TRY(lab_claim(l->lab, true,
		      addresses[0] > addresses[1] && addresses[1] > addresses[2] &&
			      addresses[2] > addresses[3],
		      "from high to low: stack, libraries, heap, the program"));
	return lab_claim(l->lab, true,
			 addresses[3] > addresses[4] && addresses[4] > addresses[6] &&
				 addresses[5] > addresses[6],
			 "and in the program: .bss, .data, .rodata, .text");
}

static struct error *show(struct layout_lab *l)
{
	const struct region *first = &l->view.layout.regions.items[0];
	_cleanup_free_ char *object = NULL;

	TRY(escape_terminal_dup(first->object ? first->object : "", &object));
	lab_step(l->lab, "the whole of it");
	lab_say(l->lab,
		"Process %d runs %s. RAM/pages says how many of a part's pages are in memory. "
		"Beside the program is its file: from which offset on the pages of a part come, "
		"and how many nobody has needed yet, so that the process has them only there.",
		(int)l->subject.pid, object);
	if (l->lab->text)
		draw_picture(l);
	else
		TRY(put_parts(l));
	return claim_order(l);
}

static struct error *run(struct lab *lab)
{
	struct layout_lab l = {.lab = lab};
	struct error *error = begin(&l);

	if (!error)
		error = show(&l);
	if (!error)
		lab_last_step(lab);
	vec_deinit(&l.parts);
	view_close(&l.view);
	subject_stop(&l.subject);
	return error;
}

const struct experiment experiment_layout = {
	.name = "layout",
	.summary = "virtual memory from high to low, and the file that it comes from",
	.look = "Look at the order, from the stack at the top to .text at the bottom, and at the "
		"gaps. "
		"Then look how little of it is in memory: the rest is promised, or still in the "
		"file.",
	.run = run,
};
