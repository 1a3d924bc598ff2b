// SPDX-License-Identifier: GPL-2.0-or-later
/* The parts of `physlens cow`: two processes, a family, a traced program; and what they share. */
#ifndef PHYSLENS_CMD_COW_H
#define PHYSLENS_CMD_COW_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/cow.h"
#include "analysis/hardware.h"
#include "analysis/layout.h"
#include "cmd/command.h"
#include "proc/process.h"
#include "target/freeze.h"
#include "cmd/watch.h"
#include "target/target.h"
#include "ui/table.h"

struct cow {
	struct invocation *invocation;
	struct target *target;
	bool pages;
	bool all;
	bool grid;
	bool freeze;
	const char *range;
	struct region_selection selection;
	struct watch watch;
	double interval;    /* seconds between two samples of a trace; 0: none */
	const char *attach; /* PID, or NULL */
	const char *log;    /* file for what is said of a traced program, or NULL */
	process_vec processes;
	struct freeze held;
};

extern const struct table_spec cow_region_table, cow_pages_table, cow_family_table, cow_trace_table,
	cow_ledger_table;

/* Each is a form of the command; `status` is for exit(). */
struct error *cow_pair_show(struct cow *cow, pid_t parent, pid_t child);
struct error *cow_family_show(struct cow *cow, pid_t master);
struct error *cow_trace_show(struct cow *cow, char **command, int *status);

/* The pages side by side, as letters: for --grid. */
struct error *cow_grid_show(struct cow *cow, const struct cow_pair *pair,
			    const cow_region_vec *regions);

/* "17 bytes", "1.5 MiB"; `text` has room for 32 bytes. */
const char *cow_size_text(uint64_t bytes, char text[32]);

/*
 * Has the processes listed (see freeze_hold()), and holds them still if that was asked for. Until
 * cow_release(), which names those that could not be held, nothing may be printed.
 */
struct error *cow_hold(struct cow *cow, freeze_lister list, void *argument);
void cow_release(struct cow *cow);

/* Whether the summary below a table is wanted. */
bool cow_is_text(const struct cow *cow);

#endif
