// SPDX-License-Identifier: GPL-2.0-or-later
/* The live system: /proc/PID and /proc/kpage*. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/magic.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/io.h"
#include "base/scope.h"
#include "base/vec.h"
#include "kernel/kernel.h"
#include "phys/source.h"
#include "proc/kpage.h"
#include "proc/numa.h"
#include "proc/process.h"
#include "proc/smaps.h"
#include "target/target.h"

enum {
	SPECIAL_TYPE_FIRST = 23, /* see mark_special() */
	MARKER_TYPE = 31,
	REREADS = 5,
	HUGE_PAGES = 512,
};

/* Whether the filesystem with this device number is a hugetlbfs. */
struct device {
	uint32_t major;
	uint32_t minor;
	bool hugetlb;
};

struct live_target {
	struct target base;
	int flags_fd; /* /proc/kpageflags, or -1 */
	int count_fd; /* /proc/kpagecount, or -1 */
	int kpage_errno;
	bool pfns_visible;
	uint64_t zero_pfn;     /* of the shared zero page; valid when pfns_visible */
	uint64_t untrue_flags; /* of kpageflags: see learn_flags() */
	bool numa_read;        /* on first use */
	struct numa numa;
	bool iomem_read; /* on first use */
	struct iomem iomem;
	pthread_mutex_t lock; /* of what follows: spaces of one target may be read by threads */
	VEC(struct device) devices;
	char *source_name;     /* NULL: no source of physical memory */
	int root;              /* of /proc and /sys; open once the source is */
	struct source *source; /* on first use, as the kernel */
	struct kernel *kernel;
};

struct program_place {
	uint64_t code, stack, heap; /* addresses */
};

struct live_space {
	struct space base;
	struct program_place place; /* before it was opened */
	pid_t tgid;                 /* of the process: PID may be that of another of its threads */
	int proc_fd;                /* /proc/PID */
	int pid_fd;                 /* or -1 on a kernel without pidfd */
	int maps_fd;                /* opened with the space: of the address space it had then */
	int pagemap_fd;
	bool scan_zero;   /* PAGEMAP_SCAN can tell the zero page */
	bool has_ksm;     /* KSM has merged pages of this process */
	range_vec merged; /* the areas it has, where kpageflags does not tell the pages */
	struct pagemap_walker walker;
	VEC(uint64_t) numbers; /* PFNs in hand */
	VEC(uint64_t) flags;
};

static struct live_target *live_target(struct target *target)
{
	return (struct live_target *)target;
}

static struct live_space *live_space(struct space *space)
{
	return (struct live_space *)space;
}

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

static struct error *learn_from_page(struct live_target *live, int fd, volatile char *page)
{
	uint64_t word = 0;

	(void)*page;
	TRY(own_word(live, fd, page, &word));
	live->zero_pfn = word & PAGEMAP_PFN;
	live->pfns_visible = (word & PAGEMAP_PRESENT) && live->zero_pfn != 0;
	if (!live->pfns_visible)
		return NULL;
	*page = 1;
	TRY(own_word(live, fd, page, &word));
	learn_flags(live, word & PAGEMAP_PFN);
	return NULL;
}

/*
 * Reading an untouched private page maps the shared zero page (mm/memory.c, do_anonymous_page()),
 * so our own pagemap tells its frame, and whether we are shown frames at all: the kernel looks at
 * CAP_SYS_ADMIN of whoever opened the file (fs/proc/task_mmu.c, pagemap_read()).
 */
static struct error *learn_zero_page(struct live_target *live)
{
	size_t size = (size_t)1 << live->base.page_shift;
	_cleanup_close_ int fd = process_open_own(AT_FDCWD, "/proc/self/pagemap", O_RDONLY);

	if (fd < 0)
		return error_errno(errno, "/proc/self/pagemap (CONFIG_PROC_PAGE_MONITOR)");
	volatile char *page =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return error_errno(errno, "mmap");
	struct error *error = learn_from_page(live, fd, page);
	munmap((void *)(uintptr_t)page, size);
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
	vec_deinit(&live->devices);
	pthread_mutex_destroy(&live->lock);
	kernel_close(live->kernel);
	source_close(live->source);
	if (live->root >= 0)
		close(live->root);
	free(live->source_name);
	free(live);
}

