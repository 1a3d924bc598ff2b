// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/layout.h"

#include <fnmatch.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/scope.h"

enum {
	SECTIONS_A_PAGE = 64, /* overlapping sections looked at for one page; real files have few */
};

static uint64_t page_size(const struct layout *layout)
{
	return UINT64_C(1) << layout->space->target->page_shift;
}

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* --- mapped files ------------------------------------------------------------------------- */

static int compare_pointers(const void *left, const void *right)
{
	return (left > right) - (left < right);
}

/* Holds the file that was got, if it is not held already; *is_new: it was not. */
static struct error *hold_file(struct layout *layout, struct file *file, bool *is_new)
{
	*is_new = !tfind(file, &layout->file_tree, compare_pointers);
	if (!*is_new) {
		file_put(layout->target, file);
		return NULL;
	}
	struct error *error = vec_push(&layout->files, file);
	if (error) {
		file_put(layout->target, file);
		return error;
	}
	return tsearch(file, &layout->file_tree, compare_pointers) ? NULL : error_nomem();
}

/* A file that cannot be opened is still one. */
static struct error *get_file(struct layout *layout, const struct vma *vma, struct file **file)
{
	struct error *error = space_file(layout->space, vma, file);
	bool ended = error_is(error, ERROR_GONE) && layout->late, is_new;

	if (ended) {
		error_free(error);
		error = space_file_unasked(layout->space, vma, file);
	}
	TRY(error);
	TRY(hold_file(layout, *file, &is_new));
	if (!is_new)
		return NULL;
	error = file_examine(layout->space, vma, *file);
	if (error_is(error, ERROR_GONE) && layout->late) {
		error_free(error);
		return NULL;
	}
	layout->refused += !ended && !(*file)->examined && (*file)->denied;
	if ((*file)->access == FILE_SERVED) {
		layout->served++;
		layout->served_why = (*file)->why;
	}
	return error;
}

struct error *layout_need_symbols(struct layout *layout, const struct region *region)
{
	if (!region->elf || !object_lacks_symbols(region->elf))
		return NULL;
	for (size_t i = 0; i < layout->regions.count; i++) {
		const struct region *one = &layout->regions.items[i];

		/* The anonymous end of a .bss has no file of its own. */
		if (one->elf == region->elf && one->file)
			return file_need_symbols(layout->space, one->vma, one->file);
	}
	return NULL;
}

/* --- naming ------------------------------------------------------------------------------- */

/* An ELF object as loaded: the areas that follow its first one belong to it. */
struct module {
	struct file *file;
	const char *path;
	uint64_t bias;
};

/* Areas without a file, by the name that the kernel gives them (fs/proc/task_mmu.c,
 * arch_vma_name()). */
static const struct {
	const char *prefix;
	const char *name;
	enum backing backing;
} pseudo_areas[] = {
	{"[heap]", "heap", BACKING_ANONYMOUS},
	{"[stack", "stack", BACKING_ANONYMOUS},
	{"[vdso]", "vdso", BACKING_SPECIAL},
	{"[vvar", "vvar", BACKING_SPECIAL},
	{"[vsyscall]", "vsyscall", BACKING_SPECIAL},
	{"[uprobes]", "uprobes", BACKING_SPECIAL},
	{"[anon_shmem:", "shm", BACKING_SHMEM},
	{"[anon:", "anon", BACKING_ANONYMOUS},
	{"[", "kernel", BACKING_SPECIAL},
};

static void name_pseudo(struct region *region)
{
	region->name = "anon";
	region->backing = BACKING_ANONYMOUS;
	for (size_t i = 0; i < sizeof(pseudo_areas) / sizeof(pseudo_areas[0]); i++) {
		if (has_prefix(region->vma->name, pseudo_areas[i].prefix)) {
			region->name = pseudo_areas[i].name;
			region->backing = pseudo_areas[i].backing;
			return;
		}
	}
}

