// SPDX-License-Identifier: GPL-2.0-or-later
/* Gates of physical memory and of what is needed to find one's way in it. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "analysis/gates_internal.h"
#include "base/io.h"
#include "base/range.h"
#include "base/scope.h"
#include "proc/iomem.h"
#include "proc/kallsyms.h"
#include "proc/mmstate.h"
#include "proc/mounted.h"

/* Is the lockdown module among those of this kernel? 1, 0, or -1 when it does not say (6.8). */
static int lockdown_listed(void)
{
	enum { LIST_MODULES = 461, ID_LOCKDOWN = 108 }; /* include/uapi/linux/lsm.h */
	uint64_t ids[64];
	uint32_t size = sizeof(ids);
	long count = syscall(LIST_MODULES, ids, &size, 0);

	for (long i = 0; i < count; i++) {
		if (ids[i] == ID_LOCKDOWN)
			return 1;
	}
	return count < 0 ? -1 : 0;
}

/* No file: securityfs may not be mounted, or it is and the module is not in this kernel. */
static struct error *lockdown_without_file(struct prober *prober, struct gate *gate)
{
	enum { SECURITYFS = 0x73636673 }; /* include/uapi/linux/magic.h */
	int errnum;
	struct statfs status = {0};
	_cleanup_close_ int dir = prober_open(prober, "sys/kernel/security", &errnum);
	bool mounted = dir >= 0 && fstatfs(dir, &status) == 0 && status.f_type == SECURITYFS;

	if (mounted || lockdown_listed() == 0) {
		prober->lockdown = LOCKDOWN_ABSENT;
		gate_is(gate, GATE_OPEN, "absent");
		return gate_detail(gate, "this kernel cannot be locked down");
	}
	gate_is(gate, GATE_LIMITED, "unknown");
	TRY(gate_detail(gate, "securityfs is not mounted"));
	return gate_remedy(gate, "mount -t securityfs securityfs /sys/kernel/security");
}

/* "none [integrity] confidentiality" */
struct error *gate_lockdown(struct prober *prober, struct gate *gate)
{
	static const struct {
		const char *word;
		enum lockdown lockdown;
		enum gate_grade grade;
	} levels[] = {
		{"none", LOCKDOWN_NONE, GATE_OPEN},
		{"integrity", LOCKDOWN_INTEGRITY, GATE_LIMITED},
		{"confidentiality", LOCKDOWN_CONFIDENTIALITY, GATE_CLOSED},
	};
	_cleanup_free_ char *text = NULL;
	char word[32];
	struct error *error =
		read_file_at(prober->root, "sys/kernel/security/lockdown", 4096, &text, NULL);

	if (error) {
		error_free(error);
		return lockdown_without_file(prober, gate);
	}
	if (!chosen_word(text, word, sizeof(word)))
		return error_new(ERROR_INPUT, "lockdown: no level in brackets");
	gate_is(gate, GATE_IDLE, "unknown");
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(word, levels[i].word) != 0)
			continue;
		prober->lockdown = levels[i].lockdown;
		gate_is(gate, levels[i].grade, levels[i].word);
	}
	if (gate->grade == GATE_OPEN)
		return NULL;
	return gate_remedy(gate, "boot with lockdown=none and Secure Boot off: no running kernel "
				 "lowers it");
}

/*
 * Opening was refused: by lockdown from `level` on, whoever asks, or for want of a capability. Who
 * lacks that too is told both, since becoming root alone would not help.
 */
static struct error *open_refused(const struct prober *prober, struct gate *gate, int errnum,
				  enum lockdown level)
{
	uint64_t wanted = CAP_MASK(CAP_SYS_RAWIO) | CAP_MASK(CAP_DAC_READ_SEARCH);

	TRY(gate_detail(gate, "open: %s", strerror(errnum)));
	if (prober->lockdown >= level)
		return gate_locked_down(prober, gate, level, wanted);
	gate_is(gate, GATE_CLOSED, "denied");
	if (errnum == EPERM && prober_has(prober, wanted) && prober->lockdown == LOCKDOWN_UNKNOWN)
		return gate_remedy(gate, "see the gate lockdown: it is the likely reason");
	return gate_wants(prober, gate, wanted);
}

