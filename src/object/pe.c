// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PE files, which wine and .NET map to be executed: which of their bytes are code (Microsoft, "PE
 * Format"). Nothing else is asked of them.
 */
#include <errno.h>
#include <string.h>

#include "base/io.h"
#include "object/impl.h"

enum {
	DOS_HEADER = 64,     /* "MZ"; its last word is where the PE header is */
	PE_OFFSET = 60,      /* u32 */
	PE_HEADER = 24,      /* "PE\0\0", then what COFF files begin with: */
	PE_SECTIONS = 6,     /* u16: how many */
	PE_OPTIONAL = 20,    /* u16: bytes between this header and the sections' */
	SECTION = 40,        /* bytes */
	SECTION_LENGTH = 16, /* u32: bytes in the file */
	SECTION_OFFSET = 20, /* u32: where */
	SECTION_FLAGS = 36,  /* u32 */
	SECTIONS_MAX = 96,   /* what Windows loads */
};

#define SECTION_EXECUTES 0x20000000u

static uint32_t get_16(const unsigned char *at)
{
	return (uint32_t)(at[0] | at[1] << 8);
}

static uint32_t get_32(const unsigned char *at)
{
	return get_16(at) | get_16(at + 2) << 16;
}

/* False at the end of the file, too. */
static struct error *read_bytes(const struct object *object, uint64_t offset, void *bytes,
				size_t length, bool *got_all)
{
	size_t got;
	int errnum = pread_full(object->fd, bytes, length, offset, &got);

	*got_all = got == length;
	return errnum ? error_errno(errnum, "pe header") : NULL;
}

static struct error *add_section(struct object *object, const unsigned char *section)
{
	uint64_t start = get_32(section + SECTION_OFFSET);
	struct range code = {start, start + get_32(section + SECTION_LENGTH)};

	if (!(get_32(section + SECTION_FLAGS) & SECTION_EXECUTES) || range_is_empty(code))
		return NULL;
	return vec_push(&object->pe_code, code);
}

struct error *object_read_pe(struct object *object)
{
	unsigned char dos[DOS_HEADER], pe[PE_HEADER], sections[SECTIONS_MAX * SECTION];
	bool fits;

	TRY(read_bytes(object, 0, dos, sizeof(dos), &fits));
	if (!fits || memcmp(dos, "MZ", 2) != 0)
		return NULL;
	uint64_t at = get_32(dos + PE_OFFSET);
	TRY(read_bytes(object, at, pe, sizeof(pe), &fits));
	size_t count = fits ? get_16(pe + PE_SECTIONS) : 0;
	if (!fits || memcmp(pe, "PE\0\0", 4) != 0 || count > SECTIONS_MAX)
		return NULL;
	at += PE_HEADER + get_16(pe + PE_OPTIONAL);
	TRY(read_bytes(object, at, sections, count * SECTION, &fits));
	for (size_t i = 0; fits && i < count; i++)
		TRY(add_section(object, sections + i * SECTION));
	return NULL;
}

bool object_pe_executes(const struct object *object, struct range part)
{
	for (size_t i = 0; i < object->pe_code.count; i++) {
		if (!range_is_empty(range_intersect(object->pe_code.items[i], part)))
			return true;
	}
	return false;
}
