// SPDX-License-Identifier: GPL-2.0-or-later
/* physlens cow -- COMMAND, cow --attach PID: the story of every fork in a program. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "analysis/ledger.h"
#include "base/scope.h"
#include "cmd/cow.h"
#include "cmd/naming.h"
#include "target/trace.h"

enum {
	COL_TIME,
	COL_EVENT,
	COL_PID,
	COL_PARENT,
	COL_COMMAND,
	COL_SHARED,
	COL_BY_PARENT,
	COL_BY_CHILD,
	COL_REUSED,
	COL_TOUCHED,
	COL_DROPPED,
	COL_SWAPPED,
	COL_MOVED,
	COL_UNKNOWN,
	COL_COPIED,
	COL_MINFLT,
	COL_MAJFLT,
	COL_STATUS,
	COL_VADDR,
	COL_REGION,
	COL_OBJECT,
};

static const struct column columns[] = {
	[COL_TIME] = {"TIME", CELL_TEXT, 8, 0, "seconds since the trace began"},
	[COL_EVENT] = {"EVENT", CELL_TEXT, 6, 0,
		       "fork, vfork, exec, sample, exit; ledger, total; of --pages: copied, …"},
	[COL_PID] = {"PID", CELL_NUMBER, 7, 0, "whom it happened to: of a fork, the child"},
	[COL_PARENT] = {"PARENT", CELL_NUMBER, 7, COLUMN_YIELDS(4), "who forked it"},
	[COL_COMMAND] = {"COMMAND", CELL_TEXT, 12, 0, "its name"},
	[COL_SHARED] = {"SHARED", CELL_PAGES, 6, 0, "pages that the two shared after the fork"},
	[COL_BY_PARENT] = {"BY-PARENT", CELL_PAGES, 9, 0,
			   "pages copied by a write of the parent, since the fork"},
	[COL_BY_CHILD] = {"BY-CHILD", CELL_PAGES, 8, 0, "pages copied by a write of the child"},
	[COL_REUSED] = {"REUSED", CELL_PAGES, 6, COLUMN_YIELDS(2),
			"written in place, since nobody shared them any more"},
	[COL_TOUCHED] = {"TOUCHED", CELL_PAGES, 7, COLUMN_YIELDS(3),
			 "newly touched: nothing was to be copied"},
	[COL_DROPPED] = {"DROPPED", CELL_PAGES, 7, COLUMN_YIELDS(5), "given back"},
	[COL_SWAPPED] = {"SWAPPED", CELL_PAGES, 7, COLUMN_YIELDS(6), "swapped out"},
	[COL_MOVED] = {"MOVED", CELL_PAGES, 5, COLUMN_YIELDS(6),
		       "moved by the kernel: migration, huge pages put together, KSM"},
	[COL_UNKNOWN] = {"UNKNOWN", CELL_PAGES, 7, COLUMN_YIELDS(4),
			 "in a new frame, and it is not known why"},
	[COL_COPIED] = {"COPIED", CELL_NUMBER, 8, 0, "bytes copied"},
	[COL_MINFLT] = {"MINFLT", CELL_NUMBER, 6, 0, "minor faults of the process"},
	[COL_MAJFLT] = {"MAJFLT", CELL_NUMBER, 6, 0, "major faults of the process"},
	[COL_STATUS] = {"STATUS", CELL_TEXT, 6, 0, "how it ended: its exit status, or SIGNAL"},
	[COL_VADDR] = {"VADDR", CELL_HEX, 14, 0, "of --pages: where the page is"},
	[COL_REGION] = {"REGION", CELL_TEXT, 8, 0,
			"of ledger and --pages: what is there: .data, heap, …"},
	[COL_OBJECT] = {"OBJECT", CELL_TEXT, 0, COLUMN_ELASTIC,
			"the mapped file, or the kernel's name"},
};

const struct table_spec cow_trace_table = {
	.name = "cow",
	.title = "cow --attach",
	.columns = columns,
	.count = sizeof(columns) / sizeof(columns[0]),
	.defaults =
		"TIME,EVENT,PID,PARENT,COMMAND,SHARED,BY-PARENT,BY-CHILD,REUSED,TOUCHED,DROPPED,"
		"SWAPPED,MOVED,UNKNOWN,COPIED,MINFLT,MAJFLT,STATUS,VADDR,REGION,OBJECT",
	.screen = "TIME,EVENT,PID,PARENT,COMMAND,SHARED,BY-PARENT,BY-CHILD,REUSED,TOUCHED,DROPPED,"
		  "STATUS",
	.streaming = true,
};

/* Below the timeline, in text. */
static const struct table_spec ledger_table = {
	.name = "cow",
	.title = "ledger",
	.columns = columns,
	.count = sizeof(columns) / sizeof(columns[0]),
	.defaults = "REGION,BY-PARENT,BY-CHILD,REUSED,TOUCHED,DROPPED,SWAPPED,MOVED,UNKNOWN,COPIED,"
		    "OBJECT",
};