static struct error *live_frames(struct target *target, const uint64_t *pfns, size_t count,
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
	for (size_t i = 0; i < count; i++)
		frames[i].flags = words[i] & ~live->untrue_flags;
	errnum = kpage_read(live->count_fd, pfns, count, 0, words);
	if (errnum)
		return error_errno(errnum, "/proc/kpagecount");
	for (size_t i = 0; i < count; i++)
		frames[i].mappers = words[i];
	return NULL;
}

static int live_node(struct target *target, uint64_t pfn)
{
	struct live_target *live = live_target(target);

	if (!live->numa_read) {
		_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

		live->numa_read = true;
		error_free(numa_load(root, target->page_shift, &live->numa));
	}
	return numa_node(&live->numa, pfn);
}

static struct error *live_processes(struct target *target, process_vec *list)
{
	(void)target;
	return process_list(list);
}

static struct error *live_compare_spaces(struct target *target, pid_t a, pid_t b, int *order)
{
	long result = syscall(SYS_kcmp, a, b, KCMP_VM, 0L, 0L);

	(void)target;
	if (result >= 0 && result <= 2) {
		*order = result == 0 ? 0 : result == 1 ? -1 : 1;
		return NULL;
	}
	if (result < 0 && errno == ENOSYS)
		return error_new(ERROR_UNSUPPORTED, "kcmp: this kernel lacks CONFIG_KCMP");
	return error_errno(result < 0 ? errno : EINVAL, "kcmp of processes %d and %d", (int)a,
			   (int)b);
}

static struct error *live_flags(struct target *target, uint64_t pfn, uint64_t *words, size_t count)
{
	struct live_target *live = live_target(target);

	if (live->flags_fd < 0)
		return error_errno(live->kpage_errno, "/proc/kpageflags");
	int errnum = kpage_read_range(live->flags_fd, pfn, count, KPF_BIT_NOPAGE, words);
	if (errnum)
		return error_errno(errnum, "/proc/kpageflags");
	for (size_t i = 0; live->untrue_flags && i < count; i++)
		words[i] &= ~live->untrue_flags;
	return NULL;
}

static struct error *live_cgroups(struct target *target, uint64_t pfn, uint64_t *words,
				  size_t count)
{
	_cleanup_close_ int fd = open("/proc/kpagecgroup", O_RDONLY | O_CLOEXEC);

	(void)target;
	if (fd < 0)
		return error_errno(errno, "/proc/kpagecgroup (CONFIG_MEMCG)");
	int errnum = kpage_read_range(fd, pfn, count, 0, words);
	return errnum ? error_errno(errnum, "/proc/kpagecgroup") : NULL;
}

static struct error *live_resources(struct target *target, const struct iomem **iomem)
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

/* Areas of the kernel half (the vsyscall page) are beyond pagemap's end. */
static bool beyond_pagemap(const struct vma *vma)
{
	return vma->range.start >> 63;
}

/*
 * PAGEMAP_SCAN passes over VM_PFNMAP areas (mm/pagewalk.c, walk_page_test()), which only device
 * files make: those are read page by page. /dev/zero and /dev/shm are ordinary memory.
 */
static bool may_be_pfnmap(const struct vma *vma)
{
	return strncmp(vma->name, "/dev/", 5) == 0 && strncmp(vma->name, "/dev/shm/", 9) != 0 &&
	       strncmp(vma->name, "/dev/zero", 9) != 0;
}

struct live_visit {
	struct live_space *space;
	const struct vma *vma;
	pages_visit visit;
	void *argument;
};

static uint64_t word_address(const struct live_space *space, uint64_t vpn)
{
	return vpn << space->base.target->page_shift;
}

/*
 * Marks the zero page by PAGEMAP_SCAN, which knows it by its mapping: for users who are not shown
 * frames, and for the huge zero page, whose frame we have no page of our own to learn from.
 */
static struct error *mark_zero_by_scan(struct live_space *space, uint64_t vpn, uint64_t *words,
				       size_t count)
{
	struct range range = {word_address(space, vpn), word_address(space, vpn + count)};
	struct scan_record records[64];
	size_t found;

	while (!range_is_empty(range)) {
		uint64_t walked;
		int errnum = pagemap_scan(space->pagemap_fd, range, SCAN_ZERO, SCAN_ZERO, 0,
					  records, 64, &found, &walked);

		if (errnum)
			return error_errno(errnum, "PAGEMAP_SCAN");
		for (size_t i = 0; i < found; i++) {
			unsigned shift = space->base.target->page_shift;
			uint64_t first = (records[i].start >> shift) - vpn;
			uint64_t last = (records[i].end >> shift) - vpn;

			for (uint64_t j = first; j < last && j < count; j++) {
				if (words[j] & PAGEMAP_PRESENT)
					words[j] |= PAGE_ZERO;
			}
		}
		if (walked <= range.start)
			break;
		range.start = walked;
	}
	return NULL;
}

