// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * src/object: real objects against what the dynamic linker, the linker's own symbols and readelf
 * say of them; and ELF files made here byte by byte, in both classes and byte orders, whole,
 * damaged on purpose, cut off and flipped at random.
 */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"
#include "base/scope.h"
#include "object/object.h"

/* ---- the object under test ------------------------------------------------------------------ */

static void close_objectp(struct object **object)
{
	object_close(*object);
	*object = NULL;
}

#define _cleanup_object_ __attribute__((cleanup(close_objectp)))

static void assert_ok(struct error *error)
{
	if (error)
		fail_msg("%s", error_message(error));
}

static struct object *open_fd(int fd, const char *debug_root)
{
	struct object *object = NULL;

	assert_ok(object_open(fd, debug_root, &object));
	assert_non_null(object);
	return object;
}

static struct object *open_path(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return open_fd(fd, NULL);
}

/* The value of the only symbol called `name`; fails unless there is exactly one. */
static uint64_t value_of(struct object *object, const char *name)
{
	const struct object_symbol *const *matches;
	size_t count;

	assert_ok(object_symbols_named(object, name, &matches, &count));
	if (count != 1)
		fail_msg("%zu symbols are called %s", count, name);
	return matches[0]->value;
}

static size_t count_named(struct object *object, const char *name)
{
	const struct object_symbol *const *matches;
	size_t count;

	assert_ok(object_symbols_named(object, name, &matches, &count));
	return count;
}

static const struct object_symbol *symbol_at(struct object *object, uint64_t vaddr)
{
	const struct object_symbol *symbol;

	assert_ok(object_symbol_at(object, vaddr, &symbol));
	return symbol;
}

static const char *name_at(struct object *object, uint64_t vaddr)
{
	const struct object_symbol *symbol = symbol_at(object, vaddr);

	return symbol ? symbol->name : "(none)";
}

static const struct object_section *section_named(struct object *object, const char *name)
{
	size_t count;
	const struct object_section *sections = object_sections(object, &count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(sections[i].name, name) == 0)
			return &sections[i];
	}
	return NULL;
}

/* ---- real objects --------------------------------------------------------------------------- */

/* What dl_iterate_phdr() says of one object of this process. */
struct loaded {
	const char *wanted; /* part of the path; "" is this program */
	bool found;
	uint64_t bias;
	const ElfW(Phdr) * headers;
	size_t count;
	char path[4096];
};

static int look_at_object(struct dl_phdr_info *info, size_t size, void *argument)
{
	struct loaded *loaded = argument;
	bool wanted = *loaded->wanted ? strstr(info->dlpi_name, loaded->wanted) != NULL
				      : !*info->dlpi_name;

	(void)size;
	if (!wanted)
		return 0;
	loaded->found = true;
	loaded->bias = info->dlpi_addr;
	loaded->headers = info->dlpi_phdr;
	loaded->count = info->dlpi_phnum;
	snprintf(loaded->path, sizeof(loaded->path), "%s",
		 *info->dlpi_name ? info->dlpi_name : "/proc/self/exe");
	return 1;
}

static struct loaded find_loaded(const char *wanted)
{
	struct loaded loaded = {.wanted = wanted};

	dl_iterate_phdr(look_at_object, &loaded);
	if (!loaded.found)
		skip();
	return loaded;
}

__attribute__((noinline, used)) static int local_landmark(int number)
{
	return number + 1;
}

__attribute__((noinline, used)) int global_landmark(int number);
int global_landmark(int number)
{
	return number + 2;
}

int zeroed_landmark[64];
static const int *volatile keep_landmark = zeroed_landmark;

extern char etext[], edata[], end[], __bss_start[];

static void test_self_symbols(void **state)
{
	struct loaded self = find_loaded("");
	_cleanup_object_ struct object *object = open_path(self.path);

	(void)state;
	assert_true(object_is_elf(object));
	assert_int_equal(object_bits(object), sizeof(void *) * 8);
	assert_int_equal(value_of(object, "local_landmark") + self.bias, (uintptr_t)local_landmark);
	assert_int_equal(value_of(object, "global_landmark") + self.bias,
			 (uintptr_t)global_landmark);
	assert_int_equal(value_of(object, "zeroed_landmark") + self.bias, (uintptr_t)keep_landmark);

	const struct object_symbol *symbol =
		symbol_at(object, (uintptr_t)global_landmark + 1 - self.bias);
	assert_non_null(symbol);
	assert_string_equal(symbol->name, "global_landmark");
	assert_true(symbol->function && symbol->global && symbol->size > 1);
	symbol = symbol_at(object, (uintptr_t)local_landmark + 1 - self.bias);
	assert_non_null(symbol);
	assert_string_equal(symbol->name, "local_landmark");
	assert_true(symbol->function && !symbol->global);
	symbol = symbol_at(object, (uintptr_t)&zeroed_landmark[63] - self.bias);
	assert_non_null(symbol);
	assert_string_equal(symbol->name, "zeroed_landmark");
	assert_false(symbol->function);
	assert_null(object_defect(object));
}

/* The linker's own symbols are a second route to where sections begin and end. */
static void test_self_sections(void **state)
{
	struct loaded self = find_loaded("");
	_cleanup_object_ struct object *object = open_path(self.path);
	const struct object_section *data = section_named(object, ".data");
	const struct object_section *bss = section_named(object, ".bss");
	const struct object_section *fini = section_named(object, ".fini");

	(void)state;
	assert_non_null(data);
	assert_non_null(bss);
	assert_non_null(fini);
	assert_true(bss->nobits);
	assert_false(data->nobits);
	assert_int_equal(fini->vaddr + fini->size + self.bias, (uintptr_t)etext);
	assert_int_equal(data->vaddr + data->size + self.bias, (uintptr_t)edata);
	assert_in_range((uintptr_t)__bss_start - self.bias, data->vaddr + data->size, bss->vaddr);
	assert_in_range((uintptr_t)end - self.bias, bss->vaddr + bss->size,
			bss->vaddr + bss->size + 8);
	assert_null(section_named(object, ".tbss"));
	assert_null(section_named(object, ".symtab"));
}

static void test_libc_segments(void **state)
{
	struct loaded libc = find_loaded("libc.so");
	_cleanup_object_ struct object *object = open_path(libc.path);
	size_t count, load = 0;
	const struct object_segment *segments = object_segments(object, &count);

	(void)state;
	assert_true(object_is_pie_or_shared(object));
	for (size_t i = 0; i < libc.count; i++) {
		const ElfW(Phdr) *header = &libc.headers[i];

		if (header->p_type != PT_LOAD)
			continue;
		assert_true(load < count);
		assert_int_equal(segments[load].offset, header->p_offset);
		assert_int_equal(segments[load].filesz, header->p_filesz);
		assert_int_equal(segments[load].vaddr, header->p_vaddr);
		assert_int_equal(segments[load].memsz, header->p_memsz);
		assert_int_equal(segments[load].perms, header->p_flags);
		load++;
	}
	assert_int_equal(load, count);
}

/* The build-id as it is in this process's memory. */
static const uint8_t *build_id_in_memory(const struct loaded *loaded, size_t *length)
{
	for (size_t i = 0; i < loaded->count; i++) {
		const ElfW(Phdr) *header = &loaded->headers[i];
		uint64_t at = loaded->bias + header->p_vaddr, stop = at + header->p_memsz;

		while (header->p_type == PT_NOTE && header->p_align == 4 && at < stop) {
			const ElfW(Nhdr) *note = (const void *)(uintptr_t)at;
			uint64_t name = (note->n_namesz + 3u) & ~3u;

			at += sizeof(*note) + name;
			*length = note->n_descsz;
			if (note->n_type == NT_GNU_BUILD_ID)
				return (const void *)(uintptr_t)at;
			at += (note->n_descsz + 3u) & ~3u;
		}
	}
	return NULL;
}

static void test_libc_build_id(void **state)
{
	struct loaded libc = find_loaded("libc.so");
	_cleanup_object_ struct object *object = open_path(libc.path);
	size_t expected_length, length;
	const uint8_t *expected = build_id_in_memory(&libc, &expected_length);
	const uint8_t *id = object_build_id(object, &length);

	(void)state;
	if (!expected)
		skip();
	assert_int_equal(length, expected_length);
	assert_memory_equal(id, expected, length);
}

