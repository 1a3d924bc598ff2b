// SPDX-License-Identifier: GPL-2.0-or-later
/* physlens lab: the textbook's experiments on real processes. Each is a file of cmd/lab/. */
#include "cmd/lab/lab.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/scope.h"
#include "cmd/commands.h"

static const struct experiment *const experiments[] = {
	&experiment_layout,  &experiment_address,   &experiment_fork,    &experiment_grid,
	&experiment_exec,    &experiment_libc,      &experiment_threads, &experiment_paging,
	&experiment_sharing, &experiment_hierarchy,
};

#define EXPERIMENT_COUNT (sizeof(experiments) / sizeof(experiments[0]))

/* --- columns ---------------------------------------------------------------------------------- */

enum {
	COL_STEP,
	COL_KIND,
	COL_NAME,
	COL_PROCESS,
	COL_PID,
	COL_VADDR,
	COL_VPN,
	COL_PFN,
	COL_STATE,
	COL_PERMS,
	COL_PTE,
	COL_COW,
	COL_REGION,
	COL_VALUE,
	COL_TEXT,
};

static const struct column columns[] = {
	[COL_STEP] = {"STEP", CELL_NUMBER, 0, 0, "of the experiment, from 1"},
	[COL_KIND] = {"KIND", CELL_TEXT, 0, 0,
		      "what the row is: page, region, level, cache, …; claim; missing; experiment"},
	[COL_NAME] = {"NAME", CELL_TEXT, 0, 0, "of the place, region, level, … or experiment"},
	[COL_PROCESS] = {"PROCESS", CELL_TEXT, 0, 0,
			 "its part in the experiment: parent, child, …"},
	[COL_PID] = {"PID", CELL_NUMBER, 0, 0, "its number"},
	[COL_VADDR] = {"VADDR", CELL_HEX, 0, 0, "address of the place"},
	[COL_VPN] = {"VPN", CELL_HEX, 0, 0, "number of its virtual page"},
	[COL_PFN] = {"PFN", CELL_HEX, 0, 0, "number of the frame behind it"},
	[COL_STATE] = {"STATE", CELL_TEXT, 0, 0, "of the page, as in map --pages"},
	[COL_PERMS] = {"PERMS", CELL_TEXT, 0, 0, "of the area: rwx, then p private, s shared"},
	[COL_PTE] = {"PTE", CELL_TEXT, 0, 0, "what the page tables allow: r, rw, rx"},
	[COL_COW] = {"COW", CELL_BOOL, 0, 0, "a write now would copy the page"},
	[COL_REGION] = {"REGION", CELL_TEXT, 0, 0, "what is there: .text, .data, heap, stack, …"},
	[COL_VALUE] = {"VALUE", CELL_NUMBER, 0, 0, "a number that was measured"},
	[COL_TEXT] = {"TEXT", CELL_TEXT, 0, 0,
		      "of a claim: holds, FAILS or not measured; else what there is to say"},
};

static const struct table_spec lab_table = {
	.name = "lab",
	.title = "lab",
	.columns = columns,
	.count = sizeof(columns) / sizeof(columns[0]),
	.defaults = "STEP,KIND,NAME,PROCESS,PID,VADDR,VPN,PFN,STATE,PERMS,PTE,COW,REGION,VALUE,"
		    "TEXT",
};

/* --- rows ---------------------------------------------------------------------------------------
 */

static struct error *put_kind(struct lab *lab, const char *kind, const char *name)
{
	TRY(table_row(lab->table));
	if (lab->step)
		TRY(table_number(lab->table, COL_STEP, lab->step));
	TRY(table_text(lab->table, COL_KIND, kind));
	return table_text(lab->table, COL_NAME, name);
}

struct error *lab_value(struct lab *lab, const char *kind, const char *name, uint64_t value)
{
	if (!lab->table)
		return NULL;
	TRY(put_kind(lab, kind, name));
	return table_number(lab->table, COL_VALUE, value);
}

struct error *lab_text(struct lab *lab, const char *kind, const char *name, const char *text)
{
	if (!lab->table)
		return NULL;
	TRY(put_kind(lab, kind, name));
	return table_text(lab->table, COL_TEXT, text);
}

struct error *lab_region(struct lab *lab, const char *name, uint64_t start, uint64_t present,
			 const char *text)
{
	if (!lab->table)
		return NULL;
	TRY(put_kind(lab, "region", name));
	TRY(table_hex(lab->table, COL_VADDR, start));
	TRY(table_hex(lab->table, COL_VPN, start >> lab->target->page_shift));
	TRY(table_number(lab->table, COL_VALUE, present));
	return table_text(lab->table, COL_TEXT, text);
}

static struct error *put_page(struct lab *lab, const struct sight *sight)
{
	char perms[5], access[8];

