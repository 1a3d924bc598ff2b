// SPDX-License-Identifier: GPL-2.0-or-later
/* Arguments that several commands take. Errors are ERROR_INPUT and name the argument. */
#ifndef PHYSLENS_CMD_ARGUMENTS_H
#define PHYSLENS_CMD_ARGUMENTS_H

#include <sys/types.h>

#include "base/error.h"
#include "base/range.h"

/* A process ID: a positive decimal number. */
struct error *parse_pid(const char *text, pid_t *pid);

/* A-B, two hexadecimal addresses (0x or not), made whole pages; B is not included. */
struct error *parse_address_range(const char *text, unsigned page_shift, struct range *range);

#endif