static void test_libc_symbols(void **state)
{
	static const char *const names[] = {"getpid", "qsort", "printf", "environ", "stdout"};
	struct loaded libc = find_loaded("libc.so");
	_cleanup_object_ struct object *object = open_path(libc.path);
	void *handle = dlopen(libc.path, RTLD_LAZY | RTLD_NOLOAD);
	const struct object_symbol *const *matches;
	size_t count;

	(void)state;
	assert_non_null(handle);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		uint64_t address = (uintptr_t)dlsym(handle, names[i]);

		/* dlvsym() and the like aside, the linker answers with the default version. */
		assert_int_equal(value_of(object, names[i]) + libc.bias, address);
		const struct object_symbol *symbol = symbol_at(object, address - libc.bias);
		assert_non_null(symbol);
		assert_int_equal(symbol->value + libc.bias, address);
	}
	/* An indirect function's value is its resolver. */
	assert_ok(object_symbols_named(object, "strlen", &matches, &count));
	assert_int_equal(count, 1);
	assert_true(matches[0]->function && matches[0]->global);
	/* The version's own name is an absolute symbol, errno is thread-local. */
	assert_int_equal(count_named(object, "GLIBC_2.2.5"), 0);
	assert_int_equal(count_named(object, "errno"), 0);
	assert_int_equal(count_named(object, "no_such_symbol"), 0);
	dlclose(handle);
}

static void test_libc_versions(void **state)
{
	struct loaded libc = find_loaded("libc.so");
	_cleanup_object_ struct object *object = open_path(libc.path);
	void *handle = dlopen(libc.path, RTLD_LAZY | RTLD_NOLOAD);
	uint64_t old = (uintptr_t)dlvsym(handle, "regexec", "GLIBC_2.2.5");
	uint64_t new = (uintptr_t)dlvsym(handle, "regexec", "GLIBC_2.3.4");

	(void)state;
	dlclose(handle);
	if (!old || !new)
		skip();
	assert_int_not_equal(old, new);
	assert_int_equal(value_of(object, "regexec@GLIBC_2.2.5") + libc.bias, old);
	assert_int_equal(value_of(object, "regexec@@GLIBC_2.3.4") + libc.bias, new);
	assert_int_equal(value_of(object, "regexec@GLIBC_2.3.4") + libc.bias, new);
	assert_int_equal(count_named(object, "regexec"), 2);
	assert_int_equal(count_named(object, "regexec@"), 0);
	assert_int_equal(count_named(object, "regexec@GLIBC_2"), 0);
	assert_int_equal(count_named(object, "@GLIBC_2.2.5"), 0);
}

/* A line of `readelf -SW`: "  [16] .text  PROGBITS  0000000000026380 026380 153ead 00  AX  0 …" */
static bool parse_readelf_section(const char *line, struct object_section *section, char *name)
{
	char type[32], flags[16];
	unsigned number, entry;
	const char *bracket = strchr(line, '[');

	if (!bracket ||
	    sscanf(bracket, "[%u] %255s %31s %" SCNx64 " %" SCNx64 " %" SCNx64 " %x %15s", &number,
		   name, type, &section->vaddr, &section->offset, &section->size, &entry,
		   flags) != 8)
		return false;
	section->name = name;
	section->nobits = strcmp(type, "NOBITS") == 0;
	return strchr(flags, 'A') && !(section->nobits && strchr(flags, 'T')) && section->size;
}

static void test_sections_as_readelf(void **state)
{
	struct loaded libc = find_loaded("libc.so");
	_cleanup_object_ struct object *object = open_path(libc.path);
	size_t count, seen = 0;
	char command[4200], line[1024], name[256];

	(void)state;
	object_sections(object, &count);
	if (system("readelf --version >/dev/null 2>&1"))
		skip();
	snprintf(command, sizeof(command), "LC_ALL=C readelf -SW '%s'", libc.path);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	while (fgets(line, sizeof(line), pipe)) {
		struct object_section expected;

		if (!parse_readelf_section(line, &expected, name))
			continue;
		const struct object_section *section = section_named(object, name);
		assert_non_null(section);
		assert_int_equal(section->vaddr, expected.vaddr);
		assert_int_equal(section->size, expected.size);
		assert_int_equal(section->offset, expected.offset);
		assert_int_equal(section->nobits, expected.nobits);
		seen++;
	}
	pclose(pipe);
	assert_true(seen > 10);
	assert_int_equal(seen, count);
}

/* "  1020: 0000000000039c20   110 FUNC    GLOBAL DEFAULT   16 name@@VERSION" */
static void test_symbols_as_readelf(void **state)
{
	struct loaded libc = find_loaded("libc.so");
	_cleanup_object_ struct object *object = open_path(libc.path);
	size_t seen = 0;
	char command[4200], line[1024], type[16], bind[16], place[16], name[256];
	uint64_t value;

	(void)state;
	if (system("readelf --version >/dev/null 2>&1"))
		skip();
	snprintf(command, sizeof(command), "LC_ALL=C readelf --dyn-syms -W '%s'", libc.path);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	while (fgets(line, sizeof(line), pipe)) {
		if (sscanf(line, "%*u: %" SCNx64 " %*s %15s %15s %*s %15s %255s", &value, type,
			   bind, place, name) != 5 ||
		    !strcmp(place, "UND") || !strcmp(place, "ABS") || !strcmp(type, "TLS"))
			continue;
		assert_int_equal(value_of(object, name), value); /* with its version */
		const struct object_symbol *symbol = symbol_at(object, value);
		assert_non_null(symbol);
		assert_int_equal(symbol->value, value);
		seen++;
	}
	pclose(pipe);
	assert_true(seen > 1000);
}

/* ---- ELF files made here -------------------------------------------------------------------- */

/* Where a field is in the structures of either class. */
struct field {
	size_t offset64, size64, offset32, size32;
};

