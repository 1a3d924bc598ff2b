// SPDX-License-Identifier: GPL-2.0-or-later
/* Processes: which there are, how one is opened, and whether it is still the one that it was. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"
#include "base/scope.h"
#include "proc/smaps.h"
#include "target/live/live.h"

static void note_stand_in(struct live_target *live, pid_t pid, pid_t tid)
{
	struct stand_in *known = NULL;

	pthread_mutex_lock(&live->lock);
	for (size_t i = 0; i < live->stand_ins.count && !known; i++) {
		if (live->stand_ins.items[i].pid == pid)
			known = &live->stand_ins.items[i];
	}
	if (known)
		known->tid = tid;
	else if (tid != pid)
		error_free(vec_push(&live->stand_ins, ((struct stand_in){pid, tid})));
	pthread_mutex_unlock(&live->lock);
}

/* The thread that answers for a process, if it was met. */
static pid_t thread_of(struct live_target *live, pid_t pid)
{
	pid_t tid = pid;

	pthread_mutex_lock(&live->lock);
	for (size_t i = 0; i < live->stand_ins.count; i++) {
		if (live->stand_ins.items[i].pid == pid)
			tid = live->stand_ins.items[i].tid;
	}
	pthread_mutex_unlock(&live->lock);
	return tid;
}

struct error *live_processes(struct target *target, process_vec *list)
{
	size_t first = list->count;

	TRY(process_list(list));
	for (size_t i = first; i < list->count; i++) {
		if (list->items[i].tid != list->items[i].pid)
			note_stand_in(live_target(target), list->items[i].pid, list->items[i].tid);
	}
	return NULL;
}

/* kcmp(2) of the threads that have the memory: a first thread that has exited has none, and is
 * equal to every other such. */
static long compare_memory(struct target *target, pid_t a, pid_t b)
{
	struct live_target *live = live_target(target);

	return syscall(SYS_kcmp, thread_of(live, a), thread_of(live, b), KCMP_VM, 0L, 0L);
}

struct error *live_compare_spaces(struct target *target, pid_t a, pid_t b, int *order)
{
	long result = compare_memory(target, a, b);

	if (result >= 0 && result <= 2) {
		*order = result == 0 ? 0 : result == 1 ? -1 : 1;
		return NULL;
	}
	if (result < 0 && errno == ENOSYS)
		return error_new(ERROR_UNSUPPORTED, "kcmp: this kernel lacks CONFIG_KCMP");
	return error_errno(result < 0 ? errno : EINVAL, "kcmp of processes %d and %d", (int)a,
			   (int)b);
}

/* Whether there is a line in maps: none is left of an address space that is gone. An errno if it
 * cannot be told. */
static int has_line(int maps_fd, bool *has)
{
	char byte;
	size_t got;
	int errnum = pread_full(maps_fd, &byte, 1, 0, &got);

	*has = got == 1;
	return errnum == ESRCH ? 0 : errnum;
}

/* Whether it is on its way out: the kernel's own word, from before it gives its memory back. */
static bool is_ending(const struct live_space *space)
{
	struct process_stat stat;
	_cleanup_error_ struct error *error = process_stat_read(space->proc_fd, "stat", &stat);

	return error || stat.exiting || stat.state == 'Z' || stat.state == 'X';
}

/*
 * Whether the process has an address space now: it then executed another program, and has not
 * ended. Where it may not be read any more, it runs a program of other privileges. One that
 * executes again and again may have left what was just opened: it is ended only where it is ending.
 */
static bool has_memory_now(const struct live_space *space)
{
	_cleanup_close_ int fd = openat(space->proc_fd, "maps", O_RDONLY | O_CLOEXEC);
	bool has;

	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return true;
	return (fd >= 0 && has_line(fd, &has) == 0 && has) || !is_ending(space);
}

struct error *live_gone(const struct space *base)
{
	const struct live_space *space = (const struct live_space *)base;

