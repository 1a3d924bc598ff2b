// SPDX-License-Identifier: GPL-2.0-or-later
/* The commands, for main.c's table; each is defined in the file of its name. */
#ifndef PHYSLENS_CMD_COMMANDS_H
#define PHYSLENS_CMD_COMMANDS_H

#include "cmd/command.h"

extern const struct command command_census;
extern const struct command command_cow;
extern const struct command command_doctor;
extern const struct command command_lab;
extern const struct command command_map;
extern const struct command command_owner;
extern const struct command command_read;
extern const struct command command_share;
extern const struct command command_translate;
extern const struct command command_verify;
extern const struct command command_walk;

#endif
