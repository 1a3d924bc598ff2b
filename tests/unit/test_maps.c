// SPDX-License-Identifier: GPL-2.0-or-later
/* src/proc/maps: dumps of real processes, lines of other kernels, and lines that are none. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "unit.h"

#include "base/io.h"
#include "base/scope.h"
#include "proc/maps.h"

static char *read_fixture(const char *name, size_t *length)
{
	char path[4096], *text = NULL;

	assert_ok(read_file_at(AT_FDCWD, fixture_path(path, name), 1 << 24, &text, length));
	return text;
}

static struct error *parse(struct vma_list *list, const char *text)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	return vma_list_parse(list, copy, strlen(copy));
}

/* A line as the kernel writes it (show_vma_header_prefix, fs/proc/task_mmu.c), without padding. */
static void print_vma(const struct vma *vma, char *line, size_t size)
{
	char perms[5];

	vma_perms_text(vma->perms, perms);
	snprintf(line, size,
		 "%08" PRIx64 "-%08" PRIx64 " %s %08" PRIx64 " %02x:%02x %" PRIu64 " %s",
		 vma->range.start, vma->range.end, perms, vma->offset, vma->dev_major,
		 vma->dev_minor, vma->inode, vma->name);
}

/* Takes the spaces between inode and name down to one. */
static void unpad(char *line)
{
	char *name = line;

	for (int field = 0; field < 5; field++)
		name = strchr(name, ' ') + 1;
	memmove(name, name + strspn(name, " "), strlen(name + strspn(name, " ")) + 1);
}

/* Printed again, every area of a dump is the line that it came from. */
static void round_trip(const char *name)
{
	size_t length, i = 0;
	_cleanup_free_ char *text = read_fixture(name, &length);
	struct vma_list list;
	char *rest = text, *line;

	assert_ok(parse(&list, text));
	while ((line = strsep(&rest, "\n")) && *line) {
		_cleanup_free_ char *wanted = strdup(line);
		char again[8192];

		assert_true(i < list.count);
		print_vma(&list.items[i++], again, sizeof(again));
		unpad(wanted);
		assert_string_equal(again, wanted);
	}
	assert_int_equal(i, list.count);
	assert_true(i > 5);
	vma_list_deinit(&list);
}

static void dumps_of_real_processes(void **state)
{
	static const char *const dumps[] = {"java-6.18", "node-6.18", "pagekinds-6.18",
					    "python-6.18", "tiny32-6.18"};
	char name[64];

	(void)state;
	for (size_t i = 0; i < sizeof(dumps) / sizeof(dumps[0]); i++) {
		snprintf(name, sizeof(name), "maps/%s.maps", dumps[i]);
		round_trip(name);
	}
}

static void our_own(void **state)
{
	_cleanup_close_ int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	struct vma_list list;

	(void)state;
	assert_true(fd >= 0);
	assert_ok(vma_list_read(&list, fd));
	const struct vma *code = vma_list_find(&list, (uint64_t)(uintptr_t)our_own);
	const struct vma *stack = vma_list_find(&list, (uint64_t)(uintptr_t)&list);
	assert_non_null(code);
	assert_int_equal(code->perms, VMA_READ | VMA_EXEC);
	assert_non_null(strstr(code->name, program_invocation_short_name));
	assert_non_null(stack);
	assert_true(stack->perms & VMA_WRITE);
	vma_list_deinit(&list);
	assert_int_equal(list.count, 0);
}

static const struct vma *area(const struct vma_list *list, uint64_t address)
{
	const struct vma *vma = vma_list_find(list, address);

	assert_non_null(vma);
	assert_int_equal(vma->range.start, address);
	return vma;
}