static enum backing backing_of(const struct file *file)
{
	return file->access == FILE_DEVICE ? BACKING_SPECIAL
	       : file->shmem               ? BACKING_SHMEM
					   : BACKING_FILE;
}

static void name_file(struct space *space, struct region *region)
{
	const char *path = region->vma->name;
	const struct file *file = region->file;
	bool private = !(region->vma->perms & VMA_SHARED);

	region->name = "file";
	region->backing = backing_of(file);
	if (file->hugetlb || space_is_called(space, region->vma, "/anon_hugepage")) {
		region->name = "hugetlb";
		/* Private anonymous huge pages are zeroes on demand though they have an inode. */
		if (private && space_is_called(space, region->vma, "/anon_hugepage"))
			region->backing = BACKING_ANONYMOUS;
	} else if (private && strcmp(path, "/dev/zero") == 0 && !file->examined) {
		region->name = "anon";
		region->backing = BACKING_ANONYMOUS;
	} else if (space_is_called(space, region->vma, "/memfd:")) {
		region->name = "memfd";
	} else if (region->backing == BACKING_SHMEM ||
		   space_is_called(space, region->vma, "/SYSV") ||
		   has_prefix(path, "[anon_shmem:") ||
		   space_is_called(space, region->vma, "/dev/zero (deleted)")) {
		/* Known by its name even to who may not open it. */
		region->name = "shm";
		region->backing = BACKING_SHMEM;
	} else if (region->backing == BACKING_SPECIAL) {
		region->name = "device";
	}
}

static struct error *add_region(struct layout *layout, struct region region)
{
	struct region *last =
		layout->regions.count ? &layout->regions.items[layout->regions.count - 1] : NULL;

	if (range_is_empty(region.range))
		return NULL;
	if (last && last->vma == region.vma && last->range.end == region.range.start &&
	    strcmp(last->name, region.name) == 0 && last->backing == region.backing) {
		last->range.end = region.range.end;
		return NULL;
	}
	return vec_push(&layout->regions, region);
}

static uint64_t section_end(const struct object_section *section)
{
	uint64_t end;

	return __builtin_add_overflow(section->vaddr, section->size, &end) ? UINT64_MAX : end;
}

/* The first section that begins after `linked`, as an index; sections are sorted by vaddr. */
static size_t section_after(const struct object_section *sections, size_t count, uint64_t linked)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (sections[middle].vaddr <= linked)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The section that has the most bytes of [linked, end), the first among equals; NULL for none. */
static const struct object_section *section_of_page(const struct object *object, uint64_t linked,
						    uint64_t end)
{
	const struct object_section *best = NULL;
	uint64_t most = 0;
	size_t count;
	const struct object_section *sections = object_sections(object, &count);
	size_t after = section_after(sections, count, end - 1);

	for (size_t i = after, looked = 0; i-- > 0 && looked < SECTIONS_A_PAGE; looked++) {
		struct range r = {sections[i].vaddr, section_end(&sections[i])};
		uint64_t length = range_length(range_intersect(r, (struct range){linked, end}));

		if (length > 0 && length >= most) {
			most = length;
			best = &sections[i];
		}
	}
	return best;
}

/* How far from `linked` on the pages are the section's alone, or (NULL) no section's; at least one.
 */
static uint64_t stretch_of(const struct object *object, const struct object_section *section,
			   uint64_t linked, uint64_t page)
{
	uint64_t until;

	if (section) {
		until = align_down(section_end(section), page);
	} else {
		size_t count;
		const struct object_section *sections = object_sections(object, &count);
		size_t next = section_after(sections, count, linked);

		until = next < count ? align_down(sections[next].vaddr, page)
				     : align_down(UINT64_MAX, page);
	}
	return until > linked ? until - linked : page;
}

/*
 * What a page of an object is called that no section has: the ELF header's page, a piece of a
 * segment (in a file without section headers: all of it), or the gap that the loader leaves between
 * two.
 */
