// SPDX-License-Identifier: GPL-2.0-or-later
/* The list of findings. */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/verify_internal.h"

static const char *const kind_names[] = {
	[VERIFY_PATCHED] = "patched",
	[VERIFY_PAGE_CACHE] = "page-cache",
	[VERIFY_BREAKPOINT] = "breakpoint",
	[VERIFY_RELOCATED] = "relocated",
	[VERIFY_COPIED] = "copied",
	[VERIFY_DELETED] = "deleted",
	[VERIFY_REPLACED] = "replaced",
	[VERIFY_MEMFD] = "memfd",
	[VERIFY_ANON_EXEC] = "anon-exec",
	[VERIFY_WRITABLE_EXEC] = "writable-exec",
	[VERIFY_DATA_EXEC] = "data-exec",
	[VERIFY_FOREIGN_VDSO] = "foreign-vdso",
	[VERIFY_REMAPPED] = "remapped",
	[VERIFY_MASQUERADE] = "masquerade",
	/* no findings: */
	[VERIFY_UNVERIFIABLE] = "unverifiable",
	[VERIFY_UNSTABLE] = "unstable",
	[VERIFY_PROTECTED] = "protected",
	[VERIFY_MOVED] = "moved",
};

const char *verify_kind_name(enum verify_kind kind)
{
	return kind_names[kind];
}

bool verify_kind_is_finding(enum verify_kind kind)
{
	return kind < VERIFY_UNVERIFIABLE;
}

bool verify_kind_parse(const char *name, enum verify_kind *kind)
{
	for (int i = 0; i < VERIFY_KIND_COUNT; i++) {
		if (strcmp(name, kind_names[i]) == 0) {
			*kind = (enum verify_kind)i;
			return true;
		}
	}
	return false;
}

/* Whether pages of the kind are many and alike, with no bytes to show: neighbours are one row. */
static bool is_joined(enum verify_kind kind)
{
	return kind == VERIFY_COPIED || kind == VERIFY_RELOCATED || !verify_kind_is_finding(kind);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/*
 * The row that goes on with `row`, because it ended there. Of the latest ones only: one file's come
 * one after another.
 */
static struct verify_finding *find_previous(struct verify *v, const struct verify_finding *row)
{
	enum { LATEST = 64 };

	if (!is_joined(row->kind))
		return NULL;
	for (size_t i = v->findings.count, n = 0; i-- > 0 && n < LATEST; n++) {
		struct verify_finding *one = &v->findings.items[i];

		if (one->kind == row->kind && one->pid == row->pid && !one->shown &&
		    one->vaddr + one->length == row->vaddr && one->object == row->object &&
		    same_text(one->why, row->why))
			return one;
	}
	return NULL;
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(left, right);
}

/* Each name once: a process may have as many areas of as many names as it likes. */
static struct error *keep_name(struct verify *v, const char *name, const char **kept)
{
	*kept = NULL;
	if (!name)
		return NULL;
	char *const *found = tfind(name, &v->names, compare_names);
	if (found) {
		*kept = *found;
		return NULL;
	}
	char *copy = strdup(name);
	if (!copy || !tsearch(copy, &v->names, compare_names)) {
		free(copy);
		return error_nomem();
	}
	*kept = copy;
	return NULL;
}

struct error *verify_found(struct verify *v, enum verify_kind kind, uint32_t space, uint32_t file,
			   const char *object, struct range range, char *why,
			   struct verify_finding **finding)
{
	const struct verify_space *process = &v->spaces.items[space];
	struct verify_finding one = {.kind = kind,
				     .pid = process->pid,
				     .space = space,
				     .file = file,
				     .vaddr = range.start,
				     .length = range_length(range),
				     .why = why};

	if (file != VERIFY_NONE)
		one.object = v->files.items[file]->path;
	struct error *error = file == VERIFY_NONE ? keep_name(v, object, &one.object) : NULL;
	struct verify_finding *previous = error ? NULL : find_previous(v, &one);
	*finding = previous;
	if (previous) {
		previous->length += one.length;
		previous->pages++;
		free(why);
		return NULL;
	}
	if (!error && v->findings.count >= VERIFY_FINDINGS_MAX) {
		v->counts.lost++;
		free(why);
		return NULL;
	}
	if (!error)
		error = vec_push(&v->findings, one);
	if (error) {
		free(why);
		return error;
	}
	*finding = &v->findings.items[v->findings.count - 1];
	return NULL;
}
