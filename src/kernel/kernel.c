// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/kernel.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/scope.h"

struct kernel {
	struct kernel_memory memory;
	struct kernel_tasks *tasks;
};

static struct error *check_machine(void)
{
	struct utsname name;

	if (uname(&name) == 0 && strcmp(name.machine, "x86_64") != 0)
		return error_new(ERROR_UNSUPPORTED, "page tables of %s are not known to physlens",
				 name.machine);
	return NULL;
}

static struct error *init(struct kernel *kernel, struct source *source, int root)
{
	struct kernel_types *types;

	TRY(check_machine());
	TRY(kernel_types_load(KERNEL_TYPES_PATH, &types));
	struct error *error = kernel_memory_init(&kernel->memory, source, root);
	if (!error)
		error = kernel_tasks_create(&kernel->memory, types, root, &kernel->tasks);
	kernel_types_free(types);
	return error;
}

struct error *kernel_open(struct source *source, int root, struct kernel **result)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));

	if (!kernel)
		return error_nomem();
	struct error *error = init(kernel, source, root);
	if (error) {
		kernel_close(kernel);
		return error;
	}
	*result = kernel;
	return NULL;
}

void kernel_close(struct kernel *kernel)
{
	if (!kernel)
		return;
	kernel_tasks_destroy(kernel->tasks);
	free(kernel);
}

struct error *kernel_process(struct kernel *kernel, pid_t pid, struct kernel_task *task,
			     struct page_table *table)
{
	TRY(kernel_tasks_find(kernel->tasks, pid, task));
	if (!task->mm)
		return error_new(ERROR_LOOKUP, "process %d (%s) has no page tables of its own",
				 (int)pid, task->command);
	*table = kernel->memory.table;
	table->root = task->pgd;
	/* Memory may have been plugged in since. */
	table->ram = source_ram(kernel->memory.source, &table->ram_count);
	return NULL;
}
