// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/tasks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/scope.h"
#include "proc/process.h"

enum {
	TASKS_MAX = 4 << 20,  /* PID_MAX_LIMIT (include/linux/threads.h) */
	READS_OF_LIST = 10,   /* that a list which changes is given to be whole in one */
	VIEW_LIMIT = 1 << 16, /* a task_struct has some 10 KiB */
	NAMESPACES_DEEP = 32, /* MAX_PID_NS_LEVEL (include/linux/pid_namespace.h) */
	POINTER = 8,
};

enum member {
	TASK_TASKS, /* those of task_struct first: they are read in one */
	TASK_MM,
	TASK_TGID,
	TASK_LEADER,
	TASK_NODE,
	TASK_PID,
	TASK_COMM,
	TASK_SIGNAL,
	TASK_MEMBERS,
	SIGNAL_THREADS = TASK_MEMBERS,
	MM_PGD,
	PID_LEVEL,
	PID_NUMBERS,
	UPID_NR,
	UPID_NS,
	MEMBERS,
};

static const struct {
	const char *structure;
	const char *path;
	uint32_t size; /* at least */
} member_names[MEMBERS] = {
	[TASK_TASKS] = {"task_struct", "tasks", 2 * POINTER},
	[TASK_MM] = {"task_struct", "mm", POINTER},
	[TASK_TGID] = {"task_struct", "tgid", 4},
	[TASK_LEADER] = {"task_struct", "group_leader", POINTER},
	[TASK_NODE] = {"task_struct", "thread_node", 2 * POINTER},
	[TASK_PID] = {"task_struct", "thread_pid", POINTER},
	[TASK_COMM] = {"task_struct", "comm", 16},
	[TASK_SIGNAL] = {"task_struct", "signal", POINTER},
	[SIGNAL_THREADS] = {"signal_struct", "thread_head", 2 * POINTER},
	[MM_PGD] = {"mm_struct", "pgd", POINTER},
	[PID_LEVEL] = {"pid", "level", 4},
	[PID_NUMBERS] = {"pid", "numbers", 0}, /* a flexible array since 6.5 */
	[UPID_NR] = {"upid", "nr", 4},
	[UPID_NS] = {"upid", "ns", POINTER},
};

/* A PID namespace: its address, and how many there are above it. */
struct pid_space {
	uint64_t address;
	unsigned level;
};

struct kernel_tasks {
	const struct kernel_memory *memory;
	struct kernel_member members[MEMBERS];
	uint32_t low, high; /* the part of a task_struct that holds all its members */
	int root;
	uint64_t start; /* the task that walks begin at: ours or init_task */
	bool is_ours;
	struct pid_space space; /* of our /proc */
	unsigned char *view;    /* bytes [low, high) of the task in hand */
	uint64_t viewed;        /* its address */
};

/* --- one task ----------------------------------------------------------------------------- */

static uint32_t offset_of(const struct kernel_tasks *tasks, enum member member)
{
	return tasks->members[member].offset;
}

static struct error *view_task(struct kernel_tasks *tasks, uint64_t address)
{
	tasks->viewed = address;
	return kernel_read(tasks->memory, address + tasks->low, tasks->view,
			   tasks->high - tasks->low);
}

static const void *viewed(const struct kernel_tasks *tasks, enum member member)
{
	return tasks->view + offset_of(tasks, member) - tasks->low;
}

static uint64_t viewed_pointer(const struct kernel_tasks *tasks, enum member member, size_t at)
{
	uint64_t pointer;

	memcpy(&pointer, (const unsigned char *)viewed(tasks, member) + at, sizeof(pointer));
	return pointer;
}

static pid_t viewed_tgid(const struct kernel_tasks *tasks)
{
	int32_t tgid;

	memcpy(&tgid, viewed(tasks, TASK_TGID), sizeof(tgid));
	return tgid;
}

/* --- lists -------------------------------------------------------------------------------- */

/* Whether the task in view is the one that is looked for. */
typedef struct error *(*task_match)(struct kernel_tasks *tasks, void *argument, bool *is_it);

