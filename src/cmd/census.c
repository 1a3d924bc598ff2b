// SPDX-License-Identifier: GPL-2.0-or-later
/* physlens census: who has the machine's memory, counted in frames. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "analysis/gates.h"
#include "base/io.h"
#include "base/scope.h"
#include "cmd/census.h"
#include "cmd/commands.h"
#include "cmd/processes.h"
#include "cmd/watch.h"
#include "ui/progress.h"
#include "ui/prose.h"

/* --- columns ------------------------------------------------------------------------------ */

#define COLUMN_SWAP                                                                                \
	{                                                                                          \
		"SWAP", CELL_PAGES, 0, COLUMN_HUMAN, "swapped out, by the page tables"             \
	}
#define COLUMN_COW                                                                                 \
	{                                                                                          \
		"COW", CELL_PAGES, 0, COLUMN_HUMAN, "present, and a write now would copy it"       \
	}
#define COLUMN_HUGETLB                                                                             \
	{                                                                                          \
		"HUGETLB", CELL_PAGES, 0, COLUMN_HUMAN | COLUMN_YIELDS(8),                         \
			"from pools of huge pages; not in USS, PSS and RSS, as in smaps_rollup"    \
	}
#define COLUMN_PSS                                                                                 \
	{                                                                                          \
		"PSS", CELL_PAGES, 0, COLUMN_HUMAN, "each page divided by its number of mappers"   \
	}
#define COLUMN_FRAMES                                                                              \
	{                                                                                          \
		"RSS", CELL_PAGES, 0, COLUMN_HUMAN, "frames in RAM, each counted once"             \
	}
#define COLUMN_PROCESSES                                                                           \
	{                                                                                          \
		"PROCESSES", CELL_NUMBER, 0, 0, "address spaces that map any of it"                \
	}
#define COLUMN_PAYERS                                                                              \
	{                                                                                          \
		"PAYERS", CELL_TEXT, 0, COLUMN_YIELDS(9),                                          \
			"the three with the largest parts: command[pid] part of PSS"               \
	}

static const struct column process_columns[] = {
	{"PID", CELL_NUMBER, 0, 0, "the process"},
	{"USER", CELL_TEXT, 0, 0, "its effective user"},
	{"COMMAND", CELL_TEXT, 0, 0, "its name, up to 15 bytes"},
	{"USS", CELL_PAGES, 0, COLUMN_HUMAN, "pages in RAM that are mapped nowhere else"},
	COLUMN_PSS,
	{"RSS", CELL_PAGES, 0, COLUMN_HUMAN, "pages in RAM"},
	COLUMN_SWAP,
	COLUMN_COW,
	COLUMN_HUGETLB,
	{"PIDS", CELL_TEXT, 0, 0, "all processes with this address space, which is counted once"},
	{"CGROUP", CELL_TEXT, 0, 0, "its memory cgroup"},
	{"CONTAINER", CELL_TEXT, 0, 0, "the container that it is in, by its cgroup; empty: none"},
	{"NSPID", CELL_NUMBER, 0, 0, "its PID in its own PID namespace: in its container"},
};

static const enum census_field process_fields[] = {
	FIELD_PID,    FIELD_USER,      FIELD_NAME,  FIELD_USS,     FIELD_PSS,
	FIELD_RSS,    FIELD_SWAP,      FIELD_COW,   FIELD_HUGETLB, FIELD_PIDS,
	FIELD_CGROUP, FIELD_CONTAINER, FIELD_NSPID,
};

static const struct column object_columns[] = {
	{"OBJECT", CELL_TEXT, 0, COLUMN_ELASTIC,
	 "the mapped file, or the kernel's name of the memory"},
	COLUMN_PROCESSES,
	{"USS", CELL_PAGES, 0, COLUMN_HUMAN, "frames that one process alone maps"},
	COLUMN_PSS,
	COLUMN_FRAMES,
	COLUMN_COW,
	COLUMN_HUGETLB,
	COLUMN_PAYERS,
	{"FILE", CELL_TEXT, 0, COLUMN_YIELDS(10), "device and inode; empty: no file"},
};

