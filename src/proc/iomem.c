// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/iomem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/scope.h"

enum {
	IOMEM_LIMIT = 16 << 20, /* a machine with 10,000 devices stays below 1 MiB */
	IOMEM_DEPTH = 32,       /* the kernel prints at most 8 levels (MAX_IORES_LEVEL) */
};

/* The hexadecimal number at *cursor, which is moved behind it and the separator. */
static bool take_hex(char **cursor, const char *separator, uint64_t *value)
{
	char *end = strstr(*cursor, separator);

	if (!end)
		return false;
	*end = '\0';
	if (!parse_hex(*cursor, value))
		return false;
	*cursor = end + strlen(separator);
	return true;
}

/* An end at the very top loses its last byte: half-open, it could not be expressed. */
static bool make_range(uint64_t start, uint64_t last, struct range *range)
{
	return range_from_inclusive(start, last == UINT64_MAX ? last - 1 : last, range);
}

/* "  01000000-022090c7 : Kernel code"; the line is cut up. */
static bool parse_line(char *line, struct iomem_entry *entry)
{
	size_t spaces = strspn(line, " ");
	char *cursor = line + spaces;
	uint64_t start, last;

	if (spaces % 2 || spaces / 2 > IOMEM_DEPTH)
		return false;
	if (!take_hex(&cursor, "-", &start) || !take_hex(&cursor, " : ", &last))
		return false;
	*entry = (struct iomem_entry){.depth = (unsigned)spaces / 2, .name = cursor};
	return make_range(start, last, &entry->range);
}

/* The nearest entry before that is one level up; false when a level was jumped over. */
static bool find_parent(const struct iomem *iomem, struct iomem_entry *entry)
{
	entry->parent = IOMEM_NO_PARENT;
	if (entry->depth == 0)
		return true;
	if (iomem->entries.count == 0)
		return false;
	size_t i = iomem->entries.count - 1;
	if (iomem->entries.items[i].depth + 1 < entry->depth)
		return false;
	while (iomem->entries.items[i].depth >= entry->depth)
		i = iomem->entries.items[i].parent;
	entry->parent = i;
	return true;
}

static struct error *parse_lines(struct iomem *iomem)
{
	unsigned long number = 0;
	char *rest = iomem->text, *line;

	while ((line = strsep(&rest, "\n"))) {
		struct iomem_entry entry;

		number++;
		if (!*line && !rest)
			break;
		if (!parse_line(line, &entry) || !find_parent(iomem, &entry))
			return error_new(ERROR_INPUT, "iomem: line %lu is malformed", number);
		TRY(vec_push(&iomem->entries, entry));
		/* A hidden line is 0-0 inclusive: [0, 1). */
		if (entry.range.start || entry.range.end != 1)
			iomem->state = IOMEM_VISIBLE;
		else if (iomem->state == IOMEM_EMPTY)
			iomem->state = IOMEM_HIDDEN;
	}
	return NULL;
}

struct error *iomem_parse(const char *text, struct iomem *iomem)
{
	*iomem = (struct iomem){.state = IOMEM_EMPTY, .text = strdup(text)};
	if (!iomem->text)
		return error_nomem();
	struct error *error = parse_lines(iomem);
	if (error)
		iomem_deinit(iomem);
	return error;
}

void iomem_deinit(struct iomem *iomem)
{
	vec_deinit(&iomem->entries);
	free(iomem->text);
	*iomem = (struct iomem){.state = IOMEM_EMPTY};
}

struct error *iomem_load(int root, struct iomem *iomem)
{
	_cleanup_free_ char *text = NULL;

	*iomem = (struct iomem){.state = IOMEM_EMPTY};
	TRY(read_file_at(root, "proc/iomem", IOMEM_LIMIT, &text, NULL));
	return iomem_parse(text, iomem);
}

/* "System RAM", and "System RAM (kmem)", "System RAM (virtio_mem)": memory plugged in by drivers.
 */
static bool is_system_ram(const char *name)
{
	static const char ram[] = "System RAM";
	size_t length = sizeof(ram) - 1;

	return strncmp(name, ram, length) == 0 &&
	       (name[length] == '\0' || strncmp(name + length, " (", 2) == 0);
}

static int compare_ranges(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

static void merge_ranges(range_vec *ranges)
{
	size_t kept = 0;

	qsort(ranges->items, ranges->count, sizeof(*ranges->items), compare_ranges);
	for (size_t i = 1; i < ranges->count; i++) {
		struct range *last = &ranges->items[kept], next = ranges->items[i];

		if (next.start > last->end)
			ranges->items[++kept] = next;
		else if (next.end > last->end)
			last->end = next.end;
	}
	ranges->count = kept + 1;
}

struct error *iomem_system_ram(const struct iomem *iomem, range_vec *ranges)
{
	if (iomem->state != IOMEM_VISIBLE)
		return NULL;
	for (size_t i = 0; i < iomem->entries.count; i++) {
		const struct iomem_entry *entry = &iomem->entries.items[i];

		if (is_system_ram(entry->name))
			TRY(vec_push(ranges, entry->range));
	}
	if (ranges->count)
		merge_ranges(ranges);
	return NULL;
}

bool iomem_kernel_code(const struct iomem *iomem, struct range *range)
{
	if (iomem->state != IOMEM_VISIBLE)
		return false;
	for (size_t i = 0; i < iomem->entries.count; i++) {
		const struct iomem_entry *entry = &iomem->entries.items[i];

		if (strcmp(entry->name, "Kernel code") == 0) {
			*range = entry->range;
			return true;
		}
	}
	return false;
}