#define FIELD(type, member)                                                                        \
	((struct field){offsetof(Elf64_##type, member), sizeof(((Elf64_##type *)0)->member),       \
			offsetof(Elf32_##type, member), sizeof(((Elf32_##type *)0)->member)})

#define SIZE(image, type) ((image)->wide ? sizeof(Elf64_##type) : sizeof(Elf32_##type))

enum {
	NONE,
	NOTE,
	DYNSYM,
	DYNSTR,
	VERSYM,
	VERDEF,
	TEXT,
	DATA,
	TBSS,
	BSS,
	SYMTAB,
	STRTAB,
	SHSTRTAB,
	COMMENT,
	SECTIONS
};

enum { LOAD_TEXT, LOAD_DATA, NOTES, SEGMENTS };

enum {
	TEXT_ADDRESS = 0x1000,
	TEXT_SIZE = 0x200,
	DATA_ADDRESS = 0x3000,
	DATA_SIZE = 0x100,
	BSS_ADDRESS = DATA_ADDRESS + DATA_SIZE,
	BSS_SIZE = 0x800,
	PHDRS_AT = 0x40,
	SHDRS_AT = 0x200,
	NOTE_AT = 0x800,
	CONTENT_AT = 0x900,
	IMAGE_MAX = 1 << 16,
};

static const uint8_t made_build_id[] = {0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89};

struct image {
	bool wide, big;
	size_t length;
	uint8_t bytes[IMAGE_MAX];
};

static void put(struct image *image, size_t offset, size_t size, uint64_t value)
{
	assert_true(offset + size <= IMAGE_MAX);
	for (size_t i = 0; i < size; i++) {
		size_t shift = 8 * (image->big ? size - 1 - i : i);

		image->bytes[offset + i] = (uint8_t)(value >> shift);
	}
	if (image->length < offset + size)
		image->length = offset + size;
}

static void set(struct image *image, size_t base, struct field field, uint64_t value)
{
	put(image, base + (image->wide ? field.offset64 : field.offset32),
	    image->wide ? field.size64 : field.size32, value);
}

static size_t section(const struct image *image, size_t index)
{
	return SHDRS_AT + index * SIZE(image, Shdr);
}

static size_t segment(const struct image *image, size_t index)
{
	return PHDRS_AT + index * SIZE(image, Phdr);
}

static size_t append(struct image *image, const void *bytes, size_t size, size_t align)
{
	size_t at = (image->length + align - 1) / align * align;

	assert_true(at + size <= IMAGE_MAX);
	memcpy(image->bytes + at, bytes, size);
	image->length = at + size;
	return at;
}

/* The offset of `name` in a table that is a NUL followed by names. */
static size_t add_string(char *table, size_t *length, const char *name)
{
	size_t at = *length;

	strcpy(table + at, name);
	*length += strlen(name) + 1;
	return at;
}

static void set_section(struct image *image, size_t index, unsigned type, unsigned flags,
			uint64_t address, uint64_t offset, uint64_t size)
{
	size_t at = section(image, index);

	set(image, at, FIELD(Shdr, sh_type), type);
	set(image, at, FIELD(Shdr, sh_flags), flags);
	set(image, at, FIELD(Shdr, sh_addr), address);
	set(image, at, FIELD(Shdr, sh_offset), offset);
	set(image, at, FIELD(Shdr, sh_size), size);
}

static void set_segment(struct image *image, size_t index, unsigned type, unsigned flags,
			uint64_t offset, uint64_t filesz, uint64_t memsz)
{
	size_t at = segment(image, index);

	set(image, at, FIELD(Phdr, p_type), type);
	set(image, at, FIELD(Phdr, p_flags), flags);
	set(image, at, FIELD(Phdr, p_offset), offset);
	set(image, at, FIELD(Phdr, p_vaddr), offset);
	set(image, at, FIELD(Phdr, p_filesz), filesz);
	set(image, at, FIELD(Phdr, p_memsz), memsz);
	set(image, at, FIELD(Phdr, p_align), type == PT_NOTE ? 4 : 0x1000);
}

struct made_symbol {
	const char *name;
	unsigned type, bind, section;
	uint64_t value, size;
	unsigned version; /* in .dynsym */
};

/* Nested, overlapping, aliased, without size, duplicated, and those that are left out. */
static const struct made_symbol made_symtab[] = {
	{"outer", STT_FUNC, STB_GLOBAL, TEXT, 0x1000, 0x100, 0},
	{"inner", STT_FUNC, STB_LOCAL, TEXT, 0x1010, 0x10, 0},
	{"__alias", STT_FUNC, STB_GLOBAL, TEXT, 0x1110, 0x10, 0},
	{"alias", STT_FUNC, STB_GLOBAL, TEXT, 0x1110, 0x10, 0},
	{"a_local_alias", STT_FUNC, STB_LOCAL, TEXT, 0x1110, 0x10, 0},
	{"label_inside", STT_NOTYPE, STB_LOCAL, TEXT, 0x1080, 0, 0},
	{"label", STT_NOTYPE, STB_LOCAL, TEXT, 0x1140, 0, 0},
	{"sized", STT_GNU_IFUNC, STB_GLOBAL, TEXT, 0x1150, 0x10, 0},
	{"twice", STT_OBJECT, STB_LOCAL, DATA, 0x3010, 8, 0},
	{"twice", STT_OBJECT, STB_LOCAL, DATA, 0x3000, 8, 0},
	{"exported", STT_FUNC, STB_GLOBAL, TEXT, 0x1180, 0x10, 0},
	{"data_label", STT_NOTYPE, STB_GLOBAL, DATA, 0x3080, 0, 0},
	{"last_label", STT_NOTYPE, STB_LOCAL, TEXT, 0x11f0, 0, 0},
	{"zeroes", STT_OBJECT, STB_GLOBAL, BSS, 0x3100, 0x40, 0},
	{"undefined", STT_FUNC, STB_GLOBAL, SHN_UNDEF, 0x1000, 0x10, 0},
	{"absolute", STT_NOTYPE, STB_GLOBAL, SHN_ABS, 0x1000, 0x10, 0},
	{"file.c", STT_FILE, STB_LOCAL, SHN_ABS, 0, 0, 0},
	{"a_section", STT_SECTION, STB_LOCAL, TEXT, 0x1000, 0, 0},
	{"thread", STT_TLS, STB_GLOBAL, TBSS, 0, 8, 0},
};

static const struct made_symbol made_dynsym[] = {
	{"exported", STT_FUNC, STB_GLOBAL, TEXT, 0x1180, 0x10, 2},
	{"versioned", STT_FUNC, STB_GLOBAL, TEXT, 0x11a0, 0x10, 2 | 0x8000},
	{"versioned", STT_FUNC, STB_GLOBAL, TEXT, 0x11b0, 0x10, 3},
	{"same", STT_FUNC, STB_GLOBAL, TEXT, 0x11c0, 0x10, 2 | 0x8000},
	{"same", STT_FUNC, STB_GLOBAL, TEXT, 0x11c0, 0x10, 3},
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void put_symbol(struct image *image, size_t at, const struct made_symbol *symbol,
		       size_t name)
{
	set(image, at, FIELD(Sym, st_name), name);
	set(image, at, FIELD(Sym, st_info), ELF64_ST_INFO(symbol->bind, symbol->type));
	set(image, at, FIELD(Sym, st_shndx), symbol->section);
	set(image, at, FIELD(Sym, st_value), symbol->value);
	set(image, at, FIELD(Sym, st_size), symbol->size);
}

/* Symbols and their names in the sections `table` and `table` + 1. */
static void add_symbols(struct image *image, unsigned table, const struct made_symbol *symbols,
			size_t count, unsigned flags)
{
	char names[4096] = "";
	size_t length = 1, entry = SIZE(image, Sym);
	size_t at = append(image, names, entry, 8); /* the null symbol */

	for (size_t i = 0; i < count; i++) {
		size_t name = add_string(names, &length, symbols[i].name);

		put_symbol(image, at + (i + 1) * entry, &symbols[i], name);
	}
	if (table == DYNSYM) { /* 2 versions live in the same table: offsets 1 and 4 from its end */
		add_string(names, &length, "V1");
		add_string(names, &length, "V2");
	}
	image->length = at + (count + 1) * entry;
	set_section(image, table, table == DYNSYM ? SHT_DYNSYM : SHT_SYMTAB, flags, flags ? at : 0,
		    at, (count + 1) * entry);
	set(image, section(image, table), FIELD(Shdr, sh_entsize), entry);
	set(image, section(image, table), FIELD(Shdr, sh_link), table + 1);
	size_t strings = append(image, names, length, 1);
	set_section(image, table + 1, SHT_STRTAB, flags, flags ? strings : 0, strings, length);
}

static size_t dynstr_length(void)
{
	size_t length = 1;

	for (size_t i = 0; i < COUNT(made_dynsym); i++)
		length += strlen(made_dynsym[i].name) + 1;
	return length + 6;
}

static size_t add_verdef(struct image *image, unsigned number, size_t name, bool last)
{
	size_t at = image->length, aux = at + sizeof(Elf64_Verdef);

	set(image, at, FIELD(Verdef, vd_version), VER_DEF_CURRENT);
	set(image, at, FIELD(Verdef, vd_flags), number == 1 ? VER_FLG_BASE : 0);
	set(image, at, FIELD(Verdef, vd_ndx), number);
	set(image, at, FIELD(Verdef, vd_cnt), 1);
	set(image, at, FIELD(Verdef, vd_aux), sizeof(Elf64_Verdef));
	set(image, at, FIELD(Verdef, vd_next),
	    last ? 0 : sizeof(Elf64_Verdef) + sizeof(Elf64_Verdaux));
	set(image, aux, FIELD(Verdaux, vda_name), name);
	set(image, aux, FIELD(Verdaux, vda_next), 0);
	return at;
}

static void add_versions(struct image *image)
{
	size_t at = append(image, "\0", 2, 8), count = COUNT(made_dynsym) + 1;

	for (size_t i = 0; i < COUNT(made_dynsym); i++)
		put(image, at + 2 * (i + 1), 2, made_dynsym[i].version);
	set_section(image, VERSYM, SHT_GNU_versym, SHF_ALLOC, at, at, 2 * count);
	set(image, section(image, VERSYM), FIELD(Shdr, sh_entsize), 2);
	set(image, section(image, VERSYM), FIELD(Shdr, sh_link), DYNSYM);

	append(image, "", 0, 8);
	at = add_verdef(image, 1, 1, false);
	add_verdef(image, 2, dynstr_length() - 6, false);
	add_verdef(image, 3, dynstr_length() - 3, true);
	set_section(image, VERDEF, SHT_GNU_verdef, SHF_ALLOC, at, at, image->length - at);
	set(image, section(image, VERDEF), FIELD(Shdr, sh_link), DYNSTR);
	set(image, section(image, VERDEF), FIELD(Shdr, sh_info), 3);
}

static void add_note(struct image *image)
{
	put(image, NOTE_AT, 4, 4);
	put(image, NOTE_AT + 4, 4, sizeof(made_build_id));
	put(image, NOTE_AT + 8, 4, NT_GNU_BUILD_ID);
	memcpy(image->bytes + NOTE_AT + 12, "GNU", 4);
	memcpy(image->bytes + NOTE_AT + 16, made_build_id, sizeof(made_build_id));
	set_section(image, NOTE, SHT_NOTE, SHF_ALLOC, NOTE_AT, NOTE_AT, 16 + sizeof(made_build_id));
	set(image, section(image, NOTE), FIELD(Shdr, sh_addralign), 4);
	set_segment(image, NOTES, PT_NOTE, PF_R, NOTE_AT, 16 + sizeof(made_build_id),
		    16 + sizeof(made_build_id));
}

static void add_section_names(struct image *image)
{
	static const char *const all[SECTIONS] = {"",
						  ".note.gnu.build-id",
						  ".dynsym",
						  ".dynstr",
						  ".gnu.version",
						  ".gnu.version_d",
						  ".text",
						  ".data",
						  ".tbss",
						  ".bss",
						  ".symtab",
						  ".strtab",
						  ".shstrtab",
						  ".comment"};
	char names[512] = "";
	size_t length = 0;

	for (size_t i = 0; i < SECTIONS; i++)
		set(image, section(image, i), FIELD(Shdr, sh_name),
		    add_string(names, &length, all[i]));
	size_t at = append(image, names, length, 1);
	set_section(image, SHSTRTAB, SHT_STRTAB, 0, 0, at, length);
}

static void add_header(struct image *image)
{
	memcpy(image->bytes, ELFMAG, SELFMAG);
	image->bytes[EI_CLASS] = image->wide ? ELFCLASS64 : ELFCLASS32;
	image->bytes[EI_DATA] = image->big ? ELFDATA2MSB : ELFDATA2LSB;
	image->bytes[EI_VERSION] = EV_CURRENT;
	set(image, 0, FIELD(Ehdr, e_type), ET_DYN);
	set(image, 0, FIELD(Ehdr, e_machine), image->wide ? EM_X86_64 : EM_386);
	set(image, 0, FIELD(Ehdr, e_version), EV_CURRENT);
	set(image, 0, FIELD(Ehdr, e_ehsize), SIZE(image, Ehdr));
	set(image, 0, FIELD(Ehdr, e_phoff), PHDRS_AT);
	set(image, 0, FIELD(Ehdr, e_phentsize), SIZE(image, Phdr));
	set(image, 0, FIELD(Ehdr, e_phnum), SEGMENTS);
	set(image, 0, FIELD(Ehdr, e_shoff), SHDRS_AT);
	set(image, 0, FIELD(Ehdr, e_shentsize), SIZE(image, Shdr));
	set(image, 0, FIELD(Ehdr, e_shnum), SECTIONS);
	set(image, 0, FIELD(Ehdr, e_shstrndx), SHSTRTAB);
}

/* A small shared object; offsets of .text and .data are their addresses. */
static struct image *make_image(bool wide, bool big)
{
	struct image *image = test_calloc(1, sizeof(*image));

	image->wide = wide;
	image->big = big;
	add_header(image);
	add_note(image);
	put(image, CONTENT_AT - 1, 1, 0);
	add_symbols(image, DYNSYM, made_dynsym, COUNT(made_dynsym), SHF_ALLOC);
	add_versions(image);
	assert_true(image->length < TEXT_ADDRESS);
	set_section(image, TEXT, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, TEXT_ADDRESS,
		    TEXT_ADDRESS, TEXT_SIZE);
	set_section(image, DATA, SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, DATA_ADDRESS, DATA_ADDRESS,
		    DATA_SIZE);
	set_section(image, TBSS, SHT_NOBITS, SHF_ALLOC | SHF_WRITE | SHF_TLS, BSS_ADDRESS,
		    BSS_ADDRESS, 0x40);
	set_section(image, BSS, SHT_NOBITS, SHF_ALLOC | SHF_WRITE, BSS_ADDRESS, BSS_ADDRESS,
		    BSS_SIZE);
	set_segment(image, LOAD_TEXT, PT_LOAD, PF_R | PF_X, 0, TEXT_ADDRESS + TEXT_SIZE,
		    TEXT_ADDRESS + TEXT_SIZE);
	set_segment(image, LOAD_DATA, PT_LOAD, PF_R | PF_W, DATA_ADDRESS, DATA_SIZE,
		    DATA_SIZE + BSS_SIZE);
	put(image, BSS_ADDRESS - 1, 1, 0);
	add_symbols(image, SYMTAB, made_symtab, COUNT(made_symtab), 0);
	set_section(image, COMMENT, SHT_PROGBITS, 0, 0, TEXT_ADDRESS, 16);
	add_section_names(image);
	return image;
}

static int image_fd(const struct image *image)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, image->bytes, image->length, 0), (ssize_t)image->length);
	return fd;
}

static struct object *open_image(const struct image *image)
{
	_cleanup_close_ int fd = image_fd(image);

	return open_fd(fd, NULL);
}

static void free_imagep(struct image **image)
{
	test_free(*image);
}

#define _cleanup_image_ __attribute__((cleanup(free_imagep)))

static void check_image_layout(struct object *object, const struct image *image)
{
	static const char *const order[] = {
		".note.gnu.build-id", ".dynsym", ".dynstr", ".gnu.version",
		".gnu.version_d",     ".text",   ".data",   ".bss"};
	size_t count, length;
	const struct object_segment *segments = object_segments(object, &count);

	assert_null(object_defect(object));
	assert_true(object_is_elf(object) && object_is_pie_or_shared(object));
	assert_int_equal(object_bits(object), image->wide ? 64 : 32);
	assert_int_equal(object_size(object), image->length);
	assert_int_equal(count, 2);
	assert_int_equal(segments[0].perms, OBJECT_READ | OBJECT_EXEC);
	assert_int_equal(segments[1].perms, OBJECT_READ | OBJECT_WRITE);
	assert_int_equal(segments[1].vaddr, DATA_ADDRESS);
	assert_int_equal(segments[1].memsz, DATA_SIZE + BSS_SIZE);

	const struct object_section *sections = object_sections(object, &count);
	assert_int_equal(count, COUNT(order));
	for (size_t i = 0; i < count; i++)
		assert_string_equal(sections[i].name, order[i]);
	assert_int_equal(sections[5].vaddr, TEXT_ADDRESS);
	assert_int_equal(sections[5].size, TEXT_SIZE);
	assert_int_equal(sections[7].vaddr, BSS_ADDRESS);
	assert_true(sections[7].nobits && !sections[6].nobits);

	const uint8_t *id = object_build_id(object, &length);
	assert_int_equal(length, sizeof(made_build_id));
	assert_memory_equal(id, made_build_id, length);
}

static void check_image_addresses(struct object *object)
{
	assert_string_equal(name_at(object, 0x0fff), "(none)");
	assert_string_equal(name_at(object, 0x1000), "outer");
	assert_string_equal(name_at(object, 0x100f), "outer");
	assert_string_equal(name_at(object, 0x1010), "inner");
	assert_string_equal(name_at(object, 0x101f), "inner");
	assert_string_equal(name_at(object, 0x1020), "outer");
	assert_string_equal(name_at(object, 0x1080), "outer"); /* an extent beats a label */
	assert_string_equal(name_at(object, 0x10ff), "outer");
	assert_string_equal(name_at(object, 0x1100), "(none)");
	assert_string_equal(name_at(object, 0x1118), "alias");
	assert_string_equal(name_at(object, 0x1120), "(none)");
	assert_string_equal(name_at(object, 0x1140), "label");
	assert_string_equal(name_at(object, 0x114f), "label");
	assert_string_equal(name_at(object, 0x1150), "sized");
	assert_string_equal(name_at(object, 0x1160), "(none)");
	assert_string_equal(name_at(object, 0x11ff), "last_label");
	assert_string_equal(name_at(object, 0x1200), "(none)"); /* behind .text */
	assert_string_equal(name_at(object, 0x3007), "twice");
	assert_string_equal(name_at(object, 0x30ff), "data_label");
	assert_string_equal(name_at(object, 0x3100), "zeroes");
	assert_string_equal(name_at(object, 0x3140), "(none)");
	assert_string_equal(name_at(object, UINT64_MAX), "(none)");
	assert_true(symbol_at(object, 0x1150)->function);
	assert_false(symbol_at(object, 0x3000)->function);
}

static void check_image_names(struct object *object)
{
	static const char *const absent[] = {"undefined", "absolute", "file.c", "a_section",
					     "thread",    "",         "oute",   "outer@V1"};
	const struct object_symbol *const *matches;
	size_t count;

	assert_int_equal(value_of(object, "outer"), 0x1000);
	assert_int_equal(value_of(object, "exported"), 0x1180); /* in both tables, yet one */
	assert_ok(object_symbols_named(object, "twice", &matches, &count));
	assert_int_equal(count, 2);
	assert_int_equal(matches[0]->value, 0x3000);
	assert_int_equal(matches[1]->value, 0x3010);
	for (size_t i = 0; i < COUNT(absent); i++)
		assert_int_equal(count_named(object, absent[i]), 0);
	assert_int_equal(count_named(object, "versioned"), 2);
	assert_int_equal(value_of(object, "versioned@V1"), 0x11a0);
	assert_int_equal(value_of(object, "versioned@@V2"), 0x11b0);
	assert_int_equal(count_named(object, "same"), 1);
	assert_int_equal(value_of(object, "same@V1"), 0x11c0);
	assert_int_equal(value_of(object, "same@V2"), 0x11c0);
	assert_int_equal(value_of(object, "exported@V1"), 0x1180);
	assert_int_equal(count_named(object, "exported@V2"), 0);
}

static void test_made_images(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 4; kind++) {
		_cleanup_image_ struct image *image = make_image(kind & 1, kind & 2);
		_cleanup_object_ struct object *object = open_image(image);

		check_image_layout(object, image);
		check_image_addresses(object);
		check_image_names(object);
		assert_null(object_defect(object));
	}
}

/* ---- hostile files -------------------------------------------------------------------------- */

enum { ALL_SECTIONS = 8, ALL_SEGMENTS = 2 };

/* One change to the made image, what must be said of it, and what must be served all the same. */
struct hostile {
	const char *what;
	void (*change)(struct image *image);
	const char *defect; /* NULL: none, the change is lawful */
	size_t segments, sections;
	bool symtab, dynsym, build_id;
};

#define CHANGE(name, ...)                                                                          \
	static void name(struct image *image)                                                      \
	{                                                                                          \
		__VA_ARGS__;                                                                       \
	}
#define SET_HEADER(member, value) set(image, 0, FIELD(Ehdr, member), value)
#define SET_SECTION(index, member, value)                                                          \
	set(image, section(image, index), FIELD(Shdr, member), value)
#define SET_SEGMENT(index, member, value)                                                          \
	set(image, segment(image, index), FIELD(Phdr, member), value)

CHANGE(nothing, (void)image)
CHANGE(shoff_past_end, SET_HEADER(e_shoff, IMAGE_MAX))
CHANGE(shoff_wraps, SET_HEADER(e_shoff, UINT64_MAX - 8))
CHANGE(shoff_at_last_byte, SET_HEADER(e_shoff, image->length - 1))
CHANGE(shoff_zero, SET_HEADER(e_shoff, 0))
CHANGE(shnum_too_many, SET_HEADER(e_shnum, 0xfeff))
CHANGE(shnum_zero, SET_HEADER(e_shnum, 0))
CHANGE(shnum_extended_huge, SET_HEADER(e_shnum, 0); SET_SECTION(0, sh_size, UINT64_MAX / 2))
CHANGE(shnum_extended_wrap, SET_HEADER(e_shnum, 0); SET_HEADER(e_shoff, UINT64_MAX - 16))
CHANGE(shentsize_odd, SET_HEADER(e_shentsize, 17))
CHANGE(shentsize_zero, SET_HEADER(e_shentsize, 0))
CHANGE(shstrndx_none, SET_HEADER(e_shstrndx, 0))
CHANGE(shstrndx_past_end, SET_HEADER(e_shstrndx, SECTIONS + 5))
CHANGE(shstrndx_extended, SET_HEADER(e_shstrndx, SHN_XINDEX); SET_SECTION(0, sh_link, SHSTRTAB))
CHANGE(shstrndx_extended_bad, SET_HEADER(e_shstrndx, SHN_XINDEX); SET_SECTION(0, sh_link, ~0u))
CHANGE(shstrndx_not_strings, SET_HEADER(e_shstrndx, TEXT))
CHANGE(no_sections, SET_HEADER(e_shoff, 0); SET_HEADER(e_shnum, 0); SET_HEADER(e_shstrndx, 0))
CHANGE(phentsize_odd, SET_HEADER(e_phentsize, 1))
CHANGE(phoff_past_end, SET_HEADER(e_phoff, IMAGE_MAX))
CHANGE(phoff_wraps, SET_HEADER(e_phoff, UINT64_MAX - 8))
CHANGE(phnum_extended, SET_HEADER(e_phnum, PN_XNUM); SET_SECTION(0, sh_info, SEGMENTS))
CHANGE(phnum_extended_none, SET_HEADER(e_phnum, PN_XNUM))
CHANGE(phnum_extended_both, SET_HEADER(e_phnum, PN_XNUM); SET_HEADER(e_shnum, 0))
CHANGE(core_file, SET_HEADER(e_type, ET_CORE))
CHANGE(relocatable, SET_HEADER(e_type, ET_REL))
CHANGE(executable, SET_HEADER(e_type, ET_EXEC))
CHANGE(memsz_short, SET_SEGMENT(LOAD_DATA, p_memsz, DATA_SIZE - 1))
CHANGE(memory_wraps, SET_SEGMENT(LOAD_DATA, p_vaddr, UINT64_MAX - 16);
       SET_SEGMENT(LOAD_DATA, p_memsz, UINT64_MAX / 2))
CHANGE(segment_offset_wraps, SET_SEGMENT(LOAD_DATA, p_offset, UINT64_MAX - 16))
CHANGE(segment_past_end, SET_SEGMENT(LOAD_DATA, p_offset, 1 << 20))
CHANGE(name_past_end, SET_SECTION(TEXT, sh_name, 0xffffff))
CHANGE(names_unterminated, SET_SECTION(SHSTRTAB, sh_size, 24))
CHANGE(names_past_end, SET_SECTION(SHSTRTAB, sh_offset, IMAGE_MAX))
CHANGE(names_compressed, SET_SECTION(SHSTRTAB, sh_flags, SHF_COMPRESSED))
CHANGE(section_overlaps, SET_SECTION(DATA, sh_addr, TEXT_ADDRESS + 16))
CHANGE(section_wraps, SET_SECTION(BSS, sh_addr, UINT64_MAX - 16);
       SET_SECTION(BSS, sh_size, UINT64_MAX / 2))
CHANGE(section_past_end, SET_SECTION(DATA, sh_size, IMAGE_MAX))
CHANGE(section_size_wraps, SET_SECTION(DATA, sh_offset, UINT64_MAX - 16))
CHANGE(section_compressed, SET_SECTION(DATA, sh_flags, SHF_ALLOC | SHF_COMPRESSED))
CHANGE(entsize_zero, SET_SECTION(SYMTAB, sh_entsize, 0))
CHANGE(entsize_odd, SET_SECTION(SYMTAB, sh_entsize, 7))
CHANGE(symtab_size_odd, SET_SECTION(SYMTAB, sh_size, 100))
CHANGE(symtab_past_end, SET_SECTION(SYMTAB, sh_offset, IMAGE_MAX))
CHANGE(symtab_compressed, SET_SECTION(SYMTAB, sh_flags, SHF_COMPRESSED))
CHANGE(symtab_empty, SET_SECTION(SYMTAB, sh_size, 0))
CHANGE(link_to_itself, SET_SECTION(SYMTAB, sh_link, SYMTAB))
CHANGE(link_in_a_ring, SET_SECTION(SYMTAB, sh_link, DYNSYM); SET_SECTION(DYNSYM, sh_link, SYMTAB))
CHANGE(link_past_end, SET_SECTION(SYMTAB, sh_link, 0xfffffff))
CHANGE(strings_past_end, SET_SECTION(STRTAB, sh_size, IMAGE_MAX))
CHANGE(strings_empty, SET_SECTION(STRTAB, sh_size, 0))
CHANGE(two_symtabs, SET_SECTION(COMMENT, sh_type, SHT_SYMTAB))
CHANGE(versions_short, SET_SECTION(VERSYM, sh_size, 4))
CHANGE(versions_of_another, SET_SECTION(VERDEF, sh_link, STRTAB))
CHANGE(note_giant, put(image, NOTE_AT + 4, 4, 0xfffffff0))
CHANGE(note_long_id, put(image, NOTE_AT + 4, 4, 65); SET_SECTION(NOTE, sh_size, 16 + 68);
       SET_SEGMENT(NOTES, p_filesz, 16 + 68))
CHANGE(note_giant_name, put(image, NOTE_AT, 4, 0xffffffff))
CHANGE(note_past_end, SET_SECTION(NOTE, sh_size, IMAGE_MAX))
CHANGE(note_section_gone, SET_SECTION(NOTE, sh_type, SHT_PROGBITS))

static const char shdr_end[] = "section headers: past the end of the file";
static const char shdr_count[] = "section headers: no count in the elf header";
static const char shdr_entry[] = "section headers: wrong entry size";
static const char shdr_names[] = "section headers: no section has their names";
static const char names_type[] = "string table: section is of another type";
static const char names_end[] = "string table: past the end of the file";
static const char phdr_end[] = "program headers: past the end of the file";
static const char sect_end[] = "section: past the end of the file";
static const char tab_entry[] = "symbol table: wrong entry size";
static const char note_fit[] = "note: does not fit its section or segment";

static const struct hostile hostiles[] = {
	{"nothing", nothing, NULL, 2, 8, true, true, true},
	{"shoff_past_end", shoff_past_end, shdr_end, 2, 0, false, false, true},
	{"shoff_wraps", shoff_wraps, shdr_end, 2, 0, false, false, true},
	{"shoff_at_last_byte", shoff_at_last_byte, shdr_end, 2, 0, false, false, true},
	{"shoff_zero", shoff_zero, "section headers: a count without an offset", 2, 0, false, false,
	 true},
	{"shnum_too_many", shnum_too_many, shdr_end, 2, 0, false, false, true},
	{"shnum_zero", shnum_zero, shdr_count, 2, 0, false, false, false},
	{"shnum_extended_huge", shnum_extended_huge, shdr_count, 2, 0, false, false, false},
	{"shnum_extended_wrap", shnum_extended_wrap, shdr_count, 2, 0, false, false, false},
	{"shentsize_odd", shentsize_odd, shdr_entry, 2, 0, false, false, true},
	{"shentsize_zero", shentsize_zero, shdr_entry, 2, 0, false, false, true},
	{"shstrndx_none", shstrndx_none, shdr_names, 2, 0, true, true, true},
	{"shstrndx_past_end", shstrndx_past_end, shdr_names, 2, 0, true, true, true},
	{"shstrndx_extended", shstrndx_extended, NULL, 2, 8, true, true, true},
	{"shstrndx_extended_bad", shstrndx_extended_bad, shdr_names, 2, 0, true, true, true},
	{"shstrndx_not_strings", shstrndx_not_strings, names_type, 2, 0, true, true, true},
	{"no_sections", no_sections, NULL, 2, 0, false, false, true},
	{"phentsize_odd", phentsize_odd, "program headers: wrong entry size", 0, 8, true, true,
	 true},
	{"phoff_past_end", phoff_past_end, phdr_end, 0, 8, true, true, true},
	{"phoff_wraps", phoff_wraps, phdr_end, 0, 8, true, true, true},
	{"phnum_extended", phnum_extended, NULL, 2, 8, true, true, true},
	{"phnum_extended_none", phnum_extended_none,
	 "program headers: no count in section header 0", 0, 8, true, true, true},
	{"phnum_extended_both", phnum_extended_both, shdr_count, 0, 0, false, false, false},
	{"core_file", core_file, NULL, 2, 0, false, false, false},
	{"relocatable", relocatable, NULL, 2, 0, false, false, false},
	{"executable", executable, NULL, 2, 8, true, true, true},
	{"memsz_short", memsz_short, "segment: more bytes in the file than in memory", 1, 8, true,
	 true, true},
	{"memory_wraps", memory_wraps, "segment: wraps around the address space", 1, 8, true, true,
	 true},
	{"segment_offset_wraps", segment_offset_wraps, "segment: file offset wraps around", 1, 8,
	 true, true, true},
	{"segment_past_end", segment_past_end, "segment: past the end of the file", 2, 8, true,
	 true, true},
	{"name_past_end", name_past_end, "section: name past the end of the string table", 2, 7,
	 true, true, true},
	{"names_unterminated", names_unterminated, "string table: does not end in a nul", 2, 2,
	 true, true, true},
	{"names_past_end", names_past_end, names_end, 2, 0, true, true, true},
	{"names_compressed", names_compressed, "string table: compressed", 2, 0, true, true, true},
	{"section_overlaps", section_overlaps, "section: overlaps another", 2, 7, true, true, true},
	{"section_wraps", section_wraps, "section: wraps around the address space", 2, 7, true,
	 true, true},
	{"section_past_end", section_past_end, sect_end, 2, 7, true, true, true},
	{"section_size_wraps", section_size_wraps, sect_end, 2, 7, true, true, true},
	{"section_compressed", section_compressed, "section: compressed in memory", 2, 7, true,
	 true, true},
	{"entsize_zero", entsize_zero, tab_entry, 2, 8, false, true, true},
	{"entsize_odd", entsize_odd, tab_entry, 2, 8, false, true, true},
	{"symtab_size_odd", symtab_size_odd, tab_entry, 2, 8, false, true, true},
	{"symtab_past_end", symtab_past_end, "symbol table: past the end of the file", 2, 8, false,
	 true, true},
	{"symtab_compressed", symtab_compressed, "symbol table: compressed", 2, 8, false, true,
	 true},
	{"symtab_empty", symtab_empty, NULL, 2, 8, false, true, true},
	{"link_to_itself", link_to_itself, names_type, 2, 8, false, true, true},
	{"link_in_a_ring", link_in_a_ring, names_type, 2, 8, false, false, true},
	{"link_past_end", link_past_end, "string table: no such section", 2, 8, false, true, true},
	{"strings_past_end", strings_past_end, names_end, 2, 8, false, true, true},
	{"strings_empty", strings_empty, "symbol: name past the end of the string table", 2, 8,
	 false, true, true},
	{"two_symtabs", two_symtabs, "symbol table: more than one of its type", 2, 8, true, true,
	 true},
	{"versions_short", versions_short, "symbol versions: not those of the symbol table", 2, 8,
	 true, true, true},
	{"versions_of_another", versions_of_another,
	 "symbol versions: not those of the symbol table", 2, 8, true, true, true},
	{"note_giant", note_giant, note_fit, 2, 8, true, true, false},
	{"note_long_id", note_long_id, "build-id: unlikely length", 2, 8, true, true, false},
	{"note_giant_name", note_giant_name, note_fit, 2, 8, true, true, false},
	{"note_past_end", note_past_end, sect_end, 2, 7, true, true, true},
	{"note_section_gone", note_section_gone, NULL, 2, 8, true, true, true},
};

static void check_hostile(const struct hostile *hostile, bool wide, bool big)
{
	_cleanup_image_ struct image *image = make_image(wide, big);
	size_t segments, sections, length;

	hostile->change(image);
	_cleanup_object_ struct object *object = open_image(image);
	object_segments(object, &segments);
	object_sections(object, &sections);
	object_build_id(object, &length);
	bool symtab = count_named(object, "outer") == 1;
	bool dynsym = count_named(object, "versioned") == 2;
	const char *defect = object_defect(object);

	if (!object_is_elf(object) || segments != hostile->segments ||
	    sections != hostile->sections || symtab != hostile->symtab ||
	    dynsym != hostile->dynsym || (length > 0) != hostile->build_id ||
	    (defect ? !hostile->defect || strcmp(defect, hostile->defect) != 0
		    : hostile->defect != NULL))
		fail_msg("%s (%d bit, %s): %zu segments, %zu sections, symtab %d, dynsym %d, "
			 "build-id %zu, defect %s",
			 hostile->what, wide ? 64 : 32, big ? "big" : "little", segments, sections,
			 symtab, dynsym, length, defect ? defect : "none");
}

static void test_hostile(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(hostiles); i++) {
		for (unsigned kind = 0; kind < 4; kind++)
			check_hostile(&hostiles[i], kind & 1, kind & 2);
	}
}