static const enum census_field object_fields[] = {
	FIELD_NAME, FIELD_PROCESSES, FIELD_USS,    FIELD_PSS,  FIELD_RSS,
	FIELD_COW,  FIELD_HUGETLB,   FIELD_PAYERS, FIELD_FILE,
};

/* Of those that are counted by what their processes have in common. */
#define COLUMNS_OF_GROUP                                                                           \
	COLUMN_PSS, COLUMN_FRAMES, COLUMN_SWAP, COLUMN_COW, COLUMN_HUGETLB, COLUMN_PAYERS

static const struct column user_columns[] = {
	{"USER", CELL_TEXT, 0, 0, "effective user of processes"},
	COLUMN_PROCESSES,
	{"USS", CELL_PAGES, 0, COLUMN_HUMAN, "frames that only this user's processes map"},
	COLUMNS_OF_GROUP,
};

static const struct column cgroup_columns[] = {
	{"CGROUP", CELL_TEXT, 0, COLUMN_ELASTIC, "memory cgroup of processes"},
	COLUMN_PROCESSES,
	{"USS", CELL_PAGES, 0, COLUMN_HUMAN, "frames that only this cgroup's processes map"},
	COLUMNS_OF_GROUP,
};

static const struct column container_columns[] = {
	{"CONTAINER", CELL_TEXT, 0, 0, "its ID or name; -: processes that are in none"},
	COLUMN_PROCESSES,
	{"USS", CELL_PAGES, 0, COLUMN_HUMAN, "frames that only this container's processes map"},
	COLUMNS_OF_GROUP,
};

static const enum census_field group_fields[] = {
	FIELD_NAME, FIELD_PROCESSES, FIELD_USS,     FIELD_PSS,    FIELD_RSS,
	FIELD_SWAP, FIELD_COW,       FIELD_HUGETLB, FIELD_PAYERS,
};

static const struct column kind_columns[] = {
	{"KIND", CELL_TEXT, 0, 0, "what the frames are used for"},
	{"FRAMES", CELL_PAGES, 0, COLUMN_HUMAN, "frames of RAM; the rows sum to System RAM"},
	{"MAPPED", CELL_PAGES, 0, COLUMN_HUMAN, "of them: mapped by a process, as kpageflags says"},
	{"MEANING", CELL_TEXT, 0, COLUMN_YIELDS(9), "what that kind is"},
};

static const enum census_field kind_fields[] = {
	FIELD_NAME,
	FIELD_RSS,
	FIELD_MAPPED,
	FIELD_MEANING,
};

#define SPEC(columns_, title_, defaults_)                                                          \
	{                                                                                          \
		.name = "census", .title = (title_), .columns = (columns_),                        \
		.count = sizeof(columns_) / sizeof((columns_)[0]), .defaults = (defaults_)         \
	}

static const struct table_spec process_spec =
	SPEC(process_columns, "census", "PID,USER,COMMAND,USS,PSS,RSS,SWAP,COW");
static const struct table_spec object_spec =
	SPEC(object_columns, "census --by object", "PROCESSES,USS,PSS,RSS,COW,PAYERS,OBJECT");
static const struct table_spec user_spec =
	SPEC(user_columns, "census --by user", "USER,PROCESSES,USS,PSS,RSS,SWAP,COW");
static const struct table_spec cgroup_spec =
	SPEC(cgroup_columns, "census --by cgroup", "CGROUP,PROCESSES,USS,PSS,RSS,SWAP,COW");
static const struct table_spec container_spec = SPEC(container_columns, "census --by container",
						     "CONTAINER,PROCESSES,USS,PSS,RSS,SWAP,COW");
static const struct table_spec kind_spec =
	SPEC(kind_columns, "census --by kind", "KIND,FRAMES,MAPPED,MEANING");

/* --- ways to count ------------------------------------------------------------------------- */

