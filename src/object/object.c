// SPDX-License-Identifier: GPL-2.0-or-later
/* Opening an object: is it ELF, and can libelf be let near it? */
#include "object/object.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/scope.h"
#include "object/impl.h"

void object_set_defect(struct object *object, const char *defect)
{
	if (!object->defect)
		object->defect = defect;
}

struct error *object_libelf_error(const char *what)
{
	return errno ? error_errno(errno, "%s", what) : NULL;
}

bool object_is_linked(const struct object *object)
{
	return object->is_elf &&
	       (object->header.e_type == ET_EXEC || object->header.e_type == ET_DYN);
}

bool object_wraps(const struct object *object, uint64_t start, uint64_t length)
{
	uint64_t end;

	return __builtin_add_overflow(start, length, &end) ||
	       (object_bits(object) == 32 && end > UINT64_C(1) << 32);
}

bool object_has_bytes(const struct object *object, uint64_t offset, uint64_t length)
{
	return offset <= object->size && length <= object->size - offset;
}

static bool is_elf_header(const unsigned char *header, size_t length)
{
	return length >= EI_NIDENT && memcmp(header, ELFMAG, SELFMAG) == 0;
}

/* False, with a defect, for a header that libelf cannot or should not read. */
static bool header_is_fit(struct object *object, const unsigned char *header, size_t length)
{
	unsigned class = header[EI_CLASS], encoding = header[EI_DATA];
	bool is_32 = class == ELFCLASS32;

	if (!is_32 && class != ELFCLASS64)
		object_set_defect(object, "elf header: unknown class");
	else if (encoding != ELFDATA2LSB && encoding != ELFDATA2MSB)
		object_set_defect(object, "elf header: unknown byte order");
	else if (header[EI_VERSION] != EV_CURRENT)
		object_set_defect(object, "elf header: unknown version");
	else if (length < (is_32 ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr)))
		object_set_defect(object, "elf header: past the end of the file");
	else
		return true;
	return false;
}

static void widen_header(const Elf32_Ehdr *narrow, GElf_Ehdr *header)
{
	memcpy(header->e_ident, narrow->e_ident, EI_NIDENT);
	header->e_type = narrow->e_type;
	header->e_machine = narrow->e_machine;
	header->e_version = narrow->e_version;
	header->e_entry = narrow->e_entry;
	header->e_phoff = narrow->e_phoff;
	header->e_shoff = narrow->e_shoff;
	header->e_flags = narrow->e_flags;
	header->e_ehsize = narrow->e_ehsize;
	header->e_phentsize = narrow->e_phentsize;
	header->e_phnum = narrow->e_phnum;
	header->e_shentsize = narrow->e_shentsize;
	header->e_shnum = narrow->e_shnum;
	header->e_shstrndx = narrow->e_shstrndx;
}

/* The ELF header as GElf has it, before there is an Elf handle for gelf_getehdr(). */
static bool convert_header(unsigned char *bytes, GElf_Ehdr *header)
{
	bool is_32 = bytes[EI_CLASS] == ELFCLASS32;
	Elf32_Ehdr narrow;
	Elf_Data from = {.d_buf = bytes, .d_type = ELF_T_EHDR, .d_version = EV_CURRENT};
	Elf_Data to = {.d_type = ELF_T_EHDR, .d_version = EV_CURRENT};

	to.d_buf = is_32 ? (void *)&narrow : (void *)header;
	from.d_size = to.d_size = is_32 ? sizeof(narrow) : sizeof(*header);
	if (!is_32)
		return elf64_xlatetom(&to, &from, bytes[EI_DATA]);
	if (!elf32_xlatetom(&to, &from, bytes[EI_DATA]))
		return false;
	widen_header(&narrow, header);
	return true;
}

/*
 * gABI, "e_shnum": a count of 0xff00 or more is in sh_size of section 0 and e_shnum is 0.
 * elf_begin() allocates for that count, 64 bits of the file's choosing, and no linker gives what
 * can be run so many sections: such a file is read as if it had none.
 */
static bool section_count_is_fit(struct object *object)
{
	if (object->header.e_shoff == 0 || object->header.e_shnum != 0)
		return true;
	object_set_defect(object, "section headers: no count in the elf header");
	return false;
}

/*
 * An Elf handle on a copy of the file's head, up to the end of the program headers, in which the
 * section headers are struck out. Without a handle the program headers are too far away.
 */
static struct error *begin_without_sections(struct object *object)
{
	const GElf_Ehdr *header = &object->header;
	bool is_32 = header->e_ident[EI_CLASS] == ELFCLASS32;
	uint64_t length, tables = (uint64_t)header->e_phnum * header->e_phentsize;