	vma_perms_text(sight->perms, perms);
	entry_access_text(sight->access, access);
	TRY(table_hex(lab->table, COL_VADDR, sight->address));
	TRY(table_hex(lab->table, COL_VPN, sight->address >> lab->target->page_shift));
	if (sight->has_pfn)
		TRY(table_hex(lab->table, COL_PFN, sight->pfn));
	else if (sight->present)
		TRY(table_hidden(lab->table, COL_PFN, "hidden"));
	TRY(table_text(lab->table, COL_STATE, page_state_name(sight->state)));
	TRY(table_text(lab->table, COL_PERMS, perms));
	TRY(table_text(lab->table, COL_PTE, sight->has_access ? access : NULL));
	TRY(table_bool(lab->table, COL_COW, sight->cow));
	return table_text(lab->table, COL_REGION, sight->region);
}

struct error *lab_sight(struct lab *lab, const char *process, pid_t pid, const char *place,
			const struct sight *sight)
{
	if (!lab->table)
		return NULL;
	TRY(put_kind(lab, "page", place));
	TRY(table_text(lab->table, COL_PROCESS, process));
	TRY(table_number(lab->table, COL_PID, (uint64_t)pid));
	return put_page(lab, sight);
}

/* --- steps, claims, what is missing -------------------------------------------------------------
 */

static void wait_for_enter(struct lab *lab)
{
	int byte;

	fputs("\n[Enter]", lab->draw.out);
	fflush(lab->draw.out);
	do
		byte = getchar();
	while (byte != '\n' && byte != EOF);
	if (byte == EOF || !isatty(STDIN_FILENO))
		fputc('\n', lab->draw.out); /* nobody's Enter has ended the line */
}

void lab_step(struct lab *lab, const char *title)
{
	lab->step++;
	if (!lab->text)
		return;
	if (lab->wait && lab->step > 1)
		wait_for_enter(lab);
	fputc('\n', lab->draw.out);
	draw_format(&lab->draw, CELL_CYAN, 0, "%u. %s", lab->step, title);
	fputc('\n', lab->draw.out);
}

void lab_last_step(struct lab *lab)
{
	if (lab->text && lab->wait)
		wait_for_enter(lab);
}

void lab_say(struct lab *lab, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (!lab->text)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	draw_paragraph(&lab->draw, 3, text);
}

struct error *lab_claim(struct lab *lab, bool known, bool holds, const char *format, ...)
{
	struct lab_claim claim = {.result = !known ? LAB_UNKNOWN : holds ? LAB_HOLDS : LAB_FAILS};
	va_list args;

	va_start(args, format);
	int length = vasprintf(&claim.text, format, args);
	va_end(args);
	if (length < 0)
		return error_nomem();
	struct error *error = vec_push(&lab->claims, claim);
	if (error)
		free(claim.text);
	return error;
}

struct error *lab_missing(struct lab *lab, const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	int length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		return error_nomem();
	struct error *error = NULL;
	size_t i = 0;
	while (i < lab->missing.count && strcmp(lab->missing.items[i], text) != 0)
		i++;
	bool known = i < lab->missing.count;
	if (!known)
		error = vec_push(&lab->missing, text);
	if (known || error)
		free(text);
	return error;
}

static const char *const result_texts[] = {
	[LAB_HOLDS] = "holds", [LAB_FAILS] = "FAILS", [LAB_UNKNOWN] = "not measured"};

static void draw_claim(const struct lab *lab, const struct lab_claim *claim)
{
	static const enum cell_color colors[] = {
		[LAB_HOLDS] = CELL_GREEN, [LAB_FAILS] = CELL_RED, [LAB_UNKNOWN] = CELL_YELLOW};
	const char *marks[] = {[LAB_HOLDS] = draw_glyph(&lab->draw, DRAW_HOLDS),
			       [LAB_FAILS] = draw_glyph(&lab->draw, DRAW_FAILS),
			       [LAB_UNKNOWN] = "?"};

	fputs(" ", lab->draw.out);
	draw_text(&lab->draw, colors[claim->result], 3, marks[claim->result]);
	fprintf(lab->draw.out, "%s%s\n", claim->text,
		claim->result == LAB_FAILS ? ": NOT what was measured" : "");
}

static bool any_claim(const struct lab *lab, enum lab_result result)
{
	for (size_t i = 0; i < lab->claims.count; i++) {
		if (lab->claims.items[i].result == result)
			return true;
	}
	return false;
}

static void draw_end(struct lab *lab)
{
	fputs("\nWhat was said, and what was measured:\n", lab->draw.out);
	for (size_t i = 0; i < lab->claims.count; i++)
		draw_claim(lab, &lab->claims.items[i]);
	if (any_claim(lab, LAB_UNKNOWN))
		fputs("\nWhat has a ? could not be measured here.\n", lab->draw.out);
	if (lab->missing.count == 0)
		return;
	fputs("\nNot to be seen here:\n", lab->draw.out);
	for (size_t i = 0; i < lab->missing.count; i++)
		draw_paragraph(&lab->draw, 4, lab->missing.items[i]);
}

static struct error *put_end(struct lab *lab)
{
	lab->step = 0;
	for (size_t i = 0; i < lab->claims.count; i++)
		TRY(lab_text(lab, "claim", lab->claims.items[i].text,
			     result_texts[lab->claims.items[i].result]));
	for (size_t i = 0; i < lab->missing.count; i++)
		TRY(lab_text(lab, "missing", NULL, lab->missing.items[i]));
	return table_finish(lab->table);
}

