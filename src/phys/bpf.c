// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Physical memory through eBPF: a program of type BPF_PROG_TYPE_SYSCALL (Linux 5.14) that copies
 * from the kernel's direct map of all memory into a map whose memory we see. It needs neither
 * /dev/mem nor /proc/kcore, works with STRICT_DEVMEM, and is attached to nothing: it runs when we
 * run it, in our own context, and ends with us.
 *
 * bpf_probe_read_kernel() cannot harm: an address that is not mapped gives -EFAULT, one that is no
 * kernel address -ERANGE (mm/maccess.c, copy_from_kernel_nofault()).
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/scope.h"
#include "phys/impl.h"
#include "phys/program.h"

enum {
	/* The direct map begins at a multiple of this (arch/x86/mm/kaslr.c: PUD_MASK). */
	DIRECT_MAP_SHIFT = 30,
};

/* The program's context: what we ask, what it answers. Copied in and out by BPF_PROG_TEST_RUN. */
struct request {
	uint64_t address; /* kernel virtual */
	uint64_t length;  /* up to SOURCE_BATCH */
	int64_t result;   /* 0 or a negative errno */
	uint64_t task;    /* our own task_struct, direct map */
};

struct bpf_source {
	struct source source;
	int map, program;
	const unsigned char *bytes; /* the map's value, SOURCE_BATCH of them, mapped read-only */
	uint64_t direct_map;
	uint64_t task;
};

/*
 *	int copy(struct request *request)
 *	{
 *		request->task = bpf_get_current_task();
 *		if (request->length > SOURCE_BATCH)
 *			return -E2BIG;
 *		request->result = bpf_probe_read_kernel(map.value, request->length,
 *							request->address);
 *		return 0;
 *	}
 *
 * The map's descriptor is put into the instruction BPF_PSEUDO_MAP_VALUE when it is known.
 */
#define FIELD(name) ((int16_t)offsetof(struct request, name))

enum { MAP_VALUE = 6 }; /* the instruction that takes the map */

static const struct bpf_insn copy_program[] = {
	{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_6, .src_reg = BPF_REG_1},
	{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_current_task},
	{.code = BPF_STX | BPF_MEM | BPF_DW,
	 .dst_reg = BPF_REG_6,
	 .src_reg = BPF_REG_0,
	 .off = FIELD(task)},
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -E2BIG},
	{.code = BPF_LDX | BPF_MEM | BPF_DW,
	 .dst_reg = BPF_REG_2,
	 .src_reg = BPF_REG_6,
	 .off = FIELD(length)},
	{.code = BPF_JMP | BPF_JGT | BPF_K, .dst_reg = BPF_REG_2, .off = 6, .imm = SOURCE_BATCH},
	[MAP_VALUE] = {.code = BPF_LD | BPF_IMM | BPF_DW,
		       .dst_reg = BPF_REG_1,
		       .src_reg = BPF_PSEUDO_MAP_VALUE},
	{0}, /* its second half: offset 0 in the value */
	{.code = BPF_LDX | BPF_MEM | BPF_DW,
	 .dst_reg = BPF_REG_3,
	 .src_reg = BPF_REG_6,
	 .off = FIELD(address)},
	{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_kernel},
	{.code = BPF_STX | BPF_MEM | BPF_DW,
	 .dst_reg = BPF_REG_6,
	 .src_reg = BPF_REG_0,
	 .off = FIELD(result)},
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
	{.code = BPF_JMP | BPF_EXIT},
};

enum { PROGRAM_LENGTH = sizeof(copy_program) / sizeof(copy_program[0]) };

static struct error *refused(const struct bpf_source *s, int errnum, const char *what,
			     const char *reason)
{
	/* The helper is withheld then (kernel/bpf/helpers.c), which the verifier tells its way. */
	bool withheld = strstr(reason, "probe_read_kernel");
	const char *level = withheld ? lockdown_level(s->source.root) : NULL;

	if (level)
		return error_new(ERROR_DENIED, "denied: the kernel is locked down (lockdown=%s)",
				 level);
	if (errnum == ENOSYS)
		return error_new(ERROR_UNSUPPORTED, "absent: a kernel with CONFIG_BPF_SYSCALL=y is "
						    "needed");
	if (errnum == EPERM || errnum == EACCES)
		return error_new(ERROR_DENIED, "denied: %s: %s%s%s", what, strerror(errnum),
				 *reason ? ": " : "", reason);
	if (withheld)
		return error_new(ERROR_UNSUPPORTED,
				 "refused: %s (lockdown=confidentiality, or a kernel without "
				 "CONFIG_BPF_EVENTS)",
				 reason);
	return error_new(ERROR_UNSUPPORTED, "refused: %s: %s%s%s", what, strerror(errnum),
			 *reason ? ": " : "", reason);
}

/* One value that a program writes and we see: it is mapped for reading only. */
static struct error *create_map(struct bpf_source *s)
{
	union bpf_attr attribute;

