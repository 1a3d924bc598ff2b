// SPDX-License-Identifier: GPL-2.0-or-later
/* This machine, by the word of its kernel: what is learnt of it once, and its physical memory. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/scope.h"
#include "phys/source.h"
#include "proc/kpage.h"
#include "proc/mounted.h"
#include "target/live/live.h"

/*
 * Kernels since 6.10, 6.12 for one, show every anonymous page as one of KSM (fs/proc/page.c,
 * stable_page_flags(): PAGE_MAPPING_KSM is two bits, and one of them is taken for both). Our own
 * page, just written, tells whether this one does.
 */
static void learn_flags(struct live_target *live, uint64_t own_pfn)
{
	uint64_t flags = 0;

	if (live->flags_fd >= 0 && kpage_read(live->flags_fd, &own_pfn, 1, 0, &flags) == 0)
		live->untrue_flags = flags & KPF_BIT_KSM;
}

static struct error *own_word(const struct live_target *live, int fd, volatile char *page,
			      uint64_t *word)
{
	size_t got = 0;
	int errnum =
		pagemap_read(fd, (uint64_t)(uintptr_t)page >> live->base.page_shift, word, 1, &got);

	if (errnum || got != 1)
		return error_errno(errnum ? errnum : EIO, "/proc/self/pagemap");
	return NULL;
}

/*
 * Reading an untouched private page maps the shared zero page (mm/memory.c, do_anonymous_page()),
 * unless the kernel has none to give (mm_forbids_zeropage(), or a hypervisor's kernel without one):
 * then each page that is read has a frame of its own, which is exclusive to us. So two are read,
 * and only one frame for both, exclusive to nobody, is the zero page.
 */
static bool is_one_zero_page(const uint64_t words[2])
{
	return ((words[0] ^ words[1]) & PAGEMAP_PFN) == 0 && !(words[0] & PAGEMAP_EXCLUSIVE);
}

static struct error *learn_from_pages(struct live_target *live, int fd, volatile char *pages)
{
	size_t size = (size_t)1 << live->base.page_shift;
	uint64_t words[2], own = 0;

	for (size_t i = 0; i < 2; i++) {
		(void)pages[i * size];
		TRY(own_word(live, fd, pages + i * size, &words[i]));
	}
	live->base.no_zero_page = !is_one_zero_page(words);
	live->base.pfns_visible = (words[0] & PAGEMAP_PRESENT) && (words[0] & PAGEMAP_PFN) != 0;
	live->zero_pfn = NO_FRAME;
	if (!live->base.pfns_visible)
		return NULL;
	if (!live->base.no_zero_page)
		live->zero_pfn = words[0] & PAGEMAP_PFN;
	*pages = 1;
	TRY(own_word(live, fd, pages, &own));
	learn_flags(live, own & PAGEMAP_PFN);
	return NULL;
}

/*
 * Our own pagemap tells the zero page's frame, and whether we are shown frames at all: the kernel
 * looks at CAP_SYS_ADMIN of whoever opened the file (fs/proc/task_mmu.c, pagemap_read()).
 */
static struct error *learn_zero_page(struct live_target *live)
{
	size_t size = (size_t)2 << live->base.page_shift;
	_cleanup_close_ int fd = process_open_own(AT_FDCWD, "/proc/self/pagemap", O_RDONLY);

	int errnum = errno;
	TRY(proc_check_mounted());
	if (fd < 0)
		return error_errno(errnum, "/proc/self/pagemap (CONFIG_PROC_PAGE_MONITOR)");
	live->scans = pagemap_may_scan(fd);
	volatile char *pages =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		return error_errno(errno, "mmap");
	struct error *error = learn_from_pages(live, fd, pages);
	munmap((void *)(uintptr_t)pages, size);
	return error;
}

/* An own mapping of the page shows the frame: every mapping of a file has the cache's. */
static struct error *frame_of_page(const struct live_target *live, char *page, uint64_t *pfn)
{
	_cleanup_close_ int fd = process_open_own(AT_FDCWD, "/proc/self/pagemap", O_RDONLY);
	uint64_t word;

