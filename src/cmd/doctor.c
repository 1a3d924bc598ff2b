// SPDX-License-Identifier: GPL-2.0-or-later
/* doctor: what this kernel and this user may see, and what opens the rest. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "analysis/gates.h"
#include "base/scope.h"
#include "cmd/command.h"
#include "cmd/commands.h"
#include "proc/mounted.h"
#include "ui/escape.h"
#include "ui/table.h"

enum { DOCTOR_GATE, DOCTOR_STATE, DOCTOR_GIVES, DOCTOR_REMEDY, DOCTOR_DETAIL };

static const struct column doctor_columns[] = {
	[DOCTOR_GATE] = {"GATE", CELL_TEXT, 14, 0, "a way to see something"},
	[DOCTOR_STATE] = {"STATE", CELL_TEXT, 10, 0, "open, or why not, in a word"},
	[DOCTOR_GIVES] = {"GIVES", CELL_TEXT, 40, 0, "what can be seen through it"},
	[DOCTOR_REMEDY] = {"REMEDY", CELL_TEXT, 40, 0, "what opens it here, if it is not open"},
	[DOCTOR_DETAIL] = {"DETAIL", CELL_TEXT, 40, 0, "what the probe saw"},
};

static const struct table_spec doctor_spec = {
	.name = "doctor",
	.columns = doctor_columns,
	.count = sizeof(doctor_columns) / sizeof(doctor_columns[0]),
	.defaults = "GATE,STATE,GIVES,REMEDY",
};

/* For the eye: remedies are sentences, which stand below the table. */
static const struct table_spec doctor_screen_spec = {
	.name = "doctor",
	.columns = doctor_columns,
	.count = sizeof(doctor_columns) / sizeof(doctor_columns[0]),
	.defaults = "GATE,STATE,GIVES",
};

static enum cell_color grade_color(enum gate_grade grade)
{
	static const enum cell_color colors[] = {
		[GATE_OPEN] = CELL_GREEN,
		[GATE_LIMITED] = CELL_YELLOW,
		[GATE_IDLE] = CELL_DIM,
		[GATE_CLOSED] = CELL_RED,
	};

	return colors[grade];
}

static struct error *fill_row(struct table *table, const struct gate *gate)
{
	TRY(table_row(table));
	TRY(table_text(table, DOCTOR_GATE, gate->name));
	TRY(table_text(table, DOCTOR_STATE, gate->state));
	table_color(table, DOCTOR_STATE, grade_color(gate->grade));
	TRY(table_text(table, DOCTOR_GIVES, gate->gives));
	TRY(table_text(table, DOCTOR_REMEDY, gate->remedy));
	return table_text(table, DOCTOR_DETAIL, gate->detail);
}

static struct error *print_table(struct invocation *invocation, const struct table_spec *spec,
				 const struct gates *gates)
{
	struct table *table;
	struct error *error = invocation_table(invocation, spec, &table);

	for (size_t i = 0; !error && i < gates_count(gates); i++)
		error = fill_row(table, gates_at(gates, i));
	if (!error)
		error = table_finish(table);
	table_destroy(table);
	return error;
}

/* How wide text may be: the terminal, or what is easy to read. */
static size_t text_width(void)
{
	struct winsize window;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col < 40)
		return 80;
	return window.ws_col > 100 ? 100 : window.ws_col;
}

/* Prints `text`, escaped, after `used` columns of its line; lines that follow are indented. */
static struct error *print_wrapped(const char *text, size_t used, size_t indent)
{
	_cleanup_free_ char *escaped = NULL;
	size_t width = text_width();
	char *rest, *word;

	TRY(escape_terminal_dup(text, &escaped));
	rest = escaped;
	for (bool first = true; (word = strsep(&rest, " ")); first = false) {
		size_t length = strlen(word);

		if (!first && used + 1 + length > width) {
			printf("\n%*s", (int)indent, "");
			used = indent;
		} else if (!first) {
			putchar(' ');
			used++;
		}
		fputs(word, stdout);
		used += length;
	}
	putchar('\n');
	return NULL;
}

/* Gates that capabilities open share the one setcap that names them all. */
static bool same_remedy(const struct gate *a, const struct gate *b)
{
	if (a->by_capability || b->by_capability)
		return a->by_capability && b->by_capability;
	return a->remedy && b->remedy && strcmp(a->remedy, b->remedy) == 0;
}

/* Whether an earlier gate has the same remedy: then it was printed with that. */
static bool already_printed(const struct gates *gates, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (same_remedy(gates_at(gates, i), gates_at(gates, index)))
			return true;
	}
	return false;
}

/* The names of the gates with the remedy of gate `index`: "pfn, iomem". */
static struct error *join_names(const struct gates *gates, size_t index, char **names)
{
	_cleanup_free_ char *joined = strdup(gates_at(gates, index)->name);

	for (size_t i = index + 1; joined && i < gates_count(gates); i++) {
		char *longer;

		if (!same_remedy(gates_at(gates, i), gates_at(gates, index)))
			continue;
		if (asprintf(&longer, "%s, %s", joined, gates_at(gates, i)->name) < 0)
			return error_nomem();
		free(joined);
		joined = longer;
	}
	*names = scope_take(joined, NULL);
	return *names ? NULL : error_nomem();
}

/* "  NAMES: what to do", or a command on a line of its own, whole, for copying. */
static struct error *print_line(const char *names, const char *remedy, const char *command)
{
	_cleanup_free_ char *line = NULL, *escaped = NULL;

