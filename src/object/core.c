// SPDX-License-Identifier: GPL-2.0-or-later
#include "object/core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "object/impl.h"

enum {
	MAX_CORE_NOTES = 16 << 20, /* some 12 KiB in /proc/kcore; a vmcore has a note a processor */
	MAX_NOTE_NAME = 64,
};

static void core_elf_end(Elf **elf)
{
	elf_end(*elf);
}

/* "NAME\0" of a note: NULL when it does not end in a NUL, which GNU's and the kernel's do. */
static char *note_name(const char *data, const GElf_Nhdr *header, size_t at)
{
	if (header->n_namesz == 0 || header->n_namesz > MAX_NOTE_NAME ||
	    data[at + header->n_namesz - 1])
		return NULL;
	return strdup(data + at);
}

static struct error *add_note(struct core *core, const char *data, const GElf_Nhdr *header,
			      size_t name_at, size_t bytes_at)
{
	char *name = note_name(data, header, name_at);
	void *bytes = malloc(header->n_descsz + (size_t)1);
	struct error *error = vec_reserve(&core->buffers, 2);

	if (error || !name || !bytes) {
		free(name);
		free(bytes);
		return error ? error : bytes ? NULL : error_nomem();
	}
	memcpy(bytes, data + bytes_at, header->n_descsz);
	((char *)bytes)[header->n_descsz] = '\0'; /* notes of text become strings */
	core->buffers.items[core->buffers.count++] = name;
	core->buffers.items[core->buffers.count++] = bytes;
	return vec_push(&core->notes,
			((struct core_note){name, header->n_type, bytes, header->n_descsz}));
}

/*
 * A note that does not hold together ends the list: libelf then gives no next one. `left` is what
 * all notes may still have: many headers can point at the same ones, and each would be kept.
 */
static struct error *read_notes(struct core *core, Elf *elf, const GElf_Phdr *header,
				uint64_t *left)
{
	size_t at = 0, next, name, bytes;
	GElf_Nhdr note;

	if (header->p_filesz > *left)
		return error_new(ERROR_INPUT, "notes: too large");
	*left -= header->p_filesz;
	Elf_Data *data =
		elf_getdata_rawchunk(elf, (int64_t)header->p_offset, header->p_filesz, ELF_T_NHDR);
	while (data && (next = gelf_getnote(data, at, &note, &name, &bytes)) > 0) {
		TRY(add_note(core, data->d_buf, &note, name, bytes));
		at = next;
	}
	return NULL;
}

static struct error *add_segment(struct core *core, const GElf_Phdr *header)
{
	uint64_t end;

	if (__builtin_add_overflow(header->p_offset, header->p_filesz, &end) || end > INT64_MAX)
		return error_new(ERROR_INPUT, "segment: past the end of any file");
	/* The last byte may be the last address: [ffffffffff600000, 2^64) is nobody's, though. */
	if (__builtin_add_overflow(header->p_vaddr, header->p_filesz, &end))
		return error_new(ERROR_INPUT, "segment: wraps around the address space");
	if (header->p_filesz == 0)
		return NULL;
	return vec_push(&core->segments, ((struct core_segment){
						 .vaddr = header->p_vaddr,
						 .paddr = header->p_paddr,
						 .offset = header->p_offset,
						 .size = header->p_filesz,
					 }));
}

static struct error *read_headers(struct core *core, Elf *elf)
{
	uint64_t notes_left = MAX_CORE_NOTES;
	GElf_Ehdr header;
	size_t count;

	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
		return error_new(ERROR_INPUT, "not an ELF file");
	if (header.e_type != ET_CORE)
		return error_new(ERROR_INPUT, "not an ELF core file");
	if (elf_getphdrnum(elf, &count) || count > MAX_SEGMENTS)
		return error_new(ERROR_INPUT, "program headers: unreadable or too many");
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr segment;

		if (!gelf_getphdr(elf, (int)i, &segment))
			return error_new(ERROR_INPUT, "program headers: unreadable");
		if (segment.p_type == PT_NOTE)
			TRY(read_notes(core, elf, &segment, &notes_left));
		if (segment.p_type == PT_LOAD)
			TRY(add_segment(core, &segment));
	}
	return NULL;
}

static struct error *read_elf_header(int fd, const char *name, Elf64_Ehdr *header)
{
	size_t got;
	int errnum = pread_full(fd, header, sizeof(*header), 0, &got);

	if (errnum)
		return error_errno(errnum, "%s", name);
	if (got != sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return error_new(ERROR_INPUT, "%s: not an ELF file", name);
	if (header->e_ident[EI_CLASS] != ELFCLASS64)
		return error_new(ERROR_UNSUPPORTED, "%s: not a 64-bit core file", name);
	return NULL;
}

struct error *core_header_count(int fd, const char *name, size_t *count)
{
	Elf64_Ehdr header;

	TRY(read_elf_header(fd, name, &header));
	*count = header.e_phnum;
	return NULL;
}

struct error *core_read(int fd, const char *name, struct core *core)
{
	Elf64_Ehdr header;

	*core = (struct core){.header_count = 0};
	TRY(read_elf_header(fd, name, &header));
	/* elf_begin() would allocate for the count in section 0, whatever the file says there. */
	if (header.e_shoff && !header.e_shnum && header.e_phnum != PN_XNUM)
		return error_new(ERROR_INPUT, "%s: section headers without a count", name);
	if (elf_version(EV_CURRENT) == EV_NONE)
		return error_new(ERROR_UNSUPPORTED, "libelf does not know this version of elf");
	__attribute__((cleanup(core_elf_end))) Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	struct error *error = read_headers(core, elf);
	core->header_count = header.e_phnum;
	if (error) {
		core_deinit(core);
		return error_context(error, "%s", name);
	}
	return NULL;
}

void core_deinit(struct core *core)
{
	for (size_t i = 0; i < core->buffers.count; i++)
		free(core->buffers.items[i]);
	vec_deinit(&core->buffers);
	vec_deinit(&core->notes);
	vec_deinit(&core->segments);
}

const struct core_note *core_find_note(const struct core *core, const char *name, uint32_t type)
{
	for (size_t i = 0; i < core->notes.count; i++) {
		const struct core_note *note = &core->notes.items[i];

		if (note->type == type && strcmp(note->name, name) == 0)
			return note;
	}
	return NULL;
}