/* A handle whose header libelf must not even see. */
static void test_bad_headers(void **state)
{
	static const struct {
		size_t at;
		const char *defect;
	} cases[] = {
		{EI_CLASS, "elf header: unknown class"},
		{EI_DATA, "elf header: unknown byte order"},
		{EI_VERSION, "elf header: unknown version"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		_cleanup_image_ struct image *image = make_image(true, false);

		image->bytes[cases[i].at] = 77;
		_cleanup_object_ struct object *object = open_image(image);
		assert_false(object_is_elf(object));
		assert_int_equal(object_bits(object), 0);
		assert_string_equal(object_defect(object), cases[i].defect);
		assert_int_equal(count_named(object, "outer"), 0);
	}
}

static void check_no_elf(int fd)
{
	_cleanup_object_ struct object *object = open_fd(fd, "/nonexistent");
	size_t count;

	assert_false(object_is_elf(object));
	assert_false(object_is_pie_or_shared(object));
	assert_null(object_defect(object));
	object_segments(object, &count);
	assert_int_equal(count, 0);
	object_sections(object, &count);
	assert_int_equal(count, 0);
	assert_null(object_build_id(object, &count));
	assert_int_equal(count, 0);
	assert_null(symbol_at(object, 0));
}

static void test_no_elf(void **state)
{
	static const char *const paths[] = {"/dev/null", "/", "/proc/self/maps"};
	_cleanup_close_ int text = memfd_create("text", MFD_CLOEXEC);
	int ends[2];

	(void)state;
	check_no_elf(text); /* empty */
	assert_int_equal(write(text, "#!/bin/sh\n", 10), 10);
	check_no_elf(text);
	for (size_t i = 0; i < COUNT(paths); i++) {
		_cleanup_close_ int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

		assert_true(fd >= 0);
		check_no_elf(fd);
	}
	assert_int_equal(pipe(ends), 0);
	check_no_elf(ends[0]);
	close(ends[0]);
	close(ends[1]);
}

static void test_bad_descriptor(void **state)
{
	struct object *object = NULL;
	_cleanup_error_ struct error *error = object_open(-1, NULL, &object);

	(void)state;
	assert_true(error_is(error, ERROR_SYSTEM));
	assert_int_equal(error_errnum(error), EBADF);
	assert_null(object);
	object_close(NULL);
}

/* Everything there is to ask, with what must hold of any answer. */
static void exercise(struct object *object)
{
	size_t count, length;
	const struct object_segment *segments = object_segments(object, &count);

	for (size_t i = 0; i < count; i++) {
		assert_true(segments[i].filesz <= segments[i].memsz);
		assert_true(segments[i].vaddr + segments[i].memsz >= segments[i].vaddr);
		assert_true(segments[i].offset + segments[i].filesz >= segments[i].offset);
	}
	const struct object_section *sections = object_sections(object, &count);
	for (size_t i = 0, last = 0; i < count; i++) {
		assert_true(sections[i].vaddr >= last && sections[i].size > 0);
		last = sections[i].vaddr + sections[i].size;
		assert_true(last > sections[i].vaddr);
		assert_true(strlen(sections[i].name) < object_size(object));
	}
	object_build_id(object, &length);
	assert_true(length <= 64);
	for (uint64_t vaddr = 0; vaddr < 0x4000; vaddr += 0x11) {
		const struct object_symbol *symbol = symbol_at(object, vaddr);

		if (!symbol)
			continue;
		assert_true(*symbol->name && symbol->value <= vaddr);
		assert_true(symbol->size == 0 || vaddr - symbol->value < symbol->size);
		assert_true(count_named(object, symbol->name) >= 1);
	}
	count_named(object, "versioned@V1");
	count_named(object, "@");
}

static void test_cut_off(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 4; kind++) {
		_cleanup_image_ struct image *image = make_image(kind & 1, kind & 2);

		/* Densely in the headers, more widely in the rest. */
		for (size_t length = image->length; length > 0; length -= length > 0x300 ? 61 : 1) {
			struct image *cut = image;

			cut->length = length < cut->length ? length : cut->length;
			_cleanup_object_ struct object *object = open_image(cut);
			exercise(object);
		}
	}
}

