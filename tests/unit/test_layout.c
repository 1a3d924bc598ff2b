// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * src/analysis/layout: areas cut into regions, and the states of pages that are not there, on
 * address spaces that are made up; and this process's own, live.
 */
#include <inttypes.h>
#include <unistd.h>

#include "unit.h"

#include "analysis/layout.h"
#include "base/scope.h"
#include "fake.h"

#define BASE UINT64_C(0x7f0000000)

/* The regions as lines "START-END NAME", the object behind it where there is one. */
static char *describe(const struct layout *layout)
{
	char *text;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	for (size_t i = 0; i < layout->regions.count; i++) {
		const struct region *r = &layout->regions.items[i];

		fprintf(out, "%" PRIx64 "-%" PRIx64 " %s%s%s\n", r->range.start, r->range.end,
			r->name, r->object ? " " : "", r->object ? r->object : "");
		assert_true(r->range.start >= r->vma->range.start);
		assert_true(r->range.end <= r->vma->range.end);
	}
	fclose(out);
	return text;
}

/* Every area is covered by its regions, without a gap and without overlap. */
static void assert_whole(const struct layout *layout)
{
	size_t r = 0;

	for (size_t i = 0; i < layout->vmas.count; i++) {
		const struct vma *vma = &layout->vmas.items[i];
		uint64_t at = vma->range.start;

		while (r < layout->regions.count && layout->regions.items[r].vma == vma) {
			assert_int_equal(layout->regions.items[r].range.start, at);
			at = layout->regions.items[r++].range.end;
		}
		assert_int_equal(at, vma->range.end);
	}
	assert_int_equal(r, layout->regions.count);
}

static void check(struct fake *fake, const char *expected)
{
	struct layout layout;

	fake_init(fake);
	assert_ok(layout_init(&layout, &fake->space));
	assert_whole(&layout);
	_cleanup_free_ char *text = describe(&layout);
	assert_string_equal(text, expected);
	layout_deinit(&layout);
}

/* The same for one ELF file, inode 9. */
static void check_elf(bool sections, uint64_t heap, const char *maps, const char *expected)
{
	_cleanup_close_ int fd = fake_elf(sections);
	struct fake_file file = {.inode = 9, .fd = fd};
	struct fake fake = {.maps = maps, .files = &file, .file_count = 1};

	fake.space.heap_start = heap;
	check(&fake, expected);
	assert_true(fake.opened <= 1);
}

static void empty_list(void **state)
{
	(void)state;
	check(&(struct fake){.maps = ""}, "");
}

static void a_loaded_object(void **state)
{
	(void)state;
	check_elf(true, 0,
		  "7f0000000-7f0001000 r--p 00000000 fe:00 9 /bin/x\n"
		  "7f0001000-7f0003000 r-xp 00001000 fe:00 9 /bin/x\n"
		  "7f0003000-7f0004000 r--p 00002000 fe:00 9 /bin/x\n"
		  "7f0004000-7f0005000 rw-p 00003000 fe:00 9 /bin/x\n"
		  "7f0005000-7f0008000 rw-p 00000000 00:00 0\n"
		  "7f0008000-7f0009000 rw-p 00000000 00:00 0\n",
		  "7f0000000-7f0001000 .rodata /bin/x\n"
		  "7f0001000-7f0003000 .text /bin/x\n"
		  "7f0003000-7f0004000 .data.rel.ro /bin/x\n"
		  "7f0004000-7f0005000 .data /bin/x\n"
		  "7f0005000-7f0008000 .bss /bin/x\n"
		  "7f0008000-7f0009000 anon\n");
}

/* One area holds the end of .bss and then other memory that the kernel joined to it. */
static void bss_and_what_was_joined_to_it(void **state)
{
	(void)state;
	check_elf(true, 0,
		  "7f0004000-7f0005000 rw-p 00003000 fe:00 9 /bin/x\n"
		  "7f0005000-7f0020000 rw-p 00000000 00:00 0\n",
		  "7f0004000-7f0005000 .data /bin/x\n"
		  "7f0005000-7f0008000 .bss /bin/x\n"
		  "7f0008000-7f0020000 anon\n");
}

