// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What pictures are made of: lines, boxes, cells of a width, in Unicode where the terminal has it
 * and in ASCII otherwise. Colour only underlines what the words say.
 */
#ifndef PHYSLENS_UI_DRAW_H
#define PHYSLENS_UI_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "ui/table.h"

enum draw_glyph {
	DRAW_LINE,     /* a horizontal line */
	DRAW_BAR,      /* a vertical one */
	DRAW_CROSS,    /* where they cross */
	DRAW_TOP_LEFT, /* corners of a box */
	DRAW_TOP_RIGHT,
	DRAW_BOTTOM_LEFT,
	DRAW_BOTTOM_RIGHT,
	DRAW_TEE_RIGHT, /* a bar with a line to its right */
	DRAW_TEE_LEFT,
	DRAW_BRANCH, /* a corner that leads to the right */
	DRAW_ARROW,  /* to the right */
	DRAW_DOTS,
	DRAW_HOLDS,
	DRAW_FAILS,
	DRAW_FULL, /* a part of a bar chart, and the rest of it */
	DRAW_EMPTY,
	DRAW_GLYPHS,
};

struct draw {
	FILE *out;
	bool ascii;
	bool color;
	size_t line; /* columns of a paragraph */
};

/* ASCII when asked for (`plain`), and where the locale's characters are not UTF-8. */
void draw_init(struct draw *draw, FILE *out, enum color_mode color, bool plain);

const char *draw_glyph(const struct draw *draw, enum draw_glyph glyph);

/* The glyph `count` times. */
void draw_repeat(const struct draw *draw, enum draw_glyph glyph, size_t count);

/*
 * `text`, escaped already, in `width` columns: to the left, or for a negative width to the right.
 * What is too long stays whole.
 */
void draw_text(const struct draw *draw, enum cell_color color, int width, const char *text);

/* The same with a text made by `format`; what is longer than 255 bytes is cut. */
void draw_format(const struct draw *draw, enum cell_color color, int width, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* A paragraph of ASCII words, each line after `indent` blanks: 78 columns, less on a narrow
 * terminal. */
void draw_paragraph(const struct draw *draw, size_t indent, const char *text);

#endif