static void test_cut_off_after_open(void **state)
{
	_cleanup_image_ struct image *image = make_image(true, false);
	_cleanup_close_ int fd = image_fd(image);
	_cleanup_object_ struct object *object = open_fd(fd, NULL);
	size_t count;

	(void)state;
	assert_null(object_defect(object));
	assert_int_equal(ftruncate(fd, 100), 0);
	exercise(object);
	assert_non_null(object_defect(object));
	assert_int_equal(count_named(object, "outer"), 0);
	object_sections(object, &count);
	assert_int_equal(count, ALL_SECTIONS);
}

static void test_release(void **state)
{
	_cleanup_image_ struct image *image = make_image(true, false);
	_cleanup_object_ struct object *asked = open_image(image);
	_cleanup_object_ struct object *unasked = open_image(image);
	const struct object_symbol *symbol;

	(void)state;
	assert_int_equal(value_of(asked, "outer"), 0x1000);
	object_release_file(asked);
	assert_string_equal(name_at(asked, 0x1000), "outer");
	object_release_file(unasked);
	assert_true(object_is_elf(unasked));
	assert_non_null(section_named(unasked, ".text"));
	_cleanup_error_ struct error *error = object_symbol_at(unasked, 0x1000, &symbol);
	assert_true(error_is(error, ERROR_OTHER));
	assert_null(symbol);
}