static void lines_of_other_kernels(void **state)
{
	static const struct {
		uint64_t start;
		unsigned perms;
		uint64_t inode;
		const char *name;
	} cases[] = {
		{0, VMA_READ | VMA_WRITE, 0, ""},
		{0x10000, VMA_READ | VMA_SHARED, 0, "/SYSV00000000 (deleted)"},
		{0x8048000, VMA_READ | VMA_EXEC, 64593, "/usr/sbin/gpm"},
		{0x8058000, VMA_READ | VMA_WRITE | VMA_EXEC, 0, "[heap]"},
		{0xa7cb1000, 0, 0, "[stack:1001]"},
		{0xffff0000, VMA_READ | VMA_EXEC, 0, "[vectors]"},
		{0x100000000, VMA_READ | VMA_WRITE | VMA_SHARED, UINT64_MAX, "/dev/nvme0"},
		{0xffff7dc00000, VMA_READ | VMA_WRITE, 0, "[anon:glibc: malloc]"},
		{0xffff7dc01000, VMA_READ | VMA_WRITE | VMA_SHARED, 1025,
		 "[anon_shmem:a name: with a colon]"},
		{0xffff7dc02000, VMA_READ | VMA_WRITE | VMA_SHARED, 4, "anon_inode:[perf_event]"},
		{0xffff7dc04000, VMA_READ | VMA_WRITE | VMA_SHARED, 32789, "/[aio] (deleted)"},
		{0xffff7dc05000, VMA_READ, 99, "/tmp/a file  with (deleted) in its name (deleted)"},
		{0xffff7dc06000, VMA_READ, 100, "/tmp/new\\012line and\ttab"},
		{0xffff7dc09000, VMA_SHARED, 3075, "/dev/zero (deleted)"},
		{0xffffffffff600000, VMA_EXEC, 0, "[vsyscall]"},
		{0xfffffffffffff000, VMA_READ, 0, "[gate]"},
	};
	size_t length;
	_cleanup_free_ char *text = read_fixture("maps/odd-lines.maps", &length);
	struct vma_list list;

	(void)state;
	assert_ok(parse(&list, text));
	assert_int_equal(list.count, 23);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct vma *vma = area(&list, cases[i].start);

		assert_int_equal(vma->perms, cases[i].perms);
		assert_int_equal(vma->inode, cases[i].inode);
		assert_string_equal(vma->name, cases[i].name);
	}
	const struct vma *wide = area(&list, 0x100000000);
	assert_int_equal(wide->offset, 0xffffffffffffe000);
	assert_int_equal(wide->dev_major, 0x103);
	assert_int_equal(wide->dev_minor, 0xabcde);
	vma_list_deinit(&list);
}

static void finding_an_address(void **state)
{
	struct vma_list list;

	(void)state;
	assert_ok(parse(&list, "1000-3000 r--p 0 0:0 0\n3000-4000 r--p 0 0:0 0\n"
			       "8000-9000 r--p 0 0:0 0\n"));
	assert_null(vma_list_find(&list, 0));
	assert_null(vma_list_find(&list, 0xfff));
	assert_ptr_equal(vma_list_find(&list, 0x1000), &list.items[0]);
	assert_ptr_equal(vma_list_find(&list, 0x2fff), &list.items[0]);
	assert_ptr_equal(vma_list_find(&list, 0x3000), &list.items[1]);
	assert_null(vma_list_find(&list, 0x4000));
	assert_null(vma_list_find(&list, 0x7fff));
	assert_ptr_equal(vma_list_find(&list, 0x8fff), &list.items[2]);
	assert_null(vma_list_find(&list, 0x9000));
	assert_null(vma_list_find(&list, UINT64_MAX));
	vma_list_deinit(&list);
}

static void nothing_is_an_empty_list(void **state)
{
	struct vma_list list;

	(void)state;
	assert_ok(parse(&list, ""));
	assert_int_equal(list.count, 0);
	assert_null(vma_list_find(&list, 0));
	vma_list_deinit(&list);
	vma_list_deinit(&list);
}

static void lines_that_are_no_areas(void **state)
{
	static const char *const lines[] = {
		"\n",
		"garbage\n",
		"1000-2000\n",
		"1000-2000 r--p 0 0:0\n",
		"1000-2000 r--p 0 00 0\n",
		"1000-2000 r--p 0 0:0 \n",
		"1000-2000 r--p 0 0:0 x\n",
		"1000 2000 r--p 0 0:0 0\n",
		"-2000 r--p 0 0:0 0\n",
		"1000-2000 rwx 0 0:0 0\n",
		"1000-2000 xwrp 0 0:0 0\n",
		"1000-2000 r--P 0 0:0 0\n",
		"1000-2000 r--p -1 0:0 0\n",
		"1000-1000 r--p 0 0:0 0\n",
		"2000-1000 r--p 0 0:0 0\n",
		"0x1000-0x2000 r--p 0 0:0 0\n",
		"1000-2000 r--p 0 100000000:0 0\n",
		"1000-10000000000000000 r--p 0 0:0 0\n",
		"1000-2000 r--p 0 0:0 18446744073709551616\n",
		"1000-2000 r--p 0 0:0 0",           /* cut off: no newline */
		"1000-2000 r--p 0 0:0 0 /bin/part", /* so may be its name */
	};
	struct vma_list list = {0};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_error(parse(&list, lines[i]), ERROR_INPUT, "maps: line 1 is not an area");
		snprintf(text, sizeof(text), "400-800 r--p 0 0:0 0\n%s", lines[i]);
		assert_error(parse(&list, text), ERROR_INPUT, "maps: line 2 is not an area");
	}
}

