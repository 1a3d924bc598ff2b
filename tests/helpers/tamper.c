// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What physlens itself never does: it writes to the memory of others, for verify to find.
 *
 * tamper mem PID ADDRESS HEX      through /proc/PID/mem
 * tamper ptrace PID ADDRESS HEX   through PTRACE_POKETEXT
 * tamper devmem PADDRESS HEX      to a frame, through /dev/mem: nothing becomes dirty
 *	HEX is bytes ("90cc"). What was there before is printed in the same way.
 *
 * tamper pageout PID ADDRESS      has the kernel move the page there to swap, as the process itself
 *	could by madvise(2)
 *
 * tamper hold KIND    makes memory that code can be in, and waits; KIND is one of
 *	anon	private, executable		wx	private, writable and executable
 *	memfd	of a memfd, executable		shared	shared without a file, executable
 *	remap	a page of this program over one of the C library's code
 *	repage	the first page of the C library's code over another of it
 *	many	private, executable: 40000 areas, each of another name
 *	low	private, executable: from 64 KiB to 2 GiB, as if numbers led there
 * prints "address 0x7f0000000000", of many also "areas 40000", and "ready PID".
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <wordexp.h>

#include "helper.h"

enum { LENGTH_MAX = 4096, MANY = 40000 /* of 65530 that are the kernel's limit */ };

/* From where vm.mmap_min_addr usually is. */
#define LOW_START 0x10000UL
#define LOW_END   0x80000000UL

#ifndef PR_SET_VMA
#define PR_SET_VMA           0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

static size_t parse_bytes(const char *hex, unsigned char *bytes)
{
	size_t length = strlen(hex) / 2;
	unsigned value;

	if (length == 0 || length > LENGTH_MAX || strlen(hex) % 2) {
		fprintf(stderr, "not bytes: %s\n", hex);
		exit(2);
	}
	for (size_t i = 0; i < length; i++) {
		if (sscanf(hex + 2 * i, "%2x", &value) != 1) {
			fprintf(stderr, "not bytes: %s\n", hex);
			exit(2);
		}
		bytes[i] = (unsigned char)value;
	}
	return length;
}

static void print_bytes(const unsigned char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		printf("%02x", bytes[i]);
	putchar('\n');
}

static int by_file(const char *path, uint64_t address, const char *hex)
{
	unsigned char bytes[LENGTH_MAX], before[LENGTH_MAX];
	size_t length = parse_bytes(hex, bytes);
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		helper_die(path);
	if (pread(fd, before, length, (off_t)address) != (ssize_t)length ||
	    pwrite(fd, bytes, length, (off_t)address) != (ssize_t)length)
		helper_die(path);
	print_bytes(before, length);
	close(fd);
	return 0;
}

static int by_process(const char *pid, uint64_t address, const char *hex)
{
	char path[64];

	/* Kernels that let nobody but a tracer write where the process may not
	 * (proc_mem.force_override). It does not stop for that, and is let go when this program
	 * ends. */
	ptrace(PTRACE_SEIZE, (pid_t)helper_number(pid), NULL, NULL);
	snprintf(path, sizeof(path), "/proc/%" PRIu64 "/mem", helper_number(pid));
	return by_file(path, address, hex);
}

/* A word at a time, which is all that ptrace can. */
static int by_ptrace(pid_t pid, uint64_t address, const char *hex)
{
	unsigned char bytes[LENGTH_MAX], before[LENGTH_MAX];
	size_t length = parse_bytes(hex, bytes);

	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) != 0 || waitpid(pid, NULL, 0) != pid)
		helper_die("ptrace");
	for (size_t i = 0; i < length; i++) {
		uintptr_t word, at = (uintptr_t)(address + i);

		errno = 0;
		word = (uintptr_t)ptrace(PTRACE_PEEKTEXT, pid, at, NULL);
		if (errno)
			helper_die("peek");
		before[i] = (unsigned char)word;
		word = (word & ~(uintptr_t)0xff) | bytes[i];
		if (ptrace(PTRACE_POKETEXT, pid, at, word) != 0)
			helper_die("poke");
	}
	print_bytes(before, length);
	return ptrace(PTRACE_DETACH, pid, NULL, NULL) == 0 ? 0 : 2;
}

static int page_out(pid_t pid, uint64_t address)
{
	struct iovec page = {(void *)(uintptr_t)(address & ~(uint64_t)(helper_page() - 1)),
			     helper_page()};
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0 || syscall(SYS_process_madvise, fd, &page, 1UL, MADV_PAGEOUT, 0U) < 0)
		helper_die("pageout");
	close(fd);
	return 0;
}