/* What is known of one that is about to end, until it has. */
struct ending {
	pid_t pid;
	pid_t parent;
	char command[64];
	bool counted;
	struct ledger_counts counts;
	bool faults_known;
	uint64_t minor;
	uint64_t major;
};

struct tracer {
	struct cow *cow;
	FILE *out;
	struct trace trace;
	struct ledger ledger;
	struct table *table;
	struct timespec begun;
	struct timespec next; /* sample */
	VEC(struct ending) endings;
	bool executed; /* the command, at least */
	bool blind;    /* it was said that frames cannot be seen */
	bool ended;    /* the first process */
	int status;
	size_t forks;
	size_t vforks;
	size_t unseen;  /* executed without a look right before */
	uint64_t minor; /* of all that ended */
	uint64_t major;
};

/* --- rows --------------------------------------------------------------------------------------
 */

static struct error *put_event(struct tracer *t, const char *event, pid_t pid, pid_t parent)
{
	struct timespec now;
	char text[32];

	clock_gettime(CLOCK_MONOTONIC, &now);
	double seconds = (double)(now.tv_sec - t->begun.tv_sec) +
			 (double)(now.tv_nsec - t->begun.tv_nsec) / 1e9;
	snprintf(text, sizeof(text), "%.4f", seconds);
	TRY(table_row(t->table));
	TRY(table_text(t->table, COL_TIME, text));
	TRY(table_text(t->table, COL_EVENT, event));
	if (parent)
		TRY(table_number(t->table, COL_PARENT, (uint64_t)parent));
	return pid ? table_number(t->table, COL_PID, (uint64_t)pid) : NULL;
}

static void command_of(pid_t pid, char command[64])
{
	struct process process = {0};

	error_free(process_examine(pid, &process));
	snprintf(command, 64, "%s", process.command);
}

static struct error *put_command(struct tracer *t, const char *command)
{
	return table_text(t->table, COL_COMMAND, *command ? command : NULL);
}

static struct error *put_counts(const struct tracer *t, struct table *table,
				const struct ledger_counts *counts)
{
	static const struct {
		size_t column;
		enum ledger_change change;
	} sums[] = {
		{COL_REUSED, LEDGER_REUSED},   {COL_TOUCHED, LEDGER_TOUCHED},
		{COL_DROPPED, LEDGER_DROPPED}, {COL_SWAPPED, LEDGER_SWAPPED},
		{COL_MOVED, LEDGER_MOVED},     {COL_UNKNOWN, LEDGER_UNKNOWN},
	};
	const uint64_t *parent = counts->of[LEDGER_PARENT], *child = counts->of[LEDGER_CHILD];

	TRY(table_number(table, COL_BY_PARENT, parent[LEDGER_COPIED]));
	if (parent[LEDGER_COPIED])
		table_color(table, COL_BY_PARENT, CELL_YELLOW);
	TRY(table_number(table, COL_BY_CHILD, child[LEDGER_COPIED]));
	if (child[LEDGER_COPIED])
		table_color(table, COL_BY_CHILD, CELL_CYAN);
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
		TRY(table_number(table, sums[i].column,
				 parent[sums[i].change] + child[sums[i].change]));
	return table_number(table, COL_COPIED,
			    (parent[LEDGER_COPIED] + child[LEDGER_COPIED])
				    << t->cow->target->page_shift);
}

