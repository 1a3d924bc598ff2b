// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What any source can learn of the kernel's own addresses: from VMCOREINFO, whose physical address
 * /sys/kernel/vmcoreinfo tells, and from /proc/iomem and /proc/kallsyms.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/scope.h"
#include "phys/impl.h"
#include "proc/kallsyms.h"

enum { VMCOREINFO_LIMIT = 1 << 20 }; /* the kernel's buffer is a page or two */

/* "0x0000000100b86000 1024": physical address and size, both hexadecimal (kernel/ksysfs.c). */
static bool vmcoreinfo_place(int root, uint64_t *paddr, uint64_t *size)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_error_ struct error *error =
		read_file_at(root, "sys/kernel/vmcoreinfo", 4096, &text, NULL);

	if (error)
		return false;
	text[strcspn(text, "\n")] = '\0';
	char *second = strchr(text, ' ');
	if (!second)
		return false;
	*second++ = '\0';
	return parse_hex(text, paddr) && parse_hex(second, size) && *paddr &&
	       *size >= sizeof(Elf64_Nhdr) && *size <= VMCOREINFO_LIMIT;
}

/* The text of the ELF note in `note`, made a string; NULL when it is not VMCOREINFO's. */
static char *note_text(const char *note, size_t size)
{
	static const char name[] = "VMCOREINFO";
	Elf64_Nhdr header;
	size_t text = sizeof(header) + align_up(sizeof(name), 4);

	if (size < text)
		return NULL;
	memcpy(&header, note, sizeof(header));
	if (header.n_namesz != sizeof(name) ||
	    memcmp(note + sizeof(header), name, sizeof(name)) != 0)
		return NULL;
	size_t length = header.n_descsz < size - text ? header.n_descsz : size - text;
	return strndup(note + text, length);
}

/* A file that is not there, or a page that cannot be read, leaves it unknown: no error. */
static struct error *read_vmcoreinfo(struct source *source)
{
	uint64_t paddr, size;
	size_t got;

	if (!vmcoreinfo_place(source->root, &paddr, &size))
		return NULL;
	_cleanup_free_ char *note = malloc(size);
	if (!note)
		return error_nomem();
	_cleanup_error_ struct error *error = source_read(source, paddr, note, size, &got);
	if (!error)
		source->vmcoreinfo = note_text(note, size);
	return NULL;
}

bool vmcoreinfo_find(const char *vmcoreinfo, const char *key, const char **value)
{
	size_t length = strlen(key);

	for (const char *line = vmcoreinfo; line && *line;) {
		if (strncmp(line, key, length) == 0 && line[length] == '=') {
			*value = line + length + 1;
			return true;
		}
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return false;
}

/* "NUMBER(phys_base)=-1275068416": signed decimal. */
static bool phys_base_from_vmcoreinfo(const char *vmcoreinfo, uint64_t *phys_base)
{
	const char *value;
	char *end;

	if (!vmcoreinfo_find(vmcoreinfo, "NUMBER(phys_base)", &value))
		return false;
	errno = 0;
	long long number = strtoll(value, &end, 10);
	if (errno || end == value || (*end && *end != '\n'))
		return false;
	*phys_base = (uint64_t)number;
	return true;
}

/* "Kernel code" in /proc/iomem begins with `_text` (arch/x86/kernel/setup.c). */
static struct error *phys_base_from_text(struct source *source, uint64_t text,
					 struct source_kernel *kernel)
{
	struct iomem iomem;
	struct range code;

	if (text < KERNEL_IMAGE)
		return NULL;
	TRY(iomem_load(source->root, &iomem));
	if (iomem_kernel_code(&iomem, &code)) {
		kernel->has_phys_base = true;
		kernel->phys_base = code.start - (text - KERNEL_IMAGE);
	}
	iomem_deinit(&iomem);
	return NULL;
}

/* The value of the variable page_offset_base, which kernels with KALLSYMS_ALL name. */
static struct error *read_direct_map(struct source *source, uint64_t variable,
				     struct source_kernel *kernel)
{
	uint64_t value;
	size_t got;

	if (variable < KERNEL_IMAGE)
		return NULL;
	_cleanup_error_ struct error *error = source_read(
		source, variable - KERNEL_IMAGE + kernel->phys_base, &value, sizeof(value), &got);
	if (!error && value >> 63 && value % (UINT64_C(1) << 30) == 0) {
		kernel->has_direct_map = true;
		kernel->direct_map = value;
	}
	return NULL;
}

/* One pass over kallsyms, which has some 200,000 lines: only when something is missing. */
static struct error *from_kallsyms(struct source *source, struct source_kernel *kernel)
{
	struct kallsyms_lookup lookups[] = {{.name = "_text"}, {.name = "page_offset_base"}};
	struct kallsyms_summary summary;
	struct error *error = kallsyms_load(source->root, lookups, 2, &summary);

	if (error) {
		bool nomem = error_is(error, ERROR_NOMEM);

		error_free(error);
		return nomem ? error_nomem() : NULL;
	}
	if (!kernel->has_phys_base)
		TRY(phys_base_from_text(source, lookups[0].address, kernel));
	if (!kernel->has_direct_map && kernel->has_phys_base)
		TRY(read_direct_map(source, lookups[1].address, kernel));
	return NULL;
}

struct error *source_complete_kernel(struct source *source, struct source_kernel *kernel)
{
	if (source->root < 0)
		return NULL;
	if (!kernel->vmcoreinfo) {
		TRY(read_vmcoreinfo(source));
		kernel->vmcoreinfo = source->vmcoreinfo;
	}
	if (!kernel->has_phys_base)
		kernel->has_phys_base =
			phys_base_from_vmcoreinfo(kernel->vmcoreinfo, &kernel->phys_base);
#if defined(__x86_64__)
	if (!kernel->has_phys_base || !kernel->has_direct_map)
		return from_kallsyms(source, kernel);
#endif
	return NULL;
}
