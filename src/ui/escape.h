// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Escaping: no byte that came from outside (a path, a command name, a symbol) reaches a terminal
 * or a JSON reader as it is.
 */
#ifndef PHYSLENS_UI_ESCAPE_H
#define PHYSLENS_UI_ESCAPE_H

#include <stddef.h>

#include "base/error.h"

/*
 * Both write `text` to `buffer` as snprintf() does: at most `size` bytes with the terminating NUL
 * (a sequence is never cut in two), returning the length that the whole would have.
 *
 * For a terminal: valid, printable UTF-8 stays; every other byte (controls, C1, DEL, invalid
 * UTF-8), and a backslash that begins such a sequence literally, becomes \xNN. Where UTF-8 is not
 * for the terminal (output_is_utf8()) only ASCII stays.
 */
size_t escape_terminal(char *buffer, size_t size, const char *text);

/* For JSON, without the quotes: \" \\ \n \t \u001b …; a byte that is not UTF-8 becomes \\xNN. */
size_t escape_json(char *buffer, size_t size, const char *text);

/* The same in a string of its own, which the caller frees. */
struct error *escape_terminal_dup(const char *text, char **escaped);
struct error *escape_json_dup(const char *text, char **escaped);

/*
 * How many bytes at the beginning of `text` no escaping changes, for terminals or JSON: printable
 * ASCII without quotes and backslashes. Nearly always all of them.
 */
size_t escape_plain_length(const char *text);

/* How many columns of a terminal `text` takes, which must be escaped already. */
size_t display_width(const char *text);

#endif
