// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "analysis/verify_internal.h"
#include "base/scope.h"

static struct error *allocate(struct verify *v)
{
	v->ram = direct_buffer(VERIFY_BATCH * VERIFY_PAGE);
	v->disk_page = direct_buffer(VERIFY_PAGE);
	v->ram_page = direct_buffer(VERIFY_PAGE);
	return v->ram && v->disk_page && v->ram_page ? NULL : error_nomem();
}

/* How many files may be open at once: half of what the process may have, and more is in nobody's
 * way.
 */
static size_t count_direct(void)
{
	enum { ENOUGH = 1024 };
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 2 > ENOUGH)
		return ENOUGH;
	return limit.rlim_cur / 2;
}

/* Without tracefs a breakpoint is one all the same. */
static struct error *load_uprobes(struct verify *v)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct error *error = root < 0 ? error_errno(errno, "/") : uprobes_load(root, &v->uprobes);

	return error_forgive(error);
}

struct error *verify_create(struct target *target, struct source *source, struct verify **verify)
{
	struct verify *v = calloc(1, sizeof(*v));

	*verify = NULL;
	if (!v)
		return error_nomem();
	v->target = target;
	v->source = source;
	v->mem_fd = -1;
	v->self = VERIFY_NONE;
	v->pages_max = VERIFY_PAGES_MAX;
	v->direct_max = count_direct();
	struct error *error = allocate(v);
	if (!error && target->page_shift != __builtin_ctz(VERIFY_PAGE))
		error = error_new(ERROR_UNSUPPORTED, "pages of %lu bytes are not known here",
				  1UL << target->page_shift);
	if (!error)
		error = load_uprobes(v);
	if (!error)
		error = verify_find_covers(v);
	if (error) {
		verify_destroy(v);
		return error;
	}
	*verify = v;
	return NULL;
}

static void ignore_node(void *node)
{
	(void)node;
}

static void destroy_findings(struct verify *v)
{
	for (size_t i = 0; i < v->findings.count; i++) {
		free(v->findings.items[i].why);
		free(v->findings.items[i].region);
		free(v->findings.items[i].symbol);
		free(v->findings.items[i].also);
	}
	vec_deinit(&v->findings);
	for (size_t i = 0; i < v->remarks.count; i++)
		free(v->remarks.items[i]);
	vec_deinit(&v->remarks);
	for (size_t i = 0; i < v->kernel_threads.count; i++)
		free(v->kernel_threads.items[i]);
	vec_deinit(&v->kernel_threads);
	vec_deinit(&v->covered);
	tdestroy(v->names, free);
}

void verify_destroy(struct verify *v)
{
	if (!v)
		return;
	verify_close(v);
	destroy_findings(v);
	tdestroy(v->file_tree, ignore_node); /* the files themselves are those of the list */
	for (size_t i = 0; i < v->files.count; i++)
		verify_file_destroy(v, v->files.items[i]);
	vec_deinit(&v->files);
	for (size_t i = 0; i < v->spaces.count; i++)
		vec_deinit(&v->spaces.items[i].ranges);
	vec_deinit(&v->spaces);
	vec_deinit(&v->areas);
	vec_deinit(&v->vdso);
	uprobes_deinit(&v->uprobes);
	free(v->by_file);
	free(v->ram);
	free(v->disk_page);
	free(v->ram_page);
	free(v);
}

void verify_limit(struct verify *v, size_t pages)
{
	v->pages_max = pages;
}

void verify_sync(struct verify *v)
{
	v->sync = true;
}

struct error *verify_run(struct verify *v, verify_progress progress, void *argument)
{
	v->progress = progress;
	v->argument = argument;
	TRY(verify_add_self(v));
	TRY(verify_compare(v));
	TRY(verify_vdsos(v));
	struct error *error = verify_name_findings(v);
	verify_close(v);
	return error;
}

const struct verify_finding *verify_findings(const struct verify *v, size_t *count)
{
	*count = v->findings.count;
	return v->findings.items;
}

void verify_counts(const struct verify *v, struct verify_counts *counts)
{
	*counts = v->counts;
}

const char *verify_remark(const struct verify *v, size_t index)
{
	return index < v->remarks.count ? v->remarks.items[index] : NULL;
}
