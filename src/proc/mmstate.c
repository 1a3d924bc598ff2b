// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/mmstate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/scope.h"

enum {
	SWAPS_LIMIT = 1 << 20, /* at most 32 areas, each with a path */
	WORDS_LIMIT = 4096,
};

/* ENOENT leaves what the caller had set. */
static struct error *allow_absent(struct error *error)
{
	if (error && error_errnum(error) == ENOENT) {
		error_free(error);
		return NULL;
	}
	return error;
}

/* Undoes "\040": seq_file_path() writes space, tab, newline and backslash so (mm/swapfile.c). */
static void unescape_octal(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		bool octal = from[0] == '\\' && strspn(from + 1, "01234567") >= 3 && from[1] < '4';

		*to = *from;
		if (octal)
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
		from += octal ? 4 : 1;
	}
	*to = '\0';
}

/* The field at *cursor, which ends at white space; the line is cut up. */
static const char *take_field(char **cursor)
{
	char *field = *cursor + strspn(*cursor, " \t");
	char *end = field + strcspn(field, " \t");

	*cursor = *end ? end + 1 : end;
	*end = '\0';
	return field;
}

static bool take_kib(char **cursor, uint64_t *bytes)
{
	uint64_t kib;

	return parse_decimal(take_field(cursor), &kib) &&
	       !__builtin_mul_overflow(kib, UINT64_C(1024), bytes);
}

/*
 * "/dev/zram0                              partition	1048572		0		100"
 *
 * Blanks in the path are escaped, that before "(deleted)" too: seq_file_path() sees the whole.
 */
static bool parse_swap(char *line, struct swap_area *area)
{
	char *cursor = line;
	char *path = (char *)take_field(&cursor);
	const char *type = take_field(&cursor);

	area->partition = strcmp(type, "partition") == 0;
	if (!area->partition && strcmp(type, "file") != 0)
		return false;
	if (!take_kib(&cursor, &area->size) || !take_kib(&cursor, &area->used))
		return false;
	unescape_octal(path);
	area->path = path;
	return *path != '\0';
}

static struct error *add_swap(struct swaps *swaps, char *line, unsigned long number)
{
	struct swap_area area;

	if (!parse_swap(line, &area))
		return error_new(ERROR_INPUT, "swaps: line %lu is malformed", number);
	area.path = strdup(area.path);
	struct error *error = area.path ? vec_push(&swaps->areas, area) : error_nomem();
	if (error)
		free(area.path);
	return error;
}

static struct error *parse_swap_lines(char *text, struct swaps *swaps)
{
	char *rest = text, *line;

	for (unsigned long number = 1; (line = strsep(&rest, "\n")); number++) {
		if (number == 1 || !*line) /* the headings */
			continue;
		TRY(add_swap(swaps, line, number));
	}
	return NULL;
}

struct error *swaps_parse(const char *text, struct swaps *swaps)
{
	_cleanup_free_ char *copy = strdup(text);

	*swaps = (struct swaps){.present = true};
	if (!copy)
		return error_nomem();
	if (strncmp(text, "Filename", 8) != 0)
		return error_new(ERROR_INPUT, "swaps: no headings");
	struct error *error = parse_swap_lines(copy, swaps);
	if (error)
		swaps_deinit(swaps);
	return error;
}

struct error *swaps_load(int root, struct swaps *swaps)
{
	_cleanup_free_ char *text = NULL;

	*swaps = (struct swaps){0};
	TRY(allow_absent(read_file_at(root, "proc/swaps", SWAPS_LIMIT, &text, NULL)));
	return text ? swaps_parse(text, swaps) : NULL;
}

void swaps_deinit(struct swaps *swaps)
{
	for (size_t i = 0; i < swaps->areas.count; i++)
		free(swaps->areas.items[i].path);
	vec_deinit(&swaps->areas);
}

bool chosen_word(const char *text, char *word, size_t size)
{
	const char *open = strchr(text, '[');
	const char *close = open ? strchr(open, ']') : NULL;

	if (!close || (size_t)(close - open) > size)
		return false;
	size_t length = (size_t)(close - open) - 1;
	memcpy(word, open + 1, length);
	word[length] = '\0';
	return length > 0;
}

struct error *ksm_load(int root, struct ksm *ksm)
{
	*ksm = (struct ksm){0};
	struct error *error = read_number_at(root, "sys/kernel/mm/ksm/run", &ksm->run);
	ksm->present = !error;
	if (error)
		return allow_absent(error);
	TRY(read_number_at(root, "sys/kernel/mm/ksm/pages_shared", &ksm->pages_shared));
	return read_number_at(root, "sys/kernel/mm/ksm/pages_sharing", &ksm->pages_sharing);
}

/* The chosen word of a file below transparent_hugepage/; empty when there is no such file. */
static struct error *read_choice(int dirfd, const char *name, char *word, size_t size)
{
	_cleanup_free_ char *text = NULL;

	*word = '\0';
	TRY(allow_absent(read_file_at(dirfd, name, WORDS_LIMIT, &text, NULL)));
	if (text && !chosen_word(text, word, size))
		return error_new(ERROR_INPUT, "%s: no choice in brackets", name);
	return NULL;
}

static enum thp_mode thp_mode(const char *word)
{
	static const struct {
		const char *word;
		enum thp_mode mode;
	} modes[] = {{"never", THP_NEVER}, {"madvise", THP_MADVISE}, {"always", THP_ALWAYS}};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(word, modes[i].word) == 0)
			return modes[i].mode;
	}
	return THP_UNKNOWN;
}