/* kpageflags of the pages for which `match` says so, in space->flags beside space->numbers. */
static struct error *flags_of(struct live_space *space, const uint64_t *words, size_t count,
			      uint64_t mask, uint64_t value)
{
	struct live_target *live = live_target(space->base.target);

	space->numbers.count = 0;
	for (size_t i = 0; i < count; i++) {
		if ((words[i] & mask) == value)
			TRY(vec_push(&space->numbers, words[i] & PAGEMAP_PFN));
	}
	space->flags.count = 0;
	TRY(vec_reserve(&space->flags, space->numbers.count));
	int errnum = kpage_read(live->flags_fd, space->numbers.items, space->numbers.count,
				KPF_BIT_NOPAGE, space->flags.items);
	return errnum ? error_errno(errnum, "/proc/kpageflags") : NULL;
}

/*
 * Sets `mark` in the words chosen by mask and value whose frame has `flag` in kpageflags, or has it
 * not if `flag` is not `wanted`.
 */
static struct error *mark_by_flag(struct live_space *space, uint64_t *words, size_t count,
				  uint64_t mask, uint64_t value, uint64_t flag, uint64_t wanted,
				  uint64_t mark)
{
	TRY(flags_of(space, words, count, mask, value));
	for (size_t i = 0, j = 0; i < count; i++) {
		if ((words[i] & mask) != value)
			continue;
		if ((space->flags.items[j++] & flag) == wanted)
			words[i] |= mark;
	}
	return NULL;
}

/* A page that says it is of a file, in an area that has none: only the huge zero page does. */
static struct error *mark_huge_zero(struct live_space *space, uint64_t vpn, uint64_t *words,
				    size_t count)
{
	const uint64_t mask = PAGEMAP_PRESENT | PAGEMAP_FILE;

	if (space->scan_zero)
		return mark_zero_by_scan(space, vpn, words, count);
	if (live_target(space->base.target)->flags_fd >= 0)
		return mark_by_flag(space, words, count, mask, mask, KPF_BIT_ZERO_PAGE,
				    KPF_BIT_ZERO_PAGE, PAGE_ZERO);
	return NULL;
}

/*
 * Cuts the words to the bits that are known, and marks those of the shared zero page, `zero` being
 * what they are. Returns all bits that were seen in any. Every page of every process comes through
 * here: no branches.
 */
static uint64_t mark_words(uint64_t *words, size_t count, uint64_t zero)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t word = words[i] & PAGEMAP_KNOWN;
		bool is_zero = (word & (PAGEMAP_PRESENT | PAGEMAP_FILE | PAGEMAP_PFN)) == zero;

		seen |= word;
		words[i] = word | (is_zero ? PAGE_ZERO : 0);
	}
	return seen;
}

/*
 * The swap types from MAX_SWAPFILES on are no swap areas (include/linux/swap.h): the highest is the
 * PTE marker; below it, in numbers that depend on the configuration, device-private memory,
 * migration and hardware poison. MAX_SWAPFILES is at least 23. A migration entry lasts
 * microseconds, so the page is read again; one that lasts is told from the others by its frame,
 * which migration keeps locked.
 */
static struct error *mark_special(struct live_space *space, uint64_t vpn, uint64_t *word)
{
	struct live_target *live = live_target(space->base.target);

	for (int i = 0; i < REREADS && pagemap_swap_type(*word) != MARKER_TYPE; i++) {
		uint64_t again;
		size_t got;

		if (pagemap_read(space->pagemap_fd, vpn, &again, 1, &got) || got != 1)
			break;
		*word = again & PAGEMAP_KNOWN;
		if ((*word & (PAGEMAP_SWAP | PAGEMAP_GUARD)) != PAGEMAP_SWAP ||
		    pagemap_swap_type(*word) < SPECIAL_TYPE_FIRST)
			return NULL;
		usleep(200);
	}
	uint64_t pfn = pagemap_swap_offset(*word), flags = 0;
	bool known = pagemap_swap_type(*word) != MARKER_TYPE && live->flags_fd >= 0 &&
		     kpage_read(live->flags_fd, &pfn, 1, KPF_BIT_NOPAGE, &flags) == 0;
	bool migrating = known && flags & KPF_BIT_LOCKED && !(flags & KPF_BIT_HWPOISON);
	*word |= migrating ? PAGE_MIGRATING : PAGE_SPECIAL;
	return NULL;
}

