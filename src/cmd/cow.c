// SPDX-License-Identifier: GPL-2.0-or-later
/* physlens cow: what copy-on-write has copied since fork. Options, and the way to its forms. */
#include "cmd/cow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/scope.h"
#include "cmd/commands.h"
#include "cmd/naming.h"
#include "cmd/processes.h"

enum {
	OPTION_ALL = OPTION_LONG,
	OPTION_GRID,
	OPTION_RANGE,
	OPTION_REGION,
	OPTION_OBJECT,
	OPTION_WATCH,
	OPTION_ATTACH,
	OPTION_INTERVAL,
};

enum { INTERVAL_MAX = 86400 };

static const struct command_option options[] = {
	{'p', "pages", NULL, "a row a run of diverged pages; of a trace: a page"},
	{OPTION_ALL, "all", NULL, "all regions, or with --pages all pages, that either has"},
	{OPTION_GRID, "grid", NULL, "draw the pages of both, a cell a page or a block of pages"},
	{OPTION_RANGE, "range", "A-B", "only pages from address A up to B (hexadecimal)"},
	{OPTION_REGION, "region", "NAME", "only regions of this name (.data, heap, …)"},
	{OPTION_OBJECT, "object", "GLOB", "only objects whose path or file name matches"},
	{'f', "freeze", "[=SECONDS]", "hold the processes still while they are read"},
	{OPTION_WATCH, "watch", "SEC", "of a family: again every SEC seconds, until interrupted"},
	{OPTION_ATTACH, "attach", "PID", "trace a running process, until it ends or interrupted"},
	{OPTION_INTERVAL, "interval", "SEC",
	 "look at traced processes every SEC seconds (1; 0: never)"},
	{'O', "log", "FILE", "write what is said of a traced program there"},
};

/* --- what the forms share -------------------------------------------------------------------- */

const char *cow_size_text(uint64_t bytes, char text[32])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	double amount = (double)bytes / 1024;
	size_t unit = 0;

	while (amount >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		amount /= 1024;
		unit++;
	}
	snprintf(text, 32, amount < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", amount, units[unit]);
	return text;
}

struct error *cow_hold(struct cow *cow, freeze_lister list, void *argument)
{
	return cow->freeze ? freeze_hold(&cow->held, cow->target, list, argument)
			   : freeze_list(list, argument);
}

void cow_release(struct cow *cow)
{
	processes_release(cow->invocation, &cow->held);
}

bool cow_is_text(const struct cow *cow)
{
	return cow->invocation->table.format == FORMAT_TABLE && !cow->invocation->table.noheadings;
}

/* --- options ------------------------------------------------------------------------------------
 */

static struct error *take_interval(struct cow *cow, const char *argument)
{
	char *end;

	errno = 0;
	cow->interval = strtod(argument, &end);
	if (errno || *end || end == argument ||
	    !(cow->interval >= 0 && cow->interval <= (double)INTERVAL_MAX))
		return error_new(ERROR_INPUT, "--interval: not a number of seconds: %s", argument);
	return NULL;
}

static struct error *take_option(struct cow *cow, int key, const char *argument)
{
	switch (key) {
	case 'p':
		cow->pages = true;
		break;
	case OPTION_ALL:
		cow->all = true;
		break;
	case OPTION_GRID:
		cow->grid = true;
		break;
	case OPTION_RANGE:
		cow->range = argument;
		break;
	case OPTION_REGION:
		cow->selection.name = argument;
		break;
	case OPTION_OBJECT:
		cow->selection.object_glob = argument;
		break;
	case 'f':
		cow->freeze = true;
		return processes_freeze_option(argument, &cow->held);
	case OPTION_WATCH:
		return watch_parse(&cow->watch, argument);
	case OPTION_ATTACH:
		cow->attach = argument;
		break;
	case OPTION_INTERVAL:
		return take_interval(cow, argument);
	case 'O':
		cow->log = argument;
		break;
	}
	return NULL;
}

static int parse_options(struct cow *cow, struct invocation *invocation)
{
	struct error *error = NULL;
	int key;

	while (!error && (key = invocation_option(invocation)) > 0)
		error = take_option(cow, key, invocation->argument);
	if (!error)
		return key;
	invocation->status = invocation_fail(invocation, error);
	return -1;
}

enum form { FORM_NONE, FORM_PAIR, FORM_FAMILY, FORM_TRACE };

