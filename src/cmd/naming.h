// SPDX-License-Identifier: GPL-2.0-or-later
/* Processes as people call them: by PID, by name, or "self". What is called like one by mistake. */
#ifndef PHYSLENS_CMD_NAMING_H
#define PHYSLENS_CMD_NAMING_H

#include <stdbool.h>
#include <sys/types.h>

#include "analysis/layout.h"
#include "base/error.h"
#include "cmd/command.h"
#include "target/target.h"

/*
 * The process that `text` names. Digits are a PID (which is not looked up), "self" is this very
 * program, and all else is the name of one process, as ps(1) shows it: kernel threads, zombies and
 * this program are not meant. ERROR_INPUT when nothing is called so, with what is like it, or when
 * several are, with their PIDs.
 */
struct error *process_named(struct target *target, const char *text, pid_t *pid);

/*
 * Says on stderr that `text`, which was taken for `taken` ("the frame 0x12"), is the PID of a
 * process, too, and what would be said of that: `instead` ("read 12:ADDRESS"). Nothing when it is
 * none, or is written as a PID never is.
 */
void warn_also_process(const struct invocation *invocation, const char *text, const char *taken,
		       const char *instead);

/*
 * The error for a selection that no region of the layout meets: ERROR_LOOKUP, with the names that
 * are nearest to those that were asked for.
 */
struct error *nothing_selected(const struct layout *layout,
			       const struct region_selection *selection);

#endif
