// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/memblocks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/scope.h"

#define DIRECTORY "sys/devices/system/memory"

static int compare_ranges(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

/* A block that is unplugged meanwhile has no state any more, and is no memory either. */
static struct error *add_block(int root, uint64_t number, uint64_t size,
			       struct memory_blocks *blocks)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	struct range range;

	snprintf(path, sizeof(path), DIRECTORY "/memory%llu/state", (unsigned long long)number);
	_cleanup_error_ struct error *error = read_file_at(root, path, 64, &text, NULL);
	if (!error && strcmp(text, "online\n") == 0)
		return NULL;
	if (number > UINT64_MAX / size || !range_from_length(number * size, size, &range))
		return error_new(ERROR_INPUT, "%s: beyond any address", path);
	return vec_push(&blocks->offline, range);
}

static struct error *add_blocks(int root, DIR *directory, uint64_t size,
				struct memory_blocks *blocks)
{
	struct dirent *entry;

	for (;;) {
		uint64_t number;

		TRY(next_entry(directory, DIRECTORY, &entry));
		if (!entry)
			break;
		if (strncmp(entry->d_name, "memory", 6) == 0 &&
		    parse_decimal(entry->d_name + 6, &number))
			TRY(add_block(root, number, size, blocks));
	}
	if (blocks->offline.count)
		qsort(blocks->offline.items, blocks->offline.count, sizeof(struct range),
		      compare_ranges);
	blocks->known = true;
	return NULL;
}

static struct error *read_blocks(int root, DIR *directory, struct memory_blocks *blocks)
{
	_cleanup_free_ char *text = NULL;
	uint64_t size;

	TRY(read_file_at(root, DIRECTORY "/block_size_bytes", 64, &text, NULL));
	text[strcspn(text, "\n")] = '\0';
	if (!parse_hex(text, &size) || size == 0)
		return error_new(ERROR_INPUT, "block_size_bytes: not a size: %s", text);
	return add_blocks(root, directory, size, blocks);
}

struct error *memory_blocks_load(int root, struct memory_blocks *blocks)
{
	struct stat st;

	*blocks = (struct memory_blocks){0};
	int fd = openat(root, DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		blocks->known = errno == ENOENT && fstatat(root, "sys/devices/system", &st, 0) == 0;
		return NULL;
	}
	DIR *directory = fdopendir(fd);
	struct error *error = directory ? read_blocks(root, directory, blocks)
					: error_errno(errno, "%s", DIRECTORY);
	if (directory)
		closedir(directory);
	else
		close(fd);
	if (error)
		memory_blocks_deinit(blocks);
	return error;
}

void memory_blocks_deinit(struct memory_blocks *blocks)
{
	vec_deinit(&blocks->offline);
	*blocks = (struct memory_blocks){0};
}

bool memory_blocks_offline(const struct memory_blocks *blocks, uint64_t paddr)
{
	size_t low = 0, high = blocks->offline.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (blocks->offline.items[middle].end <= paddr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < blocks->offline.count && range_contains(blocks->offline.items[low], paddr);
}