static struct error *put_faults(struct tracer *t, uint64_t minor, uint64_t major)
{
	TRY(table_number(t->table, COL_MINFLT, minor));
	return table_number(t->table, COL_MAJFLT, major);
}

/* For --pages: each page as it is entered. */
static struct error *put_page(void *argument, const struct ledger_member *member,
			      enum ledger_change change, uint64_t vpn, const struct region *region)
{
	struct tracer *t = argument;

	TRY(put_event(t, ledger_change_name(change), member->pid, member->parent));
	TRY(put_command(t, member->space->command));
	TRY(table_hex(t->table, COL_VADDR, vpn << t->cow->target->page_shift));
	TRY(table_text(t->table, COL_REGION, region ? region->name : NULL));
	return table_text(t->table, COL_OBJECT, region ? region->object : NULL);
}

/* --- what cannot be seen -------------------------------------------------------------------- */

/* The program goes on and so does its story, without what cannot be counted. */
static struct error *tolerate(struct tracer *t, struct error *error)
{
	if (!error || error_is(error, ERROR_NOMEM))
		return error;
	if (!error_is(error, ERROR_GONE) && !error_is(error, ERROR_LOOKUP) && !t->blind) {
		invocation_warn(t->cow->invocation, "pages are not counted: %s",
				error_message(error));
		t->blind = true;
	}
	error_free(error);
	return NULL;
}

static void warn_of_raised(struct tracer *t, pid_t pid)
{
	if (geteuid() == 0 || !process_runs_set_id(pid))
		return;
	invocation_warn(
		t->cow->invocation,
		"process %d runs a set-user-ID or set-group-ID program: the kernel does not "
		"raise its privileges while we trace it (run as root)",
		(int)pid);
}

/* --- events ------------------------------------------------------------------------------------
 */

static struct error *on_fork(struct tracer *t, const struct trace_event *event)
{
	uint64_t shared = 0;
	char command[64];

	t->forks++;
	struct error *error = ledger_fork(&t->ledger, event->pid, event->child, &shared);
	const struct ledger_member *member = ledger_find(&t->ledger, event->child);
	if (member && !error)
		error = space_require_pfns(member->space);
	TRY(tolerate(t, error));
	trace_resume(&t->trace, event);
	command_of(event->child, command);
	TRY(put_event(t, "fork", event->child, event->pid));
	TRY(put_command(t, command));
	if (t->blind)
		return table_hidden(t->table, COL_SHARED, "hidden");
	return member ? table_number(t->table, COL_SHARED, shared) : NULL;
}

static struct error *on_vfork(struct tracer *t, const struct trace_event *event)
{
	t->vforks++;
	trace_resume(&t->trace, event);
	return put_event(t, "vfork", event->child, event->pid);
}

static struct ending ending_of(const struct tracer *t, pid_t pid)
{
	struct ending ending = {.pid = pid};
	const struct ledger_member *member = ledger_find(&t->ledger, pid);

	command_of(pid, ending.command);
	ending.faults_known = trace_faults(pid, &ending.minor, &ending.major);
	if (member && member->parent) {
		ending.parent = member->parent;
		ending.counted = !t->blind;
		ledger_story(&t->ledger, member, &ending.counts);
	}
	return ending;
}

/* The last look at what it has written since it was forked: its memory goes when it executes. */
static struct error *on_executing(struct tracer *t, const struct trace_event *event)
{
	TRY(tolerate(t, ledger_last_look(&t->ledger, event->pid)));
	trace_resume(&t->trace, event);
	return NULL;
}

/*
 * Its old memory is gone, with what it had written since the last look; if that was not right
 * before, the counts are the least that was copied.
 */
static struct error *on_exec(struct tracer *t, const struct trace_event *event)
{
	struct ledger_counts counts;
	bool counted = false;
	pid_t parent = 0;

