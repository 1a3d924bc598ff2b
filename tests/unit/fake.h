// SPDX-License-Identifier: GPL-2.0-or-later
/* A target that is made up: areas as lines of maps, page words and frames from tables. */
#ifndef PHYSLENS_TESTS_FAKE_H
#define PHYSLENS_TESTS_FAKE_H

#include "target/target.h"

struct fake_page {
	uint64_t vpn; /* ascending */
	uint64_t word;
};

/* What open_object() gives for an inode: a dup of `fd`, or where that is negative an error. */
struct fake_file {
	uint64_t inode;
	int fd;
	enum error_kind error;
};

struct fake {
	const char *maps; /* as /proc/PID/maps */
	const struct fake_page *pages;
	size_t page_count;
	size_t bridge; /* so many empty pages are given with the populated ones around them */
	const struct fake_file *files;
	size_t file_count;
	bool frames_denied;
	size_t asked;  /* calls of identify */
	size_t opened; /* of open_object */

	struct target target;
	struct space space;
};

/* `fake` with its tables filled in becomes a target and its only space. Nothing is to be freed. */
void fake_init(struct fake *fake);

/* Mapper count and flags of a frame, as the fake target tells them. */
struct frame fake_frame(uint64_t pfn);

/*
 * An ELF file of three segments, in a memfd (size 0x4000). Loaded at B its areas are
 *
 *	B+0000-B+1000 r--p offset 0       .rodata 0200-1000, behind the ELF header
 *	B+1000-B+3000 r-xp offset 1000    .text 1000-2800
 *	B+3000-B+4000 r--p offset 2000    .data.rel.ro 3800-4000
 *	B+4000-B+5000 rw-p offset 3000    .data 4000-4900, .bss 4900-7800
 *	B+5000-B+8000 rw-p without file   the rest of .bss
 */
int fake_elf(bool with_sections);

#endif