/* "hugepages-2048kB" as bytes; 0 for any other name. */
static uint64_t size_of_name(const char *name)
{
	char digits[24];
	uint64_t kib, bytes;

	if (strncmp(name, "hugepages-", 10) != 0)
		return 0;
	name += 10;
	size_t length = strspn(name, "0123456789");
	if (!length || length >= sizeof(digits) || strcmp(name + length, "kB") != 0)
		return 0;
	memcpy(digits, name, length);
	digits[length] = '\0';
	if (!parse_decimal(digits, &kib) || __builtin_mul_overflow(kib, UINT64_C(1024), &bytes))
		return 0;
	return bytes;
}

/* A directory's entries below `dirfd` ("." for itself), as a stream with its own descriptor. */
static struct error *open_directory(int dirfd, const char *path, DIR **dir)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*dir = NULL;
	if (fd < 0)
		return error_errno(errno, "%s", path);
	*dir = fdopendir(fd);
	if (*dir)
		return NULL;
	close(fd);
	return error_nomem();
}

static int compare_sizes(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

static struct error *load_thp_sizes(DIR *dir, struct thp *thp)
{
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		char path[sizeof(entry->d_name) + 16], word[24];
		uint64_t size = size_of_name(entry->d_name);

		if (!size)
			continue;
		snprintf(path, sizeof(path), "%s/enabled", entry->d_name);
		TRY(read_choice(dirfd(dir), path, word, sizeof(word)));
		/* "inherit" follows the global word. */
		if (!*word || strcmp(word, "never") == 0 ||
		    (strcmp(word, "inherit") == 0 && thp->enabled == THP_NEVER))
			continue;
		TRY(vec_push(&thp->sizes, size));
	}
	if (thp->sizes.count)
		qsort(thp->sizes.items, thp->sizes.count, sizeof(*thp->sizes.items), compare_sizes);
	return NULL;
}

static struct error *load_thp(DIR *dir, struct thp *thp)
{
	char word[24];
	uint64_t zero_page = 0;

	TRY(read_choice(dirfd(dir), "enabled", word, sizeof(word)));
	thp->enabled = thp_mode(word);
	TRY(read_choice(dirfd(dir), "defrag", thp->defrag, sizeof(thp->defrag)));
	TRY(allow_absent(read_number_at(dirfd(dir), "use_zero_page", &zero_page)));
	thp->zero_page = zero_page != 0;
	TRY(allow_absent(read_number_at(dirfd(dir), "hpage_pmd_size", &thp->size)));
	return load_thp_sizes(dir, thp);
}

struct error *thp_load(int root, struct thp *thp)
{
	_cleanup_closedir_ DIR *dir = NULL;

	*thp = (struct thp){0};
	struct error *error = open_directory(root, "sys/kernel/mm/transparent_hugepage", &dir);
	if (error)
		return allow_absent(error);
	thp->present = true;
	error = load_thp(dir, thp);
	if (error)
		thp_deinit(thp);
	return error;
}

void thp_deinit(struct thp *thp)
{
	vec_deinit(&thp->sizes);
}

static struct error *load_pool(int dirfd, const char *name, struct hugetlb_pool *pool)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/nr_hugepages", name);
	TRY(read_number_at(dirfd, path, &pool->total));
	snprintf(path, sizeof(path), "%s/free_hugepages", name);
	return read_number_at(dirfd, path, &pool->free);
}

static int compare_pools(const void *left, const void *right)
{
	const struct hugetlb_pool *a = left, *b = right;

	return a->size < b->size ? -1 : a->size > b->size;
}

static struct error *load_pools(DIR *dir, struct hugetlb *hugetlb)
{
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		struct hugetlb_pool pool = {.size = size_of_name(entry->d_name)};

		if (!pool.size)
			continue;
		TRY(load_pool(dirfd(dir), entry->d_name, &pool));
		TRY(vec_push(&hugetlb->pools, pool));
	}
	if (hugetlb->pools.count)
		qsort(hugetlb->pools.items, hugetlb->pools.count, sizeof(*hugetlb->pools.items),
		      compare_pools);
	return NULL;
}

struct error *hugetlb_load(int root, struct hugetlb *hugetlb)
{
	_cleanup_closedir_ DIR *dir = NULL;

	*hugetlb = (struct hugetlb){0};
	struct error *error = open_directory(root, "sys/kernel/mm/hugepages", &dir);
	if (error)
		return allow_absent(error);
	hugetlb->present = true;
	error = load_pools(dir, hugetlb);
	if (error)
		hugetlb_deinit(hugetlb);
	return error;
}

void hugetlb_deinit(struct hugetlb *hugetlb)
{
	vec_deinit(&hugetlb->pools);
}

uint64_t vm_pages_moved(void)
{
	static const char *const keys[] = {"\npgmigrate_success ", "\nthp_collapse_alloc ",
					   "\nthp_migration_success "};
	_cleanup_free_ char *text = NULL;
	uint64_t sum = 0;

	error_free(read_file_at(AT_FDCWD, "/proc/vmstat", 1 << 20, &text, NULL));
	for (size_t i = 0; text && i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *line = strstr(text, keys[i]);

		sum += line ? strtoull(line + strlen(keys[i]), NULL, 10) : 0;
	}
	return text ? sum : UINT64_MAX;
}