static struct error *mark_swap_types(struct live_space *space, uint64_t vpn, uint64_t *words,
				     size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if ((words[i] & (PAGEMAP_SWAP | PAGEMAP_GUARD)) == PAGEMAP_SWAP &&
		    pagemap_swap_type(words[i]) >= SPECIAL_TYPE_FIRST)
			TRY(mark_special(space, vpn + i, &words[i]));
	}
	return NULL;
}

static bool has_merged(const struct live_space *space, const struct vma *vma)
{
	for (size_t i = 0; i < space->merged.count; i++) {
		if (!range_is_empty(range_intersect(space->merged.items[i], vma->range)))
			return true;
	}
	return false;
}

/*
 * Pages of KSM. Where the kernel's flag is untrue, they are the pages of an area that has some
 * which are not exclusive to anybody (mm/ksm.c, replace_page(): a merged page never is): some of
 * them may only be shared by fork, so that more are taken for merged than are.
 */
static struct error *mark_ksm(struct live_space *space, const struct vma *vma, uint64_t *words,
			      size_t count)
{
	const uint64_t mask = PAGEMAP_PRESENT | PAGEMAP_FILE | PAGE_ZERO;

	if (space->has_ksm)
		return mark_by_flag(space, words, count, mask, PAGEMAP_PRESENT, KPF_BIT_KSM,
				    KPF_BIT_KSM, PAGE_KSM);
	if (has_merged(space, vma))
		return mark_by_flag(space, words, count, mask, PAGEMAP_PRESENT,
				    KPF_BIT_ANON_EXCLUSIVE, 0, PAGE_KSM);
	return NULL;
}

static struct error *mark_private(struct live_space *space, const struct vma *vma, uint64_t vpn,
				  uint64_t *words, size_t count, uint64_t seen)
{
	bool visible = space->base.pfns_visible;

	if (!visible && space->scan_zero)
		TRY(mark_zero_by_scan(space, vpn, words, count));
	if (visible && vma->inode == 0 && seen & PAGEMAP_FILE)
		TRY(mark_huge_zero(space, vpn, words, count));
	return mark_ksm(space, vma, words, count);
}

static struct error *mark_and_visit(void *argument, uint64_t vpn, uint64_t *words, size_t count)
{
	struct live_visit *v = argument;
	struct live_space *space = v->space;
	bool private = !(v->vma->perms & VMA_SHARED), visible = space->base.pfns_visible;
	uint64_t zero = PAGEMAP_PRESENT | live_target(space->base.target)->zero_pfn;
	uint64_t seen = mark_words(words, count, private && visible ? zero : UINT64_MAX);

	if (private && seen & PAGEMAP_PRESENT)
		TRY(mark_private(space, v->vma, vpn, words, count, seen));
	if (seen & PAGEMAP_SWAP && visible)
		TRY(mark_swap_types(space, vpn, words, count));
	return v->visit(v->argument, vpn, words, count);
}

static struct error *gone(const struct space *space)
{
	return error_new(ERROR_GONE, "process %d ended while it was read", (int)space->pid);
}

/* Where a program lies, by /proc/PID/stat; 0 is what is not told, or not set yet. */
static struct program_place read_place(const struct live_space *space)
{
	enum { START_CODE = 26, START_STACK = 28, START_BRK = 47 };
	uint64_t fields[START_BRK + 1] = {0};
	_cleanup_free_ char *text = NULL;
	_cleanup_error_ struct error *error =
		read_file_at(space->proc_fd, "stat", 1 << 16, &text, NULL);
	/* Counted from behind the comm, which may hold anything: the next field is number 3. */
	char *field = error ? NULL : strrchr(text, ')');

