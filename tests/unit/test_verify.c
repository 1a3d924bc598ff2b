// SPDX-License-Identifier: GPL-2.0-or-later
/* verify's judgements on made-up pages: runs of bytes, relocations, what tracefs says. */
#include "unit.h"

#include <elf.h>

#include "analysis/differ.h"
#include "analysis/explain.h"
#include "analysis/verify.h"
#include "object/relocations.h"
#include "proc/uprobes.h"

enum { PAGE = 4096 };

/* --- differences -------------------------------------------------------------------------------
 */

static uint8_t before[PAGE], after[PAGE], explained[PAGE];
static struct differ_run runs[DIFFER_RUNS_MAX];

static int clear_pages(void **state)
{
	(void)state;
	memset(before, 0x90, sizeof(before));
	memset(after, 0x90, sizeof(after));
	memset(explained, 0, sizeof(explained));
	return 0;
}

static size_t find_runs(void)
{
	return differ_runs(before, after, explained, PAGE, runs);
}

static void assert_run(size_t index, unsigned start, unsigned end, bool breakpoint)
{
	assert_int_equal(runs[index].start, start);
	assert_int_equal(runs[index].end, end);
	assert_int_equal(runs[index].breakpoint, breakpoint);
}

static void test_equal_pages_have_no_runs(void **state)
{
	(void)state;
	assert_int_equal(find_runs(), 0);
}

static void test_near_bytes_are_one_run(void **state)
{
	(void)state;
	after[100] = 1;
	after[103] = 2;
	after[111] = 3;
	after[200] = 4;
	after[PAGE - 1] = 5;
	assert_int_equal(find_runs(), 3);
	assert_run(0, 100, 112, false);
	assert_run(1, 200, 201, false);
	assert_run(2, PAGE - 1, PAGE, false);
}

static void test_lone_int3_is_a_breakpoint(void **state)
{
	(void)state;
	after[0] = after[50] = after[51] = after[PAGE - 1] = 0xcc;
	assert_int_equal(find_runs(), 4);
	assert_run(0, 0, 1, true);
	assert_run(1, 50, 51, true);
	assert_run(2, 51, 52, true);
	assert_run(3, PAGE - 1, PAGE, true);
}

static void test_int3_of_the_file_is_no_breakpoint(void **state)
{
	(void)state;
	before[10] = 0xcc;
	assert_int_equal(find_runs(), 1);
	assert_run(0, 10, 11, false);
	after[10] = 0xcc;
	assert_int_equal(find_runs(), 0);
}

static void test_int3_within_a_patch_is_a_byte_of_it(void **state)
{
	(void)state;
	after[10] = 0xcc;
	after[12] = 0x11;
	after[18] = 0xcc;
	assert_int_equal(find_runs(), 1);
	assert_run(0, 10, 19, false);
}

static void test_explained_bytes_count_as_the_same(void **state)
{
	(void)state;
	after[10] = 1;
	after[11] = 0xcc;
	explained[10] = 1;
	assert_int_equal(find_runs(), 1);
	assert_run(0, 11, 12, true);
}

static void test_more_runs_than_there_is_room_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < PAGE; i++)
		after[i] = 0xcc;
	assert_int_equal(find_runs(), DIFFER_RUNS_MAX);
	assert_int_equal(runs[DIFFER_RUNS_MAX - 1].end, PAGE);
	assert_false(runs[DIFFER_RUNS_MAX - 1].breakpoint);
	assert_int_equal(differ_runs(before, after, NULL, PAGE, runs), DIFFER_RUNS_MAX);
}

/* --- relocations -------------------------------------------------------------------------------
 */

enum {
	BIAS = 0x10000000,
	LINKED = 0x3000, /* the page */
	OWN_CODE = 0x10001000,
	OTHER_CODE = 0x20001000,
	OTHER_DATA = 0x20005000,
	HEAP = 0x30000000,
	VDSO = 0x50000000,
	NUMBERS = 0x40000000, /* the same as the next, where numbers lead, too */
};

