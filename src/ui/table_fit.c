// SPDX-License-Identifier: GPL-2.0-or-later
/* On a terminal the elastic column of a table gives way, so that a row stays a line. */
#include <sys/ioctl.h>
#include <unistd.h>

#include "ui/escape.h"
#include "ui/locale.h"
#include "ui/table_backend.h"

enum {
	ELASTIC_LEAST = 7,    /* narrower it says nothing: "…c.so.6" */
	ELASTIC_WRAPPED = 12, /* where the terminal wraps rows all the same */
};

size_t elastic_position(const struct table *table)
{
	size_t i = 0;

	while (i < table->shown_count &&
	       !(table->spec->columns[table->shown[i]].flags & COLUMN_ELASTIC))
		i++;
	return i;
}

size_t terminal_width(FILE *out)
{
	struct winsize size;
	int fd = fileno(out);

	return isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

size_t elastic_width(size_t terminal, size_t others)
{
	if (terminal == 0)
		return SIZE_MAX;
	return terminal >= others + ELASTIC_LEAST ? terminal - others : ELASTIC_WRAPPED;
}

const char *elastic_mark(void)
{
	return output_is_utf8() ? "…" : "<";
}

const char *elastic_end(const char *text, size_t width)
{
	while (*text && display_width(text) > width - 1)
		do {
			text++;
		} while ((*text & 0xc0) == 0x80);
	return text;
}
