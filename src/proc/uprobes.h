// SPDX-License-Identifier: GPL-2.0-or-later
/* tracefs' uprobe_events: the user-space probes that were set there
 * (Documentation/trace/uprobetracer.rst). */
#ifndef PHYSLENS_PROC_UPROBES_H
#define PHYSLENS_PROC_UPROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/vec.h"

/*
 * One line:
 *
 *	p:probe_bash/readline /usr/bin/bash:0x00000000000ad840 arg1=%di
 */
struct uprobe {
	const char *event; /* "probe_bash/readline" */
	const char *path;
	uint64_t offset; /* in the file */
	bool found;      /* by uprobes_load(): the file at `path` is */
	uint64_t device; /* this one, as stat(2) has it */
	uint64_t inode;
};

struct uprobe_list {
	VEC(struct uprobe) items;
	char *text; /* what the strings point into */
};

/* Takes `text` (malloc'ed). Lines that are not as expected are passed over. */
struct error *uprobes_parse(struct uprobe_list *list, char *text);

/* Reads them below the directory `root`. An error where tracefs is not to be had. */
struct error *uprobes_load(int root, struct uprobe_list *list);
void uprobes_deinit(struct uprobe_list *list);

#endif