	memset(&attribute, 0, sizeof(attribute));
	attribute.map_type = BPF_MAP_TYPE_ARRAY;
	attribute.key_size = sizeof(uint32_t);
	attribute.value_size = SOURCE_BATCH;
	attribute.max_entries = 1;
	attribute.map_flags = BPF_F_MMAPABLE;
	strcpy(attribute.map_name, "physlens");
	s->map = bpf_call(BPF_MAP_CREATE, &attribute);
	if (s->map < 0)
		return refused(s, errno, "creating a map", "");
	void *bytes = mmap(NULL, SOURCE_BATCH, PROT_READ, MAP_SHARED, s->map, 0);
	if (bytes == MAP_FAILED)
		return refused(s, errno, "mapping a map", "");
	s->bytes = bytes;
	return NULL;
}

static struct error *load_program(struct bpf_source *s)
{
	struct bpf_insn program[PROGRAM_LENGTH];
	_cleanup_free_ char *log = malloc(PROGRAM_LOG_SIZE);
	const char *reason;

	if (!log)
		return error_nomem();
	memcpy(program, copy_program, sizeof(program));
	program[MAP_VALUE].imm = s->map;
	s->program = program_load(program, PROGRAM_LENGTH, "physlens_read", log, &reason);
	return s->program >= 0 ? NULL : refused(s, errno, "loading a program", reason);
}

/* Copies into the map's value: 0 or an errno. */
static int run_program(struct bpf_source *s, struct request *request)
{
	request->result = -EFAULT;
	int errnum = program_run(s->program, request, sizeof(*request));
	return errnum ? errnum : (int)-request->result;
}

/* The direct map reaches as far (arch/x86/mm/init.c, max_pfn_mapped). */
static uint64_t ram_end(const struct source *source)
{
	return source->ram.count ? source->ram.items[source->ram.count - 1].end : 0;
}

static bool at_candidate(struct bpf_source *s, const struct marker *marker, uint64_t paddr,
			 uint64_t base)
{
	struct request request = {.address = base + paddr, .length = marker->size};

	return run_program(s, &request) == 0 && memcmp(s->bytes, marker->page, marker->size) == 0;
}

/*
 * Our task_struct lies in the direct map, at most the physical address of the last byte of RAM
 * above its beginning: steps down from it and tries whether the marker is found there. An address
 * that is not mapped costs a microsecond.
 */
static bool search_direct_map(struct bpf_source *s, const struct marker *marker, uint64_t paddr)
{
	uint64_t step = UINT64_C(1) << DIRECT_MAP_SHIFT, base = align_down(s->task, step);

	for (uint64_t i = 0; i <= ram_end(&s->source) >> DIRECT_MAP_SHIFT; i++, base -= step) {
		if (at_candidate(s, marker, paddr, base)) {
			s->direct_map = base;
			return true;
		}
	}
	return false;
}

static struct error *find_direct_map(struct bpf_source *s, struct marker *marker)
{
	struct request request = {.length = 0};
	int errnum = run_program(s, &request);

	/* Address 0 is refused, but the task is told. */
	if (!request.task)
		return refused(s, errnum, "running a program", "");
	s->task = request.task;
	for (int i = 0; i < MARKER_TRIES; i++) {
		uint64_t paddr;

		TRY(marker_renew(marker, &paddr));
		if (search_direct_map(s, marker, paddr))
			return NULL;
	}
	return error_new(ERROR_UNSUPPORTED, "the kernel's map of all memory was not found: a page "
					    "of our own is nowhere below our task");
}

static struct error *bpf_open(struct source *source)
{
	struct bpf_source *s = (struct bpf_source *)source;
	struct marker marker;

	s->map = s->program = -1;
	TRY(create_map(s));
	TRY(load_program(s));
	TRY(marker_init(&marker, source->root, source->page_size));
	struct error *error = find_direct_map(s, &marker);
	marker_deinit(&marker);
	return error;
}

static void bpf_close(struct source *source)
{
	struct bpf_source *s = (struct bpf_source *)source;

	if (s->bytes)
		munmap((void *)(uintptr_t)s->bytes, SOURCE_BATCH);
	s->bytes = NULL;
	scope_closep(&s->program);
	scope_closep(&s->map);
}

static int bpf_view(struct source *source, uint64_t paddr, const void **bytes, size_t length)
{
	struct bpf_source *s = (struct bpf_source *)source;
	struct request request = {.address = s->direct_map + paddr, .length = length};

	/* Other mappings follow on the direct map, and they are of something else. */
	if (paddr + length > ram_end(source))
		return EFAULT;
	*bytes = s->bytes;
	return run_program(s, &request);
}

static int bpf_copy(struct source *source, uint64_t paddr, void *buffer, size_t length)
{
	const void *bytes;
	int errnum = bpf_view(source, paddr, &bytes, length);

	if (!errnum)
		memcpy(buffer, bytes, length);
	return errnum;
}

static const char *bpf_cause(int errnum)
{
	if (errnum == EFAULT || errnum == ERANGE)
		return "not in the kernel's map of all memory";
	return NULL;
}

static struct error *bpf_kernel(struct source *source, struct source_kernel *kernel)
{
	const struct bpf_source *s = (const struct bpf_source *)source;

	kernel->has_direct_map = true;
	kernel->direct_map = s->direct_map;
	kernel->current_task = s->task;
	return NULL;
}

const struct source_ops source_bpf = {
	.name = "bpf",
	.size = sizeof(struct bpf_source),
	.open = bpf_open,
	.close = bpf_close,
	.copy = bpf_copy,
	.view = bpf_view,
	.cause = bpf_cause,
	.kernel = bpf_kernel,
};