	if (has_memory_now(space))
		return error_new(ERROR_EXECUTED,
				 "process %d executed another program while it was read",
				 (int)base->pid);
	return error_new(ERROR_GONE, "process %d ended while it was read", (int)base->pid);
}

/* Where a program lies; 0 is what is not told, or not set yet. */
static struct error *read_place(const struct live_space *space, struct program_place *place,
				pid_t *parent)
{
	struct process_stat stat = {0};
	struct error *error = process_stat_read(space->proc_fd, "stat", &stat);

	*parent = stat.ppid;
	*place = (struct program_place){stat.start_code, stat.start_stack, stat.start_brk};
	return error;
}

static bool place_changed(const struct live_space *space)
{
	pid_t parent;
	struct program_place now;

	error_free(read_place(space, &now, &parent));
	return space->place.stack != 0 &&
	       (now.stack != space->place.stack || now.code != space->place.code);
}

/* Whether an area of user memory is in both lists, which are sorted. */
static bool have_area_in_common(const struct vma_list *a, const struct vma_list *b)
{
	for (size_t i = 0, j = 0; i < a->count && j < b->count;) {
		const struct range *x = &a->items[i].range, *y = &b->items[j].range;

		if (x->start >> 63 || y->start >> 63)
			break; /* vsyscall, which everybody has */
		if (x->start == y->start && x->end == y->end)
			return true;
		if (x->start <= y->start)
			i++;
		else
			j++;
	}
	return false;
}

/* Whether what was opened and what the process has now look like one address space. */
static struct error *look_alike(const struct live_space *space, bool *alike)
{
	__attribute__((cleanup(vma_list_deinit))) struct vma_list then = {0}, now = {0};
	_cleanup_close_ int fd = openat(space->proc_fd, "maps", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(errno, "maps");
	if (lseek(space->maps_fd, 0, SEEK_SET) < 0)
		return error_errno(errno, "maps");
	TRY(vma_list_read(&then, space->maps_fd));
	TRY(vma_list_read(&now, fd));
	*alike = have_area_in_common(&then, &now);
	return NULL;
}

/*
 * Whether the process runs another program than when it was opened, though what was opened is still
 * there: a child of vfork(2) lived in its parent's memory, which stays. Where the program lies is
 * only a hint: anybody may change that of his own (prctl(2), PR_SET_MM_MAP), and hide so. The proof
 * is that it has not the memory of its parent any more, or no area in common with what was opened,
 * at several looks, since areas may move between the readings of one.
 */
static bool runs_another_program(const struct live_space *space)
{
	enum { LOOKS = 3 };

	if (!place_changed(space))
		return false;
	long order = space->shares_with ? compare_memory(space->base.target, space->base.pid,
							 space->shares_with)
					: -1;
	if (order >= 0)
		return order != 0;
	for (int i = 0; i < LOOKS; i++) {
		bool alike = true;

		error_free(look_alike(space, &alike));
		if (alike)
			return false;
	}
	return true;
}

/* Its parent, if both have one address space; without kcmp(2) nobody knows. */
static pid_t who_shares(const struct live_space *space, pid_t parent)
{
	if (parent > 0 && compare_memory(space->base.target, space->base.pid, parent) == 0)
		return parent;
	return 0;
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
		return live_gone(base);
	}
	if (!error)
		live_spell_names(space, list);
	return error;
}

/* A pidfd polls readable once the process has ended (pidfd_open(2)). */
static struct error *live_check_alive(struct space *base)
{
	struct live_space *space = live_space(base);
	struct pollfd p = {.fd = space->pid_fd, .events = POLLIN};
	bool has;

	if (space->pid_fd >= 0 && poll(&p, 1, 0) > 0)
		return live_gone(base);
	/* An exec leaves the process but not the address space: its maps are empty from then on. */
	int errnum = has_line(space->maps_fd, &has);
	if (errnum)
		return error_errno(errnum, "/proc/%d/maps", (int)base->pid);
	if (!has)
		return live_gone(base);
	return runs_another_program(space) ? live_gone(base) : NULL;
}

