// SPDX-License-Identifier: GPL-2.0-or-later
/* Sentences below a table: on a terminal a line ends at a blank, not within a word. */
#ifndef PHYSLENS_UI_PROSE_H
#define PHYSLENS_UI_PROSE_H

/*
 * As printf(3), to standard output, where a sentence may come piece by piece. Elsewhere than on a
 * terminal nothing is changed. What is printed must be printable.
 */
void prose_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
