// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/btf.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/library.h"
#include "base/scope.h"
#include "proc/mounted.h"

/*
 * Of anonymous structures. One that contains itself, perhaps several times, must not hang us: so
 * many members in all are looked at for a name (task_struct has some 300), and what is behind them
 * is not found.
 */
enum { NESTING = 16, MEMBERS_LOOKED_AT = 1 << 18 };

/* What is called of libbpf; the rest of btf.h is inline. */
struct libbpf {
	__typeof__(libbpf_set_print) *set_print;
	__typeof__(btf__parse_raw) *parse_raw;
	__typeof__(btf__new) *parse_bytes;
	__typeof__(btf__free) *free;
	__typeof__(btf__find_by_name_kind) *find_by_name_kind;
	__typeof__(btf__name_by_offset) *name_by_offset;
	__typeof__(btf__resolve_size) *resolve_size;
	__typeof__(btf__resolve_type) *resolve_type;
	__typeof__(btf__type_by_id) *type_by_id;
};

struct kernel_types {
	struct libbpf bpf;
	struct btf *btf;
};

LIBRARY_NOTE(bpf, BPF_SONAME, "page-tables", "where members of the kernel's structures lie");

static struct error *libbpf_load(struct libbpf *bpf)
{
	const struct library_function functions[] = {
		{"libbpf_set_print", &bpf->set_print},
		{"btf__parse_raw", &bpf->parse_raw},
		{"btf__new", &bpf->parse_bytes},
		{"btf__free", &bpf->free},
		{"btf__find_by_name_kind", &bpf->find_by_name_kind},
		{"btf__name_by_offset", &bpf->name_by_offset},
		{"btf__resolve_size", &bpf->resolve_size},
		{"btf__resolve_type", &bpf->resolve_type},
		{"btf__type_by_id", &bpf->type_by_id},
	};

	return library_load(BPF_SONAME, functions, sizeof(functions) / sizeof(functions[0]));
}

struct error *kernel_types_check_library(void)
{
	struct libbpf bpf;

	return libbpf_load(&bpf);
}

/*
 * From Linux 6.16 on the kernel's file can be mapped (kernel/bpf/sysfs_btf.c), which saves reading
 * its megabytes a page a system call. NULL if that is not so: it is read then.
 */
static struct btf *parse_mapped(const struct libbpf *bpf, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	/* The kernel's own does not become shorter while it is mapped; another might. */
	if (fd < 0 || strcmp(path, KERNEL_TYPES_PATH) != 0 || fstat(fd, &status) < 0 ||
	    status.st_size <= 0 || status.st_size > UINT32_MAX)
		return NULL;
	size_t size = (size_t)status.st_size;
	void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return NULL;
	struct btf *btf = bpf->parse_bytes(bytes, (uint32_t)size);
	munmap(bytes, size);
	return btf;
}

struct error *kernel_types_load(const char *path, struct kernel_types **types)
{
	struct kernel_types *loaded = calloc(1, sizeof(*loaded));

	if (!loaded)
		return error_nomem();
	struct error *error = libbpf_load(&loaded->bpf);
	if (error) {
		free(loaded);
		return error;
	}
	loaded->bpf.set_print(NULL); /* what fails is our errors' business */
	loaded->btf = parse_mapped(&loaded->bpf, path);
	errno = 0;
	if (!loaded->btf)
		loaded->btf = loaded->bpf.parse_raw(path);
	if (loaded->btf) {
		*types = loaded;
		return NULL;
	}
	int errnum = errno ? errno : EINVAL;
	free(loaded);
	if (errnum == ENOENT && !sysfs_is_mounted(AT_FDCWD))
		return error_new(ERROR_UNSUPPORTED, "%s: /sys is not mounted", path);
	if (errnum == ENOENT)
		return error_new(ERROR_UNSUPPORTED,
				 "%s: not there: this kernel was built without BTF "
				 "(CONFIG_DEBUG_INFO_BTF), so its structures cannot be read",
				 path);
	if (errnum == EINVAL || errnum == EPROTO)
		return error_new(ERROR_INPUT, "%s: not type information that libbpf understands",
				 path);
	return error_errno(errnum, "%s", path);
}