static struct error *live_tracer(struct space *base, pid_t *tracer)
{
	*tracer = process_status_pid(live_space(base)->proc_fd, "TracerPid");
	return NULL;
}

static struct error *live_sums(struct space *base, struct memory_sums *sums)
{
	struct error *error = smaps_sums_read(live_space(base)->proc_fd, sums);

	if (!error_is(error, ERROR_GONE))
		return error;
	error_free(error);
	return live_gone(base);
}

static void live_close(struct space *base)
{
	struct live_space *space = live_space(base);

	pagemap_walker_deinit(&space->walker);
	vec_deinit(&space->numbers);
	vec_deinit(&space->flags);
	vec_deinit(&space->merged);
	vec_deinit(&space->huge);
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
	.identify = live_identify,
	.open_object = live_open_object,
	.open_path = live_open_path,
	.tracer = live_tracer,
	.identity = live_identity,
	.environ = live_environ,
	.sums = live_sums,
	.check_alive = live_check_alive,
	.is_hugetlb = live_is_hugetlb,
	.is_own_mount = live_is_own_mount,
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

	if (live->flags_fd < 0 || !live->base.pfns_visible)
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
		return process_check_own(*fd, space->base.pid, name);
	int errnum = errno;
	TRY(explain_nothing(space));
	if (errnum == ENOENT || errnum == ESRCH)
		return live_gone(&space->base);
	if (errnum == EACCES || errnum == EPERM)
		return process_refused(space->proc_fd, space->base.pid);
	return error_errno(errnum, "/proc/%d/%s", (int)space->base.pid, name);
}

/* Whoever has an address space has a line in maps. */
static struct error *check_not_empty(struct live_space *space)
{
	bool has;
	int errnum = has_line(space->maps_fd, &has);

	if (errnum)
		return error_errno(errnum, "/proc/%d/maps", (int)space->base.pid);
	if (has)
		return NULL;
	TRY(explain_nothing(space));
	return live_gone(&space->base);
}

/* That a process has ended is found out by what comes next. Takes `error`. */
static struct error *judge_place(const struct live_space *space, struct error *error)
{
	bool denied = error_is(error, ERROR_DENIED);

	if (error_is(error, ERROR_NOMEM) ||
	    (error_is(error, ERROR_SYSTEM) && error_errnum(error) != ENOENT))
		return error;
	error_free(error);
	return denied ? process_refused(space->proc_fd, space->base.pid) : NULL;
}

static struct error *space_init(struct live_space *space)
{
	pid_t parent;
	struct live_target *live = live_target(space->base.target);

	pid_t tid = process_thread_with_memory(space->base.pid);
	note_stand_in(live, space->base.pid, tid);
	TRY(process_open(tid, &space->proc_fd));
	space->pid_fd = (int)syscall(SYS_pidfd_open, space->base.pid, 0);
	TRY(judge_place(space, read_place(space, &space->place, &parent)));
	space->shares_with = who_shares(space, parent);
	TRY(open_file(space, "pagemap", &space->pagemap_fd));
	TRY(open_file(space, "maps", &space->maps_fd));
	TRY(check_not_empty(space));
	read_command(space);
	TRY(pagemap_walker_init(&space->walker, space->pagemap_fd, space->base.target->page_shift));
	space->walker.find = live_find_pages;
	space->walker.find_argument = space;
	space->scan_zero = space->walker.scan && pagemap_scan_works(space->pagemap_fd, SCAN_ZERO);
	learn_ksm(space);
	space->tgid = process_status_pid(space->proc_fd, "Tgid");
	if (space->tgid == 0)
		space->tgid = space->base.pid;
	space->base.heap_start = space->place.heap;
	space->base.pfns_visible = live->base.pfns_visible;
	space->base.zero_visible = live->base.pfns_visible || space->scan_zero;
	return NULL;
}

struct error *live_open_space(struct target *target, pid_t pid, struct space **result)
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
