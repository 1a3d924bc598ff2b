// SPDX-License-Identifier: GPL-2.0-or-later
#include "fake.h"

#include <elf.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "unit.h"

#define SHIFT 12

static struct fake *fake_of(struct space *space)
{
	return (struct fake *)((char *)space - offsetof(struct fake, space));
}

static struct error *vmas(struct space *space, struct vma_list *list)
{
	char *text = strdup(fake_of(space)->maps);

	return text ? vma_list_parse(list, text, strlen(text)) : error_nomem();
}

/* How many pages from `first` on are given at once: neighbours, and those not farther than bridge.
 */
static size_t stretch(const struct fake *fake, size_t first, uint64_t end)
{
	size_t i = first + 1;

	while (i < fake->page_count && fake->pages[i].vpn < end &&
	       fake->pages[i].vpn - fake->pages[i - 1].vpn - 1 <= fake->bridge)
		i++;
	return i - first;
}

static struct error *give(const struct fake *fake, size_t first, size_t count, pages_visit visit,
			  void *argument)
{
	uint64_t vpn = fake->pages[first].vpn;
	size_t length = (size_t)(fake->pages[first + count - 1].vpn - vpn) + 1;
	uint64_t *words = calloc(length, sizeof(*words));

	if (!words)
		return error_nomem();
	for (size_t i = 0; i < count; i++)
		words[fake->pages[first + i].vpn - vpn] = fake->pages[first + i].word;
	struct error *error = visit(argument, vpn, words, length);
	free(words);
	return error;
}

static struct error *pages(struct space *space, const struct vma *vma, struct range range,
			   pages_visit visit, void *argument)
{
	const struct fake *fake = fake_of(space);
	size_t i = 0;

	/* The interface's promise: whole pages within the area. */
	assert_true(range.start >= vma->range.start && range.end <= vma->range.end);
	assert_int_equal((range.start | range.end) & 4095, 0);
	while (i < fake->page_count && fake->pages[i].vpn < range.start >> SHIFT)
		i++;
	while (i < fake->page_count && fake->pages[i].vpn < range.end >> SHIFT) {
		size_t count = stretch(fake, i, range.end >> SHIFT);

		TRY(give(fake, i, count, visit, argument));
		i += count;
	}
	return NULL;
}

static struct error *find_file(const struct fake *fake, const struct vma *vma, int *fd)
{
	for (size_t i = 0; i < fake->file_count; i++) {
		const struct fake_file *file = &fake->files[i];

		if (file->inode != vma->inode)
			continue;
		*fd = file->fd;
		return file->fd < 0 ? error_new(file->error, "%s: no", vma->name) : NULL;
	}
	return error_new(ERROR_DENIED, "%s: not in the table", vma->name);
}

static struct file_status status_of(int fd)
{
	struct stat st;
	struct statfs fs;

	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(fstatfs(fd, &fs), 0);
	return (struct file_status){.device = st.st_dev,
				    .inode = st.st_ino,
				    .regular = S_ISREG(st.st_mode),
				    .size = (uint64_t)st.st_size,
				    .blocks = (uint64_t)st.st_blocks,
				    .links = st.st_nlink,
				    .magic = (uint64_t)fs.f_type};
}

static struct error *identify(struct space *space, const struct vma *vma,
			      struct file_status *status)
{
	int fd = -1;

	fake_of(space)->asked++;
	TRY(find_file(fake_of(space), vma, &fd));
	*status = status_of(fd);
	return NULL;
}

static struct error *open_object(struct space *space, const struct vma *vma, int *fd,
				 struct file_status *status)
{
	int found = -1;

	fake_of(space)->opened++;
	TRY(find_file(fake_of(space), vma, &found));
	*fd = dup(found);
	*status = status_of(found);
	return NULL;
}

static struct error *check_alive(struct space *space)
{
	(void)space;
	return NULL;
}

struct frame fake_frame(uint64_t pfn)
{
	return (struct frame){.flags = pfn / 100, .mappers = pfn / 10 % 10};
}

static struct error *frames(struct target *target, const uint64_t *pfns, size_t count,
			    struct frame *result)
{
	const struct fake *fake =
		(const struct fake *)((const char *)target - offsetof(struct fake, target));