#define INJECTED UINT64_C(0x7f0040000000)

static size_t places_asked;

static enum place place_of(void *argument, uint64_t address)
{
	static const struct {
		uint64_t start;
		enum place place;
	} places[] = {{OWN_CODE, PLACE_OWN_CODE}, {BIAS + LINKED, PLACE_OBJECT},
		      {OTHER_CODE, PLACE_CODE},   {OTHER_DATA, PLACE_OBJECT},
		      {HEAP, PLACE_WRITABLE},     {INJECTED, PLACE_ROGUE},
		      {NUMBERS, PLACE_ROGUE},     {VDSO, PLACE_KERNEL}};

	(void)argument;
	places_asked++;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (address - places[i].start < 0x1000)
			return places[i].place;
	}
	return PLACE_NOTHING;
}

static struct relocations relocations;

static struct explain_page page = {.relocations = &relocations,
				   .bias = BIAS,
				   .linked = LINKED,
				   .size = PAGE,
				   .before = before,
				   .after = after,
				   .place = place_of};

static int setup_page(void **state)
{
	clear_pages(state);
	memset(before, 0, sizeof(before));
	memset(after, 0, sizeof(after));
	relocations = (struct relocations){.word = 8, .longest = 8};
	return 0;
}

static int free_page(void **state)
{
	(void)state;
	relocations_deinit(&relocations);
	return 0;
}

static void add(enum relocation_kind kind, uint64_t at, int64_t addend)
{
	struct relocation one = {.place = LINKED + at,
				 .addend = addend,
				 .size = kind == RELOCATION_TLS_CALL ? 16 : 8,
				 .kind = (uint8_t)kind};

	if (one.size > relocations.longest)
		relocations.longest = one.size;
	assert_ok(vec_push(&relocations.items, one));
}

static void put(uint64_t at, uint64_t value)
{
	memcpy(after + at, &value, sizeof(value));
}

/* Whether the word at `at` is explained, all eight bytes of it or none. */
static bool is_explained(uint64_t at)
{
	explain_page(&page, explained);
	for (size_t i = 1; i < 8; i++)
		assert_int_equal(explained[at + i], explained[at]);
	return explained[at];
}

static void test_relative_to_the_bit(void **state)
{
	(void)state;
	add(RELOCATION_RELATIVE, 16, 0x1234);
	put(16, BIAS + 0x1234);
	assert_true(is_explained(16));
	assert_false(explained[15] || explained[24]);
	put(16, BIAS + 0x1235);
	assert_false(is_explained(16));
	put(16, 0x1234);
	assert_false(is_explained(16));
}

static void test_addend_in_the_file(void **state)
{
	const uint64_t addend = 0x40;

	(void)state;
	add(RELOCATION_RELATIVE, 0, 0);
	relocations.items.items[0].in_place = true;
	memcpy(before, &addend, sizeof(addend));
	put(0, BIAS + addend);
	assert_true(is_explained(0));
	put(0, BIAS);
	assert_false(is_explained(0));
}

static void test_selected_function_in_its_own_object(void **state)
{
	(void)state;
	add(RELOCATION_IFUNC, 0, 0x1000);
	put(0, OWN_CODE + 0x10);
	assert_true(is_explained(0));
	put(0, OTHER_CODE);
	assert_false(is_explained(0));
	put(0, INJECTED);
	assert_false(is_explained(0));
	put(0, 0); /* none of them is of use here */
	assert_true(is_explained(0));
	put(0, VDSO);
	assert_true(is_explained(0));
}

