// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The gate of eBPF as a source: a program that reads kernel memory is loaded and run. Nothing of
 * it stays: it is attached to nothing, and its descriptor is closed.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/gates_internal.h"
#include "base/scope.h"
#include "phys/program.h"

#define NEEDED (CAP_MASK(CAP_BPF) | CAP_MASK(CAP_PERFMON))

/* The eight first bytes of our own task_struct, read into the program's stack. */
static const struct bpf_insn program[] = {
	{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_current_task},
	{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_3, .src_reg = BPF_REG_0},
	{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_10},
	{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_1, .imm = -8},
	{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 8},
	{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_kernel},
	{.code = BPF_JMP | BPF_EXIT}, /* 0 when it could be read */
};

/* bpf_capable() and perfmon_capable() both take CAP_SYS_ADMIN as well (linux/capability.h). */
static bool has_capabilities(const struct prober *prober)
{
	return prober_has(prober, CAP_MASK(CAP_SYS_ADMIN)) || prober_has(prober, NEEDED);
}

static struct error *load_refused(const struct prober *prober, struct gate *gate, int errnum,
				  const char *reason)
{
	gate_is(gate, GATE_CLOSED, "denied");
	TRY(gate_detail(gate, "bpf: %s%s%s", strerror(errnum), *reason ? ": " : "", reason));
	if (errnum == ENOSYS) {
		gate_is(gate, GATE_CLOSED, "absent");
		return gate_remedy(gate, "a kernel with CONFIG_BPF_SYSCALL=y");
	}
	/* The helper is withheld then: bpf_base_func_proto() in kernel/bpf/helpers.c. */
	if (prober->lockdown == LOCKDOWN_CONFIDENTIALITY)
		return gate_locked_down(prober, gate, LOCKDOWN_CONFIDENTIALITY, NEEDED);
	if (!has_capabilities(prober))
		return gate_wants(prober, gate, NEEDED);
	if (errnum == EPERM)
		return gate_wants(prober, gate, 0);
	gate_is(gate, GATE_CLOSED, *reason ? "refused" : "absent");
	if (!*reason)
		return gate_remedy(gate, "Linux 5.14 or later, for programs of type syscall");
	if (prober->lockdown == LOCKDOWN_UNKNOWN)
		return gate_remedy(gate, "a kernel with CONFIG_BPF_EVENTS=y that is not locked "
					 "down at confidentiality: see the gate lockdown");
	return gate_remedy(gate, "a kernel with CONFIG_BPF_EVENTS=y");
}

struct error *gate_bpf(struct prober *prober, struct gate *gate)
{
	_cleanup_free_ char *log = malloc(PROGRAM_LOG_SIZE);
	_cleanup_close_ int fd = -1;
	const char *reason;

	if (!log)
		return error_nomem();
	fd = program_load(program, sizeof(program) / sizeof(program[0]), "physlens_probe", log,
			  &reason);
	if (fd < 0)
		return load_refused(prober, gate, errno, reason);
	int errnum = program_run(fd, NULL, 0);
	if (!errnum) {
		gate_is(gate, GATE_OPEN, "open");
		return NULL;
	}
	gate_is(gate, GATE_CLOSED, "refused");
	TRY(gate_detail(gate, "the program loads but does not read: %s", strerror(errnum)));
	return gate_wants(prober, gate, NEEDED);
}