	if (!event->shared) {
		const struct ledger_member *member = ledger_find(&t->ledger, event->pid);

		parent = member ? member->parent : 0;
		counted = member && event->seen && !t->blind;
		t->unseen += member && !event->seen;
		if (counted)
			ledger_story(&t->ledger, member, &counts);
		ledger_gone(&t->ledger, event->pid);
		TRY(tolerate(t, ledger_last_look(&t->ledger, parent)));
	}
	warn_of_raised(t, event->pid);
	struct ending now = ending_of(t, event->pid);
	trace_resume(&t->trace, event);
	t->executed = true;
	TRY(put_event(t, "exec", event->pid, parent));
	TRY(put_command(t, now.command));
	return counted ? put_counts(t, t->table, &counts) : NULL;
}

static struct error *on_exiting(struct tracer *t, const struct trace_event *event)
{
	TRY(tolerate(t, ledger_last_look(&t->ledger, event->pid)));
	struct ending ending = ending_of(t, event->pid);
	ledger_gone(&t->ledger, event->pid);
	trace_resume(&t->trace, event);
	return vec_push(&t->endings, ending);
}

static struct ending take_ending(struct tracer *t, pid_t pid)
{
	struct ending ending = {.pid = pid};

	for (size_t i = 0; i < t->endings.count; i++) {
		if (t->endings.items[i].pid != pid)
			continue;
		ending = t->endings.items[i];
		t->endings.items[i] = t->endings.items[--t->endings.count];
		break;
	}
	return ending;
}

/*
 * While the child stood still before its end, its parent ran on: what it wrote then was still
 * copied.
 */
static struct error *look_after(struct tracer *t, struct ending *ending)
{
	const struct ledger_member *parent = ledger_find(&t->ledger, ending->parent);

	if (!parent || !ending->counted)
		return NULL;
	struct ledger_counts before = parent->counts;
	TRY(tolerate(t, ledger_last_look(&t->ledger, ending->parent)));
	parent = ledger_find(&t->ledger, ending->parent);
	for (int role = 0; parent && role < LEDGER_ROLES; role++) {
		for (int change = 0; change < LEDGER_CHANGES; change++)
			ending->counts.of[LEDGER_PARENT][change] +=
				parent->counts.of[role][change] - before.of[role][change];
	}
	return NULL;
}

static struct error *put_status(struct tracer *t, int status)
{
	char text[32];

	if (WIFSIGNALED(status)) {
		const char *name = sigabbrev_np(WTERMSIG(status));

		if (name)
			snprintf(text, sizeof(text), "SIG%s", name);
		else
			snprintf(text, sizeof(text), "signal %d", WTERMSIG(status));
	} else {
		snprintf(text, sizeof(text), "%d", WEXITSTATUS(status));
	}
	return table_text(t->table, COL_STATUS, text);
}

static struct error *on_exited(struct tracer *t, const struct trace_event *event)
{
	struct ending ending = take_ending(t, event->pid);

	/* One that was killed in such a way that it did not stop before. */
	if (!event->shared)
		ledger_gone(&t->ledger, event->pid);
	if (event->pid == t->trace.root) {
		t->ended = true;
		t->status = event->status;
	}
	if (!t->executed && !t->cow->attach)
		return NULL;
	TRY(look_after(t, &ending));
	t->minor += ending.minor;
	t->major += ending.major;
	TRY(put_event(t, "exit", event->pid, ending.parent));
	TRY(put_command(t, ending.command));
	TRY(put_status(t, event->status));
	if (ending.faults_known)
		TRY(put_faults(t, ending.minor, ending.major));
	return ending.counted ? put_counts(t, t->table, &ending.counts) : NULL;
}

static bool has_counts(const struct ledger_counts *counts)
{
	static const struct ledger_counts none;

	return memcmp(counts, &none, sizeof(none)) != 0;
}

/* A row for each child that lives and has a story by now. */
static struct error *put_samples(struct tracer *t)
{
	for (size_t i = 0; i < t->ledger.members.count; i++) {
		const struct ledger_member *member = t->ledger.members.items[i];
		struct ledger_counts counts;

		if (!member->parent)
			continue;
		ledger_story(&t->ledger, member, &counts);
		if (!has_counts(&counts))
			continue;
		TRY(put_event(t, "sample", member->pid, member->parent));
		TRY(put_command(t, member->space->command));
		TRY(put_counts(t, t->table, &counts));
	}
	return NULL;
}