	if (fake->frames_denied)
		return error_new(ERROR_DENIED, "frames: no");
	for (size_t i = 0; i < count; i++)
		result[i] = fake_frame(pfns[i]);
	return NULL;
}

static const struct target_ops target_ops = {.frames = frames};
static const struct space_ops space_ops = {.vmas = vmas,
					   .pages = pages,
					   .identify = identify,
					   .open_object = open_object,
					   .check_alive = check_alive};

void fake_init(struct fake *fake)
{
	fake->target =
		(struct target){.ops = &target_ops, .page_shift = SHIFT, .pfns_visible = true};
	fake->space = (struct space){.ops = &space_ops,
				     .target = &fake->target,
				     .pid = 1,
				     .command = "fake",
				     .pfns_visible = true,
				     .zero_visible = true,
				     .heap_start = fake->space.heap_start};
}

/* --- the ELF file ------------------------------------------------------------------------- */

enum { NAMES = 0x3a00, HEADERS = 0x3b00, SIZE = 0x4000 };

static const char names[] = "\0.rodata\0.text\0.data.rel.ro\0.data\0.bss\0.shstrtab";

static Elf64_Word name_at(const char *name)
{
	return (Elf64_Word)((const char *)memmem(names, sizeof(names), name, strlen(name) + 1) -
			    names);
}

static Elf64_Shdr section(const char *name, Elf64_Word type, Elf64_Addr from, Elf64_Addr to,
			  Elf64_Off offset)
{
	return (Elf64_Shdr){.sh_name = name_at(name),
			    .sh_type = type,
			    .sh_flags = from ? SHF_ALLOC : 0,
			    .sh_addr = from,
			    .sh_offset = offset,
			    .sh_size = to - from,
			    .sh_addralign = 1};
}

static Elf64_Phdr segment(Elf64_Word flags, Elf64_Addr vaddr, Elf64_Off offset, Elf64_Xword filesz,
			  Elf64_Xword memsz)
{
	return (Elf64_Phdr){.p_type = PT_LOAD,
			    .p_flags = flags,
			    .p_vaddr = vaddr,
			    .p_paddr = vaddr,
			    .p_offset = offset,
			    .p_filesz = filesz,
			    .p_memsz = memsz,
			    .p_align = 0x1000};
}

int fake_elf(bool with_sections)
{
	static unsigned char bytes[SIZE];
	const Elf64_Phdr segments[] = {segment(PF_R, 0, 0, 0x1000, 0x1000),
				       segment(PF_R | PF_X, 0x1000, 0x1000, 0x1800, 0x1800),
				       segment(PF_R | PF_W, 0x3800, 0x2800, 0x1100, 0x4000)};
	const Elf64_Shdr sections[] = {
		{0},
		section(".rodata", SHT_PROGBITS, 0x200, 0x1000, 0x200),
		section(".text", SHT_PROGBITS, 0x1000, 0x2800, 0x1000),
		section(".data.rel.ro", SHT_PROGBITS, 0x3800, 0x4000, 0x2800),
		section(".data", SHT_PROGBITS, 0x4000, 0x4900, 0x3000),
		section(".bss", SHT_NOBITS, 0x4900, 0x7800, 0x3900),
		section(".shstrtab", SHT_STRTAB, 0, sizeof(names), NAMES),
	};
	Elf64_Ehdr header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
					 ELFDATA2LSB, EV_CURRENT},
			     .e_type = ET_DYN,
			     .e_machine = EM_X86_64,
			     .e_version = EV_CURRENT,
			     .e_phoff = sizeof(header),
			     .e_ehsize = sizeof(header),
			     .e_phentsize = sizeof(Elf64_Phdr),
			     .e_phnum = 3,
			     .e_shentsize = sizeof(Elf64_Shdr)};

	memset(bytes, 0, sizeof(bytes));
	if (with_sections) {
		header.e_shoff = HEADERS;
		header.e_shnum = 7;
		header.e_shstrndx = 6;
		memcpy(bytes + HEADERS, sections, sizeof(sections));
		memcpy(bytes + NAMES, names, sizeof(names));
	}
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), segments, sizeof(segments));
	int fd = memfd_create("fake.elf", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	return fd;
}
