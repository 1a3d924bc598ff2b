// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hostile-elf DIRECTORY: writes ELF files into it, one sound ("good") and many that
 * lie, each the sound one with one thing wrong. Prints a line a file:
 *
 *	NAME <tab> PATH <tab> what is wrong with it
 *
 * A process maps one (see mapfile) and physlens must name its pages, or say
 * that it cannot, without a crash, a hang or memory out of proportion.
 *
 * The sound file: .text at 0x1000, .rodata at 0x2000, .data at 0x3000, in three
 * segments; a symbol table; a build-id.
 */
#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE  0x1000
#define TEXT  0x1000
#define RO    0x2000
#define DATA  0x3000
#define META  0x4000
#define TOTAL 0x5000

enum { S_NULL, S_TEXT, S_RODATA, S_DATA, S_NOTE, S_SYMTAB, S_STRTAB, S_SHSTRTAB, SECTIONS };

/* What lies from META on; in the file's order, so that offsets are offsetof's. */
struct meta {
	Elf64_Shdr sections[SECTIONS];
	Elf64_Sym symbols[3];
	struct {
		Elf64_Nhdr head;
		char name[4];
		unsigned char id[20];
	} note;
	char strtab[32];
	char shstrtab[80];
};

struct image {
	union {
		unsigned char bytes[TOTAL];
		struct {
			Elf64_Ehdr ehdr;
			Elf64_Phdr phdrs[4];
		} head;
		struct {
			unsigned char before[META];
			struct meta meta;
		} tail;
	} u;
	size_t size;
};

#define EHDR(image)    ((image)->u.head.ehdr)
#define PHDR(image, i) ((image)->u.head.phdrs[i])
#define TABLES(image)  ((image)->u.tail.meta)
#define SHDR(image, i) (TABLES(image).sections[i])
#define WHERE(field)   (META + offsetof(struct meta, field))

/* ---- the sound file ---- */

static Elf64_Word add_name(struct image *image, const char *name)
{
	char *table = TABLES(image).shstrtab;
	Elf64_Word at = 1;

	while (table[at] != '\0')
		at += (Elf64_Word)strlen(table + at) + 1;
	memcpy(table + at, name, strlen(name) + 1);
	return at;
}

static void add_section(struct image *image, int i, const char *name, Elf64_Shdr shdr)
{
	shdr.sh_name = add_name(image, name);
	SHDR(image, i) = shdr;
}

static void add_sections(struct image *image)
{
	add_section(image, S_TEXT, ".text",
		    (Elf64_Shdr){.sh_type = SHT_PROGBITS,
				 .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
				 .sh_addr = TEXT,
				 .sh_offset = TEXT,
				 .sh_size = PAGE,
				 .sh_addralign = 16});
	add_section(image, S_RODATA, ".rodata",
		    (Elf64_Shdr){.sh_type = SHT_PROGBITS,
				 .sh_flags = SHF_ALLOC,
				 .sh_addr = RO,
				 .sh_offset = RO,
				 .sh_size = PAGE,
				 .sh_addralign = 16});
	add_section(image, S_DATA, ".data",
		    (Elf64_Shdr){.sh_type = SHT_PROGBITS,
				 .sh_flags = SHF_ALLOC | SHF_WRITE,
				 .sh_addr = DATA,
				 .sh_offset = DATA,
				 .sh_size = PAGE,
				 .sh_addralign = 16});
	add_section(image, S_NOTE, ".note.gnu.build-id",
		    (Elf64_Shdr){.sh_type = SHT_NOTE,
				 .sh_offset = WHERE(note),
				 .sh_size = sizeof(TABLES(image).note),
				 .sh_addralign = 4});
	add_section(image, S_SYMTAB, ".symtab",
		    (Elf64_Shdr){.sh_type = SHT_SYMTAB,
				 .sh_offset = WHERE(symbols),
				 .sh_size = sizeof(TABLES(image).symbols),
				 .sh_link = S_STRTAB,
				 .sh_info = 1,
				 .sh_addralign = 8,
				 .sh_entsize = sizeof(Elf64_Sym)});
	add_section(image, S_STRTAB, ".strtab",
		    (Elf64_Shdr){.sh_type = SHT_STRTAB,
				 .sh_offset = WHERE(strtab),
				 .sh_size = sizeof(TABLES(image).strtab),
				 .sh_addralign = 1});
	add_section(image, S_SHSTRTAB, ".shstrtab",
		    (Elf64_Shdr){.sh_type = SHT_STRTAB,
				 .sh_offset = WHERE(shstrtab),
				 .sh_size = sizeof(TABLES(image).shstrtab),
				 .sh_addralign = 1});
}