static void areas_must_be_in_order(void **state)
{
	struct vma_list list = {0};

	(void)state;
	assert_error(parse(&list, "2000-3000 r--p 0 0:0 0\n1000-2000 r--p 0 0:0 0\n"), ERROR_INPUT,
		     "line 2");
	assert_error(parse(&list, "1000-3000 r--p 0 0:0 0\n2000-3000 r--p 0 0:0 0\n"), ERROR_INPUT,
		     "line 2");
}

/* As it is read of a process that merges areas between two reads. */
static void an_area_that_was_merged_meanwhile_goes_on(void **state)
{
	struct vma_list list = {0};

	(void)state;
	assert_ok(parse(&list, "1000-3000 r--p 5000 8:1 7 /x\n2000-6000 rw-p 6000 8:1 7 /x\n"
			       "6000-7000 r--p 0 0:0 0\n5000-8000 rw-p 0 0:0 0\n"));
	assert_int_equal(list.count, 4);
	assert_int_equal(list.items[1].range.start, 0x3000);
	assert_int_equal(list.items[1].range.end, 0x6000);
	assert_int_equal(list.items[1].offset, 0x7000);
	assert_int_equal(list.items[3].range.start, 0x7000);
	assert_int_equal(list.items[3].offset, 0);
	vma_list_deinit(&list);
}

static void a_nul_ends_no_line(void **state)
{
	static const char line[] = "1000-2000 r--p 0 0:0 0 /a\0b\n";
	char *text = malloc(sizeof(line));
	struct vma_list list;

	(void)state;
	memcpy(text, line, sizeof(line));
	assert_ok(vma_list_parse(&list, text, sizeof(line) - 1));
	assert_int_equal(list.count, 1);
	assert_string_equal(list.items[0].name, "/a");
	vma_list_deinit(&list);
}

/* A dump cut anywhere is refused, or is the areas that it still has whole. */
static void a_dump_cut_anywhere(void **state)
{
	size_t length;
	_cleanup_free_ char *text = read_fixture("maps/tiny32-6.18.maps", &length);

	(void)state;
	for (size_t cut = 0; cut < length; cut++) {
		_cleanup_free_ char *part = strndup(text, cut);
		struct vma_list list;
		struct error *error = parse(&list, part);

		assert_int_equal(!error, cut == 0 || text[cut - 1] == '\n');
		if (!error)
			vma_list_deinit(&list);
		error_free(error);
	}
}

static void newlines_in_names(void **state)
{
	static const char *const cases[][2] = {
		{"", ""},
		{"/a", "/a"},
		{"/new\\012line", "/new\nline"},
		{"\\012\\012", "\n\n"},
		{"/a\\01", "/a\\01"},
		{"/a\\\\012", "/a\\\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_free_ char *name = strdup(cases[i][0]);

		spell_newlines(name);
		assert_string_equal(name, cases[i][1]);
		assert_int_equal(may_have_newlines(cases[i][0]), strchr(name, '\n') != NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dumps_of_real_processes),
		cmocka_unit_test(our_own),
		cmocka_unit_test(lines_of_other_kernels),
		cmocka_unit_test(finding_an_address),
		cmocka_unit_test(nothing_is_an_empty_list),
		cmocka_unit_test(lines_that_are_no_areas),
		cmocka_unit_test(areas_must_be_in_order),
		cmocka_unit_test(an_area_that_was_merged_meanwhile_goes_on),
		cmocka_unit_test(a_nul_ends_no_line),
		cmocka_unit_test(a_dump_cut_anywhere),
		cmocka_unit_test(newlines_in_names),
	};

	return TESTS_RUN(tests);
}