/* Random flips with fixed seeds; the sanitizers and exercise() are the judges. */
static void test_flipped(void **state)
{
	enum { ROUNDS = 2000 };

	(void)state;
	for (unsigned kind = 0; kind < 4; kind++) {
		_cleanup_image_ struct image *whole = make_image(kind & 1, kind & 2);
		_cleanup_image_ struct image *image = test_malloc(sizeof(*image));

		for (unsigned round = 0; round < ROUNDS; round++) {
			unsigned seed = round * 4 + kind;
			unsigned flips = 1 + (unsigned)rand_r(&seed) % 8;

			*image = *whole;
			for (unsigned i = 0; i < flips; i++) {
				/* Half of them in the headers, where they do most. */
				size_t limit = rand_r(&seed) & 1 ? 0x900 : image->length;

				image->bytes[(size_t)rand_r(&seed) % limit] =
					(uint8_t)(rand_r(&seed) >> 8);
			}
			_cleanup_object_ struct object *object = open_image(image);
			exercise(object);
		}
	}
}

/* ---- many symbols --------------------------------------------------------------------------- */

/* A file of one .text, .symtab and .strtab: `symbols` and `strings` are 64-bit, little-endian. */
struct big_file {
	size_t count;
	Elf64_Sym *symbols;
	size_t strings_size;
	char *strings;
};