static const struct census_view views[] = {
	{"process", &process_spec, process_fields, census_rows_by_process, 0, "PSS"},
	{"object", &object_spec, object_fields, census_rows_by_object, INDEX_VMAS, "PSS"},
	{"user", &user_spec, group_fields, census_rows_by_user, 0, "PSS"},
	{"cgroup", &cgroup_spec, group_fields, census_rows_by_cgroup, 0, "PSS"},
	{"container", &container_spec, group_fields, census_rows_by_container, 0, "PSS"},
	{"kind", &kind_spec, kind_fields, NULL, 0, NULL},
};

enum { TOP_SECONDS = 2 };

enum { VIEW_COUNT = sizeof(views) / sizeof(views[0]) };

/* --- options ------------------------------------------------------------------------------ */

enum {
	OPTION_BY = OPTION_LONG,
	OPTION_SORT,
	OPTION_WATCH,
	OPTION_METRICS,
	OPTION_CHECK,
	OPTION_LIMIT,
	OPTION_TOP,
};

static const struct command_option options[] = {
	{OPTION_BY, "by", "WHAT",
	 "a row a process, object, user, cgroup, container, kind of frame"},
	PROCESS_FILTER_OPTIONS,
	{OPTION_SORT, "sort", "COLUMN", "sort by this column, the largest first (default: PSS)"},
	{OPTION_LIMIT, "limit", "N", "only the first N rows"},
	{OPTION_TOP, "top", NULL, "as many rows as fit the terminal, every 2 seconds"},
	{OPTION_WATCH, "watch", "SEC", "count again every SEC seconds, until interrupted"},
	{OPTION_METRICS, "openmetrics", NULL,
	 "write metrics for Prometheus (node_exporter's textfile collector)"},
	{OPTION_CHECK, "crosscheck", NULL, "compare with the kernel's own counts of mappers"},
	{'f', "freeze", "[=SECONDS]", "hold all processes still while they are read"},
};

struct census {
	struct invocation *invocation;
	struct target *target;
	const struct census_view *view;
	const char *sort;
	size_t sort_column;
	struct process_filter filter;
	uint64_t limit; /* of rows; 0: none */
	bool top;
	struct watch watch;
	bool metrics;
	bool crosscheck;
	bool freeze;
	struct freeze held;
	struct progress progress;
	pthread_mutex_t progress_lock;
	size_t missing;
	bool nothing; /* of all that there is could be read */
};

static struct error *choose_view(struct census *census, const char *name)
{
	char known[128] = "";

	for (size_t i = 0; i < VIEW_COUNT; i++) {
		if (strcmp(views[i].name, name) == 0) {
			census->view = &views[i];
			return NULL;
		}
		size_t used = strlen(known);
		snprintf(known + used, sizeof(known) - used, " %s", views[i].name);
	}
	return error_new(ERROR_INPUT, "--by: unknown: %s (there are:%s)", name, known);
}

static struct error *choose_sort(struct census *census)
{
	const struct table_spec *spec = census->view->spec;
	const char *name = census->sort ? census->sort : census->view->sort;

	census->sort_column = spec->count;
	for (size_t i = 0; name && i < spec->count; i++) {
		if (strcasecmp(spec->columns[i].name, name) == 0)
			census->sort_column = i;
	}
	if (census->sort && census->sort_column == spec->count)
		return error_new(ERROR_INPUT, "--sort: unknown column: %s", census->sort);
	return NULL;
}

static struct error *take_option(struct census *census, int key, const char *argument)
{
	switch (key) {
	case OPTION_BY:
		return choose_view(census, argument);
	case OPTION_SORT:
		census->sort = argument;
		break;
	case OPTION_WATCH:
		return watch_parse(&census->watch, argument);
	case OPTION_LIMIT:
		if (!parse_decimal(argument, &census->limit) || census->limit == 0)
			return error_new(ERROR_INPUT, "--limit: not a number of rows: %s",
					 argument);
		break;
	case OPTION_TOP:
		census->top = true;
		break;
	case OPTION_METRICS:
		census->metrics = true;
		break;
	case OPTION_CHECK:
		census->crosscheck = true;
		break;
	case 'f':
		census->freeze = true;
		return processes_freeze_option(argument, &census->held);
	default:
		process_filter_option(&census->filter, key, argument);
	}
	return NULL;
}

