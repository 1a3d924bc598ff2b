// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * eBPF programs of type BPF_PROG_TYPE_SYSCALL (Linux 5.14), which are attached to nothing: they run
 * when they are told to, in our own context, and are gone with their descriptor.
 */
#ifndef PHYSLENS_PHYS_PROGRAM_H
#define PHYSLENS_PHYS_PROGRAM_H

#include <linux/bpf.h>
#include <stddef.h>

enum { PROGRAM_LOG_SIZE = 65536 };

/* bpf(2), for which the C library has no function. */
int bpf_call(int command, union bpf_attr *attribute);

/*
 * Loads a program: its descriptor, or -1 with errno and, in *reason, what the verifier said last
 * ("" if nothing), which lies in `log`, of PROGRAM_LOG_SIZE bytes.
 */
int program_load(const struct bpf_insn *instructions, size_t count, const char *name, char *log,
		 const char **reason);

/*
 * Runs it on a context that is copied in and out (NULL and 0: none). 0 or an errno: of the call, or
 * what the program returned if that is negative.
 */
int program_run(int program, void *context, size_t size);

#endif
