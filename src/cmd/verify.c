// SPDX-License-Identifier: GPL-2.0-or-later
/* physlens verify: is the code in RAM the code on disk? */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "analysis/verify.h"
#include "base/io.h"
#include "base/scope.h"
#include "cmd/commands.h"
#include "cmd/naming.h"
#include "cmd/physical.h"
#include "cmd/processes.h"
#include "ui/locale.h"
#include "ui/progress.h"
#include "ui/prose.h"

/* --- columns ------------------------------------------------------------------------------ */

enum {
	COL_PID,
	COL_COMMAND,
	COL_KIND,
	COL_VADDR,
	COL_REGION,
	COL_SYMBOL,
	COL_BYTES,
	COL_BEFORE,
	COL_AFTER,
	COL_LENGTH,
	COL_PAGES,
	COL_PFN,
	COL_OFFSET,
	COL_WHY,
	COL_ALSO,
	COL_OBJECT,
};

static const struct column columns[] = {
	[COL_PID] = {"PID", CELL_NUMBER, 0, 0, "process"},
	[COL_COMMAND] = {"COMMAND", CELL_TEXT, 0, COLUMN_YIELDS(3), "its name"},
	[COL_KIND] = {"KIND", CELL_TEXT, 0, 0,
		      "what was found, or unverifiable, unstable, protected, moved"},
	[COL_VADDR] = {"VADDR", CELL_HEX, 0, 0, "the first byte that differs, or of the area"},
	[COL_REGION] = {"REGION", CELL_TEXT, 0, COLUMN_YIELDS(4),
			"what is there: .text, .got, anon, vdso, …"},
	[COL_SYMBOL] = {"SYMBOL", CELL_TEXT, 0, COLUMN_YIELDS(2),
			"the nearest symbol, with an offset"},
	[COL_BYTES] = {"BYTES", CELL_TEXT, 0, COLUMN_YIELDS(6),
		       "the first bytes of the file → in memory"},
	[COL_BEFORE] = {"BEFORE", CELL_TEXT, 0, 0, "bytes of the file: up to 16"},
	[COL_AFTER] = {"AFTER", CELL_TEXT, 0, 0, "bytes in memory: up to 16"},
	[COL_LENGTH] = {"LENGTH", CELL_NUMBER, 0, 0,
			"bytes from the first that differs to the last, or of the area"},
	[COL_PAGES] = {"PAGES", CELL_PAGES, 0, 0, "resident pages that the row is about"},
	[COL_PFN] = {"PFN", CELL_HEX, 0, 0, "the frame"},
	[COL_OFFSET] = {"OFFSET", CELL_HEX, 0, 0, "in the file"},
	[COL_WHY] = {"WHY", CELL_TEXT, 0, COLUMN_YIELDS(5), "what explains it, or is in the way"},
	[COL_ALSO] = {"ALSO", CELL_TEXT, 0, 0, "further symbols that the bytes lie in"},
	[COL_OBJECT] = {"OBJECT", CELL_TEXT, 0, COLUMN_ELASTIC,
			"the mapped file, or the kernel's name"},
};

static const struct table_spec table_spec = {
	.name = "verify",
	.title = "verify",
	.columns = columns,
	.count = sizeof(columns) / sizeof(columns[0]),
	.defaults = "PID,COMMAND,KIND,VADDR,REGION,SYMBOL,BYTES,BEFORE,AFTER,LENGTH,PAGES,PFN,"
		    "OFFSET,WHY,ALSO,OBJECT",
	.screen = "PID,COMMAND,KIND,VADDR,REGION,SYMBOL,BYTES,WHY,ALSO,OBJECT",
};

enum { BYTES_IN_CELL = 8 };

/* --- options ------------------------------------------------------------------------------ */

enum { OPTION_ALLOW = OPTION_LONG, OPTION_SYNC };

static const struct command_option options[] = {
	{'a', "all", NULL, "every process"},
	PROCESS_FILTER_OPTIONS,
	{OPTION_ALLOW, "allow", "KIND=GLOB", "no row for KIND where the command matches"},
	{OPTION_SYNC, "sync", NULL, "first have what was written to the files reach the disk"},
};

struct allowance {
	enum verify_kind kind;
	const char *glob;
};