/* setarch -R: brk begins right behind .bss, and the whole area is called [heap]. */
static void bss_and_heap_in_one_area(void **state)
{
	static const char maps[] = "7f0004000-7f0005000 rw-p 00003000 fe:00 9 /bin/x\n"
				   "7f0005000-7f0020000 rw-p 00000000 00:00 0 [heap]\n";

	(void)state;
	check_elf(true, 0x7f0008000, maps,
		  "7f0004000-7f0005000 .data /bin/x\n"
		  "7f0005000-7f0008000 .bss /bin/x\n"
		  "7f0008000-7f0020000 heap [heap]\n");
	check_elf(true, 0x7f0009010, maps,
		  "7f0004000-7f0005000 .data /bin/x\n"
		  "7f0005000-7f0008000 .bss /bin/x\n"
		  "7f0008000-7f0009000 anon\n"
		  "7f0009000-7f0020000 heap [heap]\n");
	/* Where the heap begins may not be known, or be nonsense. */
	check_elf(true, 0, maps,
		  "7f0004000-7f0005000 .data /bin/x\n"
		  "7f0005000-7f0008000 .bss /bin/x\n"
		  "7f0008000-7f0020000 heap [heap]\n");
	check_elf(true, UINT64_MAX, maps,
		  "7f0004000-7f0005000 .data /bin/x\n"
		  "7f0005000-7f0008000 .bss /bin/x\n"
		  "7f0008000-7f0020000 heap [heap]\n");
}

/* mprotect() and RELRO cut areas anywhere: the names stay, whatever the rights. */
static void areas_cut_by_mprotect(void **state)
{
	(void)state;
	check_elf(true, 0,
		  "7f0000000-7f0001000 r--p 00000000 fe:00 9 /bin/x\n"
		  "7f0001000-7f0002000 rwxp 00001000 fe:00 9 /bin/x\n"
		  "7f0002000-7f0003000 ---p 00002000 fe:00 9 /bin/x\n"
		  "7f0003000-7f0005000 rw-p 00002000 fe:00 9 /bin/x\n"
		  "7f0005000-7f0006000 r--p 00000000 00:00 0\n"
		  "7f0006000-7f0008000 rw-p 00000000 00:00 0\n",
		  "7f0000000-7f0001000 .rodata /bin/x\n"
		  "7f0001000-7f0002000 .text /bin/x\n"
		  "7f0002000-7f0003000 .text /bin/x\n"
		  "7f0003000-7f0004000 .data.rel.ro /bin/x\n"
		  "7f0004000-7f0005000 .data /bin/x\n"
		  "7f0005000-7f0006000 .bss /bin/x\n"
		  "7f0006000-7f0008000 .bss /bin/x\n");
}

static void the_same_object_loaded_twice(void **state)
{
	(void)state;
	check_elf(true, 0,
		  "7f0001000-7f0003000 r-xp 00001000 fe:00 9 /bin/x\n"
		  "7f0004000-7f0005000 rw-p 00003000 fe:00 9 /bin/x\n"
		  "7f0005000-7f0008000 rw-p 00000000 00:00 0\n"
		  "7f1001000-7f1003000 r-xp 00001000 fe:00 9 /bin/x\n"
		  "7f1004000-7f1005000 rw-p 00003000 fe:00 9 /bin/x\n"
		  "7f1005000-7f1008000 rw-p 00000000 00:00 0\n",
		  "7f0001000-7f0003000 .text /bin/x\n"
		  "7f0004000-7f0005000 .data /bin/x\n"
		  "7f0005000-7f0008000 .bss /bin/x\n"
		  "7f1001000-7f1003000 .text /bin/x\n"
		  "7f1004000-7f1005000 .data /bin/x\n"
		  "7f1005000-7f1008000 .bss /bin/x\n");
}

/*
 * Mapped to be read as data, as readelf would: no process runs it there. (The made-up file is a
 * memfd: hence shm.)
 */
static void an_object_that_is_only_a_file(void **state)
{
	(void)state;
	check_elf(true, 0,
		  "7f0000000-7f0004000 r--s 00000000 fe:00 9 /bin/x\n"
		  "7f1000000-7f1004000 rw-p 00000000 fe:00 9 /bin/x\n",
		  "7f0000000-7f0004000 shm /bin/x\n"
		  "7f1000000-7f1004000 shm /bin/x\n");
}