static int parse_options(struct census *census, struct invocation *invocation)
{
	struct error *error = NULL;
	int key;

	while ((key = invocation_option(invocation)) > 0 && !error)
		error = take_option(census, key, invocation->argument);
	if (!error && key == 0)
		error = choose_sort(census);
	if (!error)
		return key;
	invocation->status = invocation_fail(invocation, error);
	return -1;
}

/* --- rows to the table --------------------------------------------------------------------- */

static uint64_t number_of(const struct census_row *row, enum census_field field)
{
	switch (field) {
	case FIELD_PID:
		return (uint64_t)row->pid;
	case FIELD_NSPID:
		return (uint64_t)row->inner_pid;
	case FIELD_USS:
		return row->account.uss;
	case FIELD_PSS:
		return account_pss_bytes(&row->account);
	case FIELD_RSS:
		return row->account.rss;
	case FIELD_SWAP:
		return row->swap;
	case FIELD_COW:
		return row->account.cow;
	case FIELD_HUGETLB:
		return row->account.hugetlb;
	case FIELD_MAPPED:
		return row->mapped;
	default:
		return row->processes;
	}
}

static const char *text_of(const struct census_row *row, enum census_field field)
{
	switch (field) {
	case FIELD_USER:
		return row->user;
	case FIELD_NAME:
		return row->name;
	case FIELD_CONTAINER:
		return row->container;
	case FIELD_CGROUP:
		return row->cgroup;
	case FIELD_FILE:
		return row->file;
	case FIELD_MEANING:
		return row->meaning;
	default:
		return row->list;
	}
}

static struct error *put_cell(struct table *table, const struct census_view *view, size_t column,
			      const struct census_row *row)
{
	enum census_field field = view->fields[column];

	if (view->spec->columns[column].type == CELL_TEXT)
		return table_text(table, column, text_of(row, field));
	if (field == FIELD_NSPID && !row->inner_pid)
		return NULL;
	if (field == FIELD_PSS)
		return table_bytes(table, column, number_of(row, field));
	return table_number(table, column, number_of(row, field));
}

/* Beside the rows of --top: the heading, the sentence below in two lines, what is around them. */
enum { TOP_OTHER_LINES = 5 };

static size_t rows_shown(const struct census *census, const struct census_rows *rows)
{
	uint64_t limit = census->limit ? census->limit : UINT64_MAX;

	if (census->top) {
		size_t lines = terminal_lines(stdout);
		size_t fit = lines > TOP_OTHER_LINES ? lines - TOP_OTHER_LINES : 1;

		limit = fit < limit ? fit : limit;
	}
	return rows->count < limit ? rows->count : (size_t)limit;
}

static struct error *put_rows(struct census *census, const struct census_rows *rows)
{
	size_t shown = rows_shown(census, rows);
	struct table *table;

	TRY(invocation_table(census->invocation, census->view->spec, &table));
	struct error *error = NULL;
	for (size_t i = 0; !error && i < shown; i++) {
		error = table_row(table);
		for (size_t c = 0; !error && c < census->view->spec->count; c++)
			error = rows->hidden & 1U << census->view->fields[c]
					? table_hidden(table, c, "hidden")
					: put_cell(table, census->view, c, &rows->items[i]);
	}
	if (!error)
		error = table_finish(table);
	table_destroy(table);
	return error;
}

/* --- sorting ------------------------------------------------------------------------------- */

static int compare_rows(const void *left, const void *right, void *argument)
{
	const struct census_row *a = left, *b = right;
	const struct census *census = argument;
	enum census_field field = census->view->fields[census->sort_column];

	if (census->view->spec->columns[census->sort_column].type == CELL_TEXT) {
		const char *x = text_of(a, field), *y = text_of(b, field);
		int order = strcmp(x ? x : "", y ? y : "");

		if (order)
			return order;
	} else {
		uint64_t x = number_of(a, field), y = number_of(b, field);

		/* PIDs are names, not amounts. */
		if (x != y)
			return (x < y) == (field == FIELD_PID || field == FIELD_NSPID) ? -1 : 1;
	}
	return (a->order > b->order) - (a->order < b->order);
}

