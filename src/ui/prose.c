// SPDX-License-Identifier: GPL-2.0-or-later
#include "ui/prose.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "ui/escape.h"
#include "ui/table_backend.h"

/* Where the cursor is: how much of the line that was begun is printed. */
static size_t column;

/* Room for the comma or full stop that the next piece may begin with. */
enum { SIGNS = 2 };

static void print_word(const char *word, size_t length, size_t terminal)
{
	_cleanup_free_ char *copy = strndup(word, length);
	size_t width = copy ? display_width(copy) : length;

	if (column > 0 && column + width + SIGNS > terminal && *word == ' ') {
		putchar('\n');
		column = 0;
		word++;
		length--;
		width--;
	}
	fwrite(word, 1, length, stdout);
	column += width;
}

/* A word is printed with the blanks before it. */
static void print_folded(const char *text, size_t terminal)
{
	while (*text) {
		size_t length = strspn(text, " ");

		length += strcspn(text + length, " \n");
		print_word(text, length, terminal);
		text += length;
		if (*text == '\n') {
			putchar(*text++);
			column = 0;
		}
	}
}

void prose_printf(const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	size_t terminal = terminal_width(stdout);
	va_list args;

	va_start(args, format);
	if (terminal == 0)
		vprintf(format, args);
	else if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (text)
		print_folded(text, terminal);
}