static void add_symbols(struct image *image)
{
	memcpy(TABLES(image).strtab, "\0function\0variable", 19);
	TABLES(image).symbols[1] = (Elf64_Sym){.st_name = 1,
					       .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
					       .st_shndx = S_TEXT,
					       .st_value = TEXT + 0x10,
					       .st_size = 0x20};
	TABLES(image).symbols[2] = (Elf64_Sym){.st_name = 10,
					       .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
					       .st_shndx = S_DATA,
					       .st_value = DATA + 0x20,
					       .st_size = 8};
}

static void add_note(struct image *image)
{
	TABLES(image).note.head =
		(Elf64_Nhdr){.n_namesz = 4, .n_descsz = 20, .n_type = NT_GNU_BUILD_ID};
	memcpy(TABLES(image).note.name, "GNU", 4);
	memset(TABLES(image).note.id, 0xab, sizeof(TABLES(image).note.id));
}

static Elf64_Phdr load(Elf64_Word flags, Elf64_Addr at)
{
	return (Elf64_Phdr){.p_type = PT_LOAD,
			    .p_flags = flags,
			    .p_offset = at,
			    .p_vaddr = at,
			    .p_paddr = at,
			    .p_filesz = PAGE,
			    .p_memsz = PAGE,
			    .p_align = PAGE};
}

static void add_segments(struct image *image)
{
	PHDR(image, 0) = load(PF_R | PF_X, TEXT);
	PHDR(image, 1) = load(PF_R, RO);
	PHDR(image, 2) = load(PF_R | PF_W, DATA);
	PHDR(image, 3) = (Elf64_Phdr){.p_type = PT_NOTE,
				      .p_flags = PF_R,
				      .p_offset = WHERE(note),
				      .p_filesz = sizeof(TABLES(image).note),
				      .p_memsz = sizeof(TABLES(image).note),
				      .p_align = 4};
}

static void good(struct image *image)
{
	memset(image, 0, sizeof(*image));
	image->size = TOTAL;
	EHDR(image) =
		(Elf64_Ehdr){.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			     .e_type = ET_DYN,
			     .e_machine = EM_X86_64,
			     .e_version = EV_CURRENT,
			     .e_entry = TEXT,
			     .e_phoff = sizeof(Elf64_Ehdr),
			     .e_shoff = WHERE(sections),
			     .e_ehsize = sizeof(Elf64_Ehdr),
			     .e_phentsize = sizeof(Elf64_Phdr),
			     .e_phnum = 4,
			     .e_shentsize = sizeof(Elf64_Shdr),
			     .e_shnum = SECTIONS,
			     .e_shstrndx = S_SHSTRTAB};
	memset(image->u.bytes + TEXT, 0x90, PAGE);
	memset(image->u.bytes + RO, 'r', PAGE);
	memset(image->u.bytes + DATA, 'd', PAGE);
	add_segments(image);
	add_sections(image);
	add_symbols(image);
	add_note(image);
}

/* ---- what is done to it ---- */

static void keep(struct image *image)
{
	(void)image;
}

static void shoff_past_end(struct image *image)
{
	EHDR(image).e_shoff = TOTAL + 0x100000;
}

static void shoff_wraps(struct image *image)
{
	EHDR(image).e_shoff = UINT64_MAX - 32;
}

static void shoff_odd(struct image *image)
{
	EHDR(image).e_shoff += 3;
}

static void shnum_huge(struct image *image)
{
	EHDR(image).e_shnum = 0xfeff;
}

/* e_shnum 0: the count is in section 0's sh_size. */
static void shnum_extended(struct image *image)
{
	EHDR(image).e_shnum = 0;
	SHDR(image, S_NULL).sh_size = UINT64_C(0x0400000000000001);
}