/* A doubly linked list of tasks, by its head: a list_head that is in no task, or in the first. */
struct task_list {
	uint64_t head;
	enum member link; /* the member of task_struct that links it */
	bool head_is_task;
};

static struct error *broken(uint64_t node, const char *why)
{
	return error_fault(node, "the kernel's list of tasks at 0x%llx %s",
			   (unsigned long long)node, why);
}

/* Reads the links at `node`, and the task around it unless it is a bare head. */
static struct error *read_node(struct kernel_tasks *tasks, const struct task_list *list,
			       uint64_t node, uint64_t links[2])
{
	if (!(node >> 63) || node % POINTER != 0)
		return broken(node, "leads to where nothing of the kernel can be");
	if (node == list->head && !list->head_is_task)
		return kernel_read(tasks->memory, node, links, 2 * POINTER);
	TRY(view_task(tasks, node - offset_of(tasks, list->link)));
	links[0] = viewed_pointer(tasks, list->link, 0);
	links[1] = viewed_pointer(tasks, list->link, POINTER);
	return NULL;
}

/*
 * Walks the list once. A task that leaves it while we stand on it keeps its way on, but what it
 * leads to no longer leads back; its memory may even hold something else by then.
 */
static struct error *search_once(struct kernel_tasks *tasks, const struct task_list *list,
				 task_match match, void *argument, bool *is_it)
{
	uint64_t node = list->head, previous = 0, links[2];

	*is_it = false;
	for (unsigned i = 0; i < TASKS_MAX; i++) {
		TRY(read_node(tasks, list, node, links));
		if (i > 0 && links[1] != previous)
			return broken(node, "does not lead back to where it came from");
		if (i > 0 && node == list->head)
			return NULL;
		if (node != list->head || list->head_is_task)
			TRY(match(tasks, argument, is_it));
		if (*is_it)
			return NULL;
		previous = node;
		node = links[0];
	}
	return broken(list->head, "has no end");
}

/* Again where the list was being changed: it is whole only in a walk that met nothing odd. */
static struct error *search(struct kernel_tasks *tasks, const struct task_list *list,
			    task_match match, void *argument, bool *is_it)
{
	struct error *error = search_once(tasks, list, match, argument, is_it);

	for (int i = 1; i < READS_OF_LIST && error_is(error, ERROR_FAULT); i++) {
		error_free(error);
		error = search_once(tasks, list, match, argument, is_it);
	}
	return error;
}

static struct task_list all_tasks(const struct kernel_tasks *tasks)
{
	return (struct task_list){tasks->start + offset_of(tasks, TASK_TASKS), TASK_TASKS, true};
}

/* --- PID namespaces ----------------------------------------------------------------------- */

/* The namespace and the number at `level` of the struct pid at `pid`. */
static struct error *read_number(const struct kernel_tasks *tasks, uint64_t pid, unsigned level,
				 uint64_t *namespace, pid_t *number)
{
	uint64_t size = align_up(offset_of(tasks, UPID_NS) + POINTER, POINTER);
	uint64_t upid = pid + offset_of(tasks, PID_NUMBERS) + level * size;
	int32_t nr;

	TRY(kernel_read(tasks->memory, upid + offset_of(tasks, UPID_NR), &nr, sizeof(nr)));
	*number = nr;
	return kernel_read_pointer(tasks->memory, upid + offset_of(tasks, UPID_NS), namespace);
}

static struct error *read_level(const struct kernel_tasks *tasks, uint64_t pid, unsigned *level)
{
	uint32_t value;

	TRY(kernel_read(tasks->memory, pid + offset_of(tasks, PID_LEVEL), &value, sizeof(value)));
	if (value > NAMESPACES_DEEP)
		return error_new(ERROR_INPUT, "a process lies in %u PID namespaces", value);
	*level = value;
	return NULL;
}

/* The task in view is ours: what namespace are the PIDs of our /proc of? */
static struct error *learn_namespace(struct kernel_tasks *tasks)
{
	uint64_t pid = viewed_pointer(tasks, TASK_PID, 0);
	unsigned level = 0, below;
	pid_t number;

