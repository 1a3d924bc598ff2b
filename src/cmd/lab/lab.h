// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the experiments of `physlens lab` have in common. An experiment is a file with a `struct
 * experiment`, listed in lab.c. It starts a program of src/lab (a *subject*), lets it do one thing
 * at a time, looks at its pages by the analyses that the other commands use, draws them, and checks
 * what it says.
 */
#ifndef PHYSLENS_CMD_LAB_LAB_H
#define PHYSLENS_CMD_LAB_LAB_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "analysis/layout.h"
#include "analysis/page.h"
#include "arch/pagetable.h"
#include "base/error.h"
#include "base/vec.h"
#include "cmd/command.h"
#include "target/target.h"
#include "ui/draw.h"

struct lab;

struct experiment {
	const char *name;
	const char *summary; /* one line, lower case, no full stop */
	const char *look;    /* what to look at: two or three sentences */
	struct error *(*run)(struct lab *lab);
};

extern const struct experiment experiment_address, experiment_exec, experiment_fork,
	experiment_grid, experiment_hierarchy, experiment_layout, experiment_libc,
	experiment_paging, experiment_sharing, experiment_threads;

/* --- steps and claims (lab.c) --------------------------------------------------------------- */

enum lab_result { LAB_HOLDS, LAB_FAILS, LAB_UNKNOWN };

struct lab_claim {
	char *text;
	enum lab_result result;
};

struct lab {
	struct invocation *invocation;
	const struct experiment *experiment;
	struct target *target;
	struct draw draw;    /* where drawings go; see `text` */
	struct table *table; /* of rows instead of drawings, or NULL */
	bool text;           /* it draws */
	bool wait;           /* --step */
	unsigned step;
	VEC(struct lab_claim) claims;
	VEC(char *) missing; /* what could not be seen and why, each once */
};

/* Begins a step: its heading, after Enter where that was asked for. Then let the subject do it. */
void lab_step(struct lab *lab, const char *title);

/* After the last step, while its processes are still there to be looked at: Enter once more. */
void lab_last_step(struct lab *lab);

/* Words below a heading, in ASCII. */
void lab_say(struct lab *lab, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Something that is claimed: with `known` false it could not be measured. */
struct error *lab_claim(struct lab *lab, bool known, bool holds, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Something that cannot be shown here; the same text twice counts once. */
struct error *lab_missing(struct lab *lab, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A row that is a number or a text with a name: for tables; drawings show it in their own way. */
struct error *lab_value(struct lab *lab, const char *kind, const char *name, uint64_t value);
struct error *lab_text(struct lab *lab, const char *kind, const char *name, const char *text);

/* The same of a stretch of an address space: where it begins, and how many pages are in RAM. */
struct error *lab_region(struct lab *lab, const char *name, uint64_t start, uint64_t present,
			 const char *text);

/* --- the program that is looked at (subject.c) ------------------------------------------------ */

enum { SUBJECT_NAME = 32 };

struct subject_word {
	char name[SUBJECT_NAME];
	uint64_t value;
};

struct subject {
	pid_t pid;  /* 0: not running */
	int to;     /* its standard input */
	FILE *from; /* its standard output */
	VEC(struct subject_word) words;
};

/* The path of the lab's program `name`: in the build tree, or as installed. Caller frees. */
struct error *subject_path(const char *name, char **path);

/*
 * Starts the lab's program `name`, with an argument or NULL, and waits until its first step is
 * done. Undone by subject_stop(), also after an error; a zeroed subject may be stopped.
 */
struct error *subject_start(struct subject *subject, const char *name, const char *argument);
void subject_stop(struct subject *subject);

/* Lets it do the next thing, and waits until it has. */
struct error *subject_step(struct subject *subject);

/* What it said last of `name`. ERROR_INPUT when it has said nothing. */
struct error *subject_word(const struct subject *subject, const char *name, uint64_t *value);

#define _cleanup_subject_ __attribute__((cleanup(subject_stop)))

/* --- looking (view.c) --------------------------------------------------------------------------
 */

/* A process at one moment. */
struct view {
	struct space *space;
	struct layout layout;
	bool has_layout;
	struct page_table tables;
	bool has_tables;
};

/* Undone by view_close(), also after an error; a zeroed view may be closed. */
struct error *view_open(struct lab *lab, pid_t pid, struct view *view);
void view_close(struct view *view);

#define _cleanup_view_ __attribute__((cleanup(view_close)))

/* What one look at an address showed. */
struct sight {
	uint64_t address;
	enum page_state state;
	bool present; /* in RAM */
	bool cow;
	uint64_t word;
	bool has_pfn;
	uint64_t pfn;
	unsigned perms; /* of the area */
	bool has_access;
	unsigned access; /* of the page tables */
	char region[32];
};

struct error *view_look(struct view *view, uint64_t address, struct sight *sight);

/* Whether two sights are of one frame; *known is false where frames are hidden or not there. */
static inline bool sight_same_frame(const struct sight *a, const struct sight *b, bool *known)
{
	*known = a->has_pfn && b->has_pfn;
	return *known && a->pfn == b->pfn;
}

/* "0x1b5673", "in binary", "untouched", "swapped", "hidden", …; `text` has room for 24 bytes. */
void sight_frame_text(const struct sight *sight, char text[24]);

/* What the hardware allows, or where that is not known the area: "rw", "rw-p". */
void sight_perms_text(const struct sight *sight, char text[8]);

/* --- page tables side by side (scene.c) ------------------------------------------------------ */

enum { SCENE_PANES = 3, SCENE_ROWS = 12 };

/* Places, a row each, in processes, a pane each. */
struct scene {
	size_t rows, panes;
	const char *places[SCENE_ROWS];
	const char *processes[SCENE_PANES];
	pid_t pids[SCENE_PANES];                     /* 0: not there (yet) */
	uint64_t addresses[SCENE_ROWS][SCENE_PANES]; /* 0: it has no such place */
	bool apart;                                  /* the addresses differ from pane to pane */
	struct sight now[SCENE_ROWS][SCENE_PANES];
	struct sight before[SCENE_ROWS][SCENE_PANES]; /* at the look before; address 0: none */
};

/* Adds a row at one address, or with `apart` one for the pane, by what the subject said. */
struct error *scene_place(struct scene *scene, const struct subject *subject, const char *name,
			  const char *word);

/* Looks at every place in every process. */
struct error *scene_look(struct lab *lab, struct scene *scene);

/* Draws what was seen, or puts it into the table. */
struct error *scene_show(struct lab *lab, const struct scene *scene);

/* Rows of what was seen, for tables. */
struct error *lab_sight(struct lab *lab, const char *process, pid_t pid, const char *place,
			const struct sight *sight);

#endif
