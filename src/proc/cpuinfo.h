// SPDX-License-Identifier: GPL-2.0-or-later
/* /proc/cpuinfo: the flags of the processor, as the kernel uses it. */
#ifndef PHYSLENS_PROC_CPUINFO_H
#define PHYSLENS_PROC_CPUINFO_H

#include <stdbool.h>

#include "base/error.h"

struct cpu_flags {
	bool la57; /* five levels of page tables are in use (the kernel hides it when they are not)
		    */
	bool hypervisor;        /* a virtual machine: frames are the guest's */
	unsigned physical_bits; /* width of physical addresses; 0 when not told */
};

/*
 * From the text of the file, of the first processor: the lines "flags\t\t: fpu vme …" and
 * "address sizes\t: 46 bits physical, 48 bits virtual".
 */
void cpu_flags_parse(const char *text, struct cpu_flags *flags);

/* Reads proc/cpuinfo below the directory `root`. */
struct error *cpu_flags_load(int root, struct cpu_flags *flags);

#endif