static void sort_rows(struct census *census, struct census_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		rows->items[i].order = i;
	if (census->sort_column < census->view->spec->count && rows->count)
		qsort_r(rows->items, rows->count, sizeof(*rows->items), compare_rows, census);
}

/* --- by kind -------------------------------------------------------------------------------- */

static struct error *system_ram(struct target *target, range_vec *ranges)
{
	const struct iomem *iomem;

	TRY(target_resources(target, &iomem));
	if (iomem->state != IOMEM_VISIBLE)
		return error_new(ERROR_DENIED, "/proc/iomem hides where RAM is: CAP_SYS_ADMIN is "
					       "missing (run as root)");
	return iomem_system_ram(iomem, ranges);
}

static struct error *rows_by_kind(struct census *census, struct census_rows *rows)
{
	range_vec ranges = {0};
	struct kind_counts counts;
	struct error *error = system_ram(census->target, &ranges);

	if (!error)
		error = kinds_count(census->target, &ranges, &counts);
	vec_deinit(&ranges);
	for (int kind = 0; !error && kind < KIND_COUNT; kind++) {
		struct census_row row = {.account.rss = counts.frames[kind],
					 .mapped = counts.mapped[kind],
					 .meaning = frame_kind_help((enum frame_kind)kind)};

		row.name = strdup(frame_kind_name((enum frame_kind)kind));
		error = row.name ? vec_push(rows, row) : error_nomem();
	}
	return error;
}

/* --- one sample ------------------------------------------------------------------------------ */

static void show_progress(void *argument, size_t done, size_t all)
{
	struct census *census = argument;

	(void)all;
	if (pthread_mutex_trylock(&census->progress_lock) != 0)
		return;
	progress_update(&census->progress, done);
	pthread_mutex_unlock(&census->progress_lock);
}

/*
 * Whether the kernel's counts of large folios may be averages: so it is unless the probe of the
 * gate has seen that they are not.
 */
static struct error *counts_are_averages(bool *averages)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct gates *gates;

	TRY(gates_probe(root, &gates));
	*averages = strcmp(gates_find(gates, "kpagecount")->state, "exact") != 0;
	gates_destroy(gates);
	return NULL;
}

static struct error *cross_check(struct census *census, const struct index *index)
{
	struct census_check check;
	bool averages = false;

	TRY(counts_are_averages(&averages));
	TRY(census_check(index, averages, &check));
	invocation_warn(census->invocation,
			"crosscheck: %llu frames compared with /proc/kpagecount: the kernel counts "
			"more mappers of %llu, fewer of %llu%s",
			(unsigned long long)check.frames, (unsigned long long)check.more,
			(unsigned long long)check.fewer,
			averages ? "; frames of large folios are not compared: the kernel's count "
				   "of them is an estimate"
				 : "");
	return NULL;
}

/* A terminal that is held still could not take what is drawn on it. */
static struct error *read_index(struct census *census, struct index *index)
{
	struct index_options wanted = {.flags = census->view->index_flags,
				       .progress = census->freeze ? NULL : show_progress,
				       .argument = census};

	progress_init(&census->progress, stderr, index->spaces.count);
	census->progress.unit = "processes";
	struct error *error = index_read(index, &wanted);
	progress_clear(&census->progress);
	if (!error)
		error = index_sort(index);
	return error;
}

/* Objects are told apart by frames, and the check is one of frames. */
static struct error *check_visible(const struct census *census)
{
	if (census->target->pfns_visible ||
	    (census->view->rows != census_rows_by_object && !census->crosscheck))
		return NULL;
	return error_new(ERROR_DENIED, PFNS_HIDDEN);
}

/* The kernel's sums of processes do not tell what of them is the same frame. */
static void explain_sums(const struct census *census, struct census_rows *rows)
{
	if (census->target->pfns_visible)
		return;
	rows->hidden = 1U << FIELD_COW;
	if (census->view->rows != census_rows_by_process)
		rows->hidden |= 1U << FIELD_USS | 1U << FIELD_RSS;
	invocation_warn(census->invocation,
			PFNS_HIDDEN ": what is shown is what the kernel counts of each "
				    "process (smaps_rollup)");
}

