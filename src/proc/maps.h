// SPDX-License-Identifier: GPL-2.0-or-later
/* /proc/PID/maps: the areas of an address space (fs/proc/task_mmu.c, show_map_vma()). */
#ifndef PHYSLENS_PROC_MAPS_H
#define PHYSLENS_PROC_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/range.h"

enum vma_perms { VMA_READ = 1, VMA_WRITE = 2, VMA_EXEC = 4, VMA_SHARED = 8 };

/*
 * One line of maps:
 *
 *   7f1c2a400000-7f1c2a426000 r--p 00000000 fe:00 1835100   /usr/lib/x86_64-linux-gnu/libc.so.6
 *
 * `name` is a path, a pseudo-name such as "[heap]", or "", as the kernel wrote it: a newline in it
 * as \012, which live_vmas() makes a newline again. A path may end in " (deleted)"; a file may also
 * be called that, so only its link count tells.
 */
struct vma {
	struct range range; /* bytes */
	uint64_t offset;    /* of the start, in the file, in bytes */
	uint64_t inode;     /* 0: no file */
	uint32_t dev_major;
	uint32_t dev_minor;
	unsigned perms; /* enum vma_perms */
	const char *name;
};

/* Sorted by address, without overlap. */
struct vma_list {
	struct vma *items;
	size_t count;
	char *text; /* owns the names */
};

/*
 * Parses the whole text of a maps file and takes it (malloc'ed, `length` bytes and a NUL), on
 * failure too. ERROR_INPUT names the line that is not as expected. An area that grew downwards
 * while the text was read begins where the one before it ends.
 */
struct error *vma_list_parse(struct vma_list *list, char *text, size_t length);
void vma_list_deinit(struct vma_list *list);

/* Reads and parses an open maps file. Empty for a kernel thread, and when the process is gone. */
struct error *vma_list_read(struct vma_list *list, int maps_fd);

/* The area that holds `address`, or NULL. */
const struct vma *vma_list_find(const struct vma_list *list, uint64_t address);

/*
 * The kernel writes a newline in a name as \012, and a backslash as it is (seq_file_path() in
 * show_map_vma(), fs/proc/task_mmu.c). True if `name` may hold one; spell_newlines() puts it back,
 * in place.
 */
bool may_have_newlines(const char *name);
void spell_newlines(char *name);

/* The perms as maps writes them, "r-xp"; `text` has room for five bytes. */
void vma_perms_text(unsigned perms, char text[5]);

#endif