/* The first whole page of System RAM above 1 MiB, never a device's. */
static struct error *pick_ram(const struct prober *prober, uint64_t *paddr, bool *found)
{
	struct iomem iomem;
	range_vec ram = {0};

	*found = false;
	TRY(iomem_load(prober->root, &iomem));
	struct error *error = iomem_system_ram(&iomem, &ram);
	for (size_t i = 0; !error && !*found && i < ram.count; i++) {
		struct range above =
			range_intersect(ram.items[i], (struct range){1 << 20, UINT64_MAX});

		*paddr = align_up(above.start, prober->page_size);
		*found = *paddr < above.end && above.end - *paddr >= prober->page_size;
	}
	iomem_deinit(&iomem);
	vec_deinit(&ram);
	return error;
}

/*
 * Reads a page: our own with a random pattern where its frame is known, so that what comes back can
 * be checked; any page of RAM otherwise. The errno, or 0 with *same telling whether it was ours.
 */
static int read_ram(const struct prober *prober, int fd, uint64_t paddr, bool *same)
{
	_cleanup_free_ unsigned char *buffer = malloc(prober->page_size);
	size_t got;

	if (!buffer)
		return ENOMEM;
	int errnum = pread_full(fd, buffer, prober->page_size, paddr, &got);
	*same = !errnum && got == prober->page_size &&
		memcmp(buffer, prober->page, prober->page_size) == 0;
	return errnum ? errnum : got == prober->page_size ? 0 : EIO;
}

static struct error *devmem_verdict(struct gate *gate, int errnum, bool checked, bool same)
{
	if (errnum == EPERM) {
		gate_is(gate, GATE_CLOSED, "strict");
		TRY(gate_detail(gate, "RAM above 1 MiB is refused; below it reads as zeros"));
		return gate_remedy(gate, "a kernel without CONFIG_STRICT_DEVMEM");
	}
	if (errnum) {
		gate_is(gate, GATE_CLOSED, "unreadable");
		return gate_detail(gate, "a page of RAM: %s", strerror(errnum));
	}
	if (checked && !same) {
		gate_is(gate, GATE_CLOSED, "wrong");
		TRY(gate_detail(gate, "a page of our own does not read back as we wrote it"));
		return gate_remedy(gate,
				   "use bpf or kcore: this /dev/mem does not show RAM as it is");
	}
	gate_is(gate, GATE_OPEN, "open");
	if (!checked)
		return gate_detail(gate, "reads, but could not be compared with known bytes");
	return NULL;
}

/* Reads RAM through the open device: our own page twice if need be, since a frame can move. */
static struct error *try_devmem(const struct prober *prober, struct gate *gate, int fd)
{
	uint64_t paddr = 0, entry;
	bool same = false, found = true;
	int errnum = 0;

	if (!prober->pfn_visible) {
		TRY(pick_ram(prober, &paddr, &found));
		if (!found) {
			gate_is(gate, GATE_LIMITED, "unverified");
			return gate_detail(gate, "opens, but where RAM is, is hidden: see iomem");
		}
		errnum = read_ram(prober, fd, paddr, &same);
		return devmem_verdict(gate, errnum, false, false);
	}
	if (getrandom(prober->page, prober->page_size, GRND_NONBLOCK) < 0)
		memset(prober->page, 0xc3, prober->page_size);
	for (int attempt = 0; attempt < 3 && !errnum && !same; attempt++) {
		if (!own_entry(prober, prober->page, &entry))
			return error_new(ERROR_OTHER, "own pagemap cannot be read");
		errnum = read_ram(prober, fd, (entry & ENTRY_PFN) << prober->page_shift, &same);
	}
	return devmem_verdict(gate, errnum, true, same);
}

struct error *gate_devmem(struct prober *prober, struct gate *gate)
{
	int errnum;
	_cleanup_close_ int fd = prober_open(prober, "dev/mem", &errnum);