	for (int number = 3; field && number <= START_BRK; number++) {
		field = strchr(field + 1, ' ');
		fields[number] = field ? strtoull(field + 1, NULL, 10) : 0;
	}
	return (struct program_place){fields[START_CODE], fields[START_STACK], fields[START_BRK]};
}

/*
 * Whether the process runs another program than when it was opened. Mostly what was opened has died
 * with the old one; but a child of vfork(2) lived in its parent's memory, which stays.
 */
static bool runs_another_program(const struct live_space *space)
{
	struct program_place now = read_place(space);

	return space->place.stack != 0 &&
	       (now.stack != space->place.stack || now.code != space->place.code);
}

static struct error *live_pages(struct space *base, const struct vma *vma, struct range range,
				pages_visit visit, void *argument)
{
	struct live_space *space = live_space(base);
	struct live_visit live = {space, vma, visit, argument};
	struct pagemap_walker walker = space->walker;

	if (beyond_pagemap(vma))
		return NULL;
	if (may_be_pfnmap(vma))
		walker.scan = false;
	struct error *error = pagemap_walk(&walker, range, mark_and_visit, &live);
	if (!error_is(error, ERROR_GONE))
		return error;
	error_free(error);
	return gone(base);
}

static struct error *live_vmas(struct space *base, struct vma_list *list)
{
	struct live_space *space = live_space(base);

	*list = (struct vma_list){0};
	if (lseek(space->maps_fd, 0, SEEK_SET) < 0)
		return error_errno(errno, "maps");
	struct error *error = vma_list_read(list, space->maps_fd);
	if (error_is(error, ERROR_GONE) || (!error && list->count == 0)) {
		error_free(error);
		vma_list_deinit(list);
		return gone(base);
	}
	return error;
}

/* Opens for reading what the O_PATH fd `path_fd` refers to, if that is a regular file. */
static struct error *reopen_regular(int path_fd, const char *name, int *fd)
{
	struct stat st;
	char path[64];

	if (fstat(path_fd, &st) < 0)
		return error_errno(errno, "%s", name);
	if (!S_ISREG(st.st_mode))
		return error_new(ERROR_LOOKUP, "%s: not a regular file", name);
	/* Only now is it opened: opening a device may hang or do something. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return *fd < 0 ? error_errno(errno, "%s", name) : NULL;
}

/*
 * Without CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE map_files may not be followed (fs/proc/base.c,
 * proc_map_files_get_link()). The path as the process sees it is then the way, good only if device
 * and inode there are those of the mapping.
 */
static struct error *open_by_path(struct live_space *space, const struct vma *vma, int *fd)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (vma->name[0] != '/')
		return error_new(ERROR_LOOKUP, "%s: not a path", vma->name);
	if (asprintf(&path, "root%s", vma->name) < 0) {
		path = NULL;
		return error_nomem();
	}
	_cleanup_close_ int path_fd = openat(space->proc_fd, path, O_PATH | O_CLOEXEC);
	if (path_fd < 0 && errno == ESRCH)
		return gone(&space->base);
	if (path_fd < 0 || fstat(path_fd, &st) < 0)
		return error_errno(errno, "%s", vma->name);
	if (st.st_ino != vma->inode || major(st.st_dev) != vma->dev_major ||
	    minor(st.st_dev) != vma->dev_minor)
		return error_new(ERROR_DENIED, "%s: another file is there now", vma->name);
	return reopen_regular(path_fd, vma->name, fd);
}

static struct error *live_open_object(struct space *base, const struct vma *vma, int *fd)
{
	struct live_space *space = live_space(base);
	char path[64];

	/* The directory's entries are named so: fs/proc/base.c, proc_map_files_readdir(). */
	snprintf(path, sizeof(path), "map_files/%lx-%lx", (unsigned long)vma->range.start,
		 (unsigned long)vma->range.end);
	_cleanup_close_ int path_fd = openat(space->proc_fd, path, O_PATH | O_CLOEXEC);
	if (path_fd >= 0)
		return reopen_regular(path_fd, vma->name, fd);
	if (errno == ESRCH)
		return gone(base);
	return open_by_path(space, vma, fd);
}

static struct error *live_open_path(struct space *base, const char *path, int *fd)
{
	struct live_space *space = live_space(base);
	_cleanup_free_ char *below = NULL;