/* Behind "--" there is a command, whatever its name: it stands just before what getopt left. */
static enum form form_of(const struct cow *cow)
{
	const struct invocation *invocation = cow->invocation;
	bool dashes = strcmp(invocation->arguments[-1], "--") == 0;

	if (cow->attach)
		return invocation->argument_count == 0 ? FORM_TRACE : FORM_NONE;
	if (dashes)
		return invocation->argument_count > 0 ? FORM_TRACE : FORM_NONE;
	if (invocation->argument_count == 2)
		return FORM_PAIR;
	return invocation->argument_count == 1 ? FORM_FAMILY : FORM_NONE;
}

/* What does not go together, said in words; NULL when all does. */
static const char *misuse_of(const struct cow *cow, enum form form)
{
	if (form == FORM_NONE)
		return "PARENT and CHILD, a PID, --attach PID or -- COMMAND is needed";
	if (form == FORM_FAMILY && cow->pages)
		return "--pages is of two processes, or of a traced program";
	if (form != FORM_PAIR && (cow->grid || cow->all || cow->range))
		return "--all, --grid and --range are of two processes: PARENT CHILD";
	if (cow->pages && cow->grid)
		return "either --pages or --grid";
	if (form != FORM_FAMILY && cow->watch.interval)
		return "--watch is of a master and its descendants: PID";
	if (form != FORM_TRACE && cow->log)
		return "--log is of a traced program";
	if (form != FORM_PAIR && (cow->selection.name || cow->selection.object_glob))
		return "--region and --object are of two processes: PARENT CHILD";
	if (form == FORM_TRACE && cow->freeze)
		return "--freeze is not of a traced program, which is to run";
	if (cow->grid && cow->invocation->table.format != FORMAT_TABLE)
		return "--grid is a drawing: --json and --raw have --pages --all instead";
	return NULL;
}

static const struct table_spec *table_of(const struct cow *cow, enum form form)
{
	if (cow->attach || form == FORM_TRACE)
		return &cow_trace_table;
	if (cow->pages)
		return &cow_pages_table;
	return form == FORM_FAMILY || cow->watch.interval ? &cow_family_table : &cow_region_table;
}

/* --- the command ------------------------------------------------------------------------------ */

static struct error *show_form(struct cow *cow, enum form form, int *status)
{
	char **arguments = cow->invocation->arguments;
	pid_t first, second;

	if (form == FORM_TRACE)
		return cow_trace_show(cow, arguments, status);
	TRY(process_named(cow->target, arguments[0], &first));
	if (form == FORM_FAMILY)
		return cow_family_show(cow, first);
	TRY(process_named(cow->target, arguments[1], &second));
	if (first == second)
		return error_new(ERROR_INPUT, "parent and child are the same process: %d",
				 (int)first);
	return cow_pair_show(cow, first, second);
}

static int run(struct invocation *invocation)
{
	struct cow cow = {.invocation = invocation, .interval = 1};
	int status = EXIT_DONE;

	if (parse_options(&cow, invocation) < 0)
		return invocation->status;
	enum form form = form_of(&cow);
	if (invocation->list_columns) {
		table_list_columns(table_of(&cow, form), stdout, "");
		return EXIT_DONE;
	}
	const char *misuse = misuse_of(&cow, form);
	if (misuse)
		return invocation_misused(invocation, "%s", misuse);
	struct error *error = invocation_target(invocation, &cow.target);
	if (!error) {
		error = show_form(&cow, form, &status);
		cow_release(&cow);
		invocation_target_end(invocation, cow.target);
	}
	vec_deinit(&cow.processes);
	return error ? invocation_fail(invocation, error) : status;
}

static const struct table_spec *const tables[] = {&cow_region_table, &cow_pages_table,
						  &cow_family_table, &cow_trace_table, NULL};

const struct command command_cow = {
	.name = "cow",
	.summary = "show what copy-on-write has copied since fork, and who wrote",
	.synopsis = "[options] PARENT CHILD\n physlens cow [options] PID\n"
		    " physlens cow [options] -- COMMAND [ARGUMENT …]\n"
		    " physlens cow [options] --attach PID",
	.description =
		"Compare two processes page by page: what they still share, what has been copied,\n"
		"and who wrote. Or a process with all its descendants, a row each. Or run a\n"
		"command, or attach to a process, and tell the story of every fork in it.",
	.options = options,
	.option_count = sizeof(options) / sizeof(options[0]),
	.tables = tables,
	.run = run,
	.processes = 2,
};
