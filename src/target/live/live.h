// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The live system's own: what its files share. live.c is the target, process.c a process, files.c
 * the files that it maps, identity.c what it is called, words.c its pages, frames.c frames.
 */
#ifndef PHYSLENS_TARGET_LIVE_LIVE_H
#define PHYSLENS_TARGET_LIVE_LIVE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/vec.h"
#include "kernel/kernel.h"
#include "proc/memblocks.h"
#include "proc/numa.h"
#include "target/target.h"

#define NO_FRAME UINT64_MAX

/* A file system, by its device number as maps has it. */
struct device {
	uint32_t major;
	uint32_t minor;
	bool hugetlb;
	bool fuse;     /* a process serves it */
	bool net;      /* a server elsewhere */
	bool known;    /* in a list of mounts, or the kernel's own */
	int64_t spent; /* milliseconds that its server was waited for */
	bool own;      /* a mount of the kernel's own, without a path */
};

/* A process that another thread answers for: see process_thread_with_memory(). */
struct stand_in {
	pid_t pid, tid;
};

struct live_target {
	struct target base;
	int flags_fd; /* /proc/kpageflags, or -1 */
	int count_fd; /* /proc/kpagecount, or -1 */
	int kpage_errno;
	uint64_t zero_pfn; /* of the shared zero page, or NO_FRAME; valid when base.pfns_visible */
	uint64_t untrue_flags; /* of kpageflags: see learn_flags() */
	bool numa_read;        /* on first use */
	struct numa numa;
	bool iomem_read; /* on first use */
	struct iomem iomem;
	pthread_mutex_t lock; /* of what follows: spaces of one target may be read by threads */
	VEC(struct device) devices; /* of file systems without a block device, as they are met */
	bool own_devices;           /* the kernel's own of memfd_create(2) are among them, */
	bool own_known;             /* and there is one */
	int64_t paths_spent;        /* milliseconds that servers of paths were waited for */
	VEC(struct stand_in) stand_ins; /* of the processes that were met; few, or none */
	bool blocks_read;               /* on first use */
	struct memory_blocks blocks;
	char *source_name;     /* NULL: no source of physical memory */
	int root;              /* of /proc and /sys; open once the source is */
	struct source *source; /* on first use, as the kernel */
	struct kernel *kernel;
	bool scans; /* PAGEMAP_SCAN works */
	pthread_mutex_t
		tables_lock; /* of the source and the kernel, where threads search; and of */
	uint64_t searched;   /* bytes that were to be searched before they were open */
	bool tables_failed;  /* they cannot be opened */
};

struct program_place {
	uint64_t code, stack, heap; /* addresses */
};

struct live_space {
	struct space base;
	struct program_place place; /* before it was opened */
	pid_t shares_with;          /* its parent, if that has the same memory (vfork); or 0 */
	pid_t tgid;                 /* of the process: PID may be that of another of its threads */
	int proc_fd;                /* /proc/PID */
	int pid_fd;                 /* or -1 on a kernel without pidfd */
	int maps_fd;                /* opened with the space: of the address space it had then */
	int pagemap_fd;
	bool scan_zero;   /* PAGEMAP_SCAN can tell the zero page */
	bool has_ksm;     /* KSM has merged pages of this process */
	range_vec merged; /* the areas it has, where kpageflags does not tell the pages */
	bool mounts_read; /* its list of mounts, for live_target.devices */
	bool has_servers; /* then: some of them are file systems of a server */
	bool has_net;     /* of a server elsewhere */
	bool huge_read;   /* what follows, on first use */
	range_vec huge;   /* areas of pools of huge pages, where nothing else tells */
	struct pagemap_walker walker;
	struct page_table table; /* if has_table */
	bool table_known;        /* has_table was found out */
	bool has_table;
	VEC(uint64_t) numbers; /* PFNs in hand */
	VEC(uint64_t) flags;
};

static inline struct live_target *live_target(struct target *target)
{
	return (struct live_target *)target;
}

static inline struct live_space *live_space(struct space *space)
{
	return (struct live_space *)space;
}

/*
 * What is said of a process whose address space is gone: whether it ended while it was looked at,
 * or executed another program. ERROR_GONE or ERROR_EXECUTED.
 */
struct error *live_gone(const struct space *space);

/* process.c */
struct error *live_open_space(struct target *target, pid_t pid, struct space **result);
struct error *live_processes(struct target *target, process_vec *list);
struct error *live_compare_spaces(struct target *target, pid_t a, pid_t b, int *order);

/* words.c */
struct error *live_pages(struct space *base, const struct vma *vma, struct range range,
			 pages_visit visit, void *argument);

/* files.c */
struct error *live_identify(struct space *base, const struct vma *vma, struct file_status *status);
struct error *live_open_object(struct space *base, const struct vma *vma, int *fd,
			       struct file_status *status);
struct error *live_open_path(struct space *base, const char *path, int *fd,
			     struct file_status *status);
bool live_is_hugetlb(struct space *base, const struct vma *vma);
bool live_is_own_mount(struct space *base, const struct vma *vma);
struct error *live_identify_program(struct space *base, struct file_status *status);
void live_spell_names(struct live_space *space, struct vma_list *list);

/* identity.c */
struct error *live_identity(struct space *base, struct identity *identity);
struct error *live_environ(struct space *base, const char *name, char **value);
struct error *live_covered(struct target *target, covered_vec *list);

/* frames.c */
struct error *live_frames(struct target *target, const uint64_t *pfns, size_t count,
			  struct frame *frames);
struct error *live_flags(struct target *target, uint64_t pfn, uint64_t *words, size_t count);
struct error *live_cgroups(struct target *target, uint64_t pfn, uint64_t *words, size_t count);
struct error *live_resources(struct target *target, const struct iomem **iomem);
int live_node(struct target *target, uint64_t pfn);

/* live.c */
struct error *live_page_table(struct space *base, struct page_table *table);

/* Opens the source and what is learnt of the kernel from it, unless they are open. */
struct error *live_open_kernel(struct live_target *live);

/* tables.c: a pagemap_find of a struct live_space. Threads may search different spaces at once. */
struct error *live_find_pages(void *space, struct range range, range_vec *found);

/* Opens what the search needs while files may still be opened: before processes are held still. */
void live_prepare_search(struct target *target);

#endif
