// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/numa.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/scope.h"

enum {
	NUMA_NODES = 4096,           /* MAX_NUMNODES is at most 1024 */
	NUMA_BLOCKS_LIMIT = 1 << 24, /* 2 PiB in blocks of 128 MiB */
	ZONEINFO_LIMIT = 64 << 20,
};

/* ENOENT is "this kernel does not say", and leaves *text NULL. */
static struct error *read_optional(int root, const char *path, size_t limit, char **text)
{
	struct error *error = read_file_at(root, path, limit, text, NULL);

	if (!error || error_errnum(error) != ENOENT)
		return error;
	error_free(error);
	*text = NULL;
	return NULL;
}

/* "4" or "0-3" */
static struct error *add_nodes(struct numa *numa, char *word)
{
	uint64_t first, last;
	char *dash = strchr(word, '-');

	if (dash)
		*dash++ = '\0';
	if (!parse_decimal(word, &first) || !parse_decimal(dash ? dash : word, &last) ||
	    last < first || last >= NUMA_NODES)
		return error_new(ERROR_INPUT, "node list: malformed");
	if (numa->nodes.count && (int)first <= numa->nodes.items[numa->nodes.count - 1])
		return error_new(ERROR_INPUT, "node list: not ascending");
	for (uint64_t node = first; node <= last; node++)
		TRY(vec_push(&numa->nodes, (int)node));
	return NULL;
}

struct error *numa_parse_list(const char *text, struct numa *numa)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *word;

	if (!copy)
		return error_nomem();
	copy[strcspn(copy, "\n")] = '\0';
	if (!*copy)
		return NULL;
	while ((word = strsep(&rest, ",")))
		TRY(add_nodes(numa, word));
	return NULL;
}

/* One zone of /proc/zoneinfo while it is read; the two numbers stand far apart in it. */
struct zone_reading {
	int node;
	bool open, has_spanned, has_start;
	uint64_t spanned, start;
};

static struct error *zone_end(struct numa *numa, struct zone_reading *zone)
{
	struct numa_zone done = {.node = zone->node};
	bool complete = zone->open && zone->has_spanned && zone->has_start && zone->spanned;

	zone->open = false;
	if (!complete)
		return NULL;
	if (!range_from_length(zone->start, zone->spanned, &done.pfns))
		return error_new(ERROR_INPUT, "zoneinfo: the span of a zone overflows");
	return vec_push(&numa->zones, done);
}

/* "Node 0, zone    DMA32" */
static bool zone_begin(const char *line, struct zone_reading *zone)
{
	int node, used = 0;

	if (sscanf(line, "Node %d, zone %n", &node, &used) != 1 || !used)
		return false;
	if (node < 0 || node >= NUMA_NODES)
		return false;
	*zone = (struct zone_reading){.node = node, .open = true};
	return true;
}

/* "        spanned  4095" or "  start_pfn:           1"; false when it is neither. */
static bool take_count(char *line, const char *label, uint64_t *value)
{
	char *word = line + strspn(line, " ");
	size_t length = strlen(label);

	if (strncmp(word, label, length) != 0)
		return false;
	word += length;
	return *word == ' ' && parse_decimal(word + strspn(word, " "), value);
}

static struct error *zone_line(struct numa *numa, struct zone_reading *zone, char *line)
{
	if (strncmp(line, "Node ", 5) == 0) {
		TRY(zone_end(numa, zone));
		if (!zone_begin(line, zone))
			return error_new(ERROR_INPUT, "zoneinfo: malformed: %s", line);
		return NULL;
	}
	if (take_count(line, "spanned", &zone->spanned))
		zone->has_spanned = true;
	else if (take_count(line, "start_pfn:", &zone->start))
		zone->has_start = true;
	return NULL;
}

struct error *numa_parse_zoneinfo(const char *text, struct numa *numa)
{
	_cleanup_free_ char *copy = strdup(text);
	struct zone_reading zone = {0};
	char *rest = copy, *line;

	if (!copy)
		return error_nomem();
	while ((line = strsep(&rest, "\n")))
		TRY(zone_line(numa, &zone, line));
	return zone_end(numa, &zone);
}

