// SPDX-License-Identifier: GPL-2.0-or-later
#include "ui/draw.h"

#include <stdarg.h>
#include <string.h>

#include "ui/escape.h"
#include "ui/grid.h"
#include "ui/locale.h"
#include "ui/table_backend.h"

enum { LINE_MIN = 38, LINE_MAX = 78 };

void draw_init(struct draw *draw, FILE *out, enum color_mode color, bool plain)
{
	size_t line = drawing_width(out) - 2;

	*draw = (struct draw){
		.out = out,
		.line = line < LINE_MIN   ? LINE_MIN
			: line > LINE_MAX ? LINE_MAX
					  : line,
		.ascii = plain || !locale_is_utf8(),
		.color = color_wanted(color, out),
	};
}

const char *draw_glyph(const struct draw *draw, enum draw_glyph glyph)
{
	static const char *const glyphs[DRAW_GLYPHS][2] = {
		[DRAW_LINE] = {"─", "-"},         [DRAW_BAR] = {"│", "|"},
		[DRAW_CROSS] = {"┼", "+"},        [DRAW_TOP_LEFT] = {"┌", "+"},
		[DRAW_TOP_RIGHT] = {"┐", "+"},    [DRAW_BOTTOM_LEFT] = {"└", "+"},
		[DRAW_BOTTOM_RIGHT] = {"┘", "+"}, [DRAW_TEE_RIGHT] = {"├", "+"},
		[DRAW_TEE_LEFT] = {"┤", "+"},     [DRAW_BRANCH] = {"└", "`"},
		[DRAW_ARROW] = {"→", "->"},       [DRAW_DOTS] = {"⋮", ":"},
		[DRAW_HOLDS] = {"✓", "ok"},       [DRAW_FAILS] = {"✗", "NO"},
		[DRAW_FULL] = {"█", "#"},         [DRAW_EMPTY] = {"░", "."},
	};

	return glyphs[glyph][draw->ascii];
}

void draw_repeat(const struct draw *draw, enum draw_glyph glyph, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fputs(draw_glyph(draw, glyph), draw->out);
}

void draw_text(const struct draw *draw, enum cell_color color, int width, const char *text)
{
	size_t columns = (size_t)(width < 0 ? -width : width), taken = display_width(text);
	int padding = taken < columns ? (int)(columns - taken) : 0;
	const char *sequence = draw->color ? table_color_sequence(color) : "";

	if (width < 0)
		fprintf(draw->out, "%*s", padding, "");
	fprintf(draw->out, "%s%s%s", sequence, text, *sequence ? TABLE_COLOR_RESET : "");
	if (width > 0)
		fprintf(draw->out, "%*s", padding, "");
}

void draw_format(const struct draw *draw, enum cell_color color, int width, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	draw_text(draw, color, width, text);
}

void draw_paragraph(const struct draw *draw, size_t indent, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (column && column + 1 + word > draw->line) {
			fputc('\n', draw->out);
			column = 0;
		}
		column += (size_t)fprintf(draw->out, "%*s%.*s", column ? 1 : (int)indent, "",
					  (int)word, text);
		text += word;
		text += strspn(text, " ");
	}
	fputc('\n', draw->out);
}
