// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a process is called, and of which program the kernel started it: /proc/PID/cmdline, auxv,
 * environ. All but auxv is memory of the process, in which anything may be by now.
 */
#ifndef PHYSLENS_PROC_IDENTITY_H
#define PHYSLENS_PROC_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The beginning of "cmdline" in an open directory /proc/PID: its first argument, cut; "" where
 * there is none. *known is false where it could not be read. */
struct error *process_title_read(int proc_fd, char *title, size_t size, bool *known);

/* The value of type `type` (AT_ENTRY) in the text of auxv, of a program of 64 or 32 bits; else 0.
 */
uint64_t auxv_value(const void *auxv, size_t length, uint64_t type);

/*
 * The value of the variable `name` in the text of environ, "A=1\0B=2\0", or NULL. It ends with the
 * text, which has a NUL behind its last byte.
 */
const char *environ_value(const char *text, size_t length, const char *name);

#endif