	if (fd >= 0)
		return try_devmem(prober, gate, fd);
	/* A node made by hand, without the driver behind it, gives ENXIO. */
	if (errnum == ENOENT || errnum == ENXIO || errnum == ENODEV) {
		gate_is(gate, GATE_CLOSED, "absent");
		TRY(gate_detail(gate, "/dev/mem: %s", strerror(errnum)));
		return gate_remedy(gate, "a kernel with CONFIG_DEVMEM=y and without "
					 "CONFIG_STRICT_DEVMEM");
	}
	return open_refused(prober, gate, errnum, LOCKDOWN_INTEGRITY);
}

struct error *gate_kcore(struct prober *prober, struct gate *gate)
{
	unsigned char magic[SELFMAG];
	size_t got;
	int errnum;
	_cleanup_close_ int fd = prober_open(prober, "proc/kcore", &errnum);

	if (fd < 0 && errnum == ENOENT) {
		gate_is(gate, GATE_CLOSED, "absent");
		return gate_remedy(gate, "a kernel with CONFIG_PROC_KCORE=y");
	}
	if (fd < 0)
		return open_refused(prober, gate, errnum, LOCKDOWN_CONFIDENTIALITY);
	errnum = pread_full(fd, magic, sizeof(magic), 0, &got);
	if (!errnum && got == sizeof(magic) && memcmp(magic, ELFMAG, SELFMAG) == 0) {
		gate_is(gate, GATE_OPEN, "open");
		return NULL;
	}
	/* Container runtimes cover it with /dev/null. */
	gate_is(gate, GATE_CLOSED, "masked");
	TRY(gate_detail(gate, "%s", errnum ? strerror(errnum) : "not an ELF file"));
	return gate_remedy(gate, "run outside the container that covers /proc/kcore");
}

struct error *gate_btf(struct prober *prober, struct gate *gate)
{
	static const unsigned char magic[2][2] = {{0x9f, 0xeb}, {0xeb, 0x9f}};
	unsigned char head[2];
	size_t got;
	int errnum;
	_cleanup_close_ int fd = prober_open(prober, "sys/kernel/btf/vmlinux", &errnum);

	if (fd < 0 && errnum == ENOENT) {
		gate_is(gate, GATE_CLOSED, "absent");
		if (!sysfs_is_mounted(prober->root))
			return gate_remedy(gate, "mount -t sysfs sysfs /sys");
		return gate_remedy(gate, "a kernel with CONFIG_DEBUG_INFO_BTF=y");
	}
	if (fd < 0) {
		gate_is(gate, GATE_CLOSED, "denied");
		return gate_wants(prober, gate, CAP_MASK(CAP_DAC_READ_SEARCH));
	}
	errnum = pread_full(fd, head, sizeof(head), 0, &got);
	if (errnum || got != sizeof(head) ||
	    (memcmp(head, magic[0], 2) != 0 && memcmp(head, magic[1], 2) != 0)) {
		gate_is(gate, GATE_CLOSED, "unreadable");
		return gate_detail(gate, "%s", errnum ? strerror(errnum) : "not BTF");
	}
	gate_is(gate, GATE_OPEN, "open");
	return NULL;
}

/* kallsyms_show_value(): 0 and 1 let CAP_SYSLOG see addresses, 2 nobody. */
static struct error *kallsyms_hidden(const struct prober *prober, struct gate *gate)
{
	uint64_t restrict_level = 0;
	struct error *error =
		read_number_at(prober->root, "proc/sys/kernel/kptr_restrict", &restrict_level);

	error_free(error);
	gate_is(gate, GATE_CLOSED, "hidden");
	TRY(gate_detail(gate, "every address reads as 0 (kernel.kptr_restrict is %" PRIu64 ")",
			restrict_level));
	if (restrict_level < 2)
		return gate_wants(prober, gate, CAP_MASK(CAP_SYSLOG));
	if (prober_has(prober, CAP_MASK(CAP_SYSLOG)))
		return gate_remedy(gate, "sysctl kernel.kptr_restrict=1");
	TRY(gate_wants(prober, gate, CAP_MASK(CAP_SYSLOG)));
	_cleanup_free_ char *capability = scope_take(gate->remedy, NULL);
	return gate_remedy(gate, "sysctl kernel.kptr_restrict=1, then %s", capability);
}

