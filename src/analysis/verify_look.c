// SPDX-License-Identifier: GPL-2.0-or-later
/* Looking at the memory of a process once more, and reading frames. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analysis/verify_internal.h"
#include "base/scope.h"
#include "proc/memory.h"

/* Where the areas are very many they are read anew for a tenth of the time at most. (It is their
 * number that tells: on a busy machine a few take long as well.) */
enum { VMAS_CHEAP = 4096, VMAS_SHARE = 10 };

void verify_close(struct verify *v)
{
	scope_closep(&v->mem_fd);
	space_close(v->open);
	v->open = NULL;
	vma_list_deinit(&v->open_vmas);
	v->open_vmas = (struct vma_list){0};
	v->vmas_read_ns = 0;
}

struct error *verify_open(struct verify *v, uint32_t space)
{
	if (v->open && v->open_space == space)
		return NULL;
	verify_close(v);
	v->open_space = space;
	return target_open_space(v->target, v->spaces.items[space].pid, &v->open);
}

/* An error that says the process is not there any more, or not ours to read any more. */
static bool is_gone(const struct error *error)
{
	return error_is(error, ERROR_GONE) || error_is(error, ERROR_LOOKUP) ||
	       error_is(error, ERROR_DENIED);
}

static struct error *keep_word(void *argument, uint64_t vpn, const uint64_t *words, size_t count)
{
	(void)vpn;
	if (count)
		*(uint64_t *)argument = words[0];
	return NULL;
}

struct vma verify_vma(const struct verify *v, const struct verify_area *area)
{
	const struct verify_file *file = v->files.items[area->file];

	/* The text that was moved is in memory without a file. */
	if (area->moved)
		return (struct vma){.range = area->range, .name = ""};
	return (struct vma){.range = area->range,
			    .offset = area->offset,
			    .inode = file->inode,
			    .dev_major = file->dev_major,
			    .dev_minor = file->dev_minor,
			    .name = file->path};
}

struct error *verify_words(struct verify *v, const struct verify_area *area, struct range range,
			   pages_visit visit, void *argument)
{
	struct vma vma = verify_vma(v, area);
	struct error *error = verify_open(v, area->space);

	if (!error)
		error = space_pages(v->open, &vma, range, visit, argument);
	if (!error)
		error = space_check_alive(v->open);
	if (!is_gone(error))
		return error;
	error_free(error);
	verify_close(v);
	return NULL;
}

struct error *verify_word(struct verify *v, const struct verify_area *area, uint64_t vaddr,
			  uint64_t *word)
{
	*word = 0;
	TRY(verify_words(v, area, (struct range){vaddr, vaddr + VERIFY_PAGE}, keep_word, word));
	/* The word of one that ended is nobody's. */
	if (!v->open)
		*word = 0;
	return NULL;
}

struct error *verify_lives(struct verify *v, uint32_t space, bool *lives)
{
	struct error *error = verify_open(v, space);

	if (!error)
		error = space_check_alive(v->open);
	*lives = !error || !is_gone(error) || error_is(error, ERROR_EXECUTED) ||
		 error_is(error, ERROR_DENIED);
	if (!is_gone(error))
		return error;
	error_free(error);
	verify_close(v);
	return NULL;
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct error *refresh_vmas(struct verify *v)
{
	int64_t start = now_ns();

	if (v->vmas_read_ns && v->open_vmas.count > VMAS_CHEAP &&
	    start - v->vmas_read_ns < VMAS_SHARE * v->vmas_cost_ns)
		return NULL;
	vma_list_deinit(&v->open_vmas);
	v->open_vmas = (struct vma_list){0};
	TRY(space_vmas(v->open, &v->open_vmas));
	v->vmas_read_ns = now_ns();
	v->vmas_cost_ns = v->vmas_read_ns - start;
	return NULL;
}

struct error *verify_still_maps(struct verify *v, const struct verify_area *area, uint64_t vaddr,
				bool *still)
{
	const struct verify_file *file = v->files.items[area->file];
	struct error *error = verify_open(v, area->space);

	*still = false;
	if (!error)
		error = refresh_vmas(v);
	if (error) {
		if (!is_gone(error))
			return error;
		error_free(error);
		verify_close(v);
		return NULL;
	}
	const struct vma *vma = vma_list_find(&v->open_vmas, vaddr);
	if (area->moved) {
		*still = vma && !vma->inode && vma->perms == area->perms;
		return NULL;
	}
	*still = vma && vma->inode == file->inode && vma->dev_major == file->dev_major &&
		 vma->dev_minor == file->dev_minor && vma->perms == area->perms &&
		 vaddr - vma->range.start + vma->offset == vaddr - area->range.start + area->offset;
	return NULL;
}

static struct error *read_by_process(struct verify *v, uint32_t space, uint64_t vaddr,
				     size_t length, uint8_t *buffer)
{
	pid_t pid = v->spaces.items[space].pid;

	TRY(verify_open(v, space));
	if (v->mem_fd < 0)
		TRY(process_memory_open(pid, &v->mem_fd));
	int errnum = process_memory_read(v->mem_fd, vaddr, buffer, length);
	return errnum ? error_fault(vaddr, "0x%llx: /proc/%d/mem: %s", (unsigned long long)vaddr,
				    (int)pid, strerror(errnum))
		      : NULL;
}

struct error *verify_read(struct verify *v, uint32_t space, uint64_t vaddr, uint64_t pfn,
			  size_t pages, uint8_t *buffer)
{
	size_t got;

	if (!v->source || !pfn)
		return read_by_process(v, space, vaddr, pages * VERIFY_PAGE, buffer);
	struct error *error =
		source_read(v->source, pfn * VERIFY_PAGE, buffer, pages * VERIFY_PAGE, &got);
	if (!error_is(error, ERROR_FAULT))
		return error;
	/* Memory of a device, or a source that cannot: the process itself has it. */
	error_free(error);
	TRY(read_by_process(v, space, vaddr, pages * VERIFY_PAGE, buffer));
	v->counts.fallback += pages;
	return NULL;
}
