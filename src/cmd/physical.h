// SPDX-License-Identifier: GPL-2.0-or-later
/* Physical memory for a command: opened as --source says, refused with the gates' own remedies. */
#ifndef PHYSLENS_CMD_PHYSICAL_H
#define PHYSLENS_CMD_PHYSICAL_H

#include "cmd/command.h"
#include "phys/source.h"

/* source_open() by invocation->source; an error also says how a gate that is closed is opened. */
struct error *open_physical(const struct invocation *invocation, unsigned flags,
			    struct source **source);

#endif
