// SPDX-License-Identifier: GPL-2.0-or-later
/* The rows of `physlens census`, from the index. */
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/scope.h"
#include "cmd/census.h"
#include "cmd/processes.h"
#include "proc/container.h"
#include "proc/process.h"
#include "target/files.h"

enum { PAYERS_NAMED = 3 };

static struct error *copy(const char *text, char **result)
{
	*result = strdup(text);
	return *result ? NULL : error_nomem();
}

/* Appends formatted text to a string that is its own; NULL is empty. */
static struct error *__attribute__((format(printf, 2, 3)))
append(char **text, const char *format, ...)
{
	char *more = NULL, *longer = NULL;
	va_list args;

	va_start(args, format);
	int length = vasprintf(&more, format, args);
	va_end(args);
	if (length < 0)
		return error_nomem();
	length = asprintf(&longer, "%s%s", *text ? *text : "", more);
	free(more);
	if (length < 0)
		return error_nomem();
	free(*text);
	*text = longer;
	return NULL;
}

/* --- by process ------------------------------------------------------------------------------ */

static struct error *copy_user(const process_vec *processes, pid_t pid, char **user)
{
	const struct process *process = processes_find(processes, pid);

	return copy(process ? user_name(process->uid) : "?", user);
}

/* What is shown of the container that a cgroup belongs to; NULL: it is in none. */
static struct error *copy_container(const char *cgroup, char **name)
{
	char found[CONTAINER_LENGTH];

	if (!cgroup || !container_of_cgroup(cgroup, found))
		return NULL;
	container_shorten(found);
	return copy(found, name);
}

static struct error *add_process(const struct index *index, size_t number,
				 const process_vec *processes, const struct account *account,
				 struct census_rows *rows)
{
	const struct index_space *space = &index->spaces.items[number];
	struct census_row row = {
		.pid = space->pid, .account = *account, .swap = space->swapped, .processes = 1};

	TRY(vec_push(rows, row));
	struct census_row *added = &rows->items[rows->count - 1];
	TRY(copy_user(processes, space->pid, &added->user));
	TRY(copy(space->command, &added->name));
	TRY(process_cgroup(space->pid, &added->cgroup));
	TRY(copy_container(added->cgroup, &added->container));
	added->inner_pid = process_inner_pid(space->pid);
	return append(&added->list, "%d", (int)space->pid);
}

/* Adds the other processes of an address space to its row; rows and spaces are sorted by PID. */
static struct error *add_same(const struct index *index, struct census_rows *rows)
{
	for (size_t i = 0; i < index->spaces.count; i++) {
		const struct index_space *space = &index->spaces.items[i];

		for (size_t j = 0; space->fate == INDEX_SAME && j < rows->count; j++) {
			if (rows->items[j].pid != space->same_as)
				continue;
			rows->items[j].processes++;
			TRY(append(&rows->items[j].list, " %d", (int)space->pid));
		}
	}
	return NULL;
}

struct error *census_rows_by_process(const struct index *index, const process_vec *processes,
				     struct census_rows *rows)
{
	_cleanup_free_ struct account *accounts =
		calloc(index->spaces.count + 1, sizeof(*accounts));

	if (!accounts)
		return error_nomem();
	TRY(census_by_space(index, accounts));
	for (size_t i = 0; i < index->spaces.count; i++) {
		if (index->spaces.items[i].fate == INDEX_READ)
			TRY(add_process(index, i, processes, &accounts[i], rows));
	}
	return add_same(index, rows);
}

/* --- by group -------------------------------------------------------------------------------- */

/* The groups as they are found, the members of each, and what a stretch's member is found by. */
struct grouping {
	const struct index *index;
	VEC(struct census_member) members;
	struct census_rows *rows; /* one a group */
	void *tree;               /* of struct group_key, by name or file */
	size_t *first_member;     /* by space */
	VEC(size_t) area_members; /* by area, from first_area[space] on */
	size_t *first_area;
	VEC(struct file *) files; /* held while objects are told apart */
};

struct group_key {
	uint64_t device;
	uint64_t inode;
	const char *name;
	size_t group;
};

static int compare_keys(const void *left, const void *right)
{
	const struct group_key *a = left, *b = right;

	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	/* A file is the same whatever it is called. */
	return a->inode ? 0 : strcmp(a->name, b->name);
}

static struct error *find_group(struct grouping *g, const struct group_key *wanted, size_t *group)
{
	struct group_key *const *found = tfind(wanted, &g->tree, compare_keys);