	if (fd < 0)
		return error_errno(errno, "/proc/self/pagemap");
	/* Linux 5.14. To touch it would end us if the file has become shorter. */
	if (madvise(page, (size_t)1 << live->base.page_shift, MADV_POPULATE_READ) < 0)
		return error_errno(errno, "madvise");
	TRY(own_word(live, fd, page, &word));
	*pfn = word & PAGEMAP_PFN;
	return *pfn ? NULL : error_new(ERROR_UNSUPPORTED, PFNS_HIDDEN);
}

static struct error *live_file_frame(struct target *target, int fd, uint64_t offset, uint64_t *pfn)
{
	const struct live_target *live = live_target(target);
	size_t size = (size_t)1 << live->base.page_shift;
	char *page = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, (off_t)offset);

	if (page == MAP_FAILED)
		return error_errno(errno, "mmap");
	struct error *error = frame_of_page(live, page, pfn);
	munmap(page, size);
	return error;
}

static void live_destroy(struct target *target)
{
	struct live_target *live = live_target(target);

	if (live->flags_fd >= 0)
		close(live->flags_fd);
	if (live->count_fd >= 0)
		close(live->count_fd);
	numa_deinit(&live->numa);
	iomem_deinit(&live->iomem);
	memory_blocks_deinit(&live->blocks);
	vec_deinit(&live->devices);
	vec_deinit(&live->stand_ins);
	pthread_mutex_destroy(&live->lock);
	pthread_mutex_destroy(&live->tables_lock);
	kernel_close(live->kernel);
	source_close(live->source);
	if (live->root >= 0)
		close(live->root);
	free(live->source_name);
	free(live);
}

static struct error *open_source(struct live_target *live)
{
	if (!live->source_name)
		return error_new(ERROR_UNSUPPORTED,
				 "page tables are read from physical memory, of which no source "
				 "was given (--source=none)");
	if (live->root < 0)
		live->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (live->root < 0)
		return error_errno(errno, "/");
	return live->source ? NULL : source_open(live->source_name, 0, &live->source);
}

struct error *live_open_kernel(struct live_target *live)
{
	if (live->kernel)
		return NULL;
	if (live->base.held)
		return error_new(ERROR_DENIED, "the source of physical memory is not opened while "
					       "processes are held still");
	TRY(open_source(live));
	return kernel_open(live->source, live->root, &live->kernel);
}

struct error *live_page_table(struct space *base, struct page_table *table)
{
	struct live_target *live = live_target(base->target);
	struct kernel_task task;

	TRY(live_open_kernel(live));
	return kernel_process(live->kernel, live_space(base)->tgid, &task, table);
}

static const struct target_ops live_target_ops = {
	.destroy = live_destroy,
	.open_space = live_open_space,
	.frames = live_frames,
	.node = live_node,
	.processes = live_processes,
	.compare_spaces = live_compare_spaces,
	.flags = live_flags,
	.cgroups = live_cgroups,
	.resources = live_resources,
	.file_frame = live_file_frame,
	.covered = live_covered,
};

static struct error *live_init(struct live_target *live, const char *source)
{
	live->base.ops = &live_target_ops;
	pthread_mutex_init(&live->lock, NULL);
	pthread_mutex_init(&live->tables_lock, NULL);
	live->base.page_shift = (unsigned)__builtin_ctzl((unsigned long)sysconf(_SC_PAGESIZE));
	live->flags_fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	live->kpage_errno = errno;
	live->count_fd = open("/proc/kpagecount", O_RDONLY | O_CLOEXEC);
	live->root = -1;
	if (source && strcmp(source, "none") != 0) {
		live->source_name = strdup(source);
		if (!live->source_name)
			return error_nomem();
	}
	return learn_zero_page(live);
}

struct error *target_live_create(const char *source, struct target **target)
{
	struct live_target *live = calloc(1, sizeof(*live));

	if (!live)
		return error_nomem();
	struct error *error = live_init(live, source);
	if (error) {
		live_destroy(&live->base);
		return error;
	}
	*target = &live->base;
	return NULL;
}