static struct error *load_block_size(int root, unsigned page_shift, struct numa *numa)
{
	_cleanup_free_ char *text = NULL;
	uint64_t size;

	TRY(read_optional(root, "sys/devices/system/memory/block_size_bytes", 64, &text));
	if (!text)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	if (!parse_hex(text, &size) || size >> page_shift == 0)
		return error_new(ERROR_INPUT, "block_size_bytes: not a size: %s", text);
	numa->block_pages = size >> page_shift;
	return NULL;
}

/* The entries of a node's directory; "memory40" is a link to the block, "meminfo" is not one. */
static struct error *load_node_blocks(int root, int node, struct numa *numa)
{
	_cleanup_closedir_ DIR *dir = NULL;
	char path[64];
	struct dirent *entry;

	snprintf(path, sizeof(path), "sys/devices/system/node/node%d", node);
	int fd = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? NULL : error_errno(errno, "%s", path);
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return error_nomem();
	}
	while ((entry = readdir(dir))) {
		struct numa_block block = {.node = node};

		if (strncmp(entry->d_name, "memory", 6) != 0 ||
		    !parse_decimal(entry->d_name + 6, &block.block))
			continue;
		if (numa->blocks.count >= NUMA_BLOCKS_LIMIT)
			return error_new(ERROR_INPUT, "%s: too many memory blocks", path);
		TRY(vec_push(&numa->blocks, block));
	}
	return NULL;
}

static int compare_blocks(const void *left, const void *right)
{
	const struct numa_block *a = left, *b = right;

	if (a->block != b->block)
		return a->block < b->block ? -1 : 1;
	return a->node - b->node;
}

static struct error *load_blocks(int root, unsigned page_shift, struct numa *numa)
{
	TRY(load_block_size(root, page_shift, numa));
	if (!numa->block_pages)
		return NULL;
	for (size_t i = 0; i < numa->nodes.count; i++)
		TRY(load_node_blocks(root, numa->nodes.items[i], numa));
	if (numa->blocks.count)
		qsort(numa->blocks.items, numa->blocks.count, sizeof(*numa->blocks.items),
		      compare_blocks);
	return NULL;
}

static struct error *load_zones(int root, struct numa *numa)
{
	_cleanup_free_ char *text = NULL;

	/* A container may mask it: the other sources are still worth having. */
	struct error *error = read_optional(root, "proc/zoneinfo", ZONEINFO_LIMIT, &text);
	if (error_is(error, ERROR_DENIED)) {
		error_free(error);
		return NULL;
	}
	if (error || !text)
		return error;
	return numa_parse_zoneinfo(text, numa);
}

/* System RAM in whole frames: the kernel uses none of a frame that is only partly RAM. */
static struct error *load_ram(int root, unsigned page_shift, struct numa *numa)
{
	struct iomem iomem;
	uint64_t page_size = UINT64_C(1) << page_shift;
	struct error *error = iomem_load(root, &iomem);

	if (error && error_errnum(error)) { /* not readable: do without */
		error_free(error);
		return NULL;
	}
	if (error)
		return error;
	error = iomem_system_ram(&iomem, &numa->ram);
	iomem_deinit(&iomem);
	for (size_t i = 0; i < numa->ram.count; i++) {
		struct range *range = &numa->ram.items[i];

		range->start = align_up(range->start, page_size) >> page_shift;
		range->end >>= page_shift;
	}
	return error;
}

static enum numa_method best_method(const struct numa *numa)
{
	if (numa->nodes.count == 1)
		return NUMA_SINGLE;
	if (numa->blocks.count)
		return NUMA_BLOCKS;
	return numa->zones.count ? NUMA_ZONES : NUMA_NONE;
}

static struct error *load(int root, unsigned page_shift, struct numa *numa)
{
	_cleanup_free_ char *online = NULL;

