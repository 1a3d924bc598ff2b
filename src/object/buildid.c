// SPDX-License-Identifier: GPL-2.0-or-later
/* The build-id: a note of owner "GNU" and type NT_GNU_BUILD_ID whose descriptor is the id. */
#include <string.h>

#include "object/impl.h"

/* Notes as libelf reads them; `budget` is what may still be read of the object's notes. */
struct note_reader {
	struct object *object;
	uint64_t budget;
};

static bool is_build_id(const Elf_Data *data, const GElf_Nhdr *note, size_t name)
{
	static const char owner[] = "GNU";

	return note->n_type == NT_GNU_BUILD_ID && note->n_namesz == sizeof(owner) &&
	       memcmp((const char *)data->d_buf + name, owner, sizeof(owner)) == 0;
}

/* gelf_getnote() checks that header, name and descriptor are within the data. */
static bool find_build_id(struct object *object, Elf_Data *data)
{
	GElf_Nhdr note;
	size_t offset = 0, name, descriptor;

	while (offset < data->d_size &&
	       (offset = gelf_getnote(data, offset, &note, &name, &descriptor)) > 0) {
		if (!is_build_id(data, &note, name))
			continue;
		if (note.n_descsz == 0 || note.n_descsz > MAX_BUILD_ID) {
			object_set_defect(object, "build-id: unlikely length");
			return false;
		}
		memcpy(object->build_id, (const char *)data->d_buf + descriptor, note.n_descsz);
		object->build_id_length = note.n_descsz;
		return true;
	}
	if (offset == 0)
		object_set_defect(object, "note: does not fit its section or segment");
	return false;
}

/* Notes aligned to 8 (.note.gnu.property) are padded to 8 as well. */
static bool read_notes(struct note_reader *reader, uint64_t offset, uint64_t size, uint64_t align)
{
	struct object *object = reader->object;

	if (size == 0)
		return false;
	if (!object_has_bytes(object, offset, size)) {
		object_set_defect(object, "note: past the end of the file");
		return false;
	}
	if (size > reader->budget) {
		object_set_defect(object, "note: too large");
		return false;
	}
	reader->budget -= size;
	Elf_Data *data = elf_getdata_rawchunk(object->elf, (int64_t)offset, size,
					      align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
	if (!data || !data->d_buf) {
		object_set_defect(object, "note: libelf cannot read it");
		return false;
	}
	return find_build_id(object, data);
}

static bool read_note_sections(struct note_reader *reader)
{
	GElf_Shdr header;

	for (Elf_Scn *section = NULL; (section = elf_nextscn(reader->object->elf, section));) {
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_NOTE &&
		    read_notes(reader, header.sh_offset, header.sh_size, header.sh_addralign))
			return true;
	}
	return false;
}

static void read_note_segments(struct note_reader *reader)
{
	GElf_Phdr header;
	size_t count;

	if (elf_getphdrnum(reader->object->elf, &count))
		return;
	for (size_t i = 0; i < count && i < MAX_SEGMENTS; i++) {
		if (gelf_getphdr(reader->object->elf, (int)i, &header) &&
		    header.p_type == PT_NOTE &&
		    read_notes(reader, header.p_offset, header.p_filesz, header.p_align))
			return;
	}
}

/*
 * Sections first: in a separate debug file the program headers are those of the object it was
 * split from, with offsets that mean nothing there. Segments for a file without section headers.
 */
void object_read_build_id(struct object *object)
{
	struct note_reader reader = {object, MAX_NOTES};

	if (!object_is_linked(object))
		return;
	if (!object->has_sections || !read_note_sections(&reader))
		read_note_segments(&reader);
}