	TRY(process_levels_below_proc(tasks->root, &below));
	TRY(read_level(tasks, pid, &level));
	if (below > level)
		return error_new(ERROR_INPUT, "our own process is not where /proc has it");
	tasks->space.level = level - below;
	return read_number(tasks, pid, level - below, &tasks->space.address, &number);
}

/* --- finding ------------------------------------------------------------------------------ */

static struct error *is_process(struct kernel_tasks *tasks, void *argument, bool *is_it)
{
	const pid_t *wanted = argument;
	unsigned level = tasks->space.level, own = 0;
	uint64_t pid = viewed_pointer(tasks, TASK_PID, 0), namespace;
	pid_t number;

	if (level == 0) {
		*is_it = viewed_tgid(tasks) == *wanted;
		return NULL;
	}
	if (pid == 0) /* of one that ends just now */
		return NULL;
	TRY(read_level(tasks, pid, &own));
	if (own < level)
		return NULL;
	TRY(read_number(tasks, pid, level, &namespace, &number));
	*is_it = namespace == tasks->space.address && number == *wanted;
	return NULL;
}

/* By our name and by our PID in our own namespace, for a source that knows no task of ours. */
static struct error *is_ourselves(struct kernel_tasks *tasks, void *argument, bool *is_it)
{
	const char *name = argument;
	uint64_t pid = viewed_pointer(tasks, TASK_PID, 0), namespace;
	unsigned level = 0;
	pid_t number;

	if (pid == 0 || viewed_pointer(tasks, TASK_MM, 0) == 0 ||
	    strncmp(viewed(tasks, TASK_COMM), name, 16) != 0)
		return NULL;
	TRY(read_level(tasks, pid, &level));
	TRY(read_number(tasks, pid, level, &namespace, &number));
	*is_it = number == getpid();
	return NULL;
}

static struct error *find_ourselves(struct kernel_tasks *tasks)
{
	struct task_list list = all_tasks(tasks);
	char name[17] = "";
	bool found;

	prctl(PR_GET_NAME, name);
	TRY(search(tasks, &list, is_ourselves, name, &found));
	if (!found)
		return error_new(ERROR_LOOKUP,
				 "our own process is not in the kernel's list at 0x%llx",
				 (unsigned long long)tasks->start);
	return NULL;
}

/* The first thread of the process that a task is of. */
static struct error *leader_of_bytes(const struct kernel_tasks *tasks, uint64_t *leader)
{
	const struct source_kernel *known = &tasks->memory->known;

	if (known->task_size < (uint64_t)offset_of(tasks, TASK_LEADER) + POINTER)
		return error_new(ERROR_INPUT,
				 "%s: its task_struct of %zu bytes is shorter than this kernel's",
				 source_name(tasks->memory->source), known->task_size);
	memcpy(leader, (const char *)known->task_bytes + offset_of(tasks, TASK_LEADER), POINTER);
	return NULL;
}

static struct error *find_start(struct kernel_tasks *tasks)
{
	const struct source_kernel *known = &tasks->memory->known;

	tasks->is_ours = true;
	if (known->current_task)
		return kernel_read_pointer(tasks->memory,
					   known->current_task + offset_of(tasks, TASK_LEADER),
					   &tasks->start);
	if (known->task_bytes)
		return leader_of_bytes(tasks, &tasks->start);
	tasks->is_ours = false;
	return kernel_symbol("init_task", tasks->root, &tasks->start);
}

static struct error *begin(struct kernel_tasks *tasks)
{
	TRY(find_start(tasks));
	TRY(tasks->is_ours ? view_task(tasks, tasks->start) : find_ourselves(tasks));
	return learn_namespace(tasks);
}

/* --- from the task to its tables ---------------------------------------------------------- */

static struct error *has_mm(struct kernel_tasks *tasks, void *argument, bool *is_it)
{
	(void)argument;
	*is_it = viewed_pointer(tasks, TASK_MM, 0) != 0;
	return NULL;
}

