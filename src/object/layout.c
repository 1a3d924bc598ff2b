// SPDX-License-Identifier: GPL-2.0-or-later
/* What an object says of memory: segments (gABI "Program Header") and sections ("Sections"). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/scope.h"
#include "object/impl.h"

/*
 * The number of program headers as the file has it, which is not what libelf gives: that is cut
 * to what the file can hold. gABI, "e_phnum": PN_XNUM means the count is in sh_info of section 0,
 * which libelf knows only once that section's header has been asked for.
 */
static uint64_t claimed_segments(struct object *object)
{
	GElf_Shdr first;

	if (object->header.e_phnum != PN_XNUM)
		return object->header.e_phnum;
	if (gelf_getshdr(elf_getscn(object->elf, 0), &first) && first.sh_info)
		return first.sh_info;
	object_set_defect(object, "program headers: no count in section header 0");
	return 0;
}

static bool count_segments(struct object *object, size_t *count)
{
	uint64_t claimed = claimed_segments(object);
	size_t entry = gelf_fsize(object->elf, ELF_T_PHDR, 1, EV_CURRENT);

	if (claimed == 0)
		return false;
	if (object->header.e_phentsize != entry) {
		object_set_defect(object, "program headers: wrong entry size");
		return false;
	}
	/* claimed is 32 bits wide, so this does not overflow */
	if (!object_has_bytes(object, object->header.e_phoff, claimed * entry))
		object_set_defect(object, "program headers: past the end of the file");
	if (elf_getphdrnum(object->elf, count)) {
		object_set_defect(object, "program headers: libelf cannot read them");
		return false;
	}
	if (*count > MAX_SEGMENTS) {
		object_set_defect(object, "program headers: too many");
		*count = MAX_SEGMENTS;
	}
	return true;
}

/* The kernel's ELF loader refuses the first two as well (fs/binfmt_elf.c). */
static bool segment_is_fit(struct object *object, const GElf_Phdr *header)
{
	if (header->p_filesz > header->p_memsz)
		object_set_defect(object, "segment: more bytes in the file than in memory");
	else if (object_wraps(object, header->p_vaddr, header->p_memsz))
		object_set_defect(object, "segment: wraps around the address space");
	else if (object_wraps(object, header->p_offset, header->p_filesz))
		object_set_defect(object, "segment: file offset wraps around");
	else
		return header->p_memsz > 0;
	return false;
}

/* A segment beyond the end of the file is kept: it is mapped all the same. */
static struct error *add_segment(struct object *object, const GElf_Phdr *header)
{
	if (!segment_is_fit(object, header))
		return NULL;
	if (!object_has_bytes(object, header->p_offset, header->p_filesz))
		object_set_defect(object, "segment: past the end of the file");

	struct object_segment segment = {
		.offset = header->p_offset,
		.filesz = header->p_filesz,
		.vaddr = header->p_vaddr,
		.memsz = header->p_memsz,
		.perms = header->p_flags & (PF_R | PF_W | PF_X),
	};
	return vec_push(&object->segments, segment);
}

struct error *object_read_segments(struct object *object)
{
	size_t count;

	if (!count_segments(object, &count))
		return NULL;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr header;

		errno = 0;
		if (!gelf_getphdr(object->elf, (int)i, &header)) {
			TRY(object_libelf_error("program headers"));
			object_set_defect(object, "program headers: libelf cannot read them");
			return NULL;
		}
		if (header.p_type == PT_LOAD)
			TRY(add_segment(object, &header));
	}
	return NULL;
}

static bool string_table_is_fit(struct object *object, const GElf_Shdr *header, size_t limit)
{
	if (header->sh_type != SHT_STRTAB)
		object_set_defect(object, "string table: section is of another type");
	else if (header->sh_flags & SHF_COMPRESSED)
		object_set_defect(object, "string table: compressed");
	else if (!object_has_bytes(object, header->sh_offset, header->sh_size))
		object_set_defect(object, "string table: past the end of the file");
	else if (header->sh_size > limit)
		object_set_defect(object, "string table: too large");
	else
		return true;
	return false;
}

struct error *object_read_strings(struct object *object, size_t index, size_t limit,
				  struct strings *strings)
{
	GElf_Shdr header;

	errno = 0;
	if (!gelf_getshdr(elf_getscn(object->elf, index), &header)) {
		TRY(object_libelf_error("section headers"));
		object_set_defect(object, "string table: no such section");
		return NULL;
	}
	if (!string_table_is_fit(object, &header, limit))
		return NULL;