static struct error *on_time(struct tracer *t)
{
	double whole = t->cow->interval;

	clock_gettime(CLOCK_MONOTONIC, &t->next);
	t->next.tv_sec += (time_t)whole;
	t->next.tv_nsec += (long)((whole - (double)(time_t)whole) * 1e9);
	if (t->next.tv_nsec >= 1000 * 1000 * 1000) {
		t->next.tv_nsec -= 1000 * 1000 * 1000;
		t->next.tv_sec++;
	}
	if (t->ledger.members.count < 2)
		return NULL;
	TRY(tolerate(t, ledger_look(&t->ledger)));
	return t->blind ? NULL : put_samples(t);
}

static struct error *on_event(struct tracer *t, const struct trace_event *event)
{
	switch (event->kind) {
	case TRACE_FORK:
		return on_fork(t, event);
	case TRACE_VFORK:
		return on_vfork(t, event);
	case TRACE_EXECUTING:
		return on_executing(t, event);
	case TRACE_EXEC:
		return on_exec(t, event);
	case TRACE_EXITING:
		return on_exiting(t, event);
	case TRACE_EXITED:
		return on_exited(t, event);
	case TRACE_TIME:
		return on_time(t);
	case TRACE_SIGNAL:
	case TRACE_DONE:
		return NULL;
	}
	return NULL;
}

static struct error *follow(struct tracer *t)
{
	struct trace_event event = {0};
	bool sampling = t->cow->interval > 0;

	if (sampling)
		TRY(on_time(t));
	do {
		TRY(trace_next(&t->trace, sampling ? &t->next : NULL, &event));
		TRY(on_event(t, &event));
	} while (event.kind != TRACE_DONE && event.kind != TRACE_SIGNAL);
	return event.kind == TRACE_SIGNAL ? tolerate(t, ledger_look(&t->ledger)) : NULL;
}

/* --- the end of the story ----------------------------------------------------------------------
 */

static void add_counts(struct ledger_counts *sum, const struct ledger_counts *more)
{
	for (int role = 0; role < LEDGER_ROLES; role++) {
		for (int change = 0; change < LEDGER_CHANGES; change++)
			sum->of[role][change] += more->of[role][change];
	}
}

static struct error *put_ledger_row(struct tracer *t, struct table *table, const char *event,
				    const struct ledger_row *row)
{
	TRY(table_row(table));
	TRY(table_text(table, COL_EVENT, event));
	TRY(table_text(table, COL_REGION, row->region));
	TRY(put_counts(t, table, &row->counts));
	return table_text(table, COL_OBJECT, row->object);
}

static struct error *put_ledger(struct tracer *t, struct table *table, struct ledger_counts *total)
{
	for (size_t i = 0; i < t->ledger.rows.count; i++) {
		add_counts(total, &t->ledger.rows.items[i].counts);
		TRY(put_ledger_row(t, table, "ledger", &t->ledger.rows.items[i]));
	}
	TRY(put_ledger_row(t, table, "total", &(struct ledger_row){"total", NULL, *total}));
	return table_finish(table);
}

static void print_summary(const struct tracer *t, const struct ledger_counts *total)
{
	uint64_t parents = total->of[LEDGER_PARENT][LEDGER_COPIED];
	uint64_t children = total->of[LEDGER_CHILD][LEDGER_COPIED];
	char text[32];

	fprintf(t->out,
		"\n%zu %s, %zu in the same memory. Writes have copied %s%s: %" PRIu64
		" %s by parents, %" PRIu64 " by children.\n",
		t->forks, noun(t->forks, "fork", "forks"), t->vforks, t->unseen ? "at least " : "",
		cow_size_text((parents + children) << t->cow->target->page_shift, text), parents,
		noun(parents, "page", "pages"), children);
	fprintf(t->out, "Those that ended had %" PRIu64 " minor and %" PRIu64 " major %s.\n",
		t->minor, t->major, noun(t->major, "fault", "faults"));
}

static void warn_of_unseen(const struct tracer *t)
{
	if (!t->unseen || t->blind)
		return;
	invocation_warn(t->cow->invocation,
			"%zu %s executed another program without a look right before: what %s "
			"copied since the last look is not counted, so the sums are the least",
			t->unseen, t->unseen == 1 ? "process" : "processes",
			t->unseen == 1 ? "it" : "they");
}

