// SPDX-License-Identifier: GPL-2.0-or-later
/* What there is to compare: areas, the files behind them, and their resident pages. */
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/layout.h"
#include "analysis/verify_internal.h"
#include "base/scope.h"

enum { SET_FIRST = 64 };

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool has_suffix(const char *text, const char *suffix)
{
	size_t length = strlen(text), tail = strlen(suffix);

	return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

/* --- the set of page-cache pages ----------------------------------------------------------------
 */

static size_t slot_of(const struct page_set *set, uint32_t index)
{
	return (index * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (set->capacity - 1);
}

static struct error *grow(struct page_set *set)
{
	struct page_set larger = {.capacity = set->capacity ? 2 * set->capacity : SET_FIRST};

	larger.items = malloc(larger.capacity * sizeof(*larger.items));
	if (!larger.items)
		return error_nomem();
	for (size_t i = 0; i < larger.capacity; i++)
		larger.items[i].area = VERIFY_NONE;
	for (size_t i = 0; i < set->capacity; i++) {
		const struct file_page *page = &set->items[i];

		if (page->area == VERIFY_NONE)
			continue;
		size_t slot = slot_of(&larger, page->index);
		while (larger.items[slot].area != VERIFY_NONE)
			slot = (slot + 1) & (larger.capacity - 1);
		larger.items[slot] = *page;
	}
	larger.count = set->count;
	free(set->items);
	*set = larger;
	return NULL;
}

/* The page of this index, or the free slot where it belongs. */
static struct error *set_find(struct page_set *set, uint32_t index, struct file_page **page)
{
	if (set->count >= set->capacity / 4 * 3)
		TRY(grow(set));
	size_t slot = slot_of(set, index);
	while (set->items[slot].area != VERIFY_NONE && set->items[slot].index != index)
		slot = (slot + 1) & (set->capacity - 1);
	*page = &set->items[slot];
	return NULL;
}

/* A page of the cache is in one frame; a second one was made while we looked, and is looked at too.
 */
static struct error *add_shared(struct verify *v, struct verify_file *file,
				const struct file_page *page)
{
	struct file_page *known;

	TRY(set_find(&file->shared, page->index, &known));
	if (known->area == VERIFY_NONE) {
		*known = *page;
		file->shared.count++;
		v->pages_held++;
		return NULL;
	}
	if (known->pfn == page->pfn)
		return NULL;
	v->pages_held++;
	return vec_push(&file->others, *page);
}

/* The file with the most pages is compared piece by piece, and for now forgotten. */
static void forget_largest(struct verify *v)
{
	struct verify_file *largest = NULL;
	size_t most = 0;

	for (size_t i = 0; i < v->files.count; i++) {
		struct verify_file *file = v->files.items[i];

		if (file->shared.count + file->others.count > most) {
			most = file->shared.count + file->others.count;
			largest = file;
		}
	}
	if (!largest)
		return;
	largest->large = true;
	largest->held = most;
	v->pages_held -= most;
	free(largest->shared.items);
	largest->shared = (struct page_set){0};
	vec_deinit(&largest->others);
}

static struct error *remember(struct verify *v, struct verify_file *file,
			      const struct file_page *page)
{
	if (!(page->pfn & VERIFY_PRIVATE))
		return add_shared(v, file, page);
	v->pages_held++;
	return vec_push(&file->others, *page);
}

/* --- files --------------------------------------------------------------------------------------
 */

void verify_file_destroy(struct verify *v, struct verify_file *file)
{
	file_put(v->target, file->file);
	relocations_deinit(&file->relocations);
	direct_close(&file->direct);
	free(file->shared.items);
	vec_deinit(&file->others);
	vec_deinit(&file->pages);
	free(file->path);
	free(file->why);
	free(file->fate_why);
	free(file);
}

static int compare_files(const void *left, const void *right)
{
	const struct verify_file *a = left, *b = right;

	return (a->file > b->file) - (a->file < b->file);
}

static struct error *remark_defect(struct verify *v, const struct verify_file *file)
{
	const char *defect = object_defect(file->file->object);
	char *text;

	if (!defect)
		return NULL;
	if (asprintf(&text, "%s: %s: compared all the same", file->path, defect) < 0)
		return error_nomem();
	struct error *error = vec_push(&v->remarks, text);
	if (error)
		free(text);
	return error;
}

/* Opened past the cache; of very many files only to see that it can be done. */
static struct error *open_direct(struct verify *v, struct verify_file *file, int fd)
{
	TRY(direct_open(fd, &file->direct));
	if (!direct_is_open(&file->direct)) {
		file->why = strdup(file->direct.why);
		return file->why ? NULL : error_nomem();
	}
	file->cached_why = file->direct.fd < 0 ? file->direct.why : NULL;
	file->shut = v->direct_open >= v->direct_max;
	if (file->shut)
		direct_close(&file->direct);
	else
		v->direct_open++;
	return NULL;
}

static struct error *open_content(struct verify *v, struct space *space, const struct vma *vma,
				  struct verify_file *file)
{
	_cleanup_close_ int fd = -1;
	struct error *error = space_open_file(space, vma, file->file, &fd);

	file->opened = !error;
	if (!error)
		return open_direct(v, file, fd);
	if (error_is(error, ERROR_GONE) || error_is(error, ERROR_NOMEM))
		return error;
	file->why = file_refusal(error, vma);
	error_free(error);
	return file->why ? NULL : error_nomem();
}

/* That it cannot be opened is its pages' affair. Who maps it next may have more luck. */
static struct error *open_file(struct verify *v, struct space *space, const struct vma *vma,
			       struct verify_file *file)
{
	struct file *f = file->file;
	bool first = !f->examined;

	free(file->why);
	file->why = NULL;
	TRY(file_examine(space, vma, f));
	if (f->access != FILE_OPEN || !f->object) {
		file->why = strdup(f->why ? f->why : "it is of a pool of huge pages");
		return file->why ? NULL : error_nomem();
	}
	if (f->deleted)
		file->fate = FATE_DELETED;
	if (first)
		TRY(remark_defect(v, file));
	if (f->copied) {
		file->opened = true;
		file->why = strdup("a server has its file system, whose disk is not here");
		return file->why ? NULL : error_nomem();
	}
	return open_content(v, space, vma, file);
}

void verify_sync_file(const struct verify *v, struct verify_file *file)
{
	if (v->sync && file->direct.fd >= 0 && !direct_is_clean(&file->direct, 0, 0))
		direct_sync(&file->direct); /* what stays dirty has a row */
}

struct error *verify_reopen(struct verify *v, struct verify_file *file)
{
	struct error *error = NULL;

	for (size_t i = 0; !direct_is_open(&file->direct) && i < file->area_count; i++) {
		const struct verify_area *area = &v->areas.items[v->by_file[file->first_area + i]];
		struct vma vma = verify_vma(v, area);
		struct space *space;
		_cleanup_close_ int fd = -1;

		if (area->moved)
			continue;
		error_free(error);
		error = target_open_space(v->target, v->spaces.items[area->space].pid, &space);
		if (error)
			continue;
		error = space_open_file(space, &vma, file->file, &fd);
		space_close(space);
		if (!error)
			error = direct_open(fd, &file->direct);
	}
	if (direct_is_open(&file->direct) || error_is(error, ERROR_NOMEM))
		return error;
	error_free(error);
	file->why = strdup("it could not be opened once more");
	return file->why ? NULL : error_nomem();
}

/* Takes `f`, which is held. */
static struct error *new_file(struct verify *v, const struct vma *vma, struct file *f,
			      struct verify_file **result)
{
	struct verify_file *file = calloc(1, sizeof(*file));

	if (!file) {
		file_put(v->target, f);
		return error_nomem();
	}
	*file = (struct verify_file){.file = f,
				     .dev_major = vma->dev_major,
				     .dev_minor = vma->dev_minor,
				     .inode = vma->inode,
				     .number = (uint32_t)v->files.count,
				     .path = strdup(vma->name),
				     .direct = DIRECT_CLOSED,
				     .flagged = VERIFY_NONE};
	struct error *error = file->path ? vec_push(&v->files, file) : error_nomem();
	if (error) {
		verify_file_destroy(v, file);
		return error;
	}
	if (!tsearch(file, &v->file_tree, compare_files))
		return error_nomem();
	*result = file;
	return NULL;
}

struct numbered_file {
	struct verify_file *file;
	uint32_t number;
};

static struct error *get_file(struct verify *v, struct space *space, const struct vma *vma,
			      struct numbered_file *result)
{
	struct file *f;

	TRY(space_file(space, vma, &f));
	struct verify_file key = {.file = f};
	struct verify_file *const *found = tfind(&key, &v->file_tree, compare_files);

	if (found) {
		file_put(v->target, f);
		result->file = *found;
		result->number = result->file->number;
		return result->file->opened || f->access != FILE_OPEN
			       ? NULL
			       : open_file(v, space, vma, result->file);
	}
	TRY(new_file(v, vma, f, &result->file));
	result->number = result->file->number;
	return open_file(v, space, vma, result->file);
}

static bool is_regular(const struct verify_file *file)
{
	return file->file->access != FILE_DEVICE;
}

/* --- deleted, replaced
 * ------------------------------------------------------------------------------ */

static bool same_build(const struct object *a, const struct object *b, bool *known)
{
	size_t a_length, b_length;
	const uint8_t *a_id = object_build_id(a, &a_length), *b_id = object_build_id(b, &b_length);

	*known = a_id && b_id;
	return *known && a_length == b_length && memcmp(a_id, b_id, a_length) == 0;
}

/* What is at the path now, if it is another file than the one that is mapped. */
static struct error *judge_path(struct verify_file *file, int fd, const struct file_status *status,
				bool deleted)
{
	struct object *object;
	bool known;

	if (status->device == file->file->device && status->inode == file->file->inode)
		return NULL;
	TRY(object_open(fd, NULL, &object));
	bool same = same_build(file->file->object, object, &known);
	object_close(object);
	if (same || (!known && !deleted)) {
		file->fate_why = same && deleted ? strdup("its path holds the same build") : NULL;
		return NULL;
	}
	file->fate = FATE_REPLACED;
	file->fate_why =
		strdup(known ? "its path holds another build-id" : "its path holds another file");
	return NULL;
}

/* Whether the very file is at that path: its name may end as the names of deleted ones do. */
static bool is_at(const struct verify_file *file, struct space *space, const char *path)
{
	_cleanup_close_ int fd = -1;
	struct file_status status;
	_cleanup_error_ struct error *error = space_open_path(space, path, &fd, &status);

	return !error && status.device == file->file->device && status.inode == file->file->inode;
}

static struct error *judge_fate(struct verify_file *file, struct space *space)
{
	bool deleted = has_suffix(file->path, DELETED_SUFFIX) && !is_at(file, space, file->path);
	_cleanup_free_ char *path = strdup(file->path);
	_cleanup_close_ int fd = -1;
	struct file_status status;

	if (!path)
		return error_nomem();
	if (file->fate == FATE_UNKNOWN)
		file->fate = FATE_FINE;
	if (file->fate == FATE_FINE && !deleted && !file->file->object)
		return NULL;
	if (deleted)
		path[strlen(path) - strlen(DELETED_SUFFIX)] = '\0';
	struct error *error = space_open_path(space, path, &fd, &status);
	if (!error && file->file->object)
		error = judge_path(file, fd, &status, deleted);
	else if (error_is(error, ERROR_LOOKUP) && deleted)
		file->fate = FATE_DELETED;
	return error_forgive(error);
}

/* --- rows about areas
 * -------------------------------------------------------------------------------- */

static struct error *count_present(void *argument, uint64_t vpn, const uint64_t *words,
				   size_t count)
{
	uint64_t *present = argument;

	(void)vpn;
	for (size_t i = 0; i < count; i++)
		*present += !!(words[i] & PAGEMAP_PRESENT);
	return NULL;
}

struct error *verify_found_area(struct verify *v, enum verify_kind kind, struct space *space,
				uint32_t number, uint32_t file, const struct vma *vma, char *why)
{
	struct verify_finding *finding;
	uint64_t present = 0;
	struct error *error = space_pages(space, vma, vma->range, count_present, &present);

	if (error) {
		free(why);
		return error;
	}
	TRY(verify_found(v, kind, number, file, *vma->name ? vma->name : NULL, vma->range, why,
			 &finding));
	if (finding)
		finding->pages = present;
	return NULL;
}

static struct error *found_fate(struct verify *v, struct space *space, uint32_t number,
				const struct numbered_file *f, const struct vma *vma)
{
	struct verify_finding *finding;
	struct verify_file *file = f->file;
	char *why = NULL;

	if (file->fate == FATE_UNKNOWN || (file->fate == FATE_DELETED && !file->fate_why))
		TRY(judge_fate(file, space));
	if (file->fate == FATE_FINE || file->flagged == number)
		return NULL;
	file->flagged = number;
	if (file->fate_why && !(why = strdup(file->fate_why)))
		return error_nomem();
	TRY(verify_found(v, file->fate == FATE_DELETED ? VERIFY_DELETED : VERIFY_REPLACED, number,
			 f->number, NULL, vma->range, why, &finding));
	return NULL;
}

/* --- areas
 * ---------------------------------------------------------------------------------------------- */

struct collector {
	struct verify *verify;
	struct space *space;
	uint32_t number;        /* of the space */
	struct numbered_file f; /* of the area in hand */
	uint32_t area;
	/* The ELF file whose areas come one after another. */
	struct verify_file *module;
	uint64_t module_bias;
	uint64_t module_end;
	struct placed_areas places;
};

static struct error *found_area(const struct collector *c, enum verify_kind kind, uint32_t file,
				const struct vma *vma, char *why)
{
	return verify_found_area(c->verify, kind, c->space, c->number, file, vma, why);
}

/*
 * Code of a deleted or replaced file; of one that is no program a row for the area, unless it is
 * deleted and by its name what a JIT compiler's library makes.
 */
static struct error *found_program(const struct collector *c, const struct vma *vma)
{
	struct verify_file *file = c->f.file;
	const char *known = verify_known_cache(file->path);
	bool program = verify_is_program(file, vma);
	char *why = NULL;

	if (!program && known && file->fate == FATE_DELETED && !file->fate_why &&
	    !(file->fate_why = strdup(known)))
		return error_nomem();
	if (program || (known && file->fate == FATE_DELETED))
		return found_fate(c->verify, c->space, c->number, &c->f, vma);
	if (known && !(why = strdup(known)))
		return error_nomem();
	return found_area(c, VERIFY_DATA_EXEC, c->f.number, vma, why);
}

/* What is in swap of a file's area is private: somebody wrote it. The process has it read back. */
static bool is_comparable(uint64_t word)
{
	return word & PAGEMAP_PRESENT || (word & PAGEMAP_SWAP && !(word & PAGE_SPECIAL));
}

/* As file_page.pfn has it; without a frame the process is asked for the bytes. */
static uint64_t frame_of(uint64_t word)
{
	if (!(word & PAGEMAP_PRESENT))
		return VERIFY_PRIVATE;
	return (word & PAGEMAP_PFN) | (word & PAGEMAP_FILE ? 0 : VERIFY_PRIVATE);
}

/* A page of a cache that cannot be read past: there is nothing to hold it against. */
static bool is_only_cached(const struct verify_file *file, const struct file_page *page)
{
	return file->cached_why && !(page->pfn & VERIFY_PRIVATE);
}

/* 16 TiB into a file: their numbers have no room, and few file systems have so long files. */
static struct error *put_beyond(struct collector *c, uint64_t vaddr)
{
	struct verify_finding *finding;
	char *why = strdup("too far from the beginning of its file: 16 TiB");

	if (!why)
		return error_nomem();
	c->verify->counts.unverifiable++;
	TRY(verify_found(c->verify, VERIFY_UNVERIFIABLE, c->number, c->f.number, NULL,
			 (struct range){vaddr, vaddr + VERIFY_PAGE}, why, &finding));
	if (finding && !finding->pages)
		finding->pages = 1;
	return NULL;
}

static struct error *take_page(struct collector *c, uint64_t vpn, uint64_t word)
{
	struct verify_area *area = &c->verify->areas.items[c->area];
	uint64_t number = (vpn * VERIFY_PAGE - area->range.start + area->offset) / VERIFY_PAGE;
	struct file_page page = {.pfn = frame_of(word), .area = c->area};

	if (!is_comparable(word))
		return NULL;
	if (is_only_cached(c->f.file, &page)) {
		area->resident++;
		area->cached++;
		return NULL;
	}
	c->verify->counts.swapped += !(word & PAGEMAP_PRESENT);
	/* What of the file is unverifiable for other reasons is counted by its areas. */
	if (number >= VERIFY_NONE && !c->f.file->why)
		return put_beyond(c, vpn * VERIFY_PAGE);
	area->resident++;
	page.index = (uint32_t)number;
	if (c->f.file->large || number >= VERIFY_NONE)
		return NULL;
	TRY(remember(c->verify, c->f.file, &page));
	if (c->verify->pages_held > c->verify->pages_max)
		forget_largest(c->verify);
	return NULL;
}

static struct error *take_pages(void *argument, uint64_t vpn, const uint64_t *words, size_t count)
{
	struct collector *c = argument;

	for (size_t i = 0; i < count; i++) {
		if (words[i] & PAGEMAP_POPULATED)
			TRY(take_page(c, vpn + i, words[i]));
	}
	return NULL;
}

/* --- pieces of large files ---------------------------------------------------------------------
 */

struct piece {
	struct verify *verify;
	struct verify_file *file;
	uint32_t area;
};

static struct error *take_piece(void *argument, uint64_t vpn, const uint64_t *words, size_t count)
{
	struct piece *p = argument;
	const struct verify_area *area = &p->verify->areas.items[p->area];

	/* The piece ends before VERIFY_NONE. */
	for (size_t i = 0; i < count; i++) {
		uint64_t at = (vpn + i) * VERIFY_PAGE - area->range.start + area->offset;
		struct file_page page = {.pfn = frame_of(words[i]),
					 .index = (uint32_t)(at / VERIFY_PAGE),
					 .area = p->area};

		if (!is_comparable(words[i]) || is_only_cached(p->file, &page))
			continue;
		TRY(remember(p->verify, p->file, &page));
	}
	return NULL;
}

struct error *verify_collect_piece(struct verify *v, struct verify_file *file, uint64_t first,
				   uint64_t count)
{
	struct range piece = {first * VERIFY_PAGE, (first + count) * VERIFY_PAGE};

	for (size_t i = 0; i < file->area_count; i++) {
		struct piece p = {v, file, v->by_file[file->first_area + i]};
		const struct verify_area *area = &v->areas.items[p.area];
		struct range part = {area->offset, area->offset + range_length(area->range)};

		part = range_intersect(part, piece);
		if (range_is_empty(part))
			continue;
		part.start += area->range.start - area->offset;
		part.end += area->range.start - area->offset;
		TRY(verify_words(v, area, part, take_piece, &p));
	}
	return NULL;
}

static void find_bias(struct collector *c, const struct vma *vma, struct verify_area *area)
{
	struct verify_file *file = c->f.file;
	const uint64_t *module = c->module == file ? &c->module_bias : NULL;

	const struct object *object = file->file->object;

	if (!object || !object_is_elf(object) || vma->perms & VMA_SHARED ||
	    !area_bias(vma, object, module, VERIFY_PAGE, &area->bias))
		return;
	area->has_bias = true;
	c->module = file;
	c->module_bias = area->bias;
}

static bool is_memfd(const struct collector *c, const struct vma *vma)
{
	return space_is_called(c->space, vma, "/memfd:");
}

/* Shared memory without a name; what is only called so, to hide, is a file. */
static bool is_nameless(const struct collector *c, const struct vma *vma)
{
	return strcmp(vma->name, "/dev/zero") == 0 || has_prefix(vma->name, "[anon_shmem:") ||
	       space_is_called(c->space, vma, "/dev/zero (deleted)") ||
	       space_is_called(c->space, vma, "/SYSV") ||
	       space_is_called(c->space, vma, "/anon_hugepage");
}

static bool is_file(const struct collector *c, const struct vma *vma)
{
	return (vma->inode || vma->name[0] == '/') && !is_nameless(c, vma);
}

static struct error *collect_pages(struct collector *c, const struct vma *vma,
				   struct verify_area *area)
{
	TRY(vec_push(&c->verify->areas, *area));
	c->area = (uint32_t)c->verify->areas.count - 1;
	return space_pages(c->space, vma, vma->range, take_pages, c);
}

static struct error *collect_file(struct collector *c, const struct vma *vma)
{
	struct verify *v = c->verify;
	struct verify_area area = {.range = vma->range,
				   .offset = vma->offset,
				   .space = c->number,
				   .perms = vma->perms};
	bool exec = vma->perms & VMA_EXEC;

	TRY(get_file(v, c->space, vma, &c->f));
	area.file = c->f.number;
	find_bias(c, vma, &area);
	TRY(vec_push(&c->places, ((struct placed_area){.range = area.range,
						       .offset = area.offset,
						       .bias = area.bias,
						       .file = area.file,
						       .has_bias = area.has_bias,
						       .exec = exec})));
	if (exec && is_memfd(c, vma))
		return found_area(c, VERIFY_MEMFD, c->f.number, vma, NULL);
	if (exec && is_regular(c->f.file))
		TRY(found_program(c, vma));
	/* An image that is written to while it runs, as those of Lisps and Forths: rows say so, and
	 * what is in it is no more the file's than what is in memory without one. */
	if (exec && vma->perms & VMA_WRITE && !(vma->perms & VMA_SHARED) &&
	    !verify_is_program(c->f.file, vma))
		return NULL;
	/* A device's memory is no file's, unless it is executed. */
	if (!exec && (vma->perms & VMA_WRITE || !is_regular(c->f.file)))
		return NULL;
	return collect_pages(c, vma, &area);
}

static struct error *collect_vdso_page(void *argument, uint64_t vpn, const uint64_t *words,
				       size_t count)
{
	struct collector *c = argument;
	const struct mapped_range *range =
		&c->verify->spaces.items[c->number]
			 .ranges.items[c->verify->spaces.items[c->number].ranges.count - 1];

	for (size_t i = 0; i < count; i++) {
		bool present = words[i] & PAGEMAP_PRESENT;
		struct vdso_page page = {
			.space = c->number,
			.vaddr = (vpn + i) * VERIFY_PAGE,
			.pages = (uint32_t)(range_length(range->range) / VERIFY_PAGE),
			.high = range->range.start >> 32,
			.written = !present || !(words[i] & PAGEMAP_FILE),
			.pfn = present ? words[i] & PAGEMAP_PFN : 0};

		if (!is_comparable(words[i]))
			continue;
		page.index = (uint32_t)((page.vaddr - range->range.start) / VERIFY_PAGE);
		TRY(vec_push(&c->verify->vdso, page));
	}
	return NULL;
}

/* A page that this program has not touched would be none to compare others with. */
static void touch(const struct vma *vma)
{
	const volatile char *bytes = (const volatile char *)(uintptr_t)vma->range.start;

	for (uint64_t at = 0; at < range_length(vma->range); at += VERIFY_PAGE)
		(void)bytes[at];
}

static struct error *collect_vdso(struct collector *c, const struct vma *vma)
{
	if (c->number == c->verify->self)
		touch(vma);
	return space_pages(c->space, vma, vma->range, collect_vdso_page, c);
}

static bool is_kernels(const struct vma *vma)
{
	return strcmp(vma->name, "[vdso]") == 0 || strcmp(vma->name, "[vsyscall]") == 0 ||
	       has_prefix(vma->name, "[uprobes") || has_prefix(vma->name, "[vvar");
}

/* The loader has pointers to data that is there. That it is executable is a row of its own. */
static bool is_heap_or_stack(const struct vma *vma)
{
	return strcmp(vma->name, "[stack]") == 0 || strcmp(vma->name, "[heap]") == 0;
}

static enum place place_of(const struct collector *c, const struct vma *vma)
{
	if (strcmp(vma->name, "[vdso]") == 0)
		return PLACE_KERNEL;
	if (vma->perms & VMA_EXEC && !is_heap_or_stack(vma))
		return (is_file(c, vma) && !is_memfd(c, vma)) || is_kernels(vma) ? PLACE_CODE
										 : PLACE_ROGUE;
	/* An emulator maps the code of its guest to be read. */
	if (is_file(c, vma))
		return !(vma->perms & VMA_WRITE) && verify_has_code(c->f.file, vma) ? PLACE_CODE
										    : PLACE_OBJECT;
	/* The end of a .bss that the file has no bytes for. */
	return vma->range.start == c->module_end ? PLACE_OBJECT : PLACE_WRITABLE;
}

static bool is_moved(const struct collector *c, const struct vma *vma, uint64_t *offset)
{
	return c->module && !is_file(c, vma) &&
	       area_is_moved(vma, c->module->file->object, c->module_bias, VERIFY_PAGE, offset);
}

/* Text that the program moved is compared with the file, page by page as a copy of it is. */
static struct error *collect_moved(struct collector *c, const struct vma *vma, uint64_t offset)
{
	struct verify_area area = {.range = vma->range,
				   .offset = offset,
				   .bias = c->module_bias,
				   .space = c->number,
				   .file = c->module->number,
				   .perms = vma->perms,
				   .has_bias = true,
				   .moved = true};

	c->f = (struct numbered_file){c->module, c->module->number};
	return collect_pages(c, vma, &area);
}

/* Neighbours of one place and one file are one range. */
static struct error *note_range(struct collector *c, const struct vma *vma)
{
	struct verify_space *space = &c->verify->spaces.items[c->number];
	size_t count = space->ranges.count;
	struct mapped_range *last = count ? &space->ranges.items[count - 1] : NULL;
	struct mapped_range range = {.range = vma->range,
				     .file = is_file(c, vma) ? c->f.number : VERIFY_NONE,
				     .place = place_of(c, vma)};
	uint64_t offset;

	if (is_moved(c, vma, &offset)) {
		range.file = c->module->number;
		range.place = PLACE_CODE;
	}
	if (is_file(c, vma))
		c->module_end = vma->range.end;
	if (last && last->range.end == range.range.start && last->file == range.file &&
	    last->place == range.place && !is_kernels(vma)) {
		last->range.end = range.range.end;
		return NULL;
	}
	return vec_push(&space->ranges, range);
}

static struct error *collect_area(struct collector *c, const struct vma *vma)
{
	struct verify *v = c->verify;
	bool exec = vma->perms & VMA_EXEC;
	uint64_t offset;

	if (is_file(c, vma))
		TRY(get_file(v, c->space, vma, &c->f));
	TRY(note_range(c, vma));
	v->spaces.items[c->number].uprobes |= has_prefix(vma->name, "[uprobes");
	if (strcmp(vma->name, "[vdso]") == 0)
		return collect_vdso(c, vma);
	if (is_kernels(vma))
		return NULL;
	if (exec && vma->perms & VMA_WRITE)
		TRY(found_area(c, VERIFY_WRITABLE_EXEC, is_file(c, vma) ? c->f.number : VERIFY_NONE,
			       vma, NULL));
	if (is_file(c, vma))
		return collect_file(c, vma);
	if (is_moved(c, vma, &offset))
		return collect_moved(c, vma, offset);
	if (exec)
		return found_area(c, VERIFY_ANON_EXEC, VERIFY_NONE, vma, NULL);
	return NULL;
}

/* --- processes
 * -------------------------------------------------------------------------------------------- */

static struct error *add_space(struct verify *v, struct space *space, uint32_t *number)
{
	struct verify_space one = {.pid = space->pid};

	memcpy(one.command, space->command, sizeof(one.command));
	TRY(space_tracer(space, &one.tracer));
	*number = (uint32_t)v->spaces.count;
	return vec_push(&v->spaces, one);
}

static struct error *collect(struct verify *v, struct space *space, bool vdso_only)
{
	struct collector c = {.verify = v, .space = space};
	struct vma_list vmas;
	struct error *error = NULL;

	TRY(add_space(v, space, &c.number));
	TRY(space_vmas(space, &vmas));
	for (size_t i = 0; !error && i < vmas.count; i++) {
		if (!vdso_only || strcmp(vmas.items[i].name, "[vdso]") == 0)
			error = collect_area(&c, &vmas.items[i]);
	}
	if (!error)
		error = verify_places(v, c.number, &c.places);
	if (!error && !vdso_only)
		error = verify_identity(v, space, c.number, &vmas, &c.places);
	vma_list_deinit(&vmas);
	vec_deinit(&c.places);
	if (!error)
		error = space_check_alive(space);
	v->spaces.items[c.number].unread = error != NULL;
	return error;
}

struct error *verify_add(struct verify *v, pid_t pid)
{
	struct space *space = NULL;
	struct error *error = target_open_space(v->target, pid, &space);
	struct error *failed = verify_put_cover(v, pid, error ? "?" : space->command);

	if (!error && !failed)
		error = collect(v, space, false);
	space_close(space);
	v->counts.processes += !error && !failed;
	if (!failed)
		return error;
	error_free(error);
	return failed;
}

struct error *verify_add_self(struct verify *v)
{
	struct space *space;
	struct error *error = target_open_space(v->target, getpid(), &space);

	if (!error) {
		v->self = (uint32_t)v->spaces.count;
		error = collect(v, space, true);
		space_close(space);
	}
	return error_forgive(error); /* then there is one fewer to compare with */
}