struct verifier {
	struct invocation *invocation;
	bool all;
	bool sync;
	struct process_filter filter;
	VEC(pid_t) given; /* each once */
	VEC(struct allowance) allowed;
	struct target *target;
	struct source *source;
	struct verify *verify;
	struct table *table;
	struct progress progress;
	uint64_t missing;      /* processes that were asked for and could not be read */
	uint64_t refused;      /* the same, of all: another user's */
	struct error *refusal; /* the first of them */
	uint64_t counted[VERIFY_KIND_COUNT];
	uint64_t let_pass;
	uint64_t findings;
	uint64_t rows; /* these, and what is none */
};

static struct error *no_kind(const char *text)
{
	char kinds[512] = "";

	for (int i = 0; i < VERIFY_KIND_COUNT; i++) {
		size_t used = strlen(kinds);

		snprintf(kinds + used, sizeof(kinds) - used, "%s%s", i ? ", " : "",
			 verify_kind_name((enum verify_kind)i));
	}
	return error_new(ERROR_INPUT, "--allow: no such kind: %.200s (there are: %s)", text, kinds);
}

static struct error *parse_allowance(const char *text, struct allowance *allowance)
{
	_cleanup_free_ char *name = strdup(text);
	char *equals = name ? strchr(name, '=') : NULL;

	if (!name)
		return error_nomem();
	if (!equals || !equals[1])
		return error_new(ERROR_INPUT,
				 "--allow: not KIND=GLOB, as in anon-exec=node: %.200s", text);
	*equals = '\0';
	if (!verify_kind_parse(name, &allowance->kind))
		return no_kind(name);
	allowance->glob = text + (equals - name) + 1;
	return NULL;
}

static struct error *add_allowance(struct verifier *v, const char *text)
{
	struct allowance allowance;

	TRY(parse_allowance(text, &allowance));
	return vec_push(&v->allowed, allowance);
}

static int parse_options(struct verifier *v)
{
	struct invocation *invocation = v->invocation;
	struct error *error = NULL;
	int key;

	while (!error && (key = invocation_option(invocation)) > 0) {
		if (key == 'a')
			v->all = true;
		else if (key == OPTION_SYNC)
			v->sync = true;
		else if (!process_filter_option(&v->filter, key, invocation->argument))
			error = add_allowance(v, invocation->argument);
	}
	if (!error)
		return key;
	invocation->status = invocation_fail(invocation, error);
	return -1;
}

static bool is_allowed(const struct verifier *v, const struct verify_finding *finding)
{
	for (size_t i = 0; i < v->allowed.count; i++) {
		if (v->allowed.items[i].kind == finding->kind &&
		    fnmatch(v->allowed.items[i].glob, finding->command, 0) == 0)
			return true;
	}
	return false;
}

/* --- processes ------------------------------------------------------------------------------- */

/* A process that was named and cannot be read is a fault; of all of them some always end. */
/* One that executed another program meanwhile is looked at again: it lives. */
static struct error *add_at_last(struct verifier *v, pid_t pid)
{
	enum { TRIES = 3 };
	struct error *error = verify_add(v->verify, pid);

	for (int i = 1; i < TRIES && error_is(error, ERROR_EXECUTED); i++) {
		error_free(error);
		error = verify_add(v->verify, pid);
	}
	return error;
}

/* Whoever executes again and again hides: it was not looked at, and that is said. */
static struct error *add(struct verifier *v, pid_t pid)
{
	struct error *error = add_at_last(v, pid);

	if (!error || error_is(error, ERROR_NOMEM))
		return error;
	bool over = error_is(error, ERROR_GONE) || error_is(error, ERROR_LOOKUP);
	if (v->all && over && !error_is(error, ERROR_EXECUTED)) {
		error_free(error);
		return NULL;
	}
	if (v->all && error_is(error, ERROR_DENIED)) {
		if (v->refused++)
			error_free(error);
		else
			v->refusal = error;
		return NULL;
	}
	v->missing++;
	invocation_fail(v->invocation, error);
	return NULL;
}

static bool is_covered(const struct verifier *v, pid_t pid)
{
	pid_t covered = 0;

	for (size_t i = 0; covered != pid; i++) {
		if (!verify_covered(v->verify, i, &covered))
			return false;
	}
	return true;
}

/* One that lies beneath a mount may be missing from the list, where that cannot be looked past. */
static struct error *add_covered(struct verifier *v)
{
	pid_t pid;

	for (size_t i = 0; verify_covered(v->verify, i, &pid); i++)
		TRY(add(v, pid));
	return NULL;
}

static struct error *add_all(struct verifier *v)
{
	process_vec list = {0};
	struct error *error = add_covered(v);