	if (asprintf(&line, "%s: %s", names, remedy) < 0)
		return error_nomem();
	fputs("  ", stdout);
	TRY(print_wrapped(line, 2, 6));
	if (!command)
		return NULL;
	TRY(escape_terminal_dup(command, &escaped));
	printf("      %s\n", escaped);
	return NULL;
}

/* What such a command gives away, and the two that keep it to a group: chgrp(1) undoes setcap(8).
 */
static struct error *print_warning(const char *program)
{
	_cleanup_free_ char *escaped = NULL;

	TRY(escape_terminal_dup(program ? program : "PROGRAM", &escaped));
	fputs("    ", stdout);
	TRY(print_wrapped("Whoever may execute that file can then read all memory of this "
			  "machine: every key and password of everybody. To let only a group do "
			  "so, first:",
			  4, 4));
	printf("      chgrp GROUP %s\n      chmod 0750 %s\n", escaped, escaped);
	return NULL;
}

static struct error *print_remedy(const struct gates *gates, size_t index)
{
	const struct gate *gate = gates_at(gates, index);
	_cleanup_free_ char *names = NULL, *setcap = NULL;

	TRY(join_names(gates, index, &names));
	if (!gate->by_capability)
		return print_line(names, gate->remedy, NULL);
	TRY(gates_setcap(gates, &setcap));
	TRY(print_line(names, "run as root, or give the program what root would have:", setcap));
	return setcap ? print_warning(gates_program(gates)) : NULL;
}

/* The remedies of the gates that are idle, or of those that are not. */
static struct error *print_remedies(const struct gates *gates, const char *title, bool idle)
{
	bool titled = false;

	for (size_t i = 0; i < gates_count(gates); i++) {
		const struct gate *gate = gates_at(gates, i);

		if (!gate->remedy || (gate->grade == GATE_IDLE) != idle ||
		    already_printed(gates, i))
			continue;
		if (!titled)
			printf("\n%s\n", title);
		titled = true;
		TRY(print_remedy(gates, i));
	}
	return NULL;
}

static struct error *print_command(const struct gates *gates, const char *name, bool color)
{
	static const struct {
		const char *word, *joint, *color;
	} works[] = {
		[GATES_FULLY] = {"fully", "", "\033[32m"},
		[GATES_PARTLY] = {"partly", ", without ", "\033[33m"},
		[GATES_NOT] = {"not", ", it needs ", "\033[31m"},
	};
	_cleanup_free_ char *line = NULL;
	struct gates_verdict verdict;

	TRY(gates_command_verdict(gates, name, &verdict));
	const char *word = works[verdict.work].word;
	int used = printf("  %-10s ", name) + (int)strlen(word);
	printf("%s%s%s", color ? works[verdict.work].color : "", word, color ? "\033[0m" : "");
	int length = asprintf(&line, "%s%s", works[verdict.work].joint,
			      verdict.missing ? verdict.missing : "");
	gates_verdict_deinit(&verdict);
	if (length < 0)
		return error_nomem();
	return print_wrapped(line, (size_t)used, 13);
}

static struct error *print_commands(const struct gates *gates, bool color)
{
	printf("\nHow the commands work here and now:\n");
	for (const struct command *const *command = command_list; *command; command++)
		TRY(print_command(gates, (*command)->name, color));
	return NULL;
}

/* What stands there of gates is then not the kernel's doing. */
static void explain_mounts(const struct invocation *invocation)
{
	struct error *error = proc_check_mounted();

	if (error)
		invocation_warn(invocation, "%s: nothing can be said of the kernel without it",
				error_message(error));
	error_free(error);
	if (!sysfs_is_mounted(AT_FDCWD))
		invocation_warn(invocation, "/sys is not mounted: what of the kernel it has is "
					    "not known");
}

static struct error *print_screen(struct invocation *invocation, const struct gates *gates)
{
	TRY(print_table(invocation, &doctor_screen_spec, gates));
	TRY(print_remedies(gates, "What opens the rest:", false));
	TRY(print_remedies(gates, "Not in use here:", true));
	return print_commands(gates, color_wanted(invocation->table.color, stdout));
}

/* Who asks for JSON, raw cells, no headings or columns of his own choice wants the table alone. */
static bool wants_screen(const struct invocation *invocation)
{
	const struct table_options *options = &invocation->table;

	return options->format == FORMAT_TABLE && !options->noheadings &&
	       (!options->columns || options->columns[0] == '+');
}

static struct error *doctor(struct invocation *invocation)
{
	struct gates *gates;
	_cleanup_close_ int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return error_errno(errno, "/");
	TRY(gates_probe(root, &gates));
	struct error *error = wants_screen(invocation)
				      ? print_screen(invocation, gates)
				      : print_table(invocation, &doctor_spec, gates);
	gates_destroy(gates);
	return error;
}

static int run(struct invocation *invocation)
{
	if (invocation_option(invocation) != 0)
		return invocation->status;
	if (invocation->argument_count)
		return invocation_misused(invocation, "%s: takes no argument",
					  invocation->arguments[0]);
	if (invocation->list_columns) {
		table_list_columns(&doctor_spec, stdout, "");
		return EXIT_DONE;
	}
	explain_mounts(invocation);
	struct error *error = doctor(invocation);
	return error ? invocation_fail(invocation, error) : EXIT_DONE;
}

const struct command command_doctor = {
	.name = "doctor",
	.summary = "show what this kernel and this user may see, and what opens the rest",
	.synopsis = "[options]",
	.description =
		"Tries every way to see memory that the commands use, and says for each that\n"
		"is closed what it would give and what opens it. Changes nothing.",
	.tables = (const struct table_spec *const[]){&doctor_spec, NULL},
	.run = run,
};