void kernel_types_free(struct kernel_types *types)
{
	if (!types)
		return;
	types->bpf.free(types->btf);
	free(types);
}

/* The structure or union that a type is, under its typedefs and qualifiers; NULL when it is none.
 */
static const struct btf_type *composite(const struct kernel_types *types, uint32_t id)
{
	int resolved = types->bpf.resolve_type(types->btf, id);
	const struct btf_type *type =
		resolved < 0 ? NULL : types->bpf.type_by_id(types->btf, (uint32_t)resolved);

	return type && btf_is_composite(type) ? type : NULL;
}

/* A member found: its offset in bits from where the search began, and its type. */
struct found {
	uint64_t bit;
	uint32_t type;
	bool bit_field;
};

/* What a search may still do. */
struct search {
	int nesting;
	unsigned members;
};

static bool is_named(const struct kernel_types *types, const struct btf_member *member,
		     const char *name, size_t length)
{
	const char *own = types->bpf.name_by_offset(types->btf, member->name_off);

	return own && strlen(own) == length && strncmp(own, name, length) == 0;
}

static bool find_member(const struct kernel_types *types, const struct btf_type *type,
			const char *name, size_t length, struct search *search, struct found *found)
{
	const struct btf_member *members = btf_members(type);

	for (uint32_t i = 0; i < btf_vlen(type) && search->members > 0; i++) {
		uint64_t bit = btf_member_bit_offset(type, i);
		const struct btf_type *inner;

		search->members--;
		if (is_named(types, &members[i], name, length)) {
			*found = (struct found){bit, members[i].type,
						btf_member_bitfield_size(type, i) != 0};
			return true;
		}
		if (!is_named(types, &members[i], "", 0) || search->nesting == 0)
			continue;
		inner = composite(types, members[i].type);
		search->nesting--;
		bool is_there = inner && find_member(types, inner, name, length, search, found);
		search->nesting++;
		if (is_there) {
			found->bit += bit;
			return true;
		}
	}
	return false;
}

static struct error *no_such(const char *structure, const char *path)
{
	return error_new(ERROR_UNSUPPORTED, "this kernel's type information has no %s%s%s",
			 structure, path ? "." : "", path ? path : "");
}

static struct error *finish(const struct kernel_types *types, const char *structure,
			    const char *path, const struct found *found,
			    struct kernel_member *member)
{
	int64_t size = types->bpf.resolve_size(types->btf, found->type);

	if (found->bit_field || found->bit % 8 != 0)
		return error_new(ERROR_UNSUPPORTED, "%s.%s is a bit field", structure, path);
	if (size < 0 || size > UINT32_MAX || found->bit / 8 > UINT32_MAX - (uint64_t)size)
		return error_new(ERROR_INPUT, "%s.%s: type information makes no sense", structure,
				 path);
	*member = (struct kernel_member){(uint32_t)(found->bit / 8), (uint32_t)size};
	return NULL;
}

struct error *kernel_types_member(const struct kernel_types *types, const char *structure,
				  const char *path, struct kernel_member *member)
{
	int id = types->bpf.find_by_name_kind(types->btf, structure, BTF_KIND_STRUCT);
	const struct btf_type *type =
		id < 0 ? NULL : types->bpf.type_by_id(types->btf, (uint32_t)id);
	struct found found = {0};
	uint64_t bit = 0;

	if (!type)
		return no_such(structure, NULL);
	for (const char *name = path; name;) {
		struct search search = {NESTING, MEMBERS_LOOKED_AT};
		size_t length = strcspn(name, ".");

		if (!type || length == 0 ||
		    !find_member(types, type, name, length, &search, &found))
			return no_such(structure, path);
		bit += found.bit;
		type = composite(types, found.type);
		name = name[length] ? name + length + 1 : NULL;
	}
	found.bit = bit;
	return finish(types, structure, path, &found, member);
}
