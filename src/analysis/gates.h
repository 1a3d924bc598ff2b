// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Gates: what this kernel and this user may see, found by trying it.
 *
 * Each gate is probed once, on memory and processes of our own as far as possible; nothing on the
 * system is written or changed. The answer is a state in a word (`open`, `absent`, `denied`, …)
 * and, where the gate is not open, the remedy for this machine and this user.
 */
#ifndef PHYSLENS_ANALYSIS_GATES_H
#define PHYSLENS_ANALYSIS_GATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum gate_grade {
	GATE_OPEN,    /* gives what it says */
	GATE_LIMITED, /* gives a part, or what it gives could not be verified */
	GATE_IDLE,    /* works, but is not in use here: no swap area, no huge page */
	GATE_CLOSED,  /* gives nothing */
};

struct gate {
	const char *name;
	const char *gives;
	const char *state; /* one word; see physlens-doctor(1) for those of each gate */
	enum gate_grade grade;
	char *remedy;          /* NULL when there is nothing to open */
	char *detail;          /* what the probe saw, NULL when the state says it all */
	uint64_t capabilities; /* those that would help, as bits */
	bool by_capability;    /* they are the whole remedy: see gates_setcap() */
};

struct gates;

/* Probes every gate of the system whose root directory is open as `root`. */
struct error *gates_probe(int root, struct gates **gates);
void gates_destroy(struct gates *gates); /* NULL is fine */

size_t gates_count(const struct gates *gates);
const struct gate *gates_at(const struct gates *gates, size_t index);
const struct gate *gates_find(const struct gates *gates, const char *name); /* NULL: no such gate */

/*
 * The one command that gives this program what all gates with `by_capability` lack (setcap replaces
 * what it gave before): "setcap cap_sys_admin,cap_sys_rawio+ep /usr/bin/physlens". NULL when there
 * is no such gate.
 */
struct error *gates_setcap(const struct gates *gates, char **command);

/* The path of this program, as that command has it; NULL: it is not known. */
const char *gates_program(const struct gates *gates);

enum gates_work { GATES_FULLY, GATES_PARTLY, GATES_NOT };

struct gates_verdict {
	enum gates_work work;
	char *missing; /* the gates that are not open, "pfn, ptrace"; NULL when it works fully */
};

/*
 * How well `command` works behind these gates: not at all names what it needs, partly what would
 * add to it. A command that is not known here needs nothing.
 */
struct error *gates_command_verdict(const struct gates *gates, const char *command,
				    struct gates_verdict *verdict);
void gates_verdict_deinit(struct gates_verdict *verdict);

#endif