	_cleanup_free_ char *text = malloc(header.sh_size + 1);
	if (!text)
		return error_nomem();
	size_t got;
	int errnum = pread_full(object->fd, text, header.sh_size, header.sh_offset, &got);
	if (errnum)
		return error_errno(errnum, "string table");
	if (got < header.sh_size)
		object_set_defect(object, "string table: the file was truncated");
	else if (got && text[got - 1])
		object_set_defect(object, "string table: does not end in a nul");
	text[got] = '\0';
	*strings = (struct strings){scope_take(text, NULL), got};
	return NULL;
}

const char *strings_at(const struct strings *strings, uint64_t offset)
{
	return strings->text && offset < strings->length ? strings->text + offset : NULL;
}

/* gABI: .tbss takes no memory of the process, only of each thread's copy of the TLS template. */
static bool section_has_memory(const GElf_Shdr *header)
{
	bool tbss = (header->sh_flags & SHF_TLS) && header->sh_type == SHT_NOBITS;

	return (header->sh_flags & SHF_ALLOC) && !tbss && header->sh_size > 0;
}

static bool section_is_fit(struct object *object, const GElf_Shdr *header, const char *name)
{
	bool nobits = header->sh_type == SHT_NOBITS;

	if (object_wraps(object, header->sh_addr, header->sh_size))
		object_set_defect(object, "section: wraps around the address space");
	else if (!nobits && !object_has_bytes(object, header->sh_offset, header->sh_size))
		object_set_defect(object, "section: past the end of the file");
	else if (header->sh_flags & SHF_COMPRESSED) /* gABI: not together with SHF_ALLOC */
		object_set_defect(object, "section: compressed in memory");
	else if (!name)
		object_set_defect(object, "section: name past the end of the string table");
	else
		return true;
	return false;
}

static struct error *add_section(struct object *object, const GElf_Shdr *header)
{
	const char *name = strings_at(&object->section_names, header->sh_name);

	if (!section_has_memory(header) || !section_is_fit(object, header, name))
		return NULL;

	struct object_section section = {
		.name = name,
		.vaddr = header->sh_addr,
		.size = header->sh_size,
		.offset = header->sh_offset,
		.nobits = header->sh_type == SHT_NOBITS,
	};
	return vec_push(&object->sections, section);
}

static int compare_sections(const void *left, const void *right)
{
	const struct object_section *a = left, *b = right;

	if (a->vaddr != b->vaddr)
		return a->vaddr < b->vaddr ? -1 : 1;
	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* An address is in one section at most: of two that overlap the one that starts first stays. */
static void drop_overlapping_sections(struct object *object)
{
	struct object_section *sections = object->sections.items;
	size_t kept = 0;
	uint64_t end = 0;

	for (size_t i = 0; i < object->sections.count; i++) {
		if (sections[i].vaddr < end) {
			object_set_defect(object, "section: overlaps another");
			continue;
		}
		end = sections[i].vaddr + sections[i].size;
		sections[kept++] = sections[i];
	}
	object->sections.count = kept;
}

static bool section_headers_are_fit(struct object *object)
{
	size_t count, entry = gelf_fsize(object->elf, ELF_T_SHDR, 1, EV_CURRENT);

	if (object->header.e_shnum == 0)
		return false;
	if (object->header.e_shoff == 0)
		object_set_defect(object, "section headers: a count without an offset");
	else if (object->header.e_shentsize != entry)
		object_set_defect(object, "section headers: wrong entry size");
	else if (elf_getshdrnum(object->elf, &count) || count < object->header.e_shnum)
		object_set_defect(object, "section headers: past the end of the file");
	else
		return true;
	return false;
}

struct error *object_read_sections(struct object *object)
{
	size_t names;
	GElf_Shdr header;

	object->has_sections = section_headers_are_fit(object);
	if (!object->has_sections || !object_is_linked(object))
		return NULL;
	if (elf_getshdrstrndx(object->elf, &names) || names == SHN_UNDEF ||
	    names >= object->header.e_shnum) {
		object_set_defect(object, "section headers: no section has their names");
		return NULL;
	}
	TRY(object_read_strings(object, names, MAX_SECTION_NAMES, &object->section_names));
	for (Elf_Scn *section = NULL; (section = elf_nextscn(object->elf, section));) {
		if (gelf_getshdr(section, &header))
			TRY(add_section(object, &header));
	}
	if (object->sections.count) /* qsort() wants an array even when it is empty */
		qsort(object->sections.items, object->sections.count,
		      sizeof(*object->sections.items), compare_sections);
	drop_overlapping_sections(object);
	return NULL;
}