static void write_at(int fd, const void *bytes, size_t size, uint64_t offset)
{
	while (size) {
		ssize_t n = pwrite(fd, bytes, size, (off_t)offset);

		assert_true(n > 0);
		bytes = (const char *)bytes + n;
		size -= (size_t)n;
		offset += (uint64_t)n;
	}
}

static int big_file_fd(const struct big_file *file)
{
	_cleanup_image_ struct image *image = make_image(true, false);
	uint64_t symbols_at = IMAGE_MAX, size = file->count * sizeof(Elf64_Sym);
	uint64_t strings_at = symbols_at + size;

	SET_SECTION(TEXT, sh_type, SHT_NOBITS);
	SET_SECTION(TEXT, sh_addr, 1 << 30);
	SET_SECTION(TEXT, sh_size, 1 << 30);
	SET_SECTION(SYMTAB, sh_offset, symbols_at);
	SET_SECTION(SYMTAB, sh_size, size);
	SET_SECTION(STRTAB, sh_offset, strings_at);
	SET_SECTION(STRTAB, sh_size, file->strings_size);
	int fd = image_fd(image);
	write_at(fd, file->symbols, size, symbols_at);
	write_at(fd, file->strings, file->strings_size, strings_at);
	return fd;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct big_file make_big_file(size_t count, size_t strings_size)
{
	struct big_file file = {
		.count = count,
		.symbols = calloc(count, sizeof(Elf64_Sym)),
		.strings_size = strings_size,
		.strings = calloc(strings_size, 1),
	};

	assert_non_null(file.symbols);
	assert_non_null(file.strings);
	return file;
}

static void free_big_file(struct big_file *file)
{
	free(file->symbols);
	free(file->strings);
}

#define _cleanup_big_file_ __attribute__((cleanup(free_big_file)))

static void test_million_symbols(void **state)
{
	enum { MILLION = 1000000, NAME = 16 };
	_cleanup_big_file_ struct big_file file = make_big_file(MILLION, MILLION * NAME);

	(void)state;
	for (size_t i = 1; i < MILLION; i++) {
		snprintf(file.strings + i * NAME, NAME, "symbol_%zu", i);
		file.symbols[i].st_name = (Elf64_Word)(i * NAME);
		file.symbols[i].st_shndx = TEXT;
		file.symbols[i].st_value = (1 << 30) + i * 1000003 % MILLION * 16;
		file.symbols[i].st_size = 16;
	}
	_cleanup_close_ int fd = big_file_fd(&file);
	_cleanup_object_ struct object *object = open_fd(fd, NULL);
	double start = seconds();
	for (size_t i = 1; i < MILLION; i += 997) {
		const char *name = file.strings + i * NAME;

		assert_int_equal(value_of(object, name), file.symbols[i].st_value);
		assert_string_equal(name_at(object, file.symbols[i].st_value + 15), name);
	}
	assert_true(seconds() - start < 20); /* about 1 s without sanitizers */
}

/* All nested, so that a search outwards from the innermost would be a million steps. */
static void test_nested_symbols(void **state)
{
	enum { DEPTH = 300000, BASE = 1 << 30 };
	_cleanup_big_file_ struct big_file file = make_big_file(DEPTH, 16);

	(void)state;
	strcpy(file.strings + 1, "nested");
	for (size_t i = 1; i < DEPTH; i++) {
		file.symbols[i].st_name = 1;
		file.symbols[i].st_shndx = TEXT;
		file.symbols[i].st_value = BASE + i;
		file.symbols[i].st_size = 2 * (DEPTH - i);
	}
	_cleanup_close_ int fd = big_file_fd(&file);
	_cleanup_object_ struct object *object = open_fd(fd, NULL);
	double start = seconds();
	for (size_t i = 0; i < 100000; i++) {
		/* Behind the innermost: each address from here on is of one symbol further out. */
		uint64_t vaddr = BASE + DEPTH + 1 + i;
		const struct object_symbol *symbol = symbol_at(object, vaddr);

		assert_non_null(symbol);
		assert_true(vaddr - symbol->value < symbol->size);
		assert_true(vaddr - (symbol->value + 1) >= symbol->size - 2); /* the innermost */
	}
	assert_true(seconds() - start < 20);
}

/* One long name that every symbol enters a byte further on: the square of the file's size. */
static void test_overlapping_names(void **state)
{
	enum { SYMBOLS = 1000000, LENGTH = 1000002 };
	_cleanup_big_file_ struct big_file file = make_big_file(SYMBOLS, LENGTH);

	(void)state;
	memset(file.strings, 'a', LENGTH - 1);
	for (size_t i = 1; i < SYMBOLS; i++) {
		file.symbols[i].st_name = (Elf64_Word)i;
		file.symbols[i].st_shndx = TEXT;
		file.symbols[i].st_value = 1 << 30;
		file.symbols[i].st_size = 16;
	}
	_cleanup_close_ int fd = big_file_fd(&file);
	_cleanup_object_ struct object *object = open_fd(fd, NULL);
	double start = seconds();
	assert_non_null(symbol_at(object, 1 << 30));
	assert_int_equal(count_named(object, "aaa"), 0);
	assert_true(seconds() - start < 20);
	assert_string_equal(object_defect(object), "symbol names: overlap too much");
	assert_int_equal(count_named(object, "versioned"), 2); /* the other table is still read */
}

/* A sparse file costs its maker nothing: 8 TiB in which every table is "within the file". */
static void test_sparse(void **state)
{
	const uint64_t huge = UINT64_C(1) << 43;
	_cleanup_image_ struct image *image = make_image(true, false);

	(void)state;
	SET_SECTION(SYMTAB, sh_size, sizeof(Elf64_Sym) << 36);
	SET_SECTION(DYNSTR, sh_size, huge / 2);
	SET_SECTION(NOTE, sh_size, huge / 2);
	_cleanup_close_ int fd = image_fd(image);
	if (ftruncate(fd, (off_t)huge))
		skip();
	_cleanup_object_ struct object *object = open_fd(fd, NULL);
	assert_string_equal(object_defect(object), "section: overlaps another");
	exercise(object);
	assert_int_equal(count_named(object, "outer"), 0);

	SET_HEADER(e_shnum, 0);
	SET_SECTION(0, sh_size, huge / 1024); /* 8 Gi section headers */
	write_at(fd, image->bytes, image->length, 0);
	_cleanup_object_ struct object *counted = open_fd(fd, NULL);
	assert_string_equal(object_defect(counted), shdr_count);
	exercise(counted);
}

/* ---- extents against a search through all of them ------------------------------------------- */

static const Elf64_Sym *innermost(const struct big_file *file, uint64_t vaddr)
{
	const Elf64_Sym *best = NULL;

	for (size_t i = 1; i < file->count; i++) {
		const Elf64_Sym *symbol = &file->symbols[i];

		if (vaddr < symbol->st_value || vaddr - symbol->st_value >= symbol->st_size)
			continue;
		if (!best || symbol->st_value > best->st_value ||
		    (symbol->st_value == best->st_value && symbol->st_size < best->st_size))
			best = symbol;
	}
	return best;
}

static void test_random_extents(void **state)
{
	enum { SYMBOLS = 60, SPAN = 256, SEEDS = 50, BASE = 1 << 30 };

	(void)state;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		_cleanup_big_file_ struct big_file file = make_big_file(SYMBOLS, 16);
		unsigned random = seed;

		strcpy(file.strings + 1, "x");
		for (size_t i = 1; i < SYMBOLS; i++) {
			file.symbols[i].st_name = 1;
			file.symbols[i].st_shndx = TEXT;
			file.symbols[i].st_value = BASE + (unsigned)rand_r(&random) % SPAN;
			file.symbols[i].st_size = 1 + (unsigned)rand_r(&random) % (seed + 1);
		}
		_cleanup_close_ int fd = big_file_fd(&file);
		_cleanup_object_ struct object *object = open_fd(fd, NULL);
		for (uint64_t vaddr = BASE - 4; vaddr < BASE + SPAN + SEEDS + 4; vaddr++) {
			const Elf64_Sym *expected = innermost(&file, vaddr);
			const struct object_symbol *symbol = symbol_at(object, vaddr);

			assert_int_equal(symbol != NULL, expected != NULL);
			if (!symbol || !expected)
				continue;
			assert_int_equal(symbol->value, expected->st_value);
			assert_int_equal(symbol->size, expected->st_size);
		}
	}
}

