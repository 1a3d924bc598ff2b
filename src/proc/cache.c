// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/scope.h"

enum {
	CACHE_INDEXES = 64, /* no machine has a tenth of it */
	CACHE_TEXT = 4096,
};

/* The word in an attribute's file, NULL in *text when the attribute is not there. */
static struct error *read_attribute(int dirfd, const char *name, char **text)
{
	struct error *error = read_file_at(dirfd, name, CACHE_TEXT, text, NULL);

	if (error && error_errnum(error) == ENOENT) {
		error_free(error);
		*text = NULL;
		return NULL;
	}
	if (!error)
		(*text)[strcspn(*text, "\n")] = '\0';
	return error;
}

static struct error *read_count(int dirfd, const char *name, uint64_t *value)
{
	_cleanup_free_ char *text = NULL;

	*value = 0;
	TRY(read_attribute(dirfd, name, &text));
	if (text && !parse_decimal(text, value))
		return error_new(ERROR_INPUT, "%s: not a number: %s", name, text);
	return NULL;
}

/* "512K": the only unit that size_show() writes. */
static struct error *read_size(int dirfd, uint64_t *size)
{
	_cleanup_free_ char *text = NULL;
	uint64_t kib;

	*size = 0;
	TRY(read_attribute(dirfd, "size", &text));
	if (!text)
		return NULL;
	size_t length = strlen(text);
	if (length && text[length - 1] == 'K')
		text[length - 1] = '\0';
	if (!parse_decimal(text, &kib) || __builtin_mul_overflow(kib, UINT64_C(1024), size))
		return error_new(ERROR_INPUT, "size: not a cache size: %s", text);
	return NULL;
}

static const char *const type_names[] = {
	[CACHE_UNKNOWN] = "Unknown",
	[CACHE_DATA] = "Data",
	[CACHE_INSTRUCTION] = "Instruction",
	[CACHE_UNIFIED] = "Unified",
};

const char *cache_type_name(enum cache_type type)
{
	return type_names[type];
}

static struct error *read_type(int dirfd, enum cache_type *type)
{
	_cleanup_free_ char *text = NULL;

	*type = CACHE_UNKNOWN;
	TRY(read_attribute(dirfd, "type", &text));
	for (unsigned i = 0; text && i < sizeof(type_names) / sizeof(type_names[0]); i++) {
		if (strcmp(text, type_names[i]) == 0)
			*type = (enum cache_type)i;
	}
	return NULL;
}

static struct error *read_shared(int dirfd, struct cache *cache)
{
	_cleanup_free_ char *text = NULL;

	TRY(read_attribute(dirfd, "shared_cpu_list", &text));
	if (text && strlen(text) < sizeof(cache->shared))
		strcpy(cache->shared, text);
	return NULL;
}

/* Of size = line × ways × sets, the number of sets when only that is missing. */
static void derive_sets(struct cache *cache)
{
	uint64_t way;

	if (cache->sets || !cache->line || !cache->ways || !cache->size)
		return;
	if (__builtin_mul_overflow(cache->line, cache->ways, &way))
		return;
	if (cache->size % way == 0)
		cache->sets = cache->size / way;
}

static struct error *read_cache(int dirfd, struct cache *cache)
{
	uint64_t level;

	*cache = (struct cache){0};
	TRY(read_count(dirfd, "level", &level));
	if (level > 16)
		return error_new(ERROR_INPUT, "level: not a cache level: %" PRIu64, level);
	cache->level = (unsigned)level;
	cache->nominal = level >= 3;
	TRY(read_type(dirfd, &cache->type));
	TRY(read_size(dirfd, &cache->size));
	TRY(read_count(dirfd, "coherency_line_size", &cache->line));
	TRY(read_count(dirfd, "ways_of_associativity", &cache->ways));
	TRY(read_count(dirfd, "number_of_sets", &cache->sets));
	TRY(read_shared(dirfd, cache));
	derive_sets(cache);
	return NULL;
}

static int compare_caches(const void *left, const void *right)
{
	const struct cache *a = left, *b = right;

	if (a->level != b->level)
		return a->level < b->level ? -1 : 1;
	return (int)a->type - (int)b->type;
}

/* The indexes are numbered without gaps: the first that is missing ends the list. */
static struct error *read_caches(int root, unsigned cpu, struct cache_geometry *geometry)
{
	for (unsigned i = 0; i < CACHE_INDEXES; i++) {
		char path[96];
		struct cache cache;
		_cleanup_close_ int dirfd = -1;

		snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%u/cache/index%u", cpu, i);
		dirfd = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dirfd < 0 && errno == ENOENT)
			break;
		if (dirfd < 0)
			return error_errno(errno, "%s", path);
		struct error *error = read_cache(dirfd, &cache);
		if (error)
			return error_context(error, "%s", path);
		TRY(vec_push(&geometry->caches, cache));
	}
	return NULL;
}

struct error *cache_load(int root, unsigned cpu, struct cache_geometry *geometry)
{
	*geometry = (struct cache_geometry){0};
	struct error *error = read_caches(root, cpu, geometry);
	if (error)
		cache_deinit(geometry);
	else if (geometry->caches.count)
		qsort(geometry->caches.items, geometry->caches.count,
		      sizeof(*geometry->caches.items), compare_caches);
	return error;
}

void cache_deinit(struct cache_geometry *geometry)
{
	vec_deinit(&geometry->caches);
}

bool cache_set(const struct cache *cache, uint64_t paddr, uint64_t *set)
{
	if (!cache->line || !cache->sets)
		return false;
	*set = paddr / cache->line % cache->sets;
	return true;
}

bool cache_colors(const struct cache *cache, uint64_t page_size, uint64_t *colors)
{
	uint64_t way;

	if (!cache->line || !cache->sets || !page_size)
		return false;
	if (__builtin_mul_overflow(cache->sets, cache->line, &way))
		return false;
	*colors = way > page_size ? way / page_size : 1;
	return true;
}

bool cache_color(const struct cache *cache, uint64_t page_size, uint64_t pfn, uint64_t *color)
{
	uint64_t colors;

	if (!cache_colors(cache, page_size, &colors))
		return false;
	*color = pfn % colors;
	return true;
}
