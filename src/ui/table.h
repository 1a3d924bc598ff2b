// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tables: one description of the columns drives the output, `-o`, `--list-columns` and `--help`.
 *
 * A command fills one row at a time: table_row(), then a call for each cell it has, then the next
 * row. A cell that is not set is absent: empty in text, null in JSON. Numbers are numbers in JSON;
 * addresses, PFNs and raw entries are strings ("0x…"), since JavaScript's numbers cannot hold them.
 *
 * In CSV, TSV and NDJSON, which are flat, a row of a tree has the cells of the one above it where
 * it has none of its own.
 *
 * Whole tables and trees are laid out and printed by libsmartcols when the table is finished; one
 * without a tree that comes to thousands of rows is printed as it is filled from then on, too.
 * A streaming table is printed as it is filled, in constant memory: for listings that may have
 * millions of rows.
 */
#ifndef PHYSLENS_UI_TABLE_H
#define PHYSLENS_UI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

enum cell_type {
	CELL_TEXT,   /* bytes from anywhere; escaped on output */
	CELL_NUMBER, /* a decimal number */
	CELL_PAGES,  /* a number of pages: in bytes when the table was asked for bytes */
	CELL_HEX,    /* an address, PFN or raw entry: 0x… */
	CELL_BOOL,   /* yes/no in text, true/false in JSON */
	CELL_SIZE,   /* a number of pages: in aligned text "1.2M", elsewhere in bytes */
};

enum column_flags {
	COLUMN_TREE = 1 << 0,    /* carries the branches of a tree */
	COLUMN_ELASTIC = 1 << 1, /* on a terminal too narrow it is cut from the left, with "…" */
	COLUMN_NONZERO = 1 << 2, /* not shown in aligned text where no row has anything but 0 */
	COLUMN_HUMAN = 1 << 3, /* of CELL_PAGES: as sizes on a terminal, see table_options.human */
};

/*
 * Added to a column's flags: on a terminal too narrow for the table the column gives way to the
 * others. Columns of nothing but 0 go first, then those of the highest rank (1 to 15).
 */
#define COLUMN_YIELDS(rank) ((unsigned)(rank) << 8)

struct column {
	const char *name; /* upper case, as in the heading; JSON has it in lower case */
	enum cell_type type;
	int width; /* least width a streaming table keeps for it */
	unsigned flags;
	const char *help; /* one line, lower case, no full stop */
};

/*
 * A kind of table: `name` is the JSON key, `title` names it in --help where a command has several
 * ("--pages"), defaults is a comma-separated list of column names.
 */
struct table_spec {
	const char *name;
	const char *title;
	const struct column *columns;
	size_t count;
	const char *defaults;
	const char *screen; /* the default ones of aligned text, where they are fewer; or NULL */
	bool streaming;
};

/* Of what a terminal has by default, and a file or pipe has not. */
enum color_mode { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

enum table_format {
	FORMAT_TABLE,  /* aligned text */
	FORMAT_RAW,    /* cells between single spaces */
	FORMAT_JSON,   /* one object with an array of rows */
	FORMAT_NDJSON, /* an object a row, a line each; the summary, if any, is the last one */
	FORMAT_CSV,    /* RFC 4180, with \n; empty: absent */
	FORMAT_TSV,    /* a tab between cells */
};

/* By its name ("csv"); false: there is none of that name. */
bool table_format_parse(const char *name, enum table_format *format);
#define TABLE_FORMATS "table, raw, json, ndjson, csv, tsv"

/* What the user's common options ask of every table. */
struct table_options {
	enum table_format format;
	bool noheadings;
	bool bytes;
	enum color_mode color;
	/*
	 * Whether columns of pages are sizes ("1.2M") in aligned text, of a table that is not
	 * streaming: those that are COLUMN_HUMAN on a terminal, all of them, or none.
	 */
	enum color_mode human;
	const char *columns; /* the argument of -o: LIST or +LIST; NULL for the defaults */
	unsigned page_shift; /* for CELL_PAGES in bytes */
	/*
	 * When the rows were taken, or NULL: for tables that are printed again and again. JSON is
	 * one line then that begins with it, CSV, TSV and NDJSON have it in each row.
	 */
	const char *time;
};

struct table;

/*
 * A table that prints to `out`. ERROR_INPUT when options->columns names an unknown column: the
 * message lists those there are. `spec` must outlive the table.
 */
struct error *table_create(const struct table_spec *spec, const struct table_options *options,
			   FILE *out, struct table **table);
void table_destroy(struct table *table); /* prints nothing more; NULL is fine */

/* Whether column `column` (index into spec->columns) is shown: what is not shown need not be found.
 */
bool table_wants(const struct table *table, size_t column);

/* Whether colour is on (see table_options.color; NO_COLOR and TERM=dumb are honoured for auto). */
bool color_wanted(enum color_mode mode, FILE *out);

/* How many lines the terminal `out` has; 0: it is none. */
size_t terminal_lines(FILE *out);

/* Starts a row, which ends the one before. */
struct error *table_row(struct table *table);

/* The same, with every cell as in that row: what differs is set anew, nothing can be unset. */
struct error *table_row_again(struct table *table);

/*
 * The same in a tree (never a streaming table): `parent` is the number of an earlier row or
 * TABLE_ROOT; *number (may be NULL) is that of the new one.
 */
#define TABLE_ROOT SIZE_MAX
struct error *table_child_row(struct table *table, size_t parent, size_t *number);

/* Cells of the row in hand; one that is not shown is passed over. */
struct error *table_text(struct table *table, size_t column, const char *text); /* NULL: absent */
struct error *table_number(struct table *table, size_t column, uint64_t number);
struct error *table_hex(struct table *table, size_t column, uint64_t number);

/* A number of bytes in a column of pages: to the nearest page unless bytes were asked for. */
struct error *table_bytes(struct table *table, size_t column, uint64_t bytes);
struct error *table_bool(struct table *table, size_t column, bool value);

/*
 * A cell whose value is known to exist but may not be seen: the word in text, and in JSON too,
 * so that hidden is never confused with absent (null) or 0.
 */
struct error *table_hidden(struct table *table, size_t column, const char *word);

/*
 * Colours the cell just set, where colour is on. Colour only underlines what the words say: it is
 * never the only carrier.
 */
enum cell_color { CELL_PLAIN, CELL_GREEN, CELL_YELLOW, CELL_RED, CELL_CYAN, CELL_DIM, CELL_COLORS };
void table_color(struct table *table, size_t column, enum cell_color color);

/*
 * A number about the whole table, which JSON has in an object "summary" behind the rows. Text has
 * none: there a command says it in words. Before table_finish().
 */
struct error *table_summary(struct table *table, const char *key, uint64_t number);

/* Prints what is not printed yet. Write errors are found when `out` is closed, by the caller. */
struct error *table_finish(struct table *table);

/* Writes the columns of `spec`, one a line with its help: for --list-columns and --help. */
void table_list_columns(const struct table_spec *spec, FILE *out, const char *indent);

#endif