	if (!error)
		error = target_processes(v->target, &list);
	for (size_t i = 0; !error && i < list.count; i++) {
		const struct process *process = &list.items[i];

		if (process_may_run(process) && !is_covered(v, process->pid))
			error = add(v, process->pid);
	}
	vec_deinit(&list);
	if (v->refused == 1)
		invocation_warn(v->invocation, "one process is left out: %s",
				error_message(v->refusal));
	else if (v->refused)
		invocation_warn(v->invocation,
				"%llu processes may not be read and are left out; the first: %s",
				(unsigned long long)v->refused, error_message(v->refusal));
	return error;
}

static bool was_given(const struct verifier *v, pid_t pid)
{
	for (size_t i = 0; i < v->given.count; i++) {
		if (v->given.items[i] == pid)
			return true;
	}
	return false;
}

static struct error *give(struct verifier *v, pid_t pid)
{
	TRY(vec_push(&v->given, pid));
	return add(v, pid);
}

/* What is selected and was given by PID, too, is no mistake. */
static struct error *add_selected(struct verifier *v)
{
	process_vec list = {0};
	struct error *error = target_processes(v->target, &list);

	if (!error)
		error = processes_select(&list, &v->filter);
	for (size_t i = 0; !error && i < list.count; i++) {
		if (!was_given(v, list.items[i].pid))
			error = give(v, list.items[i].pid);
	}
	vec_deinit(&list);
	return error;
}

static struct error *add_given(struct verifier *v)
{
	for (size_t i = 0; i < v->invocation->argument_count; i++) {
		pid_t pid;

		TRY(process_named(v->target, v->invocation->arguments[i], &pid));
		if (was_given(v, pid))
			invocation_warn(v->invocation, "process %d was given twice", (int)pid);
		else
			TRY(give(v, pid));
	}
	return process_filter_is_set(&v->filter) ? add_selected(v) : NULL;
}

/* --- rows ---------------------------------------------------------------------------------- */

/* "f3 0f 1e fa", at most `count` bytes; `text` has room for 3 * count + 1. */
static void print_bytes(const uint8_t *bytes, unsigned count, char *text)
{
	*text = '\0';
	for (unsigned i = 0; i < count; i++)
		text += sprintf(text, "%s%02x", i ? " " : "", bytes[i]);
}

static struct error *put_bytes(struct table *table, const struct verify_finding *finding, bool utf8)
{
	char before[3 * VERIFY_BYTES_SHOWN + 1], after[3 * VERIFY_BYTES_SHOWN + 1];
	char both[sizeof(before) + sizeof(after) + 16];
	unsigned count = finding->shown < BYTES_IN_CELL ? finding->shown : BYTES_IN_CELL;
	const char *more = finding->length <= count ? "" : utf8 ? " …" : " ...";
	const char *arrow = utf8 ? "→" : "->";

	if (!finding->shown)
		return NULL;
	print_bytes(finding->before, count, before);
	print_bytes(finding->after, count, after);
	snprintf(both, sizeof(both), "%s%s %s %s%s", before, more, arrow, after, more);
	TRY(table_text(table, COL_BYTES, both));
	print_bytes(finding->before, finding->shown, before);
	print_bytes(finding->after, finding->shown, after);
	TRY(table_text(table, COL_BEFORE, before));
	return table_text(table, COL_AFTER, after);
}

static struct error *put_finding(struct verifier *v, const struct verify_finding *finding)
{
	struct table *table = v->table;

	TRY(table_row(table));
	TRY(table_number(table, COL_PID, (uint64_t)finding->pid));
	TRY(table_text(table, COL_COMMAND, finding->command));
	TRY(table_text(table, COL_KIND, verify_kind_name(finding->kind)));
	if (verify_kind_is_finding(finding->kind))
		table_color(table, COL_KIND, CELL_RED);
	else if (finding->kind != VERIFY_PROTECTED)
		table_color(table, COL_KIND, CELL_YELLOW);
	bool somewhere = finding->length > 0; /* else it is about a process as such */
	if (somewhere)
		TRY(table_hex(table, COL_VADDR, finding->vaddr));
	TRY(table_text(table, COL_REGION, finding->region));
	TRY(table_text(table, COL_SYMBOL, finding->symbol));
	TRY(table_text(table, COL_ALSO, finding->also));
	enum table_format format = v->invocation->table.format;
	bool json = format == FORMAT_JSON || format == FORMAT_NDJSON;
	TRY(put_bytes(table, finding, json || output_is_utf8()));
	if (somewhere) {
		TRY(table_number(table, COL_LENGTH, finding->length));
		TRY(table_number(table, COL_PAGES, finding->pages));
	}
	if (finding->has_pfn)
		TRY(table_hex(table, COL_PFN, finding->pfn));
	if (finding->has_offset)
		TRY(table_hex(table, COL_OFFSET, finding->offset));
	TRY(table_text(table, COL_WHY, finding->why));
	return table_text(table, COL_OBJECT, finding->object);
}