static const char *name_without_section(const struct region *region, uint64_t address)
{
	size_t count;
	const struct object_segment *segments = object_segments(region->elf, &count);
	uint64_t linked = address - region->bias;

	if (region->file && address - region->vma->range.start + region->vma->offset == 0)
		return "headers";
	for (size_t i = 0; i < count; i++) {
		uint64_t first = align_down(segments[i].vaddr, 4096);

		if (linked >= first &&
		    linked - first < segments[i].memsz + (segments[i].vaddr - first))
			return region->file || segments[i].perms & OBJECT_EXEC ? "load" : ".bss";
	}
	return "gap";
}

/* Cuts `whole` (of a loaded object) where its sections change. */
static struct error *add_sections(struct layout *layout, struct region whole)
{
	uint64_t page = page_size(layout);
	struct region piece = whole;

	while (piece.range.start < whole.range.end) {
		uint64_t linked = piece.range.start - whole.bias;
		const struct object_section *section =
			section_of_page(whole.elf, linked, linked + page);
		uint64_t length = stretch_of(whole.elf, section, linked, page);
		uint64_t left = whole.range.end - piece.range.start;

		piece.range.end = piece.range.start + (length < left ? length : left);
		piece.name =
			section ? section->name : name_without_section(&whole, piece.range.start);
		TRY(add_region(layout, piece));
		piece.range.start = piece.range.end;
	}
	return NULL;
}

/* Whether the area can be `segment` mapped: its file range lies in the segment's, rounded to pages.
 */
static bool area_is_of_segment(const struct vma *vma, const struct object_segment *segment,
			       uint64_t page)
{
	uint64_t last, end = segment->offset, area_end = vma->offset;

	if (__builtin_add_overflow(end, segment->filesz, &last) ||
	    __builtin_add_overflow(area_end, range_length(vma->range), &area_end))
		return false;
	return vma->offset >= align_down(segment->offset, page) && area_end <= align_up(last, page);
}

static bool perms_fit(const struct vma *vma, const struct object_segment *segment)
{
	bool exec = vma->perms & VMA_EXEC, write = vma->perms & VMA_WRITE;

	return exec == !!(segment->perms & OBJECT_EXEC) &&
	       (!write || segment->perms & OBJECT_WRITE);
}

static uint64_t bias_of(const struct vma *vma, const struct object_segment *segment)
{
	return vma->range.start - (segment->vaddr - segment->offset + vma->offset);
}

/*
 * The load bias of an area that maps part of an ELF file: that of the module it continues where
 * it fits one of its segments there (RELRO and mprotect change perms, so those are not asked), else
 * that of the first segment with the same perms. False when it is just a mapping of the file.
 */
bool area_bias(const struct vma *vma, const struct object *object, const uint64_t *module,
	       uint64_t page, uint64_t *bias)
{
	size_t count;
	const struct object_segment *segments = object_segments(object, &count);
	bool found = false;

	for (size_t i = 0; i < count; i++) {
		uint64_t candidate = bias_of(vma, &segments[i]);

		if (!area_is_of_segment(vma, &segments[i], page))
			continue;
		if (module && *module == candidate) {
			*bias = candidate;
			return true;
		}
		if (!found && perms_fit(vma, &segments[i])) {
			*bias = candidate;
			found = true;
		}
	}
	/* Between two segments the loader may leave an inaccessible piece of the file mapped. */
	if (!found && module && !(vma->perms & (VMA_READ | VMA_WRITE | VMA_EXEC))) {
		*bias = *module;
		found = true;
	}
	return found;
}

/* Private memory that nobody named, or that was named by prctl(2). */
static bool is_anonymous(const struct vma *vma)
{
	return !vma->inode && !(vma->perms & VMA_SHARED) &&
	       (!*vma->name || has_prefix(vma->name, "[anon:"));
}

