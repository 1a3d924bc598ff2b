// SPDX-License-Identifier: GPL-2.0-or-later
/* What the user's locale says of the characters that a terminal shows. */
#ifndef PHYSLENS_UI_LOCALE_H
#define PHYSLENS_UI_LOCALE_H

#include <stdbool.h>

/*
 * Takes the locale for the widths and the coding of characters; nothing else depends on it. For
 * main(), before anything is printed.
 *
 * Where its characters are not UTF-8 a terminal may take a byte inside of one for a control
 * character (0x9b, CSI): they are kept from it, see output_is_utf8(). What goes elsewhere than to a
 * terminal is UTF-8 whatever the locale.
 */
void locale_start(void);

/* Whether UTF-8 may go out; else nothing but ASCII does, but for JSON, which is UTF-8 always. */
bool output_is_utf8(void);

/* Whether the user's own locale has UTF-8: drawings are made of ASCII where it has not. */
bool locale_is_utf8(void);

#endif