	if (__builtin_add_overflow(header->e_phoff, tables, &length) ||
	    length > MAX_PROGRAM_HEADER_IMAGE)
		return NULL;
	if (length < sizeof(Elf64_Ehdr))
		length = sizeof(Elf64_Ehdr);
	object->image = calloc(1, length);
	if (!object->image)
		return error_nomem();

	size_t got;
	int errnum = pread_full(object->fd, object->image, length, 0, &got);
	if (errnum)
		return error_errno(errnum, "program headers");
	if (got < (is_32 ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr)))
		return NULL;
	/* Zero is zero in either byte order. */
	if (is_32)
		memset(object->image + offsetof(Elf32_Ehdr, e_shoff), 0, sizeof(Elf32_Off));
	else
		memset(object->image + offsetof(Elf64_Ehdr, e_shoff), 0, sizeof(Elf64_Off));
	object->elf = elf_memory(object->image, got);
	return NULL;
}

/* Leaves object->elf NULL when the file is no ELF file or its header does not hold together. */
static struct error *begin(struct object *object)
{
	unsigned char bytes[sizeof(Elf64_Ehdr)] = {0};
	size_t got;
	int errnum = pread_full(object->fd, bytes, sizeof(bytes), 0, &got);

	if (errnum)
		return error_errno(errnum, "elf header");
	if (!is_elf_header(bytes, got) || !header_is_fit(object, bytes, got))
		return NULL;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return error_new(ERROR_UNSUPPORTED, "libelf does not know this version of elf");
	if (convert_header(bytes, &object->header)) {
		errno = 0;
		if (!section_count_is_fit(object))
			TRY(begin_without_sections(object));
		else if (!(object->elf = elf_begin(object->fd, ELF_C_READ, NULL)))
			TRY(object_libelf_error("elf header"));
	}
	object->is_elf = object->elf;
	if (!object->is_elf)
		object_set_defect(object, "elf header: libelf cannot read it");
	return NULL;
}

static struct error *examine(struct object *object, int fd)
{
	struct stat status;

	if (fstat(fd, &status))
		return error_errno(errno, "fstat");
	if (!S_ISREG(status.st_mode))
		return NULL;
	object->size = status.st_size > 0 ? (uint64_t)status.st_size : 0;
	object->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (object->fd < 0)
		return error_errno(errno, "dup");
	TRY(begin(object));
	if (!object->is_elf) {
		struct error *error = object_read_pe(object);

		object_release_file(object);
		return error;
	}
	TRY(object_read_segments(object));
	TRY(object_read_sections(object));
	object_read_build_id(object);
	return NULL;
}

struct error *object_open(int fd, const char *debug_root, struct object **object)
{
	struct object *opened = calloc(1, sizeof(*opened));

	if (!opened)
		return error_nomem();
	opened->fd = -1;
	struct error *error = examine(opened, fd);
	if (!error && debug_root) {
		opened->debug_root = strdup(debug_root);
		if (!opened->debug_root)
			error = error_nomem();
	}
	if (error) {
		object_close(opened);
		return error;
	}
	*object = opened;
	return NULL;
}

void object_release_file(struct object *object)
{
	elf_end(object->elf);
	object->elf = NULL;
	free(object->image);
	object->image = NULL;
	scope_closep(&object->fd);
}

void object_limit(struct object *object, uint64_t *bytes)
{
	object->symbol_bytes = bytes;
}

void object_close(struct object *object)
{
	if (!object)
		return;
	symbols_deinit(&object->symbols);
	object_release_file(object);
	free(object->section_names.text);
	vec_deinit(&object->segments);
	vec_deinit(&object->sections);
	vec_deinit(&object->pe_code);
	free(object->debug_root);
	free(object);
}

bool object_is_elf(const struct object *object)
{
	return object->is_elf;
}

unsigned object_bits(const struct object *object)
{
	if (!object->is_elf)
		return 0;
	return object->header.e_ident[EI_CLASS] == ELFCLASS32 ? 32 : 64;
}

bool object_is_pie_or_shared(const struct object *object)
{
	return object->is_elf && object->header.e_type == ET_DYN;
}

uint64_t object_size(const struct object *object)
{
	return object->size;
}

const char *object_defect(const struct object *object)
{
	return object->defect;
}

const struct object_segment *object_segments(const struct object *object, size_t *count)
{
	*count = object->segments.count;
	return object->segments.items;
}

const struct object_section *object_sections(const struct object *object, size_t *count)
{
	*count = object->sections.count;
	return object->sections.items;
}

const uint8_t *object_build_id(const struct object *object, size_t *length)
{
	*length = object->build_id_length;
	return object->build_id_length ? object->build_id : NULL;
}