static void shentsize_zero(struct image *image)
{
	EHDR(image).e_shentsize = 0;
}

static void shstrndx_wild(struct image *image)
{
	EHDR(image).e_shstrndx = 0xfff0;
}

static void shstrndx_extended(struct image *image)
{
	EHDR(image).e_shstrndx = SHN_XINDEX;
	SHDR(image, S_NULL).sh_link = 0x7fffffff;
}

static void shstrndx_not_strings(struct image *image)
{
	EHDR(image).e_shstrndx = S_TEXT;
}

static void name_past_strtab(struct image *image)
{
	for (int i = 1; i < SECTIONS; i++)
		SHDR(image, i).sh_name = 0x7ffffff0;
}

static void shstrtab_no_nul(struct image *image)
{
	SHDR(image, S_SHSTRTAB).sh_size = SHDR(image, S_SHSTRTAB).sh_name + sizeof(".shstrtab") - 1;
	SHDR(image, S_TEXT).sh_name = SHDR(image, S_SHSTRTAB).sh_name;
	memset(TABLES(image).shstrtab, 'A', sizeof(TABLES(image).shstrtab));
}

static void name_escapes(struct image *image)
{
	memcpy(TABLES(image).shstrtab + SHDR(image, S_TEXT).sh_name, "\x1b[2J\n", 5);
}

static void sections_overlap(struct image *image)
{
	SHDR(image, S_TEXT).sh_size = 3 * PAGE;
	SHDR(image, S_RODATA).sh_addr = SHDR(image, S_RODATA).sh_offset = TEXT + 0x800;
	SHDR(image, S_DATA).sh_addr = SHDR(image, S_DATA).sh_offset = TEXT + 0x400;
	SHDR(image, S_DATA).sh_size = 3 * PAGE;
}

static void sections_unsorted(struct image *image)
{
	Elf64_Shdr swap = SHDR(image, S_TEXT);

	SHDR(image, S_TEXT) = SHDR(image, S_DATA);
	SHDR(image, S_DATA) = swap;
}

static void section_size_wraps(struct image *image)
{
	SHDR(image, S_TEXT).sh_size = UINT64_MAX - TEXT + 2;
	SHDR(image, S_DATA).sh_size = UINT64_MAX;
}

static void section_addr_wraps(struct image *image)
{
	SHDR(image, S_DATA).sh_addr = UINT64_MAX - 0xff;
}

static void section_size_zero(struct image *image)
{
	for (int i = 1; i <= S_DATA; i++)
		SHDR(image, i).sh_size = 0;
}

static void section_past_end(struct image *image)
{
	SHDR(image, S_SYMTAB).sh_offset = TOTAL * 16;
	SHDR(image, S_STRTAB).sh_offset = TOTAL - 4;
	SHDR(image, S_RODATA).sh_offset = TOTAL * 4;
}

static void symtab_entsize_zero(struct image *image)
{
	SHDR(image, S_SYMTAB).sh_entsize = 0;
}

static void symtab_entsize_odd(struct image *image)
{
	SHDR(image, S_SYMTAB).sh_entsize = 7;
}

static void symtab_size_huge(struct image *image)
{
	SHDR(image, S_SYMTAB).sh_size = UINT64_C(24) << 40;
}

static void symtab_link_wild(struct image *image)
{
	SHDR(image, S_SYMTAB).sh_link = 0xfffff;
}

static void symtab_link_self(struct image *image)
{
	SHDR(image, S_SYMTAB).sh_link = S_SYMTAB;
}

static void symbol_name_wild(struct image *image)
{
	TABLES(image).symbols[1].st_name = 0xfffffff0;
}

static void symbol_wraps(struct image *image)
{
	TABLES(image).symbols[1].st_value = UINT64_MAX - 8;
	TABLES(image).symbols[1].st_size = 64;
	TABLES(image).symbols[2].st_size = UINT64_MAX;
}

static void symbol_name_escapes(struct image *image)
{
	memcpy(TABLES(image).strtab + 1, "f\x1b[2J\n\t\"", 8);
}