static void an_object_without_sections(void **state)
{
	(void)state;
	check_elf(false, 0,
		  "7f0000000-7f0001000 r--p 00000000 fe:00 9 /bin/x\n"
		  "7f0001000-7f0003000 r-xp 00001000 fe:00 9 /bin/x\n"
		  "7f0003000-7f0005000 rw-p 00002000 fe:00 9 /bin/x\n"
		  "7f0005000-7f0008000 rw-p 00000000 00:00 0\n",
		  "7f0000000-7f0001000 headers /bin/x\n"
		  "7f0001000-7f0003000 load /bin/x\n"
		  "7f0003000-7f0005000 load /bin/x\n"
		  "7f0005000-7f0008000 .bss /bin/x\n");
}

/* At the very top, where addresses plus lengths wrap around. */
static void at_the_top_of_the_address_space(void **state)
{
	(void)state;
	check_elf(true, 0, "fffffffffffff000-ffffffffffffffff r-xp 00001000 fe:00 9 /bin/x\n",
		  "fffffffffffff000-ffffffffffffffff .text /bin/x\n");
	check_elf(true, 0,
		  "ffffffffffffb000-ffffffffffffc000 rw-p 00003000 fe:00 9 /bin/x\n"
		  "ffffffffffffc000-ffffffffffffffff rw-p 00000000 00:00 0\n",
		  "ffffffffffffb000-ffffffffffffc000 .data /bin/x\n"
		  "ffffffffffffc000-fffffffffffff000 .bss /bin/x\n"
		  "fffffffffffff000-ffffffffffffffff anon\n");
	check_elf(true, 0, "0-1000 r-xp fffffffffffff000 fe:00 9 /bin/x\n", "0-1000 shm /bin/x\n");
}

static void names_of_the_kernel(void **state)
{
	(void)state;
	check(&(struct fake){.maps = "1000-2000 rw-p 0 0:0 0 [heap]\n"
				     "2000-3000 rw-p 0 0:0 0 [stack]\n"
				     "3000-4000 rw-p 0 0:0 0 [stack:17]\n"
				     "4000-5000 r-xp 0 0:0 0 [vdso]\n"
				     "5000-6000 r--p 0 0:0 0 [vvar]\n"
				     "6000-7000 r--p 0 0:0 0 [vvar_vclock]\n"
				     "7000-8000 --xp 0 0:0 0 [uprobes]\n"
				     "8000-9000 rw-p 0 0:0 0 [anon:glibc: malloc]\n"
				     "9000-a000 rw-s 0 0:1 5 [anon_shmem:mine]\n"
				     "a000-b000 r-xp 0 0:0 0 [vectors]\n"
				     "b000-c000 rw-p 0 0:0 0\n"
				     "ffffffffff600000-ffffffffff601000 --xp 0 0:0 0 [vsyscall]\n"},
	      "1000-2000 heap [heap]\n"
	      "2000-3000 stack [stack]\n"
	      "3000-4000 stack [stack:17]\n"
	      "4000-5000 vdso [vdso]\n"
	      "5000-6000 vvar [vvar]\n"
	      "6000-7000 vvar [vvar_vclock]\n"
	      "7000-8000 uprobes [uprobes]\n"
	      "8000-9000 anon [anon:glibc: malloc]\n"
	      "9000-a000 shm [anon_shmem:mine]\n"
	      "a000-b000 kernel [vectors]\n"
	      "b000-c000 anon\n"
	      "ffffffffff600000-ffffffffff601000 vsyscall [vsyscall]\n");
}