static void row_deinit(struct census_row *row)
{
	free(row->user);
	free(row->name);
	free(row->cgroup);
	free(row->container);
	free(row->file);
	free(row->list);
}

static void rows_deinit(struct census_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		row_deinit(&rows->items[i]);
	vec_deinit(rows);
}

/* Keeps the rows of the processes in `selected`; the others are freed. */
static void keep_rows(struct census_rows *rows, const process_vec *selected)
{
	size_t kept = 0;

	for (size_t i = 0; i < rows->count; i++) {
		if (processes_find(selected, rows->items[i].pid))
			rows->items[kept++] = rows->items[i];
		else
			row_deinit(&rows->items[i]);
	}
	rows->count = kept;
}

/*
 * All processes are counted, since what one shares with the others is to be known; rows are those
 * of the processes that are asked for.
 */
static struct error *select_rows(const struct census *census, const process_vec *processes,
				 struct census_rows *rows)
{
	process_vec selected = {0};
	struct error *error = NULL;

	if (!process_filter_is_set(&census->filter))
		return NULL;
	for (size_t i = 0; !error && i < processes->count; i++)
		error = vec_push(&selected, processes->items[i]);
	if (!error)
		error = processes_select(&selected, &census->filter);
	if (!error)
		keep_rows(rows, &selected);
	vec_deinit(&selected);
	return error;
}

static struct error *fill_rows(struct census *census, struct index *index,
			       const process_vec *processes, struct census_rows *rows)
{
	struct error *error = index_identify(index);

	if (!error)
		error = census->target->pfns_visible ? read_index(census, index) : index_sum(index);
	processes_release(census->invocation, &census->held);
	if (error)
		return error;
	if (!index->identity_known)
		invocation_warn(census->invocation,
				"processes that share an address space cannot be told: kcmp is "
				"missing (CONFIG_KCMP), and such memory is counted twice");
	explain_sums(census, rows);
	processes_explain_hidden(census->invocation);
	census->missing = processes_explain(census->invocation, index, geteuid() == 0);
	TRY(census->view->rows(index, processes, rows));
	TRY(select_rows(census, processes, rows));
	return census->crosscheck ? cross_check(census, index) : NULL;
}

static struct error *rows_by_index(struct census *census, struct census_rows *rows)
{
	process_vec processes = {0};
	struct index index;
	struct error *error;

	TRY(check_visible(census));
	index_init(&index, census->target);
	if (census->freeze)
		error = processes_freeze_all(census->target, &processes, &census->held);
	else
		error = target_processes(census->target, &processes);
	if (!error)
		error = processes_add(&index, &processes);
	if (!error)
		error = fill_rows(census, &index, &processes, rows);
	freeze_deinit(&census->held);
	index_deinit(&index);
	vec_deinit(&processes);
	return error;
}

static void print_summary(const struct census *census, const struct census_rows *rows)
{
	unsigned shift = census->target->page_shift;
	uint64_t frames = 0, pss = 0, hugetlb = 0;
	size_t shown = rows_shown(census, rows);

	for (size_t i = 0; i < rows->count; i++) {
		frames += rows->items[i].account.rss;
		pss += rows->items[i].account.pss;
		hugetlb += rows->items[i].account.hugetlb;
	}
	if (!census->view->rows) {
		prose_printf("\n%llu %s of System RAM, each in one row.\n",
			     (unsigned long long)frames, noun(frames, "frame", "frames"));
		return;
	}
	pss = ((pss >> PSS_SHIFT) + ((UINT64_C(1) << shift) >> 1)) >> shift;
	prose_printf("\n%zu %s", rows->count, noun(rows->count, "row", "rows"));
	if (shown < rows->count)
		prose_printf(", of which %zu %s shown", shown, noun(shown, "is", "are"));
	prose_printf("; %s %llu %s", noun(rows->count, "its PSS is", "their PSS sum to"),
		     (unsigned long long)pss, noun(pss, "frame", "frames"));
	if (hugetlb)
		prose_printf(", and there %s %llu %s from pools of huge pages",
			     noun(hugetlb, "is", "are"), (unsigned long long)hugetlb,
			     noun(hugetlb, "page", "pages"));
	if (census->missing)
		prose_printf("; %zu %s left out", census->missing,
			     noun(census->missing, "process is", "processes are"));
	prose_printf(".\n");
}