static void strtab_no_nul(struct image *image)
{
	memset(TABLES(image).strtab, 'A', sizeof(TABLES(image).strtab));
}

static void note_descsz_huge(struct image *image)
{
	TABLES(image).note.head.n_descsz = 0xfffffff0;
}

static void note_namesz_huge(struct image *image)
{
	TABLES(image).note.head.n_namesz = 0xfffffffd;
}

static void note_desc_empty(struct image *image)
{
	TABLES(image).note.head.n_descsz = 0;
}

static void note_truncated(struct image *image)
{
	SHDR(image, S_NOTE).sh_size = PHDR(image, 3).p_filesz = 14;
}

static void phoff_past_end(struct image *image)
{
	EHDR(image).e_phoff = UINT64_C(1) << 62;
}

static void phnum_huge(struct image *image)
{
	EHDR(image).e_phnum = 0xfffe;
}

/* e_phnum 0xffff: the count is in section 0's sh_info. */
static void phnum_extended(struct image *image)
{
	EHDR(image).e_phnum = PN_XNUM;
	SHDR(image, S_NULL).sh_info = 0xffffffff;
}

static void phentsize_zero(struct image *image)
{
	EHDR(image).e_phentsize = 0;
}

static void segment_wraps(struct image *image)
{
	PHDR(image, 0).p_vaddr = UINT64_MAX - 0xfff;
	PHDR(image, 0).p_memsz = UINT64_MAX;
	PHDR(image, 1).p_offset = UINT64_MAX - 0xfff;
	PHDR(image, 1).p_filesz = UINT64_MAX;
}

static void segments_overlap(struct image *image)
{
	PHDR(image, 1).p_vaddr = PHDR(image, 2).p_vaddr = TEXT;
	PHDR(image, 1).p_offset = PHDR(image, 2).p_offset = TEXT;
}

static void segment_bias(struct image *image)
{
	PHDR(image, 0).p_vaddr += 0x123;
	PHDR(image, 0).p_align = 0;
}

static void class_wrong(struct image *image)
{
	EHDR(image).e_ident[EI_CLASS] = 77;
}

static void class_32(struct image *image)
{
	EHDR(image).e_ident[EI_CLASS] = ELFCLASS32;
}

static void data_big(struct image *image)
{
	EHDR(image).e_ident[EI_DATA] = ELFDATA2MSB;
}

static void no_sections(struct image *image)
{
	EHDR(image).e_shoff = 0;
	EHDR(image).e_shnum = 0;
	EHDR(image).e_shstrndx = 0;
}

static void cut_in_header(struct image *image)
{
	image->size = 40;
}

static void cut_in_phdrs(struct image *image)
{
	image->size = sizeof(Elf64_Ehdr) + 100;
}

static void cut_in_text(struct image *image)
{
	image->size = TEXT + 0x123;
}

static void cut_in_shdrs(struct image *image)
{
	image->size = META + 3 * sizeof(Elf64_Shdr) + 5;
}

static void only_magic(struct image *image)
{
	image->size = 4;
}

static void empty(struct image *image)
{
	image->size = 0;
}

/* Fixed, so that a failure comes again. */
static void noise(struct image *image)
{
	uint32_t x = 2463534242;

	for (size_t i = EI_NIDENT; i < TOTAL; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		image->u.bytes[i] = (unsigned char)x;
	}
}

static void archive(struct image *image)
{
	memcpy(image->u.bytes,
	       "!<arch>\nx.o/            0           0     0     644     999999999 `\n", 68);
}