static void files_that_cannot_be_opened(void **state)
{
	static const struct fake_file files[] = {{1, -1, ERROR_LOOKUP}, {2, -1, ERROR_DENIED}};

	(void)state;
	check(&(struct fake){.maps = "1000-2000 rw-s 0 0:5 1 /dev/gpu\n"
				     "2000-3000 rw-s 0 0:e 1 anon_inode:[perf_event]\n"
				     "3000-4000 r-xp 0 8:1 2 /bin/x\n"
				     "4000-5000 rw-s 0 0:1 0 /SYSV00000000 (deleted)\n"
				     "5000-6000 rw-s 0 0:1 2 /memfd:a (deleted)\n"
				     "6000-7000 rw-s 0 0:1 2 /dev/zero (deleted)\n",
			     .files = files,
			     .file_count = 2},
	      "1000-2000 device /dev/gpu\n"
	      "2000-3000 device anon_inode:[perf_event]\n"
	      "3000-4000 file /bin/x\n"
	      "4000-5000 shm /SYSV00000000 (deleted)\n"
	      "5000-6000 memfd /memfd:a (deleted)\n"
	      "6000-7000 shm /dev/zero (deleted)\n");
}

static void an_ended_process_is_no_layout(void **state)
{
	static const struct fake_file files[] = {{1, -1, ERROR_GONE}};
	struct fake fake = {
		.maps = "1000-2000 r--p 0 8:1 1 /bin/x\n", .files = files, .file_count = 1};
	struct layout layout;

	(void)state;
	fake_init(&fake);
	assert_error(layout_init(&layout, &fake.space), ERROR_GONE, "/bin/x: no");
	fake.maps = "not maps\n";
	assert_error(layout_init(&layout, &fake.space), ERROR_INPUT, "not an area");
}

/* A file is opened once, however many areas map it, and asked for in vain once. */
static void many_areas_of_one_file(void **state)
{
	enum { AREAS = 20000 };
	_cleanup_close_ int fd = fake_elf(true);
	const struct fake_file files[] = {{7, -1, ERROR_DENIED}, {8, fd, 0}};
	char *maps;
	size_t length;
	FILE *out = open_memstream(&maps, &length);
	struct layout layout;

	(void)state;
	for (unsigned i = 1; i <= AREAS; i++)
		fprintf(out, "%x000-%x000 r--p 0 8:1 %u /bin/x\n", 2 * i, 2 * i + 1, 7 + i % 2);
	fclose(out);
	struct fake fake = {.maps = maps, .files = files, .file_count = 2};
	fake_init(&fake);
	assert_ok(layout_init(&layout, &fake.space));
	assert_int_equal(fake.opened, 1);
	assert_int_equal(fake.asked, AREAS / 2 + 1);
	assert_int_equal(layout.regions.count, AREAS);
	assert_whole(&layout);
	layout_deinit(&layout);
	free(maps);
}

/* --- questions ---------------------------------------------------------------------------- */

static void finding_regions(void **state)
{
	_cleanup_close_ int fd = fake_elf(true);
	struct fake_file file = {.inode = 9, .fd = fd};
	struct fake fake = {.maps = "7f0004000-7f0005000 rw-p 00003000 fe:00 9 /bin/x\n"
				    "7f0005000-7f0020000 rw-p 00000000 00:00 0\n",
			    .files = &file,
			    .file_count = 1};
	struct layout layout;

	(void)state;
	fake_init(&fake);
	assert_ok(layout_init(&layout, &fake.space));
	assert_null(layout_find(&layout, BASE + 0x3fff));
	assert_string_equal(layout_find(&layout, BASE + 0x4000)->name, ".data");
	assert_string_equal(layout_find(&layout, BASE + 0x7fff)->name, ".bss");
	assert_string_equal(layout_find(&layout, BASE + 0x8000)->name, "anon");
	assert_null(layout_find(&layout, BASE + 0x20000));
	assert_null(layout_find(&layout, UINT64_MAX));
	/* To the byte: the page is .data's, its end is .bss. */
	const struct region *data = layout_find(&layout, BASE + 0x4000);
	assert_string_equal(region_section_at(data, BASE + 0x48ff), ".data");
	assert_string_equal(region_section_at(data, BASE + 0x4900), ".bss");
	assert_null(region_section_at(layout_find(&layout, BASE + 0x9000), BASE + 0x9000));
	layout_deinit(&layout);
}