static struct error *show_sample(struct census *census, struct census_rows *rows)
{
	const struct invocation *invocation = census->invocation;

	sort_rows(census, rows);
	if (census->metrics) {
		census_metrics(census->view, rows, census->target->page_shift, stdout);
		return NULL;
	}
	TRY(put_rows(census, rows));
	if (rows->count == 0 && census->missing)
		census->nothing = true;
	if (invocation->table.format == FORMAT_TABLE && !invocation->table.noheadings)
		print_summary(census, rows);
	return NULL;
}

static struct error *take_sample(struct census *census)
{
	struct census_rows rows = {0};
	struct error *error =
		census->view->rows ? rows_by_index(census, &rows) : rows_by_kind(census, &rows);

	if (!error) {
		watch_show(&census->watch, &census->invocation->table);
		error = show_sample(census, &rows);
	}
	rows_deinit(&rows);
	return error;
}

/* --- the command ---------------------------------------------------------------------------- */

/* With --watch endless: a signal ends it, or a reader who has gone. */
static struct error *take_samples(struct census *census)
{
	struct watch *watch = &census->watch;

	watch_begin(watch, census->metrics ? FORMAT_RAW : census->invocation->table.format);
	do {
		invocation_again(census->invocation);
		TRY(take_sample(census));
	} while (watch->interval && watch_wait(watch));
	return NULL;
}

static int run(struct invocation *invocation)
{
	struct census census = {.invocation = invocation, .view = &views[0]};

	if (parse_options(&census, invocation) < 0)
		return invocation->status;
	if (invocation->list_columns) {
		table_list_columns(census.view->spec, stdout, "");
		return EXIT_DONE;
	}
	if (invocation->argument_count != 0)
		return invocation_misused(invocation, "%s: no argument is expected",
					  invocation->arguments[0]);
	if (process_filter_is_set(&census.filter) && census.view != &views[0])
		return invocation_misused(invocation,
					  "--name, --cgroup and --container select rows "
					  "of processes: not with --by");
	if (census.metrics && (census.limit || census.top))
		return invocation_misused(invocation, "--openmetrics has all rows: no --limit");
	if (census.top && (!isatty(STDOUT_FILENO) || invocation->table.format != FORMAT_TABLE))
		return invocation_misused(invocation, "--top is for a terminal: --limit instead");
	if (census.top && !census.watch.interval)
		census.watch.interval = TOP_SECONDS;
	pthread_mutex_init(&census.progress_lock, NULL);
	struct error *error = invocation_target(invocation, &census.target);
	if (!error) {
		error = take_samples(&census);
		invocation_target_end(invocation, census.target);
	}
	pthread_mutex_destroy(&census.progress_lock);
	if (error)
		return invocation_fail(invocation, error);
	return census.nothing ? EXIT_CANNOT : EXIT_DONE;
}

const struct command command_census = {
	.name = "census",
	.summary = "count who has the machine's memory, frame by frame",
	.synopsis = "[options]",
	.description =
		"Count the memory of all processes from their frames: what each has alone "
		"(USS), its\n"
		"part of what is shared (PSS), all that it has in RAM (RSS), in swap, and "
		"what a write\n"
		"would still copy (COW). Or count by object, by user, by cgroup, by container, or\n"
		"every frame of RAM by what it is used for.",
	.options = options,
	.option_count = sizeof(options) / sizeof(options[0]),
	.tables =
		(const struct table_spec *const[]){&process_spec, &object_spec, &user_spec,
						   &cgroup_spec, &container_spec, &kind_spec, NULL},
	.run = run,
};