/* Of i386, whose loader calls the kernel by the vdso if it has one. */
static void test_way_into_the_kernel(void **state)
{
	const uint32_t addend = 0x1000, vdso = VDSO + 0x10, other = OTHER_CODE;

	(void)state;
	add(RELOCATION_RELATIVE, 0, 0);
	relocations.items.items[0].size = 4;
	relocations.items.items[0].in_place = true;
	relocations.word = 4;
	relocations.loader = true;
	relocations.relro = (struct range){LINKED, LINKED + PAGE};
	memcpy(before, &addend, sizeof(addend));
	memcpy(after, &vdso, sizeof(vdso));
	explain_page(&page, explained);
	assert_true(explained[0] && explained[3]);
	memcpy(after, &other, sizeof(other));
	explain_page(&page, explained);
	assert_false(explained[0] || explained[3]);
	memcpy(after, &vdso, sizeof(vdso));
	relocations.loader = false;
	explain_page(&page, explained);
	assert_false(explained[0] || explained[3]);
}

static void test_function_leads_into_code(void **state)
{
	(void)state;
	add(RELOCATION_CODE, 0, 0);
	put(0, OTHER_CODE + 5);
	assert_true(is_explained(0));
	put(0, OTHER_DATA);
	assert_false(is_explained(0));
	put(0, HEAP);
	assert_false(is_explained(0));
	put(0, BIAS); /* not bound: the file's word, moved */
	assert_true(is_explained(0));
}

static void test_symbol_leads_into_an_object(void **state)
{
	(void)state;
	add(RELOCATION_SYMBOL, 8, 0x100000);
	put(8, OTHER_DATA + 0x100000);
	assert_true(is_explained(8));
	put(8, OTHER_DATA + 0x1000 + 0x100000); /* one past its end */
	assert_true(is_explained(8));
	put(8, 0x100000); /* weak, and nobody has it */
	assert_true(is_explained(8));
	put(8, HEAP + 0x100000);
	assert_false(is_explained(8));
	put(8, INJECTED + 0x100000);
	assert_false(is_explained(8));
}

static void test_thread_local_words(void **state)
{
	(void)state;
	add(RELOCATION_MODULE, 0, 0);
	add(RELOCATION_TLS, 8, 0);
	add(RELOCATION_TLS_CALL, 16, 0);
	put(0, 3);
	put(8, (uint64_t)-64);
	put(16, OTHER_CODE);
	put(24, HEAP);
	assert_true(is_explained(0) && is_explained(8) && is_explained(16) && is_explained(24));
	put(0, HEAP);
	put(8, INJECTED);
	put(24, INJECTED);
	assert_false(is_explained(0) || is_explained(8) || is_explained(24));
	assert_true(is_explained(16));
	put(16, INJECTED);
	assert_false(is_explained(16));
}

static void test_word_that_begins_on_the_page_before(void **state)
{
	(void)state;
	add(RELOCATION_RELATIVE, (uint64_t)-4, 0x1111111100000000);
	memset(after, 0x11, 4);
	explain_page(&page, explained);
	assert_true(explained[0] && explained[3] && !explained[4]);
	after[2] = 0x12;
	explain_page(&page, explained);
	assert_false(explained[0] || explained[2] || explained[3]);
}

/* Of REL: what is carried from the bytes that lie on the other page is not known. */
static void test_cut_off_word_whose_addend_is_in_the_file(void **state)
{
	(void)state;
	add(RELOCATION_RELATIVE, (uint64_t)-2, 0);
	add(RELOCATION_RELATIVE, PAGE - 3, 0);
	for (size_t i = 0; i < 2; i++) {
		relocations.items.items[i].size = 4;
		relocations.items.items[i].in_place = true;
	}
	relocations.word = 4;
	page.bias = 0x12345678;
	before[0] = 0xff;
	for (uint8_t carry = 0; carry < 3; carry++) {
		after[0] = (uint8_t)(0xff + 0x34 + carry);
		after[1] = 0x13;
		memcpy(before + PAGE - 3, "\xff\xff\x01", 3);
		memcpy(after + PAGE - 3, "\x77\x56\x36", 3);
		explain_page(&page, explained);
		assert_int_equal(explained[0] && explained[1], carry < 2);
		assert_true(explained[PAGE - 3] && explained[PAGE - 1]);
	}
	after[PAGE - 1] = 0x35;
	explain_page(&page, explained);
	assert_false(explained[PAGE - 3] || explained[PAGE - 1]);
	page.bias = BIAS;
}