/* The first thread may have ended, and have no mm any more, while others go on. */
static struct error *find_thread_with_mm(struct kernel_tasks *tasks)
{
	uint64_t signal = viewed_pointer(tasks, TASK_SIGNAL, 0);
	struct task_list threads = {signal + offset_of(tasks, SIGNAL_THREADS), TASK_NODE, false};
	bool found;

	return search(tasks, &threads, has_mm, NULL, &found);
}

static struct error *read_pgd(const struct kernel_tasks *tasks, uint64_t mm, uint64_t *pgd)
{
	uint64_t address;

	TRY(kernel_read_pointer(tasks->memory, mm + offset_of(tasks, MM_PGD), &address));
	TRY(kernel_physical(tasks->memory, address, pgd));
	if (*pgd % TABLE_BYTES != 0)
		return error_new(ERROR_INPUT, "the mm at 0x%llx has no page table but 0x%llx",
				 (unsigned long long)mm, (unsigned long long)address);
	return NULL;
}

static struct error *take_task(struct kernel_tasks *tasks, struct kernel_task *task)
{
	*task = (struct kernel_task){.address = tasks->viewed, .pid = viewed_tgid(tasks)};
	memcpy(task->command, viewed(tasks, TASK_COMM), sizeof(task->command));
	task->command[sizeof(task->command) - 1] = '\0';
	if (viewed_pointer(tasks, TASK_MM, 0) == 0)
		TRY(find_thread_with_mm(tasks));
	task->mm = viewed_pointer(tasks, TASK_MM, 0);
	return task->mm ? read_pgd(tasks, task->mm, &task->pgd) : NULL;
}

struct error *kernel_tasks_find(struct kernel_tasks *tasks, pid_t pid, struct kernel_task *task)
{
	struct task_list list = all_tasks(tasks);
	bool found;

	TRY(search(tasks, &list, is_process, &pid, &found));
	if (!found)
		return error_new(ERROR_LOOKUP, "no process %d in the kernel's list", (int)pid);
	return take_task(tasks, task);
}

/* --- setting up --------------------------------------------------------------------------- */

static struct error *learn_members(struct kernel_tasks *tasks, const struct kernel_types *types)
{
	for (size_t i = 0; i < MEMBERS; i++) {
		struct kernel_member *member = &tasks->members[i];

		TRY(kernel_types_member(types, member_names[i].structure, member_names[i].path,
					member));
		if (member->size < member_names[i].size)
			return error_new(ERROR_UNSUPPORTED, "%s.%s has an unknown size: %u",
					 member_names[i].structure, member_names[i].path,
					 member->size);
	}
	tasks->low = UINT32_MAX;
	for (size_t i = 0; i < TASK_MEMBERS; i++) {
		uint32_t from = tasks->members[i].offset, to = from + tasks->members[i].size;

		tasks->low = from < tasks->low ? from : tasks->low;
		tasks->high = to > tasks->high ? to : tasks->high;
	}
	if (tasks->high > VIEW_LIMIT)
		return error_new(ERROR_UNSUPPORTED, "task_struct has %u bytes or more",
				 tasks->high);
	tasks->view = malloc(tasks->high - tasks->low);
	return tasks->view ? NULL : error_nomem();
}

struct error *kernel_tasks_create(const struct kernel_memory *memory,
				  const struct kernel_types *types, int root,
				  struct kernel_tasks **result)
{
	struct kernel_tasks *tasks = calloc(1, sizeof(*tasks));

	if (!tasks)
		return error_nomem();
	tasks->memory = memory;
	tasks->root = root;
	struct error *error = learn_members(tasks, types);
	if (!error)
		error = begin(tasks);
	if (error) {
		kernel_tasks_destroy(tasks);
		return error;
	}
	*result = tasks;
	return NULL;
}

void kernel_tasks_destroy(struct kernel_tasks *tasks)
{
	if (!tasks)
		return;
	free(tasks->view);
	free(tasks);
}