	if (found) {
		*group = (*found)->group;
		return NULL;
	}
	struct group_key *key = malloc(sizeof(*key));
	if (!key)
		return error_nomem();
	*key = *wanted;
	key->group = *group = g->rows->count;
	if (!tsearch(key, &g->tree, compare_keys)) {
		free(key);
		return error_nomem();
	}
	TRY(vec_push(g->rows, (struct census_row){0}));
	struct census_row *row = &g->rows->items[*group];
	TRY(copy(wanted->name, &row->name));
	if (wanted->inode)
		TRY(append(&row->file, "%02x:%02x %llu", major(wanted->device),
			   minor(wanted->device), (unsigned long long)wanted->inode));
	/* The key outlives the caller's name. */
	key->name = row->name;
	return NULL;
}

/* The member of `space` that is in `group`, made if there is none since number `from`. */
static struct error *find_member(struct grouping *g, size_t space, size_t group, size_t from,
				 size_t *member)
{
	for (*member = from; *member < g->members.count; ++*member) {
		if (g->members.items[*member].group == group)
			return NULL;
	}
	return vec_push(&g->members, ((struct census_member){.space = space, .group = group}));
}

static int grouping_init(struct grouping *g, const struct index *index, struct census_rows *rows)
{
	*g = (struct grouping){.index = index, .rows = rows};
	g->first_member = calloc(index->spaces.count + 1, sizeof(*g->first_member));
	g->first_area = calloc(index->spaces.count + 1, sizeof(*g->first_area));
	return g->first_member && g->first_area ? 0 : -1;
}

static void grouping_deinit(struct grouping *g)
{
	tdestroy(g->tree, free);
	vec_deinit(&g->members);
	vec_deinit(&g->area_members);
	free(g->first_member);
	free(g->first_area);
	for (size_t i = 0; i < g->files.count; i++)
		file_put(g->index->target, g->files.items[i]);
	vec_deinit(&g->files);
}

static size_t member_of_space(const void *argument, const struct index_mapper *mapper)
{
	const struct grouping *g = argument;

	return g->first_member[mapper->space];
}

static size_t member_of_area(const void *argument, const struct index_mapper *mapper)
{
	const struct grouping *g = argument;
	size_t space = mapper->space;
	const struct vma_list *vmas = &g->index->spaces.items[space].vmas;
	const struct vma *vma = index_vma(g->index, space, mapper->vpn);

	/* Every page was read from an area of this list. */
	size_t area = vma ? (size_t)(vma - vmas->items) : 0;
	return g->area_members.items[g->first_area[space] + area];
}

static int compare_members(const void *left, const void *right)
{
	const struct census_member *a = left, *b = right;

	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	if (a->pss != b->pss)
		return a->pss > b->pss ? -1 : 1;
	return (a->space > b->space) - (a->space < b->space);
}

static struct error *name_payer(struct grouping *g, const struct census_member *member, size_t rank)
{
	struct census_row *row = &g->rows->items[member->group];
	const struct index_space *space = &g->index->spaces.items[member->space];
	double part = row->account.pss ? 100.0 * (double)member->pss / (double)row->account.pss : 0;

	if (rank >= PAYERS_NAMED || member->pss == 0)
		return NULL;
	return append(&row->list, "%s%s[%d] %.0f%%", rank ? ", " : "", space->command,
		      (int)space->pid, part);
}

/* Counts each group's address spaces and names those with the largest parts. */
static struct error *count_members(struct grouping *g)
{
	size_t rank = 0;

	if (g->members.count)
		qsort(g->members.items, g->members.count, sizeof(*g->members.items),
		      compare_members);
	for (size_t i = 0; i < g->members.count; i++) {
		const struct census_member *member = &g->members.items[i];

		rank = i > 0 && member[-1].group == member->group ? rank + 1 : 0;
		TRY(name_payer(g, member, rank));
	}
	return NULL;
}

static struct error *count_groups(struct grouping *g, bool by_area)
{
	_cleanup_free_ struct account *accounts = calloc(g->rows->count + 1, sizeof(*accounts));
	struct census_groups groups = {.accounts = accounts,
				       .count = g->rows->count,
				       .members = g->members.items,
				       .member_count = g->members.count,
				       .member_of = by_area ? member_of_area : member_of_space,
				       .argument = g,
				       .alone = by_area};

	if (!accounts)
		return error_nomem();
	TRY(census_by_group(g->index, &groups));
	for (size_t i = 0; i < g->rows->count; i++)
		g->rows->items[i].account = accounts[i];
	for (size_t i = 0; i < g->members.count; i++) {
		const struct census_member *member = &g->members.items[i];

		/* An object that a process maps and has no page of is not in its memory. */
		if (!by_area || member->met)
			g->rows->items[member->group].processes++;
	}
	return count_members(g);
}

/* --- by user and by cgroup ---------------------------------------------------------------- */

typedef struct error *(*group_namer)(const process_vec *processes, pid_t pid, char **name);