/* Copies have no words that lead into code without a file, and cost no more than the page has. */
static void test_copies(void **state)
{
	(void)state;
	assert_ok(vec_push(&relocations.copies, ((struct range){LINKED - 64, LINKED + 12})));
	assert_ok(vec_push(&relocations.copies, ((struct range){LINKED + 16, LINKED + 48})));
	assert_ok(vec_push(&relocations.copies,
			   ((struct range){LINKED + PAGE - 4, LINKED + 9 * PAGE})));
	put(24, INJECTED);
	put(32, OTHER_DATA);
	places_asked = 0;
	assert_true(explain_page(&page, explained));
	assert_true(places_asked <= PAGE / 8);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(explained[i],
				 i < 12 || (i >= 16 && i < 24) || (i >= 32 && i < 48));
	assert_true(!explained[PAGE - 5] && explained[PAGE - 4] && explained[PAGE - 1]);
	/* What a copy wrote is no variable of the loader's. */
	relocations.loader = true;
	relocations.relro = (struct range){LINKED, LINKED + PAGE};
	put(24, INJECTED);
	assert_false(is_explained(24));
}

static void test_unknown_type_explains_nothing(void **state)
{
	(void)state;
	add(RELOCATION_UNDEFINED, 0, 0);
	put(0, OTHER_DATA);
	assert_false(is_explained(0));
}

static void test_only_relro_has_variables(void **state)
{
	(void)state;
	put(64, 4096);
	put(72, OTHER_CODE);
	put(80, INJECTED);
	relocations.loader = true;
	assert_false(is_explained(64));
	relocations.relro = (struct range){LINKED, LINKED + PAGE};
	assert_true(is_explained(64));
	assert_true(is_explained(72));
	assert_false(is_explained(80));
	put(80, NUMBERS);
	assert_true(is_explained(80));
	relocations.loader = false;
	assert_false(is_explained(64));
}

static void test_relocated_word_is_no_variable(void **state)
{
	(void)state;
	relocations.loader = true;
	relocations.relro = (struct range){LINKED, LINKED + PAGE};
	add(RELOCATION_RELATIVE, 0, 8);
	put(0, BIAS + 9);
	assert_false(is_explained(0));
}

static void test_dynamic_section(void **state)
{
	const uint64_t table = 0x400;

	(void)state;
	relocations.relro = (struct range){LINKED, LINKED + PAGE};
	assert_ok(vec_push(&relocations.slots, ((struct dynamic_slot){LINKED + 8, true})));
	assert_ok(vec_push(&relocations.slots, ((struct dynamic_slot){LINKED + 24, false})));
	memcpy(before + 24, &table, sizeof(table));
	put(8, OTHER_DATA);
	put(24, BIAS + table);
	assert_true(is_explained(8) && is_explained(24));
	put(8, OTHER_CODE);
	put(24, BIAS);
	assert_false(is_explained(8) || is_explained(24));
}

static void test_no_elf_file_explains_nothing(void **state)
{
	(void)state;
	relocations.word = 0;
	put(0, BIAS);
	assert_false(explain_page(&page, explained));
	assert_false(explained[0]);
}

/* --- reading relocations -------------------------------------------------------------------------
 */

struct image {
	uint8_t bytes[0x1000];
	size_t size; /* what can be read of it */
};

static int read_image(void *argument, uint64_t offset, void *buffer, size_t length, size_t *got)
{
	const struct image *image = argument;

	*got = 0;
	if (offset >= image->size)
		return 0;
	*got = image->size - offset < length ? image->size - (size_t)offset : length;
	memcpy(buffer, image->bytes + offset, *got);
	return 0;
}