static struct error *put_findings(struct verifier *v)
{
	size_t count;
	const struct verify_finding *findings = verify_findings(v->verify, &count);

	for (size_t i = 0; i < count; i++) {
		if (is_allowed(v, &findings[i])) {
			v->let_pass++;
			continue;
		}
		v->counted[findings[i].kind]++;
		v->findings += verify_kind_is_finding(findings[i].kind);
		v->rows++;
		TRY(put_finding(v, &findings[i]));
	}
	return NULL;
}

/* --- the summary ------------------------------------------------------------------------------ */

static struct error *put_summary(struct verifier *v, const struct verify_counts *counts)
{
	const struct {
		const char *key;
		uint64_t number;
	} numbers[] = {
		{"processes", counts->processes},
		{"files", counts->files},
		{"frames", counts->frames},
		{"bytes", counts->bytes},
		{"findings", v->findings + counts->lost},
		{"allowed", v->let_pass},
		{"unverifiable", counts->unverifiable},
		{"unstable", counts->unstable},
		{"swapped", counts->swapped},
		{"vanished", counts->vanished},
		{"fallback", counts->fallback},
		{"unread", v->missing + v->refused},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		TRY(table_summary(v->table, numbers[i].key, numbers[i].number));
	return NULL;
}

/* "1 process", "2 processes". */
static void print_number(const char *before, uint64_t number, const char *one, const char *many)
{
	prose_printf("%s%llu %s", before, (unsigned long long)number, noun(number, one, many));
}

static void print_kinds(const struct verifier *v, bool findings, const char *separator)
{
	for (int kind = 0; kind < VERIFY_KIND_COUNT; kind++) {
		if (!v->counted[kind] || kind == VERIFY_UNVERIFIABLE || kind == VERIFY_UNSTABLE ||
		    verify_kind_is_finding((enum verify_kind)kind) != findings)
			continue;
		prose_printf("%s%llu %s", separator, (unsigned long long)v->counted[kind],
			     verify_kind_name((enum verify_kind)kind));
		separator = ", ";
	}
}

/* Whether something is neither a finding nor compared. */
static bool is_open(const struct verifier *v)
{
	return v->counted[VERIFY_UNVERIFIABLE] || v->counted[VERIFY_UNSTABLE];
}

static void print_summary(const struct verifier *v, const struct verify_counts *counts)
{
	print_number(v->rows ? "\n" : "", counts->frames, "frame", "frames");
	prose_printf(" (%.1f MiB)", (double)counts->bytes / (1 << 20));
	print_number(" of ", counts->files, "file", "files");
	print_number(" in ", counts->processes, "process", "processes");
	prose_printf(" compared, memory read through %s.\n",
		     v->source ? source_name(v->source) : "/proc/PID/mem");
	if (v->findings)
		print_number("", v->findings + counts->lost, "finding", "findings");
	else
		prose_printf("No findings");
	if (counts->lost)
		prose_printf(", of which %llu are shown", (unsigned long long)v->findings);
	print_kinds(v, true, ": ");
	print_kinds(v, false, "; ");
	prose_printf("; %llu allowed;", (unsigned long long)v->let_pass);
	print_number(" ", counts->unverifiable, "page unverifiable", "pages unverifiable");
	if (counts->unstable)
		print_number("; ", counts->unstable, "page unstable", "pages unstable");
	if (v->missing + v->refused)
		print_number("; ", v->missing + v->refused, "process unread", "processes unread");
	puts(".");
}

static void warn(const struct verifier *v, const struct verify_counts *counts)
{
	for (size_t i = 0; verify_remark(v->verify, i); i++)
		invocation_warn(v->invocation, "%s", verify_remark(v->verify, i));
	if (counts->swapped)
		invocation_warn(v->invocation,
				"%llu private page%s in swap and read back to be compared",
				(unsigned long long)counts->swapped,
				counts->swapped == 1 ? " was" : "s were");
	if (counts->fallback)
		invocation_warn(v->invocation,
				"%llu page%s could not be read through %s and %s read through "
				"/proc/PID/mem, as the kernel shows it",
				(unsigned long long)counts->fallback,
				counts->fallback == 1 ? "" : "s", source_name(v->source),
				counts->fallback == 1 ? "was" : "were");
	if (counts->lost)
		invocation_warn(v->invocation, "%llu more %s not shown",
				(unsigned long long)counts->lost,
				noun(counts->lost, "finding is", "findings are"));
}

/* --- the command ------------------------------------------------------------------------------ */

static void show_progress(void *argument, uint64_t done, uint64_t all)
{
	struct verifier *v = argument;

	if (!v->progress.total)
		progress_init(&v->progress, v->all ? stderr : NULL, all);
	progress_update(&v->progress, done);
}

/* Every mapped file is held open until it was compared. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Without a source, or without frames to read from it, processes are asked for their memory. */
static struct error *open_source(struct verifier *v)
{
	struct error *error = open_physical(v->invocation, 0, &v->source);

