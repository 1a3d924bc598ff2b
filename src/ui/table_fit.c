// SPDX-License-Identifier: GPL-2.0-or-later
/* On a terminal the elastic column of a table gives way, then others, so that a row stays a line.
 */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/scope.h"
#include "ui/escape.h"
#include "ui/locale.h"
#include "ui/table_backend.h"

enum {
	ELASTIC_FAIR = 20,    /* so much of it is worth more than a column that may give way */
	STREAM_GROWTH = 10,   /* by which the columns of a stream may be expected to widen */
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

static struct winsize terminal_size(FILE *out)
{
	struct winsize size = {0};
	int fd = fileno(out);

	if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) != 0)
		return (struct winsize){0};
	return size;
}

size_t terminal_width(FILE *out)
{
	return terminal_size(out).ws_col;
}

size_t terminal_lines(FILE *out)
{
	return terminal_size(out).ws_row;
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

static unsigned rank_of(const struct table *table, size_t position)
{
	size_t column = table->shown[position];

	return cell_is(table->asked, column) ? 0 : table->spec->columns[column].flags >> 8;
}

static size_t width_of_all(const struct table *table, const size_t *widths, const bool *hidden)
{
	size_t elastic = elastic_position(table), all = 0;
	size_t fair = ELASTIC_FAIR;

	if (table->backend == &table_backend_stream)
		fair += STREAM_GROWTH;
	for (size_t i = 0; i < table->shown_count; i++) {
		size_t width = widths[i];

		if (i == elastic && width > fair)
			width = fair;
		all += hidden[i] ? 0 : width + 1;
	}
	return all ? all - 1 : 0;
}

/* The column that can be missed most; shown_count: all that are left must stay. */
static size_t next_to_yield(const struct table *table, const bool *empty, const bool *hidden)
{
	size_t best = table->shown_count;
	unsigned best_rank = 0;

	for (size_t i = 0; i < table->shown_count; i++) {
		unsigned rank = hidden[i] ? 0 : rank_of(table, i);

		if (rank && empty && empty[i])
			rank += COLUMNS_MAX;
		if (rank > best_rank) {
			best_rank = rank;
			best = i;
		}
	}
	return best;
}

void columns_yield(const struct table *table, size_t terminal, const size_t *widths,
		   const bool *empty, bool *hidden)
{
	for (size_t i = 0; empty && i < table->shown_count; i++) {
		size_t column = table->shown[i];

		hidden[i] = empty[i] && !cell_is(table->asked, column) &&
			    (table->spec->columns[column].flags & COLUMN_NONZERO);
	}
	while (terminal && width_of_all(table, widths, hidden) > terminal) {
		size_t next = next_to_yield(table, empty, hidden);

		if (next == table->shown_count)
			return;
		hidden[next] = true;
	}
}

static size_t least_width(const struct table *table, size_t position)
{
	const struct column *column = &table->spec->columns[table->shown[position]];
	size_t heading = strlen(column->name);

	if (column->flags & COLUMN_ELASTIC)
		return ELASTIC_FAIR + STREAM_GROWTH;
	return column->width > (int)heading ? (size_t)column->width : heading;
}

struct error *stream_columns_yield(struct table *table)
{
	size_t terminal = terminal_width(table->out), kept = 0;
	_cleanup_free_ size_t *widths = calloc(table->shown_count, sizeof(*widths));
	_cleanup_free_ bool *hidden = calloc(table->shown_count, sizeof(*hidden));

	if (!widths || !hidden)
		return error_nomem();
	for (size_t i = 0; i < table->shown_count; i++)
		widths[i] = least_width(table, i);
	columns_yield(table, terminal, widths, NULL, hidden);
	for (size_t i = 0; i < table->shown_count; i++) {
		if (hidden[i])
			table->wanted[table->shown[i]] = false;
		else
			table->shown[kept++] = table->shown[i];
	}
	table->shown_count = kept;
	return NULL;
}