/* One loaded segment at 0, a dynamic section at 0x200, relocations at 0x400, RELR at 0x600. */
static void make_image(struct image *image)
{
	Elf64_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			     .e_type = ET_DYN,
			     .e_machine = EM_X86_64,
			     .e_phoff = sizeof(header),
			     .e_phnum = 4,
			     .e_phentsize = sizeof(Elf64_Phdr)};
	const Elf64_Phdr segments[] = {
		{.p_type = PT_LOAD, .p_filesz = 0x1000, .p_memsz = 0x1000},
		{.p_type = PT_DYNAMIC,
		 .p_offset = 0x200,
		 .p_vaddr = 0x200,
		 .p_filesz = 0x100,
		 .p_memsz = 0x100},
		{.p_type = PT_GNU_RELRO, .p_vaddr = 0x800, .p_memsz = 0x500},
		{.p_type = PT_INTERP},
	};
	const Elf64_Dyn dynamic[] = {
		{DT_RELA, {0x400}}, {DT_RELASZ, {3 * sizeof(Elf64_Rela)}},
		{35, {16}},         {36, {0x600}},
		{DT_DEBUG, {0}},    {DT_NEEDED, {1}},
		{DT_TEXTREL, {0}},  {DT_NULL, {0}},
	};
	const Elf64_Rela table[] = {
		{0x900, ELF64_R_INFO(1, R_X86_64_JUMP_SLOT), 0},
		{0x800, ELF64_R_INFO(0, R_X86_64_RELATIVE), 0x77},
		{0x880, ELF64_R_INFO(0, 200), 0},
	};
	const uint64_t packed[] = {0xa00, 0x5 | UINT64_C(1) << 63}; /* and 0xa10, 0xbf8 */

	memset(image, 0, sizeof(*image));
	image->size = sizeof(image->bytes);
	memcpy(image->bytes, &header, sizeof(header));
	memcpy(image->bytes + sizeof(header), segments, sizeof(segments));
	memcpy(image->bytes + 0x200, dynamic, sizeof(dynamic));
	memcpy(image->bytes + 0x400, table, sizeof(table));
	memcpy(image->bytes + 0x600, packed, sizeof(packed));
}

static void assert_item(size_t index, uint64_t place, enum relocation_kind kind, int64_t addend)
{
	assert_int_equal(relocations.items.items[index].place, place);
	assert_int_equal(relocations.items.items[index].kind, kind);
	assert_int_equal(relocations.items.items[index].addend, addend);
}

static void test_read_relocations(void **state)
{
	struct image image;

	(void)state;
	make_image(&image);
	assert_ok(relocations_read(read_image, &image, RANGE_ALL, &relocations));
	assert_null(relocations.defect);
	assert_int_equal(relocations.word, 8);
	assert_true(relocations.text);
	assert_false(relocations.loader);
	assert_int_equal(relocations.relro.start, 0x800);
	assert_int_equal(relocations.relro.end, 0x1000);
	assert_int_equal(relocations.slots.count, 3);
	assert_true(relocations.slots.items[2].debug && !relocations.slots.items[0].debug);
	assert_int_equal(relocations.items.count, 6);
	assert_item(0, 0x800, RELOCATION_RELATIVE, 0x77);
	assert_item(1, 0x880, RELOCATION_UNDEFINED, 0);
	assert_item(2, 0x900, RELOCATION_CODE, 0);
	assert_item(3, 0xa00, RELOCATION_RELATIVE, 0);
	assert_item(4, 0xa10, RELOCATION_RELATIVE, 0);
	assert_item(5, 0xbf8, RELOCATION_RELATIVE, 0);
	assert_true(relocations.items.items[4].in_place);
	assert_int_equal(relocations_from(&relocations, 0x908), 2);
}

static void test_read_those_that_are_wanted(void **state)
{
	struct image image;

	(void)state;
	make_image(&image);
	assert_ok(relocations_read(read_image, &image, (struct range){0x904, 0xa10}, &relocations));
	assert_int_equal(relocations.items.count, 2);
	assert_item(0, 0x900, RELOCATION_CODE, 0);
	assert_item(1, 0xa00, RELOCATION_RELATIVE, 0);
}

