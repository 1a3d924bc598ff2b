// SPDX-License-Identifier: GPL-2.0-or-later
/* Core files of memory: a good one, and what a bad one may say. */
#include "unit.h"

#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "object/core.h"

/* Two segments and two notes, as /proc/kcore has them. */
struct image {
	Elf64_Ehdr header;
	Elf64_Phdr segments[3];
	struct {
		Elf64_Nhdr header;
		char name[8];
		char bytes[8];
	} task;
	struct {
		Elf64_Nhdr header;
		char name[12];
		char bytes[20];
	} vmcoreinfo;
};

static struct image good(void)
{
	struct image image = {
		.header = {.e_type = ET_CORE,
			   .e_machine = EM_X86_64,
			   .e_version = EV_CURRENT,
			   .e_phoff = offsetof(struct image, segments),
			   .e_ehsize = sizeof(Elf64_Ehdr),
			   .e_phentsize = sizeof(Elf64_Phdr),
			   .e_phnum = 3},
		.segments = {{.p_type = PT_NOTE,
			      .p_offset = offsetof(struct image, task),
			      .p_filesz = sizeof(struct image) - offsetof(struct image, task)},
			     {.p_type = PT_LOAD,
			      .p_offset = 0x7fff80001000,
			      .p_vaddr = 0xffffffff81000000,
			      .p_paddr = 0x1000000,
			      .p_filesz = 0x2000000,
			      .p_memsz = 0x2000000},
			     {.p_type = PT_LOAD,
			      .p_offset = 0x1000,
			      .p_vaddr = 0xffffc90000000000,
			      .p_paddr = UINT64_MAX,
			      .p_filesz = 0x1fffffffffff,
			      .p_memsz = 0x1fffffffffff}},
		.task = {{5, 8, 4}, "CORE", "\1\2\3\4\5\6\7"},
		.vmcoreinfo = {{11, 14, 0}, "VMCOREINFO", "PAGESIZE=4096\n"},
	};

	memcpy(image.header.e_ident, ELFMAG, SELFMAG);
	image.header.e_ident[EI_CLASS] = ELFCLASS64;
	image.header.e_ident[EI_DATA] = ELFDATA2LSB;
	image.header.e_ident[EI_VERSION] = EV_CURRENT;
	return image;
}

static struct error *read_image(const void *image, size_t size, struct core *core)
{
	int fd = memfd_create("core", 0);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, image, size), size);
	struct error *error = core_read(fd, "core", core);
	close(fd);
	return error;
}

static void segments_and_notes(void **state)
{
	struct image image = good();
	const struct core_note *note;
	struct core core;

	(void)state;
	assert_ok(read_image(&image, sizeof(image), &core));
	assert_int_equal(core.segments.count, 2);
	assert_true(core.segments.items[0].vaddr == 0xffffffff81000000);
	assert_true(core.segments.items[0].paddr == 0x1000000);
	assert_true(core.segments.items[0].offset == 0x7fff80001000);
	assert_true(core.segments.items[1].paddr == UINT64_MAX);
	note = core_find_note(&core, "CORE", 4);
	assert_non_null(note);
	assert_int_equal(note->size, 8);
	assert_memory_equal(note->bytes, "\1\2\3\4\5\6\7", 8);
	note = core_find_note(&core, "VMCOREINFO", 0);
	assert_non_null(note);
	assert_string_equal(note->bytes, "PAGESIZE=4096\n");
	assert_null(core_find_note(&core, "CORE", 0));
	core_deinit(&core);
}

static void what_is_no_core_file(void **state)
{
	struct image image = good();
	struct core core;

	(void)state;
	assert_error(read_image("", 0, &core), ERROR_INPUT, "not an ELF file");
	assert_error(read_image(&image, 20, &core), ERROR_INPUT, "not an ELF file");
	image.header.e_type = ET_EXEC;
	assert_error(read_image(&image, sizeof(image), &core), ERROR_INPUT, "not an ELF core");
	image = good();
	image.header.e_ident[EI_CLASS] = ELFCLASS32;
	assert_error(read_image(&image, sizeof(image), &core), ERROR_UNSUPPORTED, "64-bit");
	image = good();
	image.header.e_shoff = 64; /* and no count: elf_begin() would believe section 0 */
	assert_error(read_image(&image, sizeof(image), &core), ERROR_INPUT, "section headers");
}

static void segments_that_wrap(void **state)
{
	struct image image = good();
	struct core core;

	(void)state;
	image.segments[1].p_filesz = UINT64_MAX;
	assert_error(read_image(&image, sizeof(image), &core), ERROR_INPUT, "segment");
	image = good();
	image.segments[1].p_offset = INT64_MAX;
	assert_error(read_image(&image, sizeof(image), &core), ERROR_INPUT, "segment");
}

/* Notes whose lengths are beyond the segment end the list, and nothing else. */
static void notes_that_do_not_hold_together(void **state)
{
	struct image image = good();
	struct core core;

	(void)state;
	image.vmcoreinfo.header.n_descsz = 0x7fffffff;
	assert_ok(read_image(&image, sizeof(image), &core));
	assert_int_equal(core.notes.count, 1);
	core_deinit(&core);
	image = good();
	image.task.header.n_namesz = UINT32_MAX;
	assert_ok(read_image(&image, sizeof(image), &core));
	assert_int_equal(core.notes.count, 0);
	core_deinit(&core);
	image = good();
	image.segments[0].p_offset = UINT64_C(1) << 60;
	assert_ok(read_image(&image, sizeof(image), &core));
	assert_int_equal(core.notes.count, 0);
	core_deinit(&core);
	image = good();
	image.segments[0].p_filesz = UINT64_C(1) << 40;
	assert_error(read_image(&image, sizeof(image), &core), ERROR_INPUT, "notes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_and_notes),
		cmocka_unit_test(what_is_no_core_file),
		cmocka_unit_test(segments_that_wrap),
		cmocka_unit_test(notes_that_do_not_hold_together),
	};

	return TESTS_RUN(tests);
}
