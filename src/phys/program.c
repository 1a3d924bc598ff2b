// SPDX-License-Identifier: GPL-2.0-or-later
#include "phys/program.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int bpf_call(int command, union bpf_attr *attribute)
{
	return (int)syscall(SYS_bpf, command, attribute, sizeof(*attribute));
}

/* The verifier's last line that says something; its statistics follow the reason. */
static const char *log_reason(char *log)
{
	const char *reason = "";
	char *rest = log, *line;

	while ((line = strsep(&rest, "\n"))) {
		if (*line && strncmp(line, "processed ", 10) != 0)
			reason = line;
	}
	return reason;
}

int program_load(const struct bpf_insn *instructions, size_t count, const char *name, char *log,
		 const char **reason)
{
	union bpf_attr attribute;

	memset(&attribute, 0, sizeof(attribute));
	attribute.prog_type = BPF_PROG_TYPE_SYSCALL;
	attribute.prog_flags = BPF_F_SLEEPABLE; /* the type's only mode */
	attribute.insns = (uint64_t)(uintptr_t)instructions;
	attribute.insn_cnt = (uint32_t)count;
	attribute.license = (uint64_t)(uintptr_t) "GPL"; /* the helpers want it */
	snprintf(attribute.prog_name, sizeof(attribute.prog_name), "%s", name);
	*log = '\0';
	*reason = "";
	int program = bpf_call(BPF_PROG_LOAD, &attribute);
	if (program >= 0)
		return program;
	int errnum = errno;
	/* Once more for the verifier's words, which an accepted program need not pay for. */
	attribute.log_buf = (uint64_t)(uintptr_t)log;
	attribute.log_size = PROGRAM_LOG_SIZE;
	attribute.log_level = 1;
	program = bpf_call(BPF_PROG_LOAD, &attribute);
	if (program < 0)
		*reason = log_reason(log);
	errno = errnum;
	return program;
}

int program_run(int program, void *context, size_t size)
{
	union bpf_attr attribute;

	memset(&attribute, 0, sizeof(attribute));
	attribute.test.prog_fd = (uint32_t)program;
	attribute.test.ctx_in = (uint64_t)(uintptr_t)context;
	attribute.test.ctx_size_in = (uint32_t)size;
	if (bpf_call(BPF_PROG_TEST_RUN, &attribute) < 0)
		return errno;
	return (int32_t)attribute.test.retval < 0 ? -(int32_t)attribute.test.retval : 0;
}