enum { MANY = 20000, SYMBOLS = 0x1000, TABLE = 0x10000 };

/* A file of TABLE bytes with symbols from SYMBOLS on; behind it, MANY times the same relocation. */
struct many {
	struct image image;
	Elf64_Sym symbol;
	Elf64_Rela relocation;
	size_t reads;
};

static int read_many(void *argument, uint64_t offset, void *buffer, size_t length, size_t *got)
{
	struct many *many = argument;
	uint64_t end = TABLE + MANY * sizeof(Elf64_Rela);

	many->reads++;
	*got = offset >= end ? 0 : end - offset < length ? (size_t)(end - offset) : length;
	for (size_t i = 0; i < *got; i++) {
		uint64_t at = offset + i;
		const uint8_t *from =
			(const uint8_t *)&many->symbol + (at - SYMBOLS) % sizeof(Elf64_Sym);

		if (at < SYMBOLS)
			from = many->image.bytes + at;
		if (at >= TABLE)
			from = (const uint8_t *)&many->relocation +
			       (at - TABLE) % sizeof(Elf64_Rela);
		((uint8_t *)buffer)[i] = *from;
	}
	return 0;
}

static void read_so_many(struct many *many, uint32_t type, uint64_t size)
{
	const Elf64_Phdr segment = {.p_type = PT_LOAD, .p_filesz = 1 << 20, .p_memsz = 1 << 20};
	const Elf64_Dyn dynamic[] = {{DT_RELA, {TABLE}},
				     {DT_RELASZ, {MANY * sizeof(Elf64_Rela)}},
				     {DT_SYMTAB, {SYMBOLS}},
				     {DT_NULL, {0}}};

	make_image(&many->image);
	memcpy(many->image.bytes + sizeof(Elf64_Ehdr), &segment, sizeof(segment));
	memcpy(many->image.bytes + 0x200, dynamic, sizeof(dynamic));
	many->symbol = (Elf64_Sym){.st_size = size};
	many->relocation = (Elf64_Rela){LINKED, ELF64_R_INFO(7, type), 0};
	assert_ok(relocations_read(read_many, many, (struct range){LINKED, LINKED + 64 * PAGE},
				   &relocations));
}

static void test_many_copies_are_one(void **state)
{
	struct many *many = calloc(1, sizeof(*many));

	(void)state;
	assert_non_null(many);
	read_so_many(many, R_X86_64_COPY, 16);
	assert_int_equal(relocations.items.count, 0);
	assert_int_equal(relocations.copies.count, 1);
	assert_int_equal(relocations.copies.items[0].start, LINKED);
	assert_int_equal(relocations.copies.items[0].end, LINKED + 16);
	assert_true(many->reads < 100);
	free(many);
}

static void test_many_of_one_place_are_few(void **state)
{
	struct many *many = calloc(1, sizeof(*many));

	(void)state;
	assert_non_null(many);
	read_so_many(many, R_X86_64_GLOB_DAT, 0);
	assert_int_equal(relocations.items.count, 1);
	free(many);
}

/* --- zeroes behind the file's part of a segment
 * ---------------------------------------------------
 */

/* Makes the segment of make_image() one of `filesz` and `memsz` bytes, and reads the image. */
static void read_tails(uint64_t filesz, uint64_t memsz, uint32_t flags)
{
	struct image image;
	Elf64_Phdr segment = {.p_type = PT_LOAD,
			      .p_vaddr = LINKED,
			      .p_filesz = filesz,
			      .p_memsz = memsz,
			      .p_flags = flags};

	make_image(&image);
	memcpy(image.bytes + sizeof(Elf64_Ehdr), &segment, sizeof(segment));
	assert_ok(relocations_read(read_image, &image, RANGE_ALL, &relocations));
}

static bool load_page(void)
{
	memset(before, 0x90, sizeof(before));
	return relocations_load(&relocations, LINKED, PAGE, after, before);
}