static struct error *tell_end(struct tracer *t)
{
	warn_of_unseen(t);
	struct table_options options = t->cow->invocation->table;
	struct ledger_counts total = {0};
	struct table *table;

	if (options.format != FORMAT_TABLE)
		return put_ledger(t, t->table, &total);
	TRY(table_finish(t->table));
	if (t->forks > 0 && !t->blind) {
		options.columns = NULL;
		fputc('\n', t->out);
		TRY(table_create(&ledger_table, &options, t->out, &table));
		struct error *error = put_ledger(t, table, &total);
		table_destroy(table);
		if (error)
			return error;
	}
	if (cow_is_text(t->cow))
		print_summary(t, &total);
	return NULL;
}

/* --- the command
 * ---------------------------------------------------------------------------------- */

static struct error *check_executed(struct tracer *t, char **command)
{
	int errnum = ENOENT;

	if (t->executed || t->cow->attach)
		return NULL;
	if (read(t->trace.failed, &errnum, sizeof(errnum)) != sizeof(errnum))
		return error_new(ERROR_OTHER, "%s: it ended before it was executed", command[0]);
	return error_errno(errnum, "%s", command[0]);
}

/* We end as it ended: with its status, or by its signal, but without a core dump of ours. */
static int end_alike(const struct tracer *t)
{
	if (!t->ended || t->cow->attach)
		return EXIT_DONE;
	if (WIFEXITED(t->status))
		return WEXITSTATUS(t->status);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	fflush(stdout);
	signal(WTERMSIG(t->status), SIG_DFL);
	raise(WTERMSIG(t->status));
	return 128 + WTERMSIG(t->status);
}

static struct error *begin(struct tracer *t, char **command)
{
	pid_t pid;

	clock_gettime(CLOCK_MONOTONIC, &t->begun);
	if (!t->cow->attach)
		return trace_start(&t->trace, command);
	TRY(process_named(t->cow->target, t->cow->attach, &pid));
	return trace_attach(&t->trace, pid);
}

static struct error *trace_and_tell(struct tracer *t, char **command)
{
	struct error *error = begin(t, command);

	if (!error)
		error = follow(t);
	if (!error)
		error = check_executed(t, command);
	/* Whatever happened, the program goes on before anything else is said. */
	trace_end(&t->trace);
	return error ? error : tell_end(t);
}

static struct error *open_log(struct tracer *t)
{
	const char *log = t->cow->log;

	t->out = log ? fopen(log, "we") : t->cow->attach ? stdout : stderr;
	if (!t->out)
		return error_errno(errno, "%s", log);
	/* Rows are for who reads along, also in a file or through a pipe. */
	setvbuf(t->out, NULL, _IOLBF, 0);
	return NULL;
}

static struct error *close_log(struct tracer *t, struct error *error)
{
	bool failed = fflush(t->out) != 0 || ferror(t->out);
	int errnum = errno;

	if (t->cow->log && fclose(t->out) != 0 && !failed) {
		failed = true;
		errnum = errno;
	}
	if (!failed || error)
		return error;
	return error_errno(errnum, "%s", t->cow->log ? t->cow->log : "output");
}

struct error *cow_trace_show(struct cow *cow, char **command, int *status)
{
	struct tracer t = {.cow = cow, .trace = {.failed = -1}};

	TRY(open_log(&t));
	ledger_init(&t.ledger, cow->target);
	if (cow->pages) {
		t.ledger.visit = put_page;
		t.ledger.argument = &t;
		if (!cow->invocation->table.columns &&
		    cow->invocation->table.format == FORMAT_TABLE)
			cow->invocation->table.columns = "+VADDR,REGION";
	}
	struct error *error =
		table_create(&cow_trace_table, &cow->invocation->table, t.out, &t.table);
	if (!error)
		error = trace_and_tell(&t, command);
	table_destroy(t.table);
	ledger_deinit(&t.ledger);
	vec_deinit(&t.endings);
	error = close_log(&t, error);
	if (!error)
		*status = end_alike(&t);
	return error;
}
