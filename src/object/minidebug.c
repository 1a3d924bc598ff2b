// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mini symbol table of Fedora, RHEL and others: section .gnu_debugdata of a stripped file is an
 * ELF file, compressed by xz, whose .symtab has the functions that .dynsym does not name (GDB
 * manual, "MiniDebugInfo").
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "base/library.h"
#include "base/scope.h"
#include "object/impl.h"

enum {
	COMPRESSED_MAX = 16 << 20,
	PLAIN_MAX = 64 << 20,    /* a hundred times the largest seen */
	DECODER_MAX = 128 << 20, /* what xz may allocate: its default level needs 9 MiB */
	GROWTH = 4,
};

/*
 * Of liblzma, which is loaded when the first such section is met, and whose ABI has been the same
 * since 5.0: lzma_stream_buffer_decode() and two of its results (lzma/container.h, lzma/base.h).
 */
typedef int decode_function(uint64_t *memory_limit, uint32_t flags, const void *allocator,
			    const uint8_t *in, size_t *in_position, size_t in_size, uint8_t *out,
			    size_t *out_position, size_t out_size);

enum { LZMA_OK = 0, LZMA_BUF_ERROR = 10 };

static struct error *load_decoder(decode_function **decode)
{
	const struct library_function functions[] = {{"lzma_stream_buffer_decode", decode}};

	return library_load("liblzma.so.5", functions, 1);
}

/* Decodes into *plain, which the caller frees; it stays NULL where that is not possible. */
static struct error *decode(struct object *object, decode_function *function, const uint8_t *bytes,
			    size_t size, char **plain, size_t *length)
{
	int result = LZMA_BUF_ERROR;

	/* How long it is the file says only at its end: it is tried with more until it fits. */
	for (size_t room = (size_t)1 << 20; result == LZMA_BUF_ERROR && room <= PLAIN_MAX;
	     room *= GROWTH) {
		uint64_t limit = DECODER_MAX;
		size_t in = 0;

		free(*plain);
		*plain = malloc(room);
		if (!*plain)
			return error_nomem();
		*length = 0;
		result = function(&limit, 0, NULL, bytes, &in, size, (uint8_t *)*plain, length,
				  room);
	}
	if (result == LZMA_OK)
		return NULL;
	free(*plain);
	*plain = NULL;
	object_set_defect(object, "mini symbol table: cannot be decompressed, or is too large");
	return NULL;
}

static bool find_section(struct object *object, GElf_Shdr *header)
{
	for (Elf_Scn *section = NULL; (section = elf_nextscn(object->elf, section));) {
		const char *name;

		if (!gelf_getshdr(section, header) || header->sh_type != SHT_PROGBITS)
			continue;
		name = strings_at(&object->section_names, header->sh_name);
		if (name && strcmp(name, ".gnu_debugdata") == 0)
			return true;
	}
	return false;
}

/* The compressed bytes, which the caller frees; *bytes stays NULL where there are none. */
static struct error *read_section(struct object *object, uint8_t **bytes, size_t *size)
{
	GElf_Shdr header;

	if (!object->has_sections || !find_section(object, &header))
		return NULL;
	if (!object_has_bytes(object, header.sh_offset, header.sh_size) ||
	    header.sh_size > COMPRESSED_MAX || header.sh_size == 0) {
		object_set_defect(object, "mini symbol table: past the end of the file, or too "
					  "large");
		return NULL;
	}
	_cleanup_free_ uint8_t *read = malloc(header.sh_size);
	if (!read)
		return error_nomem();
	int errnum = pread_full(object->fd, read, header.sh_size, header.sh_offset, size);
	if (errnum)
		return error_errno(errnum, "mini symbol table");
	*bytes = scope_take(read, NULL);
	return NULL;
}

/* As a file of its own, in memory, so that it is examined as all others are. */
static struct error *open_plain(const char *plain, size_t length, struct object **mini)
{
	_cleanup_close_ int fd = memfd_create("physlens-symbols", MFD_CLOEXEC);

	if (fd < 0)
		return error_errno(errno, "memfd_create");
	for (size_t done = 0; done < length;) {
		ssize_t written = write(fd, plain + done, length - done);

		if (written < 0 && errno != EINTR)
			return error_errno(errno, "mini symbol table");
		done += written > 0 ? (size_t)written : 0;
	}
	return object_open(fd, NULL, mini);
}

struct error *object_open_mini_debug(struct object *object, struct object **mini)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	_cleanup_free_ char *plain = NULL;
	decode_function *function;
	size_t size = 0, length = 0;

	*mini = NULL;
	TRY(read_section(object, &bytes, &size));
	if (!bytes)
		return NULL;
	_cleanup_error_ struct error *missing = load_decoder(&function);
	if (missing) {
		object_set_defect(object, "mini symbol table: liblzma is not there to read it");
		return NULL;
	}
	TRY(decode(object, function, bytes, size, &plain, &length));
	if (!plain || !object_take_bytes(object, length))
		return NULL;
	return open_plain(plain, length, mini);
}