/* That the page has the file's bytes until `start`, and zeroes from there to `end`. */
static void assert_zeroes(size_t start, size_t end)
{
	for (size_t i = 0; i < PAGE; i++)
		assert_int_equal(before[i], i >= start && i < end ? 0 : 0x90);
}

static void test_end_of_a_writable_segment_is_zero(void **state)
{
	(void)state;
	memset(after, 0x90, sizeof(after));
	read_tails(0xd04, 0x2000, PF_R | PF_W);
	assert_true(load_page());
	assert_zeroes(0xd04, PAGE);
	assert_true(relocations_may_be_written(&relocations, LINKED));
	assert_false(relocations_may_be_written(&relocations, LINKED + PAGE));
	assert_false(relocations_load(&relocations, LINKED + PAGE, PAGE, after, before));
	assert_false(relocations_load(&relocations, LINKED - PAGE, PAGE, after, before));
}

/* ld.so stops where the segment ends, the kernel does not. */
static void test_behind_the_segment_is_zero_or_the_files(void **state)
{
	(void)state;
	memset(after, 0x90, sizeof(after));
	read_tails(0xd04, 0xe00, PF_R | PF_W);
	assert_true(load_page());
	assert_zeroes(0xd04, 0xe00);
	memset(after + 0xe00, 0, PAGE - 0xe00);
	assert_true(load_page());
	assert_zeroes(0xd04, PAGE);
	after[PAGE - 1] = 1;
	assert_true(load_page());
	assert_zeroes(0xd04, 0xe00);
}

/* The kernel leaves it alone where it may not write, ld.so makes it writable for that. */
static void test_end_of_a_read_only_segment_may_be_zero(void **state)
{
	(void)state;
	memset(after, 0x90, sizeof(after));
	read_tails(0xd04, 0x2000, PF_R);
	assert_true(load_page());
	assert_zeroes(0, 0);
	assert_false(relocations_may_be_written(&relocations, LINKED));
	memset(after + 0xd04, 0, PAGE - 0xd04);
	assert_true(load_page());
	assert_zeroes(0xd04, PAGE);
}

