// SPDX-License-Identifier: GPL-2.0-or-later
/* Physical memory for a command: opened as --source says, refused with the gates' own remedies. */
#ifndef PHYSLENS_CMD_PHYSICAL_H
#define PHYSLENS_CMD_PHYSICAL_H

#include "cmd/command.h"
#include "phys/source.h"

/* source_open() by invocation->source; an error also says how a gate that is closed is opened. */
struct error *open_physical(const struct invocation *invocation, unsigned flags,
			    struct source **source);

/*
 * The error of what needed physical memory, as it is said to a user who is not root and did not ask
 * for one source: in one short line. Others come back as they are. Takes `error`, which may be
 * NULL.
 */
struct error *physical_error(const struct invocation *invocation, struct error *error);

#endif