bool area_is_moved(const struct vma *vma, const struct object *object, uint64_t bias, uint64_t page,
		   uint64_t *offset)
{
	uint64_t linked = vma->range.start - bias;
	size_t count;
	const struct object_segment *segments = object_segments(object, &count);

	if (!is_anonymous(vma) || !(vma->perms & VMA_EXEC))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct object_segment *s = &segments[i];
		uint64_t first = align_down(s->vaddr, page), at = linked - first;
		uint64_t length = align_up(s->vaddr + s->filesz, page) - first;

		if (!(s->perms & OBJECT_EXEC) || (s->vaddr - s->offset) % page || at >= length ||
		    range_length(vma->range) > length - at)
			continue;
		*offset = align_down(s->offset, page) + at;
		return true;
	}
	return false;
}

static struct error *add_file_area(struct layout *layout, const struct vma *vma,
				   struct module *module)
{
	struct region region = {.range = vma->range, .vma = vma, .object = vma->name};
	struct file *file;

	TRY(get_file(layout, vma, &file));
	region.file = file;
	name_file(layout->space, &region);
	if (!file->object || !object_is_elf(file->object) || vma->perms & VMA_SHARED ||
	    !area_bias(vma, file->object, module->file == file ? &module->bias : NULL,
		       page_size(layout), &region.bias))
		return add_region(layout, region);
	*module = (struct module){.file = file, .path = vma->name, .bias = region.bias};
	region.elf = file->object;
	return add_sections(layout, region);
}

/* The anonymous part of the module's .bss that lies in `range`; empty when none does. */
static struct range bss_within(const struct layout *layout, const struct module *module,
			       struct range range)
{
	uint64_t page = page_size(layout);
	size_t count = 0;
	const struct object_segment *segments =
		module->file ? object_segments(module->file->object, &count) : NULL;

	for (size_t i = 0; i < count; i++) {
		const struct object_segment *s = &segments[i];

		if (s->memsz <= s->filesz)
			continue;
		struct range bss = {align_up(s->vaddr + s->filesz, page) + module->bias,
				    align_up(s->vaddr + s->memsz, page) + module->bias};
		bss = range_intersect(bss, range);
		if (!range_is_empty(bss))
			return bss;
	}
	return (struct range){range.start, range.start};
}

/*
 * An area without a file. The kernel joins neighbours, so one area may be the end of a .bss and
 * then heap (with a heap that is not randomised) or other anonymous memory.
 */
static struct error *add_anonymous_area(struct layout *layout, const struct vma *vma,
					const struct module *module)
{
	struct region region = {.range = vma->range, .vma = vma};
	struct range bss = bss_within(layout, module, vma->range);
	uint64_t offset;

	region.object = *vma->name ? vma->name : NULL;
	name_pseudo(&region);
	if (module->file &&
	    area_is_moved(vma, module->file->object, module->bias, page_size(layout), &offset)) {
		region.object = module->path;
		region.elf = module->file->object;
		region.bias = module->bias;
		return add_sections(layout, region);
	}
	if (region.backing != BACKING_ANONYMOUS || strcmp(region.name, "stack") == 0 ||
	    range_is_empty(bss))
		return add_region(layout, region);

	struct region piece = region;
	piece.range = (struct range){vma->range.start, bss.start};
	TRY(add_region(layout, piece));
	piece.range = bss;
	piece.object = module->path;
	piece.elf = module->file->object;
	piece.bias = module->bias;
	TRY(add_sections(layout, piece));

	piece = region;
	piece.range = (struct range){bss.end, vma->range.end};
	uint64_t heap = layout->space->heap_start;
	if (strcmp(region.name, "heap") == 0 && range_contains(piece.range, heap)) {
		struct region before = piece;

		before.range.end = align_down(heap, page_size(layout));
		before.name = "anon";
		before.object = NULL;
		TRY(add_region(layout, before));
		piece.range.start = before.range.end;
	}
	return add_region(layout, piece);
}

