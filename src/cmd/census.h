// SPDX-License-Identifier: GPL-2.0-or-later
/* The parts of `physlens census`: what its rows are made of, and the metrics they become. */
#ifndef PHYSLENS_CMD_CENSUS_H
#define PHYSLENS_CMD_CENSUS_H

#include <stdio.h>

#include "analysis/census.h"
#include "analysis/kinds.h"
#include "proc/process.h"
#include "ui/table.h"

/* What a column shows, whatever it is called there. */
enum census_field {
	FIELD_PID,
	FIELD_USER,
	FIELD_NAME,
	FIELD_USS,
	FIELD_PSS,
	FIELD_RSS,
	FIELD_SWAP,
	FIELD_COW,
	FIELD_HUGETLB,
	FIELD_PIDS,
	FIELD_CGROUP,
	FIELD_CONTAINER,
	FIELD_NSPID,
	FIELD_PROCESSES,
	FIELD_PAYERS,
	FIELD_FILE,
	FIELD_MAPPED,
	FIELD_MEANING,
};

struct census_row {
	pid_t pid;
	char *user;
	char *name; /* of the process, object, user, cgroup or kind */
	char *cgroup;
	char *container; /* or NULL */
	pid_t inner_pid; /* in the innermost PID namespace; 0: not told */
	char *file;
	char *list; /* PIDs, or payers */
	const char *meaning;
	struct account account;
	uint64_t swap;
	uint64_t mapped;
	uint64_t processes;
	size_t order; /* before sorting */
};

struct census_rows {
	struct census_row *items;
	size_t count;
	size_t capacity;
	unsigned hidden; /* fields, as 1 << FIELD_…, that nobody tells us */
};

typedef struct error *(*census_maker)(const struct index *index, const process_vec *processes,
				      struct census_rows *rows);

/* One way to count. */
struct census_view {
	const char *name; /* of --by */
	const struct table_spec *spec;
	const enum census_field *fields; /* by column */
	census_maker rows;               /* NULL: not from the index */
	unsigned index_flags;
	const char *sort; /* the column that it is sorted by, or NULL */
};

struct error *census_rows_by_process(const struct index *index, const process_vec *processes,
				     struct census_rows *rows);
struct error *census_rows_by_object(const struct index *index, const process_vec *processes,
				    struct census_rows *rows);
struct error *census_rows_by_user(const struct index *index, const process_vec *processes,
				  struct census_rows *rows);
struct error *census_rows_by_cgroup(const struct index *index, const process_vec *processes,
				    struct census_rows *rows);

struct error *census_rows_by_container(const struct index *index, const process_vec *processes,
				       struct census_rows *rows);

/* Writes the rows as Prometheus's text format: a gauge a column. */
void census_metrics(const struct census_view *view, const struct census_rows *rows,
		    unsigned page_shift, FILE *out);

#endif