static void lab_deinit(struct lab *lab)
{
	for (size_t i = 0; i < lab->claims.count; i++)
		free(lab->claims.items[i].text);
	vec_deinit(&lab->claims);
	for (size_t i = 0; i < lab->missing.count; i++)
		free(lab->missing.items[i]);
	vec_deinit(&lab->missing);
	table_destroy(lab->table);
	invocation_target_end(lab->invocation, lab->target);
}

/* --- the command --------------------------------------------------------------------------------
 */

static struct error *run_experiment(struct lab *lab, int *status)
{
	TRY(invocation_target(lab->invocation, &lab->target));
	if (lab->text) {
		draw_format(&lab->draw, CELL_CYAN, 0, "%s", lab->experiment->name);
		fprintf(lab->draw.out, ": %s\n\n", lab->experiment->summary);
		draw_paragraph(&lab->draw, 0, lab->experiment->look);
	}
	TRY(lab->experiment->run(lab));
	*status = any_claim(lab, LAB_FAILS) ? EXIT_CANNOT : EXIT_DONE;
	if (lab->table)
		return put_end(lab);
	draw_end(lab);
	return NULL;
}

static struct error *list(struct lab *lab)
{
	if (lab->text)
		printf("The experiments: physlens lab NAME\n\n");
	for (size_t i = 0; i < EXPERIMENT_COUNT; i++) {
		if (lab->text)
			printf("  %-10s %s\n", experiments[i]->name, experiments[i]->summary);
		else
			TRY(lab_text(lab, "experiment", experiments[i]->name,
				     experiments[i]->summary));
	}
	return lab->text ? NULL : table_finish(lab->table);
}

static struct error *find_experiment(struct lab *lab, const char *name)
{
	for (size_t i = 0; i < EXPERIMENT_COUNT; i++) {
		if (strcmp(experiments[i]->name, name) == 0) {
			lab->experiment = experiments[i];
			return NULL;
		}
	}
	return error_new(ERROR_INPUT, "no such experiment ('physlens lab' lists them): %s", name);
}

enum { OPTION_STEP = OPTION_LONG, OPTION_PLAIN };

static const struct command_option options[] = {
	{OPTION_STEP, "step", NULL, "wait for Enter after each step"},
	{OPTION_PLAIN, "plain", NULL, "draw in ASCII, without colour"},
};

static int parse_options(struct lab *lab, bool *plain)
{
	int key;

	while ((key = invocation_option(lab->invocation)) > 0) {
		switch (key) {
		case OPTION_STEP:
			lab->wait = true;
			break;
		case OPTION_PLAIN:
			*plain = true;
			break;
		}
	}
	return key;
}

/* Drawings, unless a table was asked for in whatever way. */
static struct error *prepare(struct lab *lab, bool plain)
{
	const struct table_options *asked = &lab->invocation->table;

	lab->text = asked->format == FORMAT_TABLE && !asked->columns;
	draw_init(&lab->draw, stdout, plain ? COLOR_NEVER : asked->color, plain);
	return lab->text ? NULL : invocation_table(lab->invocation, &lab_table, &lab->table);
}

static struct error *run_or_list(struct lab *lab, bool plain, int *status)
{
	TRY(prepare(lab, plain));
	if (lab->invocation->argument_count == 0)
		return list(lab);
	TRY(find_experiment(lab, lab->invocation->arguments[0]));
	return run_experiment(lab, status);
}

static int run(struct invocation *invocation)
{
	struct lab lab = {.invocation = invocation};
	int status = EXIT_DONE;
	bool plain = false;

	if (parse_options(&lab, &plain) < 0)
		return invocation->status;
	if (invocation->list_columns) {
		table_list_columns(&lab_table, stdout, "");
		return EXIT_DONE;
	}
	if (invocation->argument_count > 1)
		return invocation_misused(invocation, "one experiment at a time");
	struct error *error = run_or_list(&lab, plain, &status);
	lab_deinit(&lab);
	return error ? invocation_fail(invocation, error) : status;
}

static const struct table_spec *const tables[] = {&lab_table, NULL};

static const struct completion_word *experiment_words(size_t *count)
{
	static struct completion_word words[EXPERIMENT_COUNT];

	for (size_t i = 0; i < EXPERIMENT_COUNT; i++)
		words[i] = (struct completion_word){experiments[i]->name, experiments[i]->summary};
	*count = EXPERIMENT_COUNT;
	return words;
}

const struct command command_lab = {
	.name = "lab",
	.summary = "textbook experiments on real processes, drawn with real numbers",
	.synopsis = "[options] [NAME]",
	.description =
		"Runs an experiment with programs of its own, shows what to look at, and checks "
		"what\nit says. Without a name: lists the experiments.",
	.options = options,
	.option_count = sizeof(options) / sizeof(options[0]),
	.tables = tables,
	.run = run,
	.words = experiment_words,
};
