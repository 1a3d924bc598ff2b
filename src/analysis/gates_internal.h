// SPDX-License-Identifier: GPL-2.0-or-later
/* What the probes of gates_*.c share; nobody else includes this. */
#ifndef PHYSLENS_ANALYSIS_GATES_INTERNAL_H
#define PHYSLENS_ANALYSIS_GATES_INTERNAL_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "analysis/gates.h"
#include "base/error.h"

/* Not in every <linux/capability.h> that a build may meet. */
#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_BPF
#define CAP_BPF 39
#endif
#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40
#endif

#define CAP_MASK(cap) (UINT64_C(1) << (cap))

enum lockdown {
	LOCKDOWN_UNKNOWN, /* securityfs does not say */
	LOCKDOWN_ABSENT,  /* this kernel has no such thing */
	LOCKDOWN_NONE,
	LOCKDOWN_INTEGRITY,
	LOCKDOWN_CONFIDENTIALITY,
};

/* What the probes know of the system and of themselves. */
struct prober {
	int root;
	uint64_t capabilities; /* effective */
	bool root_user;        /* effective user 0 */
	bool user_namespace;   /* not the initial one: our capabilities do not reach the machine */
	char *program;         /* path of this program, for setcap */
	unsigned page_shift;
	size_t page_size;

	/* Two pages of our own, the first one written; NULL before prober_init(). */
	unsigned char *page;
	int pagemap; /* -1 when it cannot be opened */
	int pagemap_errno;
	bool pfn_visible;
	int kpageflags, kpagecount; /* -1 when it cannot be opened */
	enum lockdown lockdown;     /* from gate_lockdown() on */
};

struct error *prober_init(struct prober *prober, int root);
void prober_deinit(struct prober *prober);

bool prober_has(const struct prober *prober, uint64_t capabilities); /* all of them */

/* The answer of a probe. `state` is a literal. */
void gate_is(struct gate *gate, enum gate_grade grade, const char *state);

/* Sets the remedy, or the detail. */
struct error *gate_remedy(struct gate *gate, const char *format, ...)
	__attribute__((format(printf, 2, 3), warn_unused_result));
struct error *gate_detail(struct gate *gate, const char *format, ...)
	__attribute__((format(printf, 2, 3), warn_unused_result));

/* Sets the remedy for capabilities of which some are missing, in this user's situation. */
struct error *gate_wants(const struct prober *prober, struct gate *gate, uint64_t capabilities);

/* The state `lockdown`: its remedy, and that root is needed besides where `capabilities` lack. */
struct error *gate_locked_down(const struct prober *prober, struct gate *gate, enum lockdown level,
			       uint64_t capabilities);

/* "setcap cap_sys_admin,cap_sys_rawio+ep PROGRAM" */
struct error *setcap_command(uint64_t capabilities, const char *program, char **command);

/* A file opened for reading below the root: the descriptor, or -1 with the errno in *errnum. */
int prober_open(const struct prober *prober, const char *path, int *errnum);

/* The same, with open()'s flags, for a file of our own process that only its owner may open. */
int prober_open_own(const struct prober *prober, const char *path, int flags, int *errnum);

/* The pagemap entry of an address of our own; false when it cannot be read. */
bool own_entry(const struct prober *prober, const void *address, uint64_t *entry);

/* A frame's word in kpageflags or kpagecount; false when it cannot be read. */
bool frame_word(int fd, uint64_t pfn, uint64_t *word);

/* Bits of a pagemap entry (fs/proc/task_mmu.c). */
#define ENTRY_PFN        ((UINT64_C(1) << 55) - 1)
#define ENTRY_SOFT_DIRTY (UINT64_C(1) << 55)
#define ENTRY_GUARD      (UINT64_C(1) << 58)
#define ENTRY_PRESENT    (UINT64_C(1) << 63)

typedef struct error *gate_probe(struct prober *prober, struct gate *gate);

/* gates_pages.c */
gate_probe gate_pagemap, gate_pfn, gate_pagemap_scan, gate_procmap_query, gate_guard,
	gate_soft_dirty;
/* gates_frames.c */
gate_probe gate_kpageflags, gate_kpagecount, gate_kpagecgroup, gate_anon_exclusive;
/* gates_process.c */
gate_probe gate_map_files, gate_ptrace, gate_attach, gate_kcmp;
/* gates_memory.c */
gate_probe gate_lockdown, gate_devmem, gate_kcore, gate_btf, gate_kallsyms, gate_iomem,
	gate_vmcoreinfo;
/* gates_bpf.c */
gate_probe gate_bpf;
/* gates_library.c */
gate_probe gate_libbpf, gate_libproc2;
/* gates_system.c */
gate_probe gate_swap, gate_ksm, gate_thp, gate_hugetlb, gate_numa, gate_cache;

#endif