	if (asprintf(&below, "root/%s", path) < 0) {
		below = NULL;
		return error_nomem();
	}
	_cleanup_close_ int path_fd = openat(space->proc_fd, below, O_PATH | O_CLOEXEC);
	if (path_fd < 0 && errno == ESRCH)
		return gone(base);
	if (path_fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return error_new(ERROR_LOOKUP, "%s: there is no such file", path);
	if (path_fd < 0)
		return error_errno(errno, "%s", path);
	return reopen_regular(path_fd, path, fd);
}

static const struct device *find_device(const struct live_target *live, const struct vma *vma)
{
	for (size_t i = 0; i < live->devices.count; i++) {
		const struct device *device = &live->devices.items[i];

		if (device->major == vma->dev_major && device->minor == vma->dev_minor)
			return device;
	}
	return NULL;
}

/*
 * The area's directory entry is opened by path only: nothing is read, no device woken. Filesystems
 * of a pool of huge pages have no block device (fs/hugetlbfs/inode.c, get_tree_nodev()).
 */
static bool learn_device(struct live_space *space, const struct vma *vma, struct device *device)
{
	struct statfs fs;
	char path[64];

	*device = (struct device){.major = vma->dev_major, .minor = vma->dev_minor};
	if (vma->dev_major != 0)
		return true;
	snprintf(path, sizeof(path), "map_files/%lx-%lx", (unsigned long)vma->range.start,
		 (unsigned long)vma->range.end);
	_cleanup_close_ int fd = openat(space->proc_fd, path, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return false;
	device->hugetlb = fs.f_type == HUGETLBFS_MAGIC;
	return true;
}

static bool live_is_hugetlb(struct space *base, const struct vma *vma)
{
	struct live_target *live = live_target(base->target);
	struct device device;

	/* An inode may be 0: that of a System V segment is its id. */
	if (vma->inode == 0 && vma->name[0] != '/')
		return false;
	pthread_mutex_lock(&live->lock);
	const struct device *known = find_device(live, vma);
	if (known)
		device = *known;
	else if (learn_device(live_space(base), vma, &device))
		error_free(vec_push(&live->devices, device));
	pthread_mutex_unlock(&live->lock);
	return device.hugetlb;
}

/* A pidfd polls readable once the process has ended (pidfd_open(2)). */
static struct error *live_check_alive(struct space *base)
{
	struct live_space *space = live_space(base);
	struct pollfd p = {.fd = space->pid_fd, .events = POLLIN};
	char byte;

	if (space->pid_fd >= 0 && poll(&p, 1, 0) > 0)
		return gone(base);
	/* An exec leaves the process but not the address space: its maps are empty from then on. */
	if (pread(space->maps_fd, &byte, 1, 0) != 1)
		return gone(base);
	return runs_another_program(space) ? gone(base) : NULL;
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

static struct error *live_page_table(struct space *base, struct page_table *table)
{
	struct live_target *live = live_target(base->target);
	struct kernel_task task;

	if (!live->kernel) {
		TRY(open_source(live));
		TRY(kernel_open(live->source, live->root, &live->kernel));
	}
	return kernel_process(live->kernel, live_space(base)->tgid, &task, table);
}

static struct error *live_tracer(struct space *base, pid_t *tracer)
{
	*tracer = process_status_pid(live_space(base)->proc_fd, "TracerPid");
	return NULL;
}

static void live_close(struct space *base)
{
	struct live_space *space = live_space(base);

	pagemap_walker_deinit(&space->walker);
	vec_deinit(&space->numbers);
	vec_deinit(&space->flags);
	vec_deinit(&space->merged);
	for (int *const *fd = (int *const[]){&space->pagemap_fd, &space->maps_fd, &space->pid_fd,
					     &space->proc_fd, NULL};
	     *fd; fd++) {
		if (**fd >= 0)
			close(**fd);
	}
	free(space);
}

static const struct space_ops live_space_ops = {
	.close = live_close,
	.vmas = live_vmas,
	.pages = live_pages,
	.open_object = live_open_object,
	.open_path = live_open_path,
	.tracer = live_tracer,
	.check_alive = live_check_alive,
	.is_hugetlb = live_is_hugetlb,
	.page_table = live_page_table,
};

static bool read_has_ksm(const struct live_space *space)
{
	uint64_t merged = 0;
	_cleanup_error_ struct error *error =
		read_number_at(space->proc_fd, "ksm_merging_pages", &merged);

	return !error && merged > 0;
}

/* Whether there are pages of KSM, and where; nothing is known of them without kpageflags. */
static void learn_ksm(struct live_space *space)
{
	struct live_target *live = live_target(space->base.target);
	uint64_t shared = 0;

	if (live->flags_fd < 0 || !live->pfns_visible)
		return;
	if (!live->untrue_flags) {
		space->has_ksm = read_has_ksm(space);
		return;
	}
	error_free(read_number_at(AT_FDCWD, "/sys/kernel/mm/ksm/pages_shared", &shared));
	if (shared > 0)
		error_free(smaps_merged_read(space->proc_fd, &space->merged));
}

/*
 * Why a process has no address space: it is a kernel thread, has given its own back (a zombie), or
 * ended just now. Asked only then.
 */
static struct error *explain_nothing(const struct live_space *space)
{
	int pid = (int)space->base.pid;
	struct process process;

	TRY(process_examine(space->base.pid, &process));
	if (process.kernel_thread)
		return error_new(ERROR_LOOKUP,
				 "process %d is a kernel thread (%s): it has no memory of its own",
				 pid, process.command);
	if (process.state == 'Z' || process.state == 'X')
		return error_new(ERROR_LOOKUP, "process %d is a zombie (%s): its memory is gone",
				 pid, process.command);
	return NULL;
}

/* The comm, for messages; without it they have the PID. */
static void read_command(struct live_space *space)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_error_ struct error *error =
		read_file_at(space->proc_fd, "comm", 4096, &text, NULL);

	if (error)
		return;
	/* Only the last newline is the kernel's: a name may have one, too. */
	size_t length = strlen(text);
	if (length && text[length - 1] == '\n')
		text[length - 1] = '\0';
	snprintf(space->base.command, sizeof(space->base.command), "%s", text);
}

static struct error *open_file(struct live_space *space, const char *name, int *fd)
{
	*fd = openat(space->proc_fd, name, O_RDONLY | O_CLOEXEC);
	if (*fd >= 0)
		return NULL;
	int errnum = errno;
	TRY(explain_nothing(space));
	if (errnum == ENOENT || errnum == ESRCH)
		return gone(&space->base);
	if (errnum == EACCES || errnum == EPERM)
		return process_refused(space->proc_fd, space->base.pid);
	return error_errno(errnum, "/proc/%d/%s", (int)space->base.pid, name);
}

/* Whoever has an address space has a line in maps. */
static struct error *check_not_empty(struct live_space *space)
{
	char byte;

	if (pread(space->maps_fd, &byte, 1, 0) == 1)
		return NULL;
	TRY(explain_nothing(space));
	return gone(&space->base);
}

static struct error *space_init(struct live_space *space)
{
	struct live_target *live = live_target(space->base.target);

	TRY(process_open(space->base.pid, &space->proc_fd));
	space->pid_fd = (int)syscall(SYS_pidfd_open, space->base.pid, 0);
	space->place = read_place(space);
	TRY(open_file(space, "pagemap", &space->pagemap_fd));
	TRY(open_file(space, "maps", &space->maps_fd));
	TRY(check_not_empty(space));
	read_command(space);
	TRY(pagemap_walker_init(&space->walker, space->pagemap_fd, space->base.target->page_shift));
	space->scan_zero = space->walker.scan && pagemap_scan_works(space->pagemap_fd, SCAN_ZERO);
	learn_ksm(space);
	space->tgid = process_status_pid(space->proc_fd, "Tgid");
	if (space->tgid == 0)
		space->tgid = space->base.pid;
	space->base.heap_start = space->place.heap;
	space->base.pfns_visible = live->pfns_visible;
	space->base.zero_visible = live->pfns_visible || space->scan_zero;
	return NULL;
}

static struct error *live_open_space(struct target *target, pid_t pid, struct space **result)
{
	struct live_space *space = calloc(1, sizeof(*space));

	if (!space)
		return error_nomem();
	space->base = (struct space){.ops = &live_space_ops, .target = target, .pid = pid};
	space->proc_fd = space->pid_fd = space->maps_fd = space->pagemap_fd = -1;
	struct error *error = space_init(space);
	if (error) {
		live_close(&space->base);
		return error;
	}
	*result = &space->base;
	return NULL;
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
};

static struct error *live_init(struct live_target *live, const char *source)
{
	live->base.ops = &live_target_ops;
	pthread_mutex_init(&live->lock, NULL);
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