	if (!error || error_is(error, ERROR_NOMEM))
		return error;
	invocation_warn(v->invocation,
			"memory is read through /proc/PID/mem, as the kernel shows "
			"it: %s",
			error_message(error));
	error_free(error);
	return NULL;
}

static struct error *show(struct verifier *v)
{
	struct verify_counts counts;

	verify_counts(v->verify, &counts);
	warn(v, &counts);
	TRY(put_findings(v));
	TRY(put_summary(v, &counts));
	TRY(table_finish(v->table));
	if (v->invocation->table.format == FORMAT_TABLE && !v->invocation->table.noheadings)
		print_summary(v, &counts);
	v->findings += counts.lost;
	return NULL;
}

static struct error *verify(struct verifier *v)
{
	const char *limit = getenv("PHYSLENS_VERIFY_PAGES");
	uint64_t pages;

	raise_file_limit();
	TRY(invocation_target(v->invocation, &v->target));
	TRY(invocation_table(v->invocation, &table_spec, &v->table));
	TRY(open_source(v));
	TRY(verify_create(v->target, v->source, &v->verify));
	if (limit && parse_decimal(limit, &pages))
		verify_limit(v->verify, (size_t)pages);
	if (v->sync)
		verify_sync(v->verify);
	TRY(v->all ? add_all(v) : add_given(v));
	struct error *error = verify_run(v->verify, show_progress, v);
	progress_clear(&v->progress);
	return error ? error : show(v);
}

static void deinit(struct verifier *v)
{
	error_free(v->refusal);
	table_destroy(v->table);
	verify_destroy(v->verify);
	source_close(v->source);
	invocation_target_end(v->invocation, v->target);
	vec_deinit(&v->allowed);
	vec_deinit(&v->given);
}

static int status_of(const struct verifier *v)
{
	if (v->findings)
		return EXIT_FINDINGS;
	return v->missing || v->refused || is_open(v) ? EXIT_CANNOT : EXIT_DONE;
}

static int run(struct invocation *invocation)
{
	struct verifier v = {.invocation = invocation};
	int status;

	if (parse_options(&v) < 0) {
		status = invocation->status;
	} else if (invocation->list_columns) {
		table_list_columns(&table_spec, stdout, "");
		status = EXIT_DONE;
	} else if (v.all == (invocation->argument_count > 0 || process_filter_is_set(&v.filter))) {
		status = invocation_misused(invocation, v.all ? "--all and processes exclude "
								"each other"
							      : "processes or --all are needed");
	} else {
		struct error *error = verify(&v);

		progress_clear(&v.progress);
		status = error ? invocation_fail(invocation, error) : status_of(&v);
	}
	deinit(&v);
	return status;
}

const struct command command_verify = {
	.name = "verify",
	.summary = "compare the code in RAM with the code on disk",
	.synopsis = "[options] PID…|--name REGEX|--cgroup GLOB|--container ID|--all",
	.description =
		"Compare every resident page of every executable or read-only file mapping "
		"with the file\n"
		"itself, read from the disk past the page cache, and memory from its frames. "
		"What differs\n"
		"is a row; so is executable memory that has no file. Exit status: 0 all "
		"match, 1 findings,\n"
		"2 could not.\n\n"
		"Kinds: patched, page-cache, breakpoint, relocated, copied, deleted, "
		"replaced,\n"
		"memfd, anon-exec, writable-exec, data-exec, foreign-vdso, remapped, masquerade; "
		"and no\n"
		"findings: unverifiable, unstable, protected, moved.",
	.options = options,
	.option_count = sizeof(options) / sizeof(options[0]),
	.tables = (const struct table_spec *const[]){&table_spec, NULL},
	.run = run,
	.processes = SIZE_MAX,
};