	TRY(read_optional(root, "sys/devices/system/node/online", 65536, &online));
	if (online)
		TRY(numa_parse_list(online, numa));
	TRY(load_blocks(root, page_shift, numa));
	TRY(load_zones(root, numa));
	TRY(load_ram(root, page_shift, numa));
	/* A kernel without CONFIG_NUMA has no node directory, but its zones are all of node 0. */
	if (!numa->nodes.count && numa->zones.count) {
		bool single = true;

		for (size_t i = 0; i < numa->zones.count; i++)
			single = single && numa->zones.items[i].node == 0;
		if (single)
			TRY(vec_push(&numa->nodes, 0));
	}
	numa->method = best_method(numa);
	return NULL;
}

struct error *numa_load(int root, unsigned page_shift, struct numa *numa)
{
	*numa = (struct numa){.method = NUMA_NONE};
	struct error *error = load(root, page_shift, numa);
	if (error)
		numa_deinit(numa);
	return error;
}

void numa_deinit(struct numa *numa)
{
	vec_deinit(&numa->nodes);
	vec_deinit(&numa->blocks);
	vec_deinit(&numa->zones);
	vec_deinit(&numa->ram);
	numa->method = NUMA_NONE;
}

/* The node, NUMA_UNKNOWN when no block holds the frame or when two nodes share the block. */
static int node_by_block(const struct numa *numa, uint64_t pfn, bool *held)
{
	uint64_t block = pfn / numa->block_pages;
	size_t low = 0, high = numa->blocks.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (numa->blocks.items[middle].block < block)
			low = middle + 1;
		else
			high = middle;
	}
	*held = low < numa->blocks.count && numa->blocks.items[low].block == block;
	if (!*held)
		return NUMA_UNKNOWN;
	if (low + 1 < numa->blocks.count && numa->blocks.items[low + 1].block == block)
		return NUMA_UNKNOWN;
	return numa->blocks.items[low].node;
}

/* Spans include holes, and those of nodes may interleave: an answer only where they agree. */
static int node_by_zone(const struct numa *numa, uint64_t pfn)
{
	int node = NUMA_UNKNOWN;

	for (size_t i = 0; i < numa->zones.count; i++) {
		const struct numa_zone *zone = &numa->zones.items[i];

		if (!range_contains(zone->pfns, pfn))
			continue;
		if (node != NUMA_UNKNOWN && node != zone->node)
			return NUMA_UNKNOWN;
		node = zone->node;
	}
	return node;
}

static bool is_ram(const struct numa *numa, uint64_t pfn)
{
	for (size_t i = 0; i < numa->ram.count; i++) {
		if (range_contains(numa->ram.items[i], pfn))
			return true;
	}
	return false;
}

int numa_node(const struct numa *numa, uint64_t pfn)
{
	if (numa->ram.count && !is_ram(numa, pfn))
		return NUMA_UNKNOWN;
	if (numa->blocks.count) {
		bool held;
		int node = node_by_block(numa, pfn, &held);

		/* All memory that is online is in some block: what is in none is not RAM. */
		if (!held || node != NUMA_UNKNOWN)
			return node;
	}
	if (numa->zones.count)
		return node_by_zone(numa, pfn);
	return numa->method == NUMA_SINGLE && numa->ram.count ? numa->nodes.items[0] : NUMA_UNKNOWN;
}

/* Where numa_node() may change after pfn: the end of its block, or a border of a zone. */
static uint64_t next_border(const struct numa *numa, uint64_t pfn, uint64_t end)
{
	uint64_t left =
		numa->block_pages ? numa->block_pages - pfn % numa->block_pages : UINT64_MAX;

	if (end - pfn > left)
		end = pfn + left;
	for (size_t i = 0; i < numa->zones.count; i++) {
		struct range zone = numa->zones.items[i].pfns;

		if (zone.start > pfn && zone.start < end)
			end = zone.start;
		if (zone.end > pfn && zone.end < end)
			end = zone.end;
	}
	return end;
}

uint64_t numa_ram_pages(const struct numa *numa, int node)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < numa->ram.count; i++) {
		struct range ram = numa->ram.items[i];

		while (!range_is_empty(ram)) {
			uint64_t border = next_border(numa, ram.start, ram.end);

			pages += numa_node(numa, ram.start) == node ? border - ram.start : 0;
			ram.start = border;
		}
	}
	return pages;
}