static void selections(void **state)
{
	static const struct {
		struct region_selection selection;
		bool selected;
		uint64_t start, end;
	} cases[] = {
		{{{0, 0}, NULL, NULL}, true, 0x4000, 0x8000},
		{{{0x5000, 0x6000}, NULL, NULL}, true, 0x5000, 0x6000},
		{{{0, 0x5000}, NULL, NULL}, true, 0x4000, 0x5000},
		{{{0x8000, 0x9000}, NULL, NULL}, false, 0, 0},
		{{{0, 0}, "file", NULL}, true, 0x4000, 0x8000},
		{{{0, 0}, "fil", NULL}, false, 0, 0},
		{{{0, 0}, "FILE", NULL}, false, 0, 0},
		{{{0, 0}, NULL, "libx*"}, true, 0x4000, 0x8000},
		{{{0, 0}, NULL, "/usr/lib/libx.so.1"}, true, 0x4000, 0x8000},
		{{{0, 0}, NULL, "*/libx*"}, true, 0x4000, 0x8000},
		{{{0, 0}, NULL, "lib"}, false, 0, 0},
		{{{0, 0}, NULL, ""}, false, 0, 0},
		{{{0, 0}, "file", "liby*"}, false, 0, 0},
		{{{0x7000, 0x9000}, "file", "libx*"}, true, 0x7000, 0x8000},
	};
	struct vma vma = {.range = {0x4000, 0x8000}};
	struct region region = {
		.range = vma.range, .vma = &vma, .name = "file", .object = "/usr/lib/libx.so.1"};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct region selected;

		assert_int_equal(region_select(&region, &cases[i].selection, &selected),
				 cases[i].selected);
		if (!cases[i].selected)
			continue;
		assert_int_equal(selected.range.start, cases[i].start);
		assert_int_equal(selected.range.end, cases[i].end);
	}
	region.object = NULL;
	struct region selected;
	struct region_selection everything = {{0, 0}, NULL, "*"};
	assert_false(region_select(&region, &everything, &selected));
}

/* The states of the empty pages of the region's area, run by run: "N STATE, …". */
static void check_empty(const struct region *region, uint64_t from, uint64_t to,
			const char *expected)
{
	char text[256] = "";

	while (from < to) {
		uint64_t until;
		enum page_state s = region_empty_state(region, 12, from, to, &until);
		size_t used = strlen(text);

		assert_true(until > from && until <= to);
		snprintf(text + used, sizeof(text) - used, "%s%" PRIu64 " %s", used ? ", " : "",
			 until - from, page_state_name(s));
		from = until;
	}
	assert_string_equal(text, expected);
}