static struct error *group_spaces(struct grouping *g, const process_vec *processes,
				  group_namer namer)
{
	for (size_t i = 0; i < g->index->spaces.count; i++) {
		const struct index_space *space = &g->index->spaces.items[i];
		_cleanup_free_ char *name = NULL;
		size_t group;

		if (space->fate != INDEX_READ)
			continue;
		TRY(namer(processes, space->pid, &name));
		TRY(find_group(g, &(struct group_key){.name = name ? name : "-"}, &group));
		g->first_member[i] = g->members.count;
		TRY(find_member(g, i, group, g->members.count, &g->first_member[i]));
		g->rows->items[group].swap += space->swapped;
	}
	return count_groups(g, false);
}

static struct error *rows_by_name(const struct index *index, const process_vec *processes,
				  struct census_rows *rows, group_namer namer)
{
	struct grouping g;
	struct error *error = grouping_init(&g, index, rows) < 0
				      ? error_nomem()
				      : group_spaces(&g, processes, namer);

	grouping_deinit(&g);
	return error;
}

struct error *census_rows_by_user(const struct index *index, const process_vec *processes,
				  struct census_rows *rows)
{
	return rows_by_name(index, processes, rows, copy_user);
}

static struct error *name_cgroup(const process_vec *processes, pid_t pid, char **name)
{
	(void)processes;
	return process_cgroup(pid, name);
}

struct error *census_rows_by_cgroup(const struct index *index, const process_vec *processes,
				    struct census_rows *rows)
{
	return rows_by_name(index, processes, rows, name_cgroup);
}

static struct error *name_container(const process_vec *processes, pid_t pid, char **name)
{
	_cleanup_free_ char *path = NULL;

	(void)processes;
	TRY(process_cgroup(pid, &path));
	return copy_container(path, name);
}

struct error *census_rows_by_container(const struct index *index, const process_vec *processes,
				       struct census_rows *rows)
{
	return rows_by_name(index, processes, rows, name_container);
}

/* --- by object ------------------------------------------------------------------------------ */

/* The process of a row once more, for the files that its areas show; NULL where it has ended. */
static struct error *open_again(struct grouping *g, size_t space, struct space **opened)
{
	struct error *error =
		target_open_space(g->index->target, g->index->spaces.items[space].pid, opened);

	if (!error)
		return NULL;
	*opened = NULL;
	return error_forgive(error);
}

/* Which file an area shows, as stat has it: two files may have the same numbers in maps. */
static struct error *name_file(struct grouping *g, struct space *space, const struct vma *vma,
			       struct group_key *key)
{
	struct file *file;
	struct error *error = space ? space_file(space, vma, &file) : NULL;

	if (!space || error_is(error, ERROR_GONE)) {
		error_free(error);
		return NULL;
	}
	TRY(error);
	key->device = file->device;
	key->inode = file->inode;
	/* Held once, so that it is known when the next process shows it. */
	if (file->references == 1)
		error = vec_push(&g->files, file);
	if (error || file->references > 1)
		file_put(g->index->target, file);
	return error;
}

static struct error *group_area(struct grouping *g, size_t space, struct space *opened,
				const struct vma *vma, size_t from)
{
	struct group_key key = {.device = makedev(vma->dev_major, vma->dev_minor),
				.inode = vma->inode,
				.name = *vma->name ? vma->name : "anon"};
	size_t group, member;

	if (vma->inode)
		TRY(name_file(g, opened, vma, &key));
	TRY(find_group(g, &key, &group));
	TRY(find_member(g, space, group, from, &member));
	return vec_push(&g->area_members, member);
}

static struct error *group_areas(struct grouping *g, size_t space)
{
	const struct vma_list *vmas = &g->index->spaces.items[space].vmas;
	size_t from = g->members.count;
	struct space *opened;

	g->first_area[space] = g->area_members.count;
	TRY(open_again(g, space, &opened));
	struct error *error = NULL;
	for (size_t i = 0; !error && i < vmas->count; i++)
		error = group_area(g, space, opened, &vmas->items[i], from);
	space_close(opened);
	return error;
}

static struct error *group_objects(struct grouping *g)
{
	for (size_t i = 0; i < g->index->spaces.count; i++) {
		if (g->index->spaces.items[i].fate == INDEX_READ)
			TRY(group_areas(g, i));
	}
	return count_groups(g, true);
}

/* An object that nobody has a page of takes no row. */
static void drop_empty(struct census_rows *rows)
{
	size_t kept = 0;

	for (size_t i = 0; i < rows->count; i++) {
		struct census_row *row = &rows->items[i];

		if (row->account.rss || row->account.hugetlb) {
			rows->items[kept++] = *row;
			continue;
		}
		free(row->name);
		free(row->file);
		free(row->list);
	}
	rows->count = kept;
}

struct error *census_rows_by_object(const struct index *index, const process_vec *processes,
				    struct census_rows *rows)
{
	struct grouping g;
	struct error *error =
		grouping_init(&g, index, rows) < 0 ? error_nomem() : group_objects(&g);

	(void)processes;
	grouping_deinit(&g);
	drop_empty(rows);
	return error;
}
