// SPDX-License-Identifier: GPL-2.0-or-later
/* /proc/cpuinfo: the flags of the processor, as the kernel uses it. */
#ifndef PHYSLENS_PROC_CPUINFO_H
#define PHYSLENS_PROC_CPUINFO_H

#include <stdbool.h>

#include "base/error.h"

struct cpu_flags {
	bool la57; /* five levels of page tables are in use (the kernel hides it when they are not)
		    */
	bool hypervisor; /* a virtual machine: frames are the guest's */
};

/* From the text of the file: the line "flags\t\t: fpu vme …" of the first processor. */
void cpu_flags_parse(const char *text, struct cpu_flags *flags);

/* Reads proc/cpuinfo below the directory `root`. */
struct error *cpu_flags_load(int root, struct cpu_flags *flags);

#endif