struct error *gate_kallsyms(struct prober *prober, struct gate *gate)
{
	struct kallsyms_summary summary;
	struct error *error = kallsyms_load(prober->root, NULL, 0, &summary);

	if (error && error_errnum(error) == ENOENT) {
		error_free(error);
		gate_is(gate, GATE_CLOSED, "absent");
		return gate_remedy(gate, "a kernel with CONFIG_KALLSYMS=y");
	}
	if (error_is(error, ERROR_DENIED)) {
		error_free(error);
		gate_is(gate, GATE_CLOSED, "denied");
		return gate_wants(prober, gate, CAP_MASK(CAP_DAC_READ_SEARCH));
	}
	if (error)
		return error;
	if (summary.hidden || !summary.count)
		return kallsyms_hidden(prober, gate);
	gate_is(gate, summary.data ? GATE_OPEN : GATE_LIMITED, summary.data ? "open" : "functions");
	if (summary.data)
		return NULL;
	TRY(gate_detail(gate, "%zu functions, no variables", summary.count));
	return gate_remedy(gate, "a kernel with CONFIG_KALLSYMS_ALL=y");
}

struct error *gate_iomem(struct prober *prober, struct gate *gate)
{
	struct iomem iomem;
	struct error *error = iomem_load(prober->root, &iomem);
	enum iomem_state state = iomem.state;

	if (error && error_errnum(error) == ENOENT) {
		error_free(error);
		gate_is(gate, GATE_CLOSED, "absent");
		return gate_remedy(gate, "mount -t proc proc /proc");
	}
	if (error_is(error, ERROR_DENIED)) {
		error_free(error);
		gate_is(gate, GATE_CLOSED, "denied");
		return gate_wants(prober, gate, CAP_MASK(CAP_DAC_READ_SEARCH));
	}
	if (error)
		return error;
	iomem_deinit(&iomem);
	if (state == IOMEM_VISIBLE) {
		gate_is(gate, GATE_OPEN, "open");
		return NULL;
	}
	gate_is(gate, GATE_CLOSED, state == IOMEM_HIDDEN ? "hidden" : "empty");
	if (state == IOMEM_HIDDEN)
		TRY(gate_detail(gate, "every address reads as 0"));
	return gate_wants(prober, gate, CAP_MASK(CAP_SYS_ADMIN));
}

/* "0x0000000100b86000 1024": physical address and size (kernel/ksysfs.c). */
struct error *gate_vmcoreinfo(struct prober *prober, struct gate *gate)
{
	_cleanup_free_ char *text = NULL;
	uint64_t address, size;
	int errnum;
	_cleanup_close_ int fd = prober_open(prober, "sys/kernel/vmcoreinfo", &errnum);

	if (fd < 0 && errnum == ENOENT) {
		gate_is(gate, GATE_CLOSED, "absent");
		return gate_remedy(gate, "a kernel with CONFIG_VMCORE_INFO=y (CONFIG_CRASH_CORE=y "
					 "before 6.9)");
	}
	if (fd < 0) {
		gate_is(gate, GATE_CLOSED, "denied");
		return gate_wants(prober, gate, CAP_MASK(CAP_DAC_READ_SEARCH));
	}
	TRY(read_all(fd, "sys/kernel/vmcoreinfo", 4096, &text, NULL));
	text[strcspn(text, "\n")] = '\0';
	char *second = strchr(text, ' ');
	if (second)
		*second++ = '\0';
	if (!second || !parse_hex(text, &address) || !parse_hex(second, &size) || !size)
		return error_new(ERROR_INPUT, "vmcoreinfo: malformed: %s", text);
	gate_is(gate, address ? GATE_OPEN : GATE_CLOSED, address ? "open" : "hidden");
	return NULL;
}
