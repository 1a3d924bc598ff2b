// SPDX-License-Identifier: GPL-2.0-or-later
/* The page tables of several processes side by side: the picture of fork and its like. */
#include <inttypes.h>
#include <string.h>

#include "cmd/lab/lab.h"

/* Columns of the picture: 80 with two panes. */
enum { PLACE = 9, VPN = 13, FRAME = 11, PERMS = 7, COW = 5, MEMORY = 4, GAP = 1 };

struct error *scene_place(struct scene *scene, const struct subject *subject, const char *name,
			  const char *word)
{
	uint64_t address;

	TRY(subject_word(subject, word, &address));
	for (size_t pane = 0; pane < SCENE_PANES; pane++)
		scene->addresses[scene->rows][pane] = address;
	scene->places[scene->rows++] = name;
	return NULL;
}

static struct error *look_at_pane(struct lab *lab, struct scene *scene, size_t pane)
{
	_cleanup_view_ struct view view = {0};

	TRY(view_open(lab, scene->pids[pane], &view));
	for (size_t row = 0; row < scene->rows; row++) {
		if (scene->addresses[row][pane])
			TRY(view_look(&view, scene->addresses[row][pane], &scene->now[row][pane]));
	}
	return space_check_alive(view.space);
}

struct error *scene_look(struct lab *lab, struct scene *scene)
{
	memcpy(scene->before, scene->now, sizeof(scene->now));
	memset(scene->now, 0, sizeof(scene->now));
	for (size_t pane = 0; pane < scene->panes; pane++) {
		if (scene->pids[pane])
			TRY(look_at_pane(lab, scene, pane));
	}
	return NULL;
}

/* --- the picture ------------------------------------------------------------------------------ */

static size_t pane_width(const struct scene *scene)
{
	return scene->apart ? VPN + FRAME + PERMS - 2 : FRAME + PERMS + COW + MEMORY;
}

static void draw_bar(const struct lab *lab)
{
	fprintf(lab->draw.out, "%s ", draw_glyph(&lab->draw, DRAW_BAR));
}

static void draw_titles(const struct lab *lab, const struct scene *scene)
{
	const struct draw *draw = &lab->draw;

	draw_text(draw, CELL_PLAIN, scene->apart ? PLACE : PLACE + VPN, "");
	for (size_t pane = 0; pane < scene->panes; pane++) {
		draw_bar(lab);
		draw_format(draw, CELL_CYAN, pane + 1 < scene->panes ? (int)pane_width(scene) : 0,
			    scene->pids[pane] ? "%s: process %d" : "%s: not there yet",
			    scene->processes[pane], (int)scene->pids[pane]);
	}
	fputc('\n', draw->out);
}

static void draw_headings(const struct lab *lab, const struct scene *scene)
{
	const struct draw *draw = &lab->draw;

	draw_text(draw, CELL_DIM, PLACE, "");
	if (!scene->apart)
		draw_text(draw, CELL_DIM, VPN, "virtual page");
	for (size_t pane = 0; pane < scene->panes; pane++) {
		draw_bar(lab);
		if (scene->apart)
			draw_text(draw, CELL_DIM, VPN, "virtual page");
		draw_text(draw, CELL_DIM, FRAME, "frame");
		draw_text(draw, CELL_DIM, scene->apart ? PERMS - 2 : PERMS, "perms");
		if (scene->apart)
			continue;
		draw_text(draw, CELL_DIM, COW, "cow?");
		draw_text(draw, CELL_DIM, pane + 1 < scene->panes ? MEMORY : 0, "RAM?");
	}
	fputc('\n', draw->out);
}

static void draw_rule(const struct lab *lab, const struct scene *scene)
{
	const struct draw *draw = &lab->draw;

	draw_repeat(draw, DRAW_LINE, scene->apart ? PLACE : PLACE + VPN);
	for (size_t pane = 0; pane < scene->panes; pane++) {
		fputs(draw_glyph(draw, DRAW_CROSS), draw->out);
		draw_repeat(draw, DRAW_LINE, pane_width(scene) + GAP);
	}
	fputc('\n', draw->out);
}

/* Whether the page has come into another frame since the look before. */
static bool is_moved(const struct sight *now, const struct sight *before)
{
	return before->address && now->has_pfn && !(before->has_pfn && before->pfn == now->pfn);
}