static struct error *add_area(struct layout *layout, const struct vma *vma, struct module *module)
{
	/* A System V segment may have inode (its id) 0, but then it has a path. */
	if (vma->inode || vma->name[0] == '/')
		return add_file_area(layout, vma, module);
	return add_anonymous_area(layout, vma, module);
}

struct error *layout_read(struct layout *layout, struct space *space)
{
	*layout = (struct layout){.space = space, .target = space->target, .late = true};
	return space_vmas(space, &layout->vmas);
}

struct error *layout_name(struct layout *layout)
{
	struct module module = {0};
	struct error *error = NULL;

	for (size_t i = 0; !error && i < layout->vmas.count; i++)
		error = add_area(layout, &layout->vmas.items[i], &module);
	if (error)
		layout_deinit(layout);
	return error;
}

struct error *layout_init(struct layout *layout, struct space *space)
{
	TRY(layout_read(layout, space));
	layout->late = false;
	return layout_name(layout);
}

static void ignore_node(void *node)
{
	(void)node;
}

void layout_deinit(struct layout *layout)
{
	tdestroy(layout->file_tree, ignore_node); /* the files themselves are those of the list */
	layout->file_tree = NULL;
	for (size_t i = 0; i < layout->files.count; i++)
		file_put(layout->target, layout->files.items[i]);
	vec_deinit(&layout->files);
	vec_deinit(&layout->regions);
	vma_list_deinit(&layout->vmas);
}

/* --- questions ---------------------------------------------------------------------------- */

const struct region *layout_find(const struct layout *layout, uint64_t address)
{
	size_t low = 0, high = layout->regions.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (layout->regions.items[middle].range.end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == layout->regions.count ||
	    !range_contains(layout->regions.items[low].range, address))
		return NULL;
	return &layout->regions.items[low];
}

const char *region_section_at(const struct region *region, uint64_t address)
{
	if (!region->elf)
		return NULL;
	uint64_t linked = address - region->bias;
	const struct object_section *section = section_of_page(region->elf, linked, linked + 1);

	return section ? section->name : NULL;
}

/* The state of file bytes at `offset` of a shared memory object, and where it changes. */
static enum page_state shmem_state(const struct file *file, uint64_t offset, uint64_t *until)
{
	size_t low = 0, high = file->data.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (file->data.items[middle].end <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == file->data.count) {
		*until = UINT64_MAX;
		return STATE_UNTOUCHED;
	}
	bool hole = offset < file->data.items[low].start;
	*until = hole ? file->data.items[low].start : file->data.items[low].end;
	return hole ? STATE_UNTOUCHED : STATE_IN_FILE;
}

static enum page_state file_state(const struct region *region, uint64_t page, uint64_t offset,
				  uint64_t *until)
{
	const struct file *file = region->file;

	*until = UINT64_MAX;
	if (!file || !file->examined)
		return STATE_IN_FILE;
	if (offset >= align_up(file->size, page))
		return STATE_SPECIAL; /* past the end: a touch is SIGBUS */
	*until = align_up(file->size, page);
	if (region->backing != BACKING_SHMEM)
		return file->blank ? STATE_UNTOUCHED : STATE_IN_FILE;
	uint64_t change;
	enum page_state state = shmem_state(file, offset, &change);
	*until = change < *until ? change : *until;
	return state;
}

