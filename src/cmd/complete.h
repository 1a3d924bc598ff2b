// SPDX-License-Identifier: GPL-2.0-or-later
/* What may stand at the cursor of a command line, for the completions of shells. */
#ifndef PHYSLENS_CMD_COMPLETE_H
#define PHYSLENS_CMD_COMPLETE_H

/*
 * Prints what the last of `words` (those behind the program's name, up to the cursor; it may be
 * empty) may be completed to: a line each, a tab and what it is behind it. The line ":file" means
 * the name of a file. Nothing else is ever printed, and what other processes chose only where it
 * has neither control bytes nor backslashes. Always 0.
 */
int complete(int count, char **words);

#endif