static void draw_frame(const struct lab *lab, const struct sight *now, const struct sight *before)
{
	char frame[24], text[32];
	bool moved = is_moved(now, before);

	sight_frame_text(now, frame);
	snprintf(text, sizeof(text), "%s%s", frame, moved ? "*" : "");
	draw_text(&lab->draw,
		  moved          ? CELL_YELLOW
		  : now->present ? CELL_PLAIN
				 : CELL_DIM,
		  FRAME, text);
}

/* "rw", or how it changed since the look before: "rw → r". */
static void draw_perms(const struct lab *lab, const struct sight *now, const struct sight *before,
		       int width)
{
	char is[8], was[8] = "", text[32];

	sight_perms_text(now, is);
	if (before->address && before->has_access == now->has_access)
		sight_perms_text(before, was);
	bool changed = *was && strcmp(was, is) != 0;
	if (changed)
		snprintf(text, sizeof(text), lab->draw.ascii ? "%s%s%s" : "%s %s %s", was,
			 draw_glyph(&lab->draw, DRAW_ARROW), is);
	draw_text(&lab->draw, changed ? CELL_YELLOW : CELL_PLAIN, width, changed ? text : is);
}

static void draw_vpn(const struct lab *lab, const struct sight *sight)
{
	draw_format(&lab->draw, CELL_PLAIN, VPN, "0x%" PRIx64,
		    sight->address >> lab->target->page_shift);
}

static void draw_sight(const struct lab *lab, const struct scene *scene, size_t row, size_t pane)
{
	const struct sight *now = &scene->now[row][pane], *before = &scene->before[row][pane];
	bool last = pane + 1 == scene->panes;
	const struct draw *draw = &lab->draw;

	if (!now->address) {
		draw_text(draw, CELL_PLAIN, last ? 0 : (int)pane_width(scene), "");
		return;
	}
	if (scene->apart)
		draw_vpn(lab, now);
	draw_frame(lab, now, before);
	draw_perms(lab, now, before, !scene->apart ? PERMS : last ? 0 : PERMS - 2);
	if (scene->apart)
		return;
	draw_text(draw, now->cow ? CELL_GREEN : CELL_PLAIN, COW, now->cow ? "yes" : "no");
	draw_text(draw, CELL_PLAIN, last ? 0 : MEMORY, now->present ? "yes" : "f");
}

/* The address that the place has in every process, or in the first that is there. */
static const struct sight *any_sight(const struct scene *scene, size_t row)
{
	size_t pane = 0;

	while (pane + 1 < scene->panes && !scene->now[row][pane].address)
		pane++;
	return &scene->now[row][pane];
}

static void draw_scene(const struct lab *lab, const struct scene *scene)
{
	draw_titles(lab, scene);
	draw_headings(lab, scene);
	draw_rule(lab, scene);
	for (size_t row = 0; row < scene->rows; row++) {
		draw_text(&lab->draw, CELL_PLAIN, PLACE, scene->places[row]);
		if (!scene->apart)
			draw_vpn(lab, any_sight(scene, row));
		for (size_t pane = 0; pane < scene->panes; pane++) {
			draw_bar(lab);
			draw_sight(lab, scene, row, pane);
		}
		fputc('\n', lab->draw.out);
	}
}

static bool any_moved(const struct scene *scene)
{
	for (size_t row = 0; row < scene->rows; row++) {
		for (size_t pane = 0; pane < scene->panes; pane++) {
			if (is_moved(&scene->now[row][pane], &scene->before[row][pane]))
				return true;
		}
	}
	return false;
}

struct error *scene_show(struct lab *lab, const struct scene *scene)
{
	if (lab->text) {
		fputc('\n', lab->draw.out);
		draw_scene(lab, scene);
		if (any_moved(scene))
			fputs("* another frame than in the step before\n", lab->draw.out);
		return NULL;
	}
	for (size_t row = 0; row < scene->rows; row++) {
		for (size_t pane = 0; pane < scene->panes; pane++) {
			if (scene->now[row][pane].address)
				TRY(lab_sight(lab, scene->processes[pane], scene->pids[pane],
					      scene->places[row], &scene->now[row][pane]));
		}
	}
	return NULL;
}