static void test_segments_without_such_an_end(void **state)
{
	static const uint64_t sizes[][2] = {
		{0xd04, 0xd04}, {0x1000, 0x2000}, {0, 0x2000}, {0xd04, UINT64_MAX - LINKED + 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		read_tails(sizes[i][0], sizes[i][1], PF_R | PF_W);
		assert_false(load_page());
		relocations_deinit(&relocations);
	}
}

/* Whoever is mapped last has the page. */
static void test_segment_mapped_over_the_end_of_another(void **state)
{
	struct image image;
	const Elf64_Phdr segments[] = {{.p_type = PT_LOAD,
					.p_vaddr = LINKED,
					.p_filesz = 0x100,
					.p_memsz = 0x200,
					.p_flags = PF_R | PF_W},
				       {.p_type = PT_LOAD,
					.p_vaddr = LINKED + 0x800,
					.p_filesz = 0x10,
					.p_memsz = 0x10,
					.p_flags = PF_R | PF_W}};

	(void)state;
	make_image(&image);
	memcpy(image.bytes + sizeof(Elf64_Ehdr), segments, sizeof(segments));
	assert_ok(relocations_read(read_image, &image, RANGE_ALL, &relocations));
	assert_false(load_page());
}

/* Cut off anywhere, or with a byte changed anywhere, it is read without harm. */
static void test_read_what_is_broken(void **state)
{
	struct image image;

	(void)state;
	for (size_t size = 0; size < 0x700; size += 3) {
		make_image(&image);
		image.size = size;
		assert_ok(relocations_read(read_image, &image, RANGE_ALL, &relocations));
		assert_true(size >= 0x610 || relocations.defect || !relocations.word ||
			    relocations.items.count < 6);
		relocations_deinit(&relocations);
	}
	for (size_t at = 0; at < 0x620; at++) {
		make_image(&image);
		image.bytes[at] ^= 0xff;
		assert_ok(relocations_read(read_image, &image, RANGE_ALL, &relocations));
		relocations_deinit(&relocations);
	}
}

static void test_read_what_is_no_elf_file(void **state)
{
	struct image image = {.bytes = "#!/bin/sh\n", .size = 10};

	(void)state;
	assert_ok(relocations_read(read_image, &image, RANGE_ALL, &relocations));
	assert_int_equal(relocations.word, 0);
	assert_null(relocations.defect);
}

/* --- names --------------------------------------------------------------------------------------
 */

static void test_kinds_have_names(void **state)
{
	enum verify_kind kind;

	(void)state;
	for (int i = 0; i < VERIFY_KIND_COUNT; i++) {
		assert_true(verify_kind_parse(verify_kind_name((enum verify_kind)i), &kind));
		assert_int_equal(kind, i);
	}
	assert_false(verify_kind_parse("", &kind));
	assert_false(verify_kind_parse("patch", &kind));
}

static void test_uprobe_events(void **state)
{
	static const char text[] =
		"p:probe_bash/readline /usr/bin/bash:0x00000000000ad840 arg1=%di\n"
		"r:x/back /a b:0x10(0x20)\n"
		"p:noplace\n"
		"garbage\n"
		"p:x/short /lib/x:0x\n";
	struct uprobe_list list;

	(void)state;
	assert_ok(uprobes_parse(&list, strdup(text)));
	assert_int_equal(list.items.count, 2);
	assert_string_equal(list.items.items[0].event, "probe_bash/readline");
	assert_string_equal(list.items.items[0].path, "/usr/bin/bash");
	assert_int_equal(list.items.items[0].offset, 0xad840);
	assert_string_equal(list.items.items[1].path, "/a b");
	assert_int_equal(list.items.items[1].offset, 0x10);
	uprobes_deinit(&list);
}

#define differ_test(name)  cmocka_unit_test_setup(name, clear_pages)
#define explain_test(name) cmocka_unit_test_setup_teardown(name, setup_page, free_page)

int main(void)
{
	const struct CMUnitTest tests[] = {
		differ_test(test_equal_pages_have_no_runs),
		differ_test(test_near_bytes_are_one_run),
		differ_test(test_lone_int3_is_a_breakpoint),
		differ_test(test_int3_of_the_file_is_no_breakpoint),
		differ_test(test_int3_within_a_patch_is_a_byte_of_it),
		differ_test(test_explained_bytes_count_as_the_same),
		differ_test(test_more_runs_than_there_is_room_for),
		explain_test(test_relative_to_the_bit),
		explain_test(test_addend_in_the_file),
		explain_test(test_selected_function_in_its_own_object),
		explain_test(test_function_leads_into_code),
		explain_test(test_symbol_leads_into_an_object),
		explain_test(test_thread_local_words),
		explain_test(test_word_that_begins_on_the_page_before),
		explain_test(test_way_into_the_kernel),
		explain_test(test_cut_off_word_whose_addend_is_in_the_file),
		explain_test(test_copies),
		explain_test(test_unknown_type_explains_nothing),
		explain_test(test_only_relro_has_variables),
		explain_test(test_relocated_word_is_no_variable),
		explain_test(test_dynamic_section),
		explain_test(test_no_elf_file_explains_nothing),
		explain_test(test_read_relocations),
		explain_test(test_read_those_that_are_wanted),
		explain_test(test_many_copies_are_one),
		explain_test(test_many_of_one_place_are_few),
		explain_test(test_end_of_a_writable_segment_is_zero),
		explain_test(test_behind_the_segment_is_zero_or_the_files),
		explain_test(test_end_of_a_read_only_segment_may_be_zero),
		explain_test(test_segments_without_such_an_end),
		explain_test(test_segment_mapped_over_the_end_of_another),
		explain_test(test_read_what_is_broken),
		explain_test(test_read_what_is_no_elf_file),
		cmocka_unit_test(test_kinds_have_names),
		cmocka_unit_test(test_uprobe_events),
	};

	return TESTS_RUN(tests);
}
