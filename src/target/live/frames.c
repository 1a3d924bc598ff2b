// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel publishes of frames: /proc/kpage*, their nodes, what addresses are. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/scope.h"
#include "proc/kpage.h"
#include "target/live/live.h"

static const struct memory_blocks *memory_blocks(struct live_target *live)
{
	pthread_mutex_lock(&live->lock);
	if (!live->blocks_read) {
		_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

		error_free(memory_blocks_load(root, &live->blocks));
		live->blocks_read = true;
	}
	pthread_mutex_unlock(&live->lock);
	return &live->blocks;
}

/*
 * The flags of a frame by its word in kpageflags. Of memory that is offline the kernel says that
 * there is no page, or from 6.18 on nothing, as of a frame without flags (fs/proc/page.c).
 */
static uint64_t true_flags(struct live_target *live, const struct memory_blocks *blocks,
			   uint64_t pfn, uint64_t word)
{
	uint64_t flags = word & ~live->untrue_flags;
	unsigned shift = live->base.page_shift;

	if ((word == 0 || word == KPF_BIT_NOPAGE) && pfn <= UINT64_MAX >> shift &&
	    memory_blocks_offline(blocks, pfn << shift))
		return KPF_BIT_OFFLINE;
	return flags;
}

struct error *live_frames(struct target *target, const uint64_t *pfns, size_t count,
			  struct frame *frames)
{
	struct live_target *live = live_target(target);
	_cleanup_free_ uint64_t *words = calloc(count ? count : 1, sizeof(*words));

	if (!words)
		return error_nomem();
	if (live->flags_fd < 0 || live->count_fd < 0)
		return error_errno(live->kpage_errno, "/proc/kpageflags and /proc/kpagecount");
	int errnum = kpage_read(live->flags_fd, pfns, count, KPF_BIT_NOPAGE, words);
	if (errnum)
		return error_errno(errnum, "/proc/kpageflags");
	const struct memory_blocks *blocks = memory_blocks(live);
	for (size_t i = 0; i < count; i++)
		frames[i].flags = true_flags(live, blocks, pfns[i], words[i]);
	errnum = kpage_read(live->count_fd, pfns, count, 0, words);
	if (errnum)
		return error_errno(errnum, "/proc/kpagecount");
	for (size_t i = 0; i < count; i++)
		frames[i].mappers = words[i];
	return NULL;
}

int live_node(struct target *target, uint64_t pfn)
{
	struct live_target *live = live_target(target);

	if (!live->numa_read) {
		_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

		live->numa_read = true;
		error_free(numa_load(root, target->page_shift, &live->numa));
	}
	return numa_node(&live->numa, pfn);
}

struct error *live_flags(struct target *target, uint64_t pfn, uint64_t *words, size_t count)
{
	struct live_target *live = live_target(target);

	if (live->flags_fd < 0)
		return error_errno(live->kpage_errno, "/proc/kpageflags");
	int errnum = kpage_read_range(live->flags_fd, pfn, count, KPF_BIT_NOPAGE, words);
	if (errnum)
		return error_errno(errnum, "/proc/kpageflags");
	const struct memory_blocks *blocks = memory_blocks(live);
	for (size_t i = 0; i < count; i++)
		words[i] = true_flags(live, blocks, pfn + i, words[i]);
	return NULL;
}

struct error *live_cgroups(struct target *target, uint64_t pfn, uint64_t *words, size_t count)
{
	_cleanup_close_ int fd = open("/proc/kpagecgroup", O_RDONLY | O_CLOEXEC);

	(void)target;
	if (fd < 0)
		return error_errno(errno, "/proc/kpagecgroup (CONFIG_MEMCG)");
	int errnum = kpage_read_range(fd, pfn, count, 0, words);
	return errnum ? error_errno(errnum, "/proc/kpagecgroup") : NULL;
}

struct error *live_resources(struct target *target, const struct iomem **iomem)
{
	struct live_target *live = live_target(target);

	if (!live->iomem_read) {
		_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

		TRY(iomem_load(root, &live->iomem));
		live->iomem_read = true;
	}
	*iomem = &live->iomem;
	return NULL;
}