static void patterns_for_objects(void **state)
{
	static const struct {
		const char *object, *glob;
		bool matches;
	} cases[] = {
		{"/usr/lib/libc.so.6", "libc.so*", true},
		{"/usr/lib/libc.so.6", "*lib/libc*", true},
		/* A library also without what follows its name. */
		{"/usr/lib/libc.so.6", "libc", true},
		{"/usr/lib/libc.so.6", "lib", false},
		/* A newline is itself, or as tables have it. */
		{"/tmp/new\nline", "new\nline", true},
		{"/tmp/new\nline", "new\\x0aline", true},
		{"/tmp/new\nline", "new\\x0*", false},
		{"/tmp/new\\x0aline", "new\\x5cx0aline", true},
		{"/tmp/a*b", "a\\x2ab", true},
		{"/tmp/aXb", "a\\x2ab", false},
		{"/tmp/axff", "a\\xff", true},
		{"/tmp/a\xc3\xa4", "a\\xc3\\xa4", true},
		{NULL, "*", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct region region = {.object = cases[i].object};

		assert_int_equal(region_object_matches(&region, cases[i].glob), cases[i].matches);
	}
}

static void states_of_pages_not_there(void **state)
{
	struct vma vma = {.range = {0x10000, 0x20000}, .offset = 0x2000};
	struct file file = {.examined = true, .size = 0x5001};
	struct region region = {.range = vma.range, .vma = &vma, .file = &file};
	struct range data[] = {{0x3000, 0x4000}, {0x5000, 0x6000}};

	(void)state;
	region.backing = BACKING_ANONYMOUS;
	check_empty(&region, 0x10, 0x20, "16 untouched");
	region.backing = BACKING_SPECIAL;
	check_empty(&region, 0x10, 0x20, "16 special");

	/* Mapped from 0x2000 on; its last page, begun, is the one at 0x5000. */
	region.backing = BACKING_FILE;
	check_empty(&region, 0x10, 0x20, "4 in-file, 12 special");
	check_empty(&region, 0x13, 0x15, "1 in-file, 1 special");
	file.size = 0x5000;
	check_empty(&region, 0x10, 0x20, "3 in-file, 13 special");
	file.size = 0;
	check_empty(&region, 0x10, 0x20, "16 special");
	file.size = UINT64_MAX;
	check_empty(&region, 0x10, 0x20, "16 in-file");

	/* Shared memory: where it has no page, a touch gives zeroes. */
	region.backing = BACKING_SHMEM;
	file.size = 0x7000;
	file.data.items = data;
	file.data.count = 2;
	check_empty(&region, 0x10, 0x20,
		    "1 untouched, 1 in-file, 1 untouched, 1 in-file, 1 untouched, 11 special");
	file.data.count = 0;
	check_empty(&region, 0x10, 0x20, "5 untouched, 11 special");

	/* Not to be opened: nothing is known of its size. */
	file.examined = false;
	region.backing = BACKING_FILE;
	check_empty(&region, 0x10, 0x20, "16 in-file");
}

static void offsets_at_the_end_of_a_file_offset(void **state)
{
	struct vma vma = {.range = {0x10000, 0x20000}, .offset = UINT64_MAX - 0xfff};
	struct file file = {.examined = true, .size = 0x5000};
	struct region region = {
		.range = vma.range, .vma = &vma, .file = &file, .backing = BACKING_FILE};
	uint64_t until;

	(void)state;
	assert_int_equal(region_empty_state(&region, 12, 0x10, 0x20, &until), STATE_SPECIAL);
	assert_true(until > 0x10 && until <= 0x20);
}

/* --- live --------------------------------------------------------------------------------- */

static const char constant[3 * 4096] = {1};
static char data[3 * 4096] = {1};
static char zeroes[3 * 4096];

static const char *name_of(const struct layout *layout, const volatile void *p)
{
	const struct region *region = layout_find(layout, (uint64_t)(uintptr_t)p);

	return region ? region->name : "(none)";
}

static void this_process(void **state)
{
	struct target *target;
	struct space *space;
	struct layout layout;

	(void)state;
	assert_ok(target_live_create(NULL, &target));
	assert_ok(target_open_space(target, getpid(), &space));
	assert_ok(layout_init(&layout, space));
	assert_whole(&layout);
	assert_string_equal(name_of(&layout, (const void *)(uintptr_t)this_process), ".text");
	assert_string_equal(name_of(&layout, constant + 4096), ".rodata");
	assert_string_equal(name_of(&layout, data + 4096), ".data");
	assert_string_equal(name_of(&layout, zeroes + 4096), ".bss");
	/* Not a local's address: AddressSanitizer may keep those elsewhere. */
	assert_string_equal(name_of(&layout, __builtin_frame_address(0)), "stack");
	layout_deinit(&layout);
	space_close(space);
	target_destroy(target);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_list),
		cmocka_unit_test(a_loaded_object),
		cmocka_unit_test(bss_and_what_was_joined_to_it),
		cmocka_unit_test(bss_and_heap_in_one_area),
		cmocka_unit_test(areas_cut_by_mprotect),
		cmocka_unit_test(the_same_object_loaded_twice),
		cmocka_unit_test(an_object_that_is_only_a_file),
		cmocka_unit_test(an_object_without_sections),
		cmocka_unit_test(at_the_top_of_the_address_space),
		cmocka_unit_test(names_of_the_kernel),
		cmocka_unit_test(files_that_cannot_be_opened),
		cmocka_unit_test(an_ended_process_is_no_layout),
		cmocka_unit_test(many_areas_of_one_file),
		cmocka_unit_test(finding_regions),
		cmocka_unit_test(selections),
		cmocka_unit_test(patterns_for_objects),
		cmocka_unit_test(states_of_pages_not_there),
		cmocka_unit_test(offsets_at_the_end_of_a_file_offset),
		cmocka_unit_test(this_process),
	};

	return TESTS_RUN(tests);
}