static int hold_many(void)
{
	size_t page = helper_page();
	char name[32];
	unsigned char *p = mmap(NULL, MANY * page, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		helper_die("mmap");
	helper_init();
	for (unsigned i = 0; i < MANY; i++) {
		unsigned char *at = p + i * page;

		/* Names need Linux 5.17 and CONFIG_ANON_VMA_NAME; permissions part them anyway. */
		snprintf(name, sizeof(name), "area %u", i);
		prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, at, page, name);
		if (mprotect(at, page, i % 2 ? PROT_EXEC : PROT_READ | PROT_EXEC) != 0)
			helper_die("mprotect");
	}
	printf("address 0x%" PRIxPTR "\nareas %u\n", (uintptr_t)p, (unsigned)MANY);
	helper_ready();
	helper_wait();
	return 0;
}

/* The area of this process that holds `address`: where it is, where it begins in which file. */
static void find_area(uintptr_t address, uint64_t *start, uint64_t *offset, char path[256])
{
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "r");

	while (maps && fgets(line, sizeof(line), maps)) {
		uint64_t end;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %*s %*s %255s", start,
			   &end, offset, path) == 4 &&
		    *start <= address && address < end) {
			fclose(maps);
			return;
		}
	}
	helper_die("maps");
}

/* Nobody here calls what lies behind wordexp(3). */
static int hold_remapped(int own)
{
	size_t page = helper_page();
	uintptr_t at = ((uintptr_t)wordexp & ~(uintptr_t)(page - 1)) + page;
	uint64_t start, offset;
	char path[256];

	helper_init();
	find_area(at, &start, &offset, path);
	int fd = open(own ? "/proc/self/exe" : path, O_RDONLY | O_CLOEXEC);
	void *p = mmap((void *)at, page, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd,
		       own ? helper_code_offset(fd) : (off_t)offset);
	if (fd < 0 || p == MAP_FAILED)
		helper_die("remap");
	close(fd);
	(void)*(volatile char *)p;
	printf("address 0x%" PRIxPTR "\n", at);
	helper_ready();
	helper_wait();
	return 0;
}

static int hold(const char *kind)
{
	size_t page = helper_page(), length = page;
	void *at = NULL;
	int prot = PROT_READ | PROT_EXEC, flags = MAP_PRIVATE | MAP_ANONYMOUS, fd = -1;
	unsigned char *p;

	if (strcmp(kind, "many") == 0)
		return hold_many();
	if (strcmp(kind, "remap") == 0 || strcmp(kind, "repage") == 0)
		return hold_remapped(strcmp(kind, "remap") == 0);
	if (strcmp(kind, "shared") == 0)
		flags = MAP_SHARED | MAP_ANONYMOUS;
	if (strcmp(kind, "memfd") == 0) {
		flags = MAP_SHARED;
		fd = memfd_create("injected", MFD_CLOEXEC);
		if (fd < 0 || ftruncate(fd, (off_t)page) != 0)
			helper_die("memfd");
	}
	helper_init();
	if (strcmp(kind, "low") == 0) {
		flags |= MAP_FIXED_NOREPLACE | MAP_NORESERVE;
		length = LOW_END - LOW_START;
		at = (void *)(uintptr_t)LOW_START;
	}
	p = mmap(at, length, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (p == MAP_FAILED)
		helper_die("mmap");
	memset(p, 0xc3, page); /* ret */
	if (strcmp(kind, "wx") == 0)
		prot |= PROT_WRITE;
	if (mprotect(p, length, prot) != 0)
		helper_die("mprotect");
	((void (*)(void))(uintptr_t)p)();
	printf("address 0x%" PRIxPTR "\n", (uintptr_t)p);
	helper_ready();
	helper_wait();
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "hold") == 0)
		return hold(argv[2]);
	if (argc == 5 && strcmp(argv[1], "mem") == 0)
		return by_process(argv[2], helper_number(argv[3]), argv[4]);
	if (argc == 5 && strcmp(argv[1], "ptrace") == 0)
		return by_ptrace((pid_t)helper_number(argv[2]), helper_number(argv[3]), argv[4]);
	if (argc == 4 && strcmp(argv[1], "pageout") == 0)
		return page_out((pid_t)helper_number(argv[2]), helper_number(argv[3]));
	if (argc == 4 && strcmp(argv[1], "devmem") == 0)
		return by_file("/dev/mem", helper_number(argv[2]), argv[3]);
	fprintf(stderr, "usage: tamper mem|ptrace PID ADDRESS HEX | devmem PADDRESS HEX | "
			"pageout PID ADDRESS | hold KIND\n");
	return 2;
}
