// SPDX-License-Identifier: GPL-2.0-or-later
/* Inside ui/ only: what table.c shares with the ways of printing a table. */
#ifndef PHYSLENS_UI_TABLE_BACKEND_H
#define PHYSLENS_UI_TABLE_BACKEND_H

#include <string.h>

#include "base/vec.h"
#include "ui/table.h"

typedef VEC(char) text_buffer;

struct cell {
	enum cell_color color; /* of a painted one */
	uint64_t number;
	text_buffer text; /* raw, with its NUL: of CELL_TEXT, and the word of a hidden one */
};

/* Columns as a set of bits: a table has no more. */
typedef uint64_t column_set;
enum { COLUMNS_MAX = 64 };
#define COLUMN_BIT(column) (UINT64_C(1) << (column))

struct table;

struct table_backend {
	struct error *(*create)(struct table *table);
	struct error *(*row)(struct table *table); /* the row in hand is complete */
	struct error *(*finish)(struct table *table);
	void (*destroy)(struct table *table);
};

struct table {
	const struct table_spec *spec;
	struct table_options options;
	FILE *out;
	bool color;

	size_t *shown; /* columns in the order of output */
	size_t shown_count;
	bool *wanted;     /* by column */
	column_set asked; /* by name, with -o: these are shown whatever the width */

	/* the row in hand */
	bool open;
	size_t parent; /* or TABLE_ROOT */
	size_t row_count;
	struct cell *cells; /* by column; those that are not set have what an earlier row left */
	column_set set;
	column_set hidden;  /* the text is the word for what may not be seen */
	column_set painted; /* in a colour */
	column_set before;  /* set in the row before, and neither hidden nor painted */
	column_set changed; /* not as in the row before; known when the row is complete */

	text_buffer summary; /* members of a JSON object */

	const struct table_backend *backend;
	void *state; /* the backend's */
};

extern const struct table_backend table_backend_json;
extern const struct table_backend table_backend_lines;  /* CSV, TSV, NDJSON */
extern const struct table_backend table_backend_scols;  /* libsmartcols: aligned text, trees */
extern const struct table_backend table_backend_stream; /* raw, and aligned text as it comes */

/*
 * Adds a cell, rendered, to the rows that a new stream keeps back until its widths are known: row
 * after row, each of its columns in order.
 */
struct error *stream_keep_cell(struct table *table, size_t position, const char *text,
			       enum cell_color color);

static inline bool cell_is(column_set set, size_t column)
{
	return set & COLUMN_BIT(column);
}

static inline enum cell_color cell_color(const struct table *table, size_t column)
{
	return cell_is(table->painted, column) ? table->cells[column].color : CELL_PLAIN;
}

/*
 * Writes a number as `type` has it so that it ends before `end`, which has NUMBER_LENGTH bytes
 * before it. Returns where it starts.
 */
enum { NUMBER_LENGTH = 24 };
char *number_write(enum cell_type type, uint64_t number, char *end);

/* Appends a cell of the row in hand to `buffer`, escaped for a terminal; nothing when absent. */
struct error *table_render(const struct table *table, size_t column, text_buffer *buffer);

/* Appends the key of a column as JSON and the like have it: "name". */
struct error *append_key(const struct table *table, size_t column, text_buffer *buffer);

/* Appends it as a JSON value ("null" when absent), or `text` as a JSON string. */
struct error *table_render_json(const struct table *table, size_t column, text_buffer *buffer);

static inline struct error *buffer_append(text_buffer *buffer, const char *bytes, size_t count)
{
	if (count == 0)
		return NULL; /* neither may be given the NULL of an empty buffer */
	if (buffer->capacity - buffer->count < count)
		TRY(vec_reserve(buffer, count));
	memcpy(buffer->items + buffer->count, bytes, count);
	buffer->count += count;
	return NULL;
}

static inline struct error *buffer_fill(text_buffer *buffer, char byte, size_t count)
{
	if (count == 0)
		return NULL; /* neither may be given the NULL of an empty buffer */
	if (buffer->capacity - buffer->count < count)
		TRY(vec_reserve(buffer, count));
	memset(buffer->items + buffer->count, byte, count);
	buffer->count += count;
	return NULL;
}

/* The escape sequence that begins a colour, or "" for none. */
const char *table_color_sequence(enum cell_color color);
#define TABLE_COLOR_RESET "\033[0m"

/* The position of the column that is COLUMN_ELASTIC; shown_count: none is. */
size_t elastic_position(const struct table *table);

/* How wide the terminal `out` is, in columns; 0: it is none. */
size_t terminal_width(FILE *out);

/*
 * Which of the shown columns the table does without: sets hidden[position]. `widths` is how wide
 * each is (the elastic one as wide as it would like to be), empty[position] whether it has nothing
 * but 0 (NULL: not known). `terminal` is 0 for none.
 */
void columns_yield(const struct table *table, size_t terminal, const size_t *widths,
		   const bool *empty, bool *hidden);

/* The same for a table that is printed as it is filled: takes them off the shown ones. */
struct error *stream_columns_yield(struct table *table);

/*
 * How wide the elastic column may be on a terminal (0: none, nothing is cut), where the others take
 * `others`, blanks between columns among them.
 */
size_t elastic_width(size_t terminal, size_t others);

/*
 * Of an escaped text that is wider than `width`, the end that fits into it behind elastic_mark():
 * of a path it says most.
 */
const char *elastic_end(const char *text, size_t width);
const char *elastic_mark(void);

/* Whether its numbers are shown as people read sizes: "1.2M". */
bool column_is_size(const struct table *table, size_t column);

/* Whether its rows may have rows below them. */
bool table_is_tree(const struct table *table);

/* Numbers stand to the right, words to the left. */
bool column_is_right(const struct column *column);

#endif