static const struct {
	const char *name, *what;
	void (*change)(struct image *image);
} files[] = {
	{"good", "nothing", keep},
	{"shoff-past-end", "section headers past the end of the file", shoff_past_end},
	{"shoff-wraps", "section headers' offset wraps around", shoff_wraps},
	{"shoff-odd", "section headers at an odd offset", shoff_odd},
	{"shnum-huge", "more section headers than the file has room for", shnum_huge},
	{"shnum-extended", "2^58 section headers, counted in section 0", shnum_extended},
	{"shentsize-zero", "section headers of size 0", shentsize_zero},
	{"shstrndx-wild", "section names in a section that is not there", shstrndx_wild},
	{"shstrndx-extended", "section names in a section that is not there, by section 0",
	 shstrndx_extended},
	{"shstrndx-not-strings", "section names in .text", shstrndx_not_strings},
	{"name-past-strtab", "section names past the end of their table", name_past_strtab},
	{"shstrtab-no-nul", "section names without an end", shstrtab_no_nul},
	{"name-escapes", "an escape sequence and a newline in a section's name", name_escapes},
	{"sections-overlap", "sections over each other", sections_overlap},
	{"sections-unsorted", "sections not in the order of their addresses", sections_unsorted},
	{"section-size-wraps", "section sizes that wrap around", section_size_wraps},
	{"section-addr-wraps", "a section address at the end of the address space",
	 section_addr_wraps},
	{"section-size-zero", "sections of size 0", section_size_zero},
	{"section-past-end", "sections past the end of the file", section_past_end},
	{"symtab-entsize-zero", "symbols of size 0", symtab_entsize_zero},
	{"symtab-entsize-odd", "symbols of size 7", symtab_entsize_odd},
	{"symtab-size-huge", "2^40 symbols", symtab_size_huge},
	{"symtab-link-wild", "symbol names in a section that is not there", symtab_link_wild},
	{"symtab-link-self", "symbol names in the symbol table", symtab_link_self},
	{"symbol-name-wild", "a symbol name past the end of its table", symbol_name_wild},
	{"symbol-wraps", "symbols that wrap around", symbol_wraps},
	{"symbol-name-escapes", "an escape sequence and a newline in a symbol's name",
	 symbol_name_escapes},
	{"strtab-no-nul", "symbol names without an end", strtab_no_nul},
	{"note-descsz-huge", "a note of 4 GiB", note_descsz_huge},
	{"note-namesz-huge", "a note with a name of 4 GiB", note_namesz_huge},
	{"note-desc-empty", "an empty build-id", note_desc_empty},
	{"note-truncated", "a note cut off after its header", note_truncated},
	{"phoff-past-end", "program headers past the end of the file", phoff_past_end},
	{"phnum-huge", "more program headers than the file has room for", phnum_huge},
	{"phnum-extended", "2^32 program headers, counted in section 0", phnum_extended},
	{"phentsize-zero", "program headers of size 0", phentsize_zero},
	{"segment-wraps", "segments that wrap around", segment_wraps},
	{"segments-overlap", "segments over each other", segments_overlap},
	{"segment-bias", "a segment whose address and offset differ within the page", segment_bias},
	{"class-wrong", "neither 32 nor 64 bits", class_wrong},
	{"class-32", "says 32 bits, is 64", class_32},
	{"data-big", "says big-endian, is little", data_big},
	{"no-sections", "no section headers", no_sections},
	{"cut-in-header", "ends in the ELF header", cut_in_header},
	{"cut-in-phdrs", "ends in the program headers", cut_in_phdrs},
	{"cut-in-text", "ends in .text", cut_in_text},
	{"cut-in-shdrs", "ends in the section headers", cut_in_shdrs},
	{"only-magic", "four bytes", only_magic},
	{"empty", "no bytes at all", empty},
	{"noise", "noise behind the identification", noise},
	{"archive", "an archive with a member larger than the file", archive},
};

static int write_file(const char *dir, size_t i)
{
	static struct image image;
	char path[4096];
	FILE *file;
	int ok;

	snprintf(path, sizeof(path), "%s/%s.elf", dir, files[i].name);
	good(&image);
	files[i].change(&image);
	file = fopen(path, "we");
	ok = file && fwrite(image.u.bytes, 1, image.size, file) == image.size;
	if (file && fclose(file) != 0)
		ok = 0;
	if (!ok)
		fprintf(stderr, "hostile-elf: %s: %s\n", path, strerror(errno));
	else
		printf("%s\t%s\t%s\n", files[i].name, path, files[i].what);
	return ok;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: hostile-elf DIRECTORY\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		if (!write_file(argv[1], i))
			return 2;
	}
	return fflush(stdout) == 0 ? 0 : 2;
}