/* ---- separate debug files ------------------------------------------------------------------- */

struct tree {
	char path[64];
};

static void remove_tree(struct tree *tree)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", tree->path);
	if (*tree->path && system(command))
		fprintf(stderr, "could not remove %s\n", tree->path);
}

#define _cleanup_tree_ __attribute__((cleanup(remove_tree)))

static void make_tree(struct tree *tree)
{
	snprintf(tree->path, sizeof(tree->path), "/tmp/physlens-object-XXXXXX");
	assert_non_null(mkdtemp(tree->path));
}

static void make_directory(const struct tree *tree, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", tree->path, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

/* The debug file of the made image is the made image itself, with another .symtab name. */
static void install_debug_image(const struct tree *tree, const struct image *image)
{
	char path[128];

	make_directory(tree, ".build-id");
	make_directory(tree, ".build-id/ab");
	snprintf(path, sizeof(path), "%s/.build-id/ab/cdef0123456789.debug", tree->path);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	write_at(fd, image->bytes, image->length, 0);
}

/* A stripped image, whose .symtab is only in the debug file. */
static int stripped_fd(void)
{
	_cleanup_image_ struct image *image = make_image(true, false);

	SET_SECTION(SYMTAB, sh_type, SHT_NULL);
	return image_fd(image);
}

static void test_debug_file(void **state)
{
	_cleanup_image_ struct image *debug = make_image(true, false);
	_cleanup_tree_ struct tree tree = {""};
	_cleanup_close_ int fd = stripped_fd();

	(void)state;
	make_tree(&tree);
	_cleanup_object_ struct object *without = open_fd(fd, tree.path);
	assert_int_equal(count_named(without, "inner"), 0);
	assert_int_equal(value_of(without, "versioned@V1"), 0x11a0);
	assert_null(object_defect(without)); /* to have none is no defect */

	install_debug_image(&tree, debug);
	_cleanup_object_ struct object *with = open_fd(fd, tree.path);
	assert_int_equal(value_of(with, "inner"), 0x1010);
	check_image_addresses(with);
	check_image_names(with);
	assert_null(object_defect(with));

	_cleanup_object_ struct object *unasked = open_fd(fd, NULL);
	assert_int_equal(count_named(unasked, "inner"), 0);
}

static void test_debug_file_of_another(void **state)
{
	_cleanup_image_ struct image *debug = make_image(true, false);
	_cleanup_tree_ struct tree tree = {""};
	_cleanup_close_ int fd = stripped_fd();

	(void)state;
	make_tree(&tree);
	debug->bytes[NOTE_AT + 16 + 5] ^= 1;
	install_debug_image(&tree, debug);
	_cleanup_object_ struct object *object = open_fd(fd, tree.path);
	assert_int_equal(count_named(object, "inner"), 0);
	assert_int_equal(value_of(object, "exported"), 0x1180);
	assert_string_equal(object_defect(object), "separate debug file: has another build-id");
}

static void test_debug_file_is_a_fifo(void **state)
{
	_cleanup_tree_ struct tree tree = {""};
	_cleanup_close_ int fd = stripped_fd();
	char path[128];

	(void)state;
	make_tree(&tree);
	make_directory(&tree, ".build-id");
	make_directory(&tree, ".build-id/ab");
	snprintf(path, sizeof(path), "%s/.build-id/ab/cdef0123456789.debug", tree.path);
	assert_int_equal(mkfifo(path, 0600), 0);
	_cleanup_object_ struct object *object = open_fd(fd, tree.path);
	assert_int_equal(count_named(object, "inner"), 0);
	assert_non_null(object_defect(object));
}

/* The same with the tools that packagers use. */
static const char split_program[] =
	"cd '%s' && echo 'static int __attribute__((noinline)) hidden(int n) { return n + 1; }\n"
	"int main(int c, char **v) { (void)v; return hidden(c); }' >a.c &&\n"
	"{ gcc -O0 -g -Wl,--build-id=0xabcdef0123456789 a.c -o a && nm a >names &&\n"
	"mkdir -p .build-id/ab && objcopy --only-keep-debug a .build-id/ab/cdef0123456789.debug "
	"&&\n"
	"strip a; } >log 2>&1";

static void test_debug_file_by_objcopy(void **state)
{
	_cleanup_tree_ struct tree tree = {""};
	char command[1024], path[128], line[512];
	uint64_t expected = 0;

	(void)state;
	make_tree(&tree);
	snprintf(command, sizeof(command), split_program, tree.path);
	if (system(command))
		skip();
	snprintf(path, sizeof(path), "%s/names", tree.path);
	_cleanup_fclose_ FILE *names = fopen(path, "re");
	assert_non_null(names);
	while (fgets(line, sizeof(line), names)) {
		if (strstr(line, " t hidden"))
			assert_int_equal(sscanf(line, "%" SCNx64, &expected), 1);
	}
	snprintf(path, sizeof(path), "%s/a", tree.path);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_object_ struct object *without = open_fd(fd, NULL);
	_cleanup_object_ struct object *with = open_fd(fd, tree.path);
	assert_int_equal(count_named(without, "hidden"), 0);
	assert_int_equal(value_of(with, "hidden"), expected);
	assert_string_equal(name_at(with, expected + 1), "hidden");
	assert_null(object_defect(with));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_self_symbols),
		cmocka_unit_test(test_self_sections),
		cmocka_unit_test(test_libc_segments),
		cmocka_unit_test(test_libc_build_id),
		cmocka_unit_test(test_libc_symbols),
		cmocka_unit_test(test_libc_versions),
		cmocka_unit_test(test_sections_as_readelf),
		cmocka_unit_test(test_symbols_as_readelf),
		cmocka_unit_test(test_made_images),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_bad_headers),
		cmocka_unit_test(test_no_elf),
		cmocka_unit_test(test_bad_descriptor),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_cut_off_after_open),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_million_symbols),
		cmocka_unit_test(test_nested_symbols),
		cmocka_unit_test(test_overlapping_names),
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_random_extents),
		cmocka_unit_test(test_debug_file),
		cmocka_unit_test(test_debug_file_of_another),
		cmocka_unit_test(test_debug_file_is_a_fifo),
		cmocka_unit_test(test_debug_file_by_objcopy),
	};

	return cmocka_run_group_tests_name("object", tests, NULL, NULL);
}