enum page_state region_empty_state(const struct region *region, unsigned page_shift, uint64_t vpn,
				   uint64_t end, uint64_t *until)
{
	static const enum page_state simple[] = {
		[BACKING_ANONYMOUS] = STATE_UNTOUCHED, [BACKING_SPECIAL] = STATE_SPECIAL};
	uint64_t page = UINT64_C(1) << page_shift, change;

	*until = end;
	if (region->backing == BACKING_ANONYMOUS || region->backing == BACKING_SPECIAL)
		return simple[region->backing];
	uint64_t offset = (vpn << page_shift) - region->vma->range.start + region->vma->offset;
	enum page_state state = file_state(region, page, offset, &change);
	uint64_t pages = (align_up(change, page) - offset) >> page_shift;
	if (pages > 0 && pages < end - vpn)
		*until = vpn + pages;
	return state;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "\xNN" at `text` stands for; 0: it is none. */
static char spelled_byte(const char *text)
{
	if (text[0] != '\\' || text[1] != 'x' || hex_digit(text[2]) < 0 || hex_digit(text[3]) < 0)
		return 0;
	return (char)(hex_digit(text[2]) << 4 | hex_digit(text[3]));
}

/* The pattern with those bytes themselves, each behind a backslash: it may be special to a pattern.
 */
static char *spell_glob(const char *glob)
{
	char *spelled = malloc(strlen(glob) + 1), *to = spelled;

	while (spelled && *glob) {
		char byte = spelled_byte(glob);

		if (byte) {
			*to++ = '\\';
			*to++ = byte;
			glob += 4;
		} else {
			*to++ = *glob++;
		}
	}
	if (spelled)
		*to = '\0';
	return spelled;
}

/*
 * How long the name of a library is without what tells its versions apart: "libc" of "libc.so.6"
 * and of "libc-2.31.so", "libstdc++" of "libstdc++.so.6.0.30". All of what is called otherwise.
 */
static size_t library_name_length(const char *base)
{
	const char *end = strstr(base, ".so");

	if (!end || end == base || (end[3] && end[3] != '.'))
		return strlen(base);
	for (const char *dash = base; (dash = strchr(dash, '-')) && dash < end; dash++) {
		if (dash > base && dash[1] >= '0' && dash[1] <= '9')
			return (size_t)(dash - base);
	}
	return (size_t)(end - base);
}

static bool object_matches(const char *object, const char *glob)
{
	const char *base = path_name(object);
	size_t length = library_name_length(base);

	return fnmatch(glob, object, 0) == 0 || fnmatch(glob, base, 0) == 0 ||
	       (base != object && base[length] && strlen(glob) == length &&
		strncmp(glob, base, length) == 0);
}

bool region_object_matches(const struct region *region, const char *glob)
{
	if (!region->object)
		return false;
	if (object_matches(region->object, glob))
		return true;
	if (!strstr(glob, "\\x"))
		return false;
	_cleanup_free_ char *spelled = spell_glob(glob);

	return spelled && object_matches(region->object, spelled);
}

bool region_select(const struct region *region, const struct region_selection *selection,
		   struct region *selected)
{
	*selected = *region;
	if (!range_is_empty(selection->range))
		selected->range = range_intersect(region->range, selection->range);
	return !range_is_empty(selected->range) &&
	       (!selection->name || strcmp(selection->name, region->name) == 0) &&
	       (!selection->object_glob || region_object_matches(region, selection->object_glob));
}

struct region_walk_state {
	const struct region *region;
	const struct region_sink *sink;
	uint64_t next; /* the page behind the last one given */
};

static struct error *walk_pages(void *argument, uint64_t vpn, const uint64_t *words, size_t count)
{
	struct region_walk_state *state = argument;

	if (vpn > state->next)
		TRY(state->sink->empty(state->sink->argument, state->region, state->next, vpn));
	state->next = vpn + count;
	return state->sink->pages(state->sink->argument, state->region, vpn, words, count);
}

struct error *region_walk(struct layout *layout, const struct region *region,
			  const struct region_sink *sink)
{
	unsigned shift = layout->space->target->page_shift;
	struct region_walk_state state = {region, sink, region->range.start >> shift};
	uint64_t end = region->range.end >> shift;

	TRY(space_pages(layout->space, region->vma, region->range, walk_pages, &state));
	if (state.next < end)
		return sink->empty(sink->argument, region, state.next, end);
	return NULL;
}
