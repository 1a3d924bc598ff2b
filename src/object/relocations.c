// SPDX-License-Identifier: GPL-2.0-or-later
#include "object/relocations.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"

#ifndef DT_RELR
#define DT_RELRSZ  35
#define DT_RELR    36
#define DT_RELRENT 37
#endif

enum {
	SEGMENTS_MAX = 256, /* real objects have a dozen */
	DYNAMIC_MAX = 4096,
	SECTIONS_MAX = 4096,
	TABLE_MAX = 512 << 20,
	CHUNK = 3 << 14, /* a multiple of the sizes of all entries */
	SONAME_MAX = 64,
	LONGEST = 1 << 20, /* of what a copy relocation may copy */
	COPIES_MAX = 1 << 16,
	TWICE = 2, /* DT_RELA may include what DT_JMPREL has */
	PAGE = 4096,
};

/* --- one reading ------------------------------------------------------------------------------ */

struct segment {
	uint64_t offset, filesz, vaddr, memsz;
	uint32_t flags; /* PF_* */
};

/* Only what is named here of the dynamic section. */
struct dynamic {
	uint64_t rela, relasz, rel, relsz, jmprel, pltrelsz, pltrel, relr, relrsz;
	uint64_t symtab, strtab, soname;
	bool has_soname, has_needed;
};

/* A relocation that copies: how much is to be had from its symbol. */
struct copy {
	uint64_t place;
	uint64_t symbol;
};

struct reading {
	relocations_reader read;
	void *argument;
	struct range wanted;
	uint64_t room; /* bytes in `wanted` that relocations may still write */
	struct relocations *out;
	bool is_64;
	uint16_t machine;
	bool has_interpreter, has_dynamic;
	struct segment load[SEGMENTS_MAX];
	size_t load_count;
	struct segment dynamic_segment;
	struct dynamic dynamic;
	uint64_t section_offset;
	unsigned section_count, section_size;
	VEC(struct copy) copies;
};

static void defect(struct reading *r, const char *what)
{
	if (!r->out->defect)
		r->out->defect = what;
}

/* All of the bytes, or false with a defect. */
static bool fetch(struct reading *r, uint64_t offset, void *buffer, size_t length, const char *what)
{
	size_t got = 0;

	if (offset <= INT64_MAX && r->read(r->argument, offset, buffer, length, &got) == 0 &&
	    got == length)
		return true;
	defect(r, what);
	return false;
}

/* The offset in the file of an address, and how many bytes follow there. */
static bool find_offset(const struct reading *r, uint64_t vaddr, uint64_t *offset, uint64_t *left)
{
	for (size_t i = 0; i < r->load_count; i++) {
		const struct segment *s = &r->load[i];

		if (vaddr < s->vaddr || vaddr - s->vaddr >= s->filesz)
			continue;
		*left = s->filesz - (vaddr - s->vaddr);
		return !__builtin_add_overflow(s->offset, vaddr - s->vaddr, offset);
	}
	return false;
}

static uint64_t word_at(const struct reading *r, const unsigned char *bytes)
{
	uint64_t wide;
	uint32_t narrow;

	if (!r->is_64) {
		memcpy(&narrow, bytes, sizeof(narrow));
		return narrow;
	}
	memcpy(&wide, bytes, sizeof(wide));
	return wide;
}

/* --- types -------------------------------------------------------------------------------------
 */

struct relocation_type {
	uint32_t type;
	uint8_t kind;
	uint8_t size;
};

/* System V ABI, AMD64 supplement, "Relocation Types"; the i386 one, and glibc's elf.h. */
static const struct relocation_type types_64[] = {
	{R_X86_64_RELATIVE, RELOCATION_RELATIVE, 8}, {R_X86_64_GLOB_DAT, RELOCATION_SYMBOL, 8},
	{R_X86_64_JUMP_SLOT, RELOCATION_CODE, 8},    {R_X86_64_64, RELOCATION_SYMBOL, 8},
	{R_X86_64_32, RELOCATION_SYMBOL, 4},         {R_X86_64_32S, RELOCATION_SYMBOL, 4},
	{R_X86_64_PC32, RELOCATION_DISTANCE, 4},     {R_X86_64_PLT32, RELOCATION_DISTANCE, 4},
	{R_X86_64_PC64, RELOCATION_DISTANCE, 8},     {R_X86_64_IRELATIVE, RELOCATION_IFUNC, 8},
	{R_X86_64_DTPMOD64, RELOCATION_MODULE, 8},   {R_X86_64_DTPOFF64, RELOCATION_TLS, 8},
	{R_X86_64_TPOFF64, RELOCATION_TLS, 8},       {R_X86_64_SIZE64, RELOCATION_TLS, 8},
	{R_X86_64_TLSDESC, RELOCATION_TLS_CALL, 16}, {R_X86_64_COPY, RELOCATION_COPY, 0},
};

static const struct relocation_type types_32[] = {
	{R_386_RELATIVE, RELOCATION_RELATIVE, 4}, {R_386_GLOB_DAT, RELOCATION_SYMBOL, 4},
	{R_386_JMP_SLOT, RELOCATION_CODE, 4},     {R_386_32, RELOCATION_SYMBOL, 4},
	{R_386_PC32, RELOCATION_DISTANCE, 4},     {R_386_PLT32, RELOCATION_DISTANCE, 4},
	{R_386_IRELATIVE, RELOCATION_IFUNC, 4},   {R_386_TLS_DTPMOD32, RELOCATION_MODULE, 4},
	{R_386_TLS_DTPOFF32, RELOCATION_TLS, 4},  {R_386_TLS_TPOFF, RELOCATION_TLS, 4},
	{R_386_TLS_TPOFF32, RELOCATION_TLS, 4},   {R_386_SIZE32, RELOCATION_TLS, 4},
	{R_386_TLS_DESC, RELOCATION_TLS_CALL, 8}, {R_386_COPY, RELOCATION_COPY, 0},
};

static const struct relocation_type *find_type(const struct reading *r, uint32_t type)
{
	const struct relocation_type *types = r->is_64 ? types_64 : types_32;
	size_t count = r->is_64 ? sizeof(types_64) / sizeof(types_64[0])
				: sizeof(types_32) / sizeof(types_32[0]);

	for (size_t i = 0; i < count; i++) {
		if (types[i].type == type)
			return &types[i];
	}
	return NULL;
}

/* --- tables ------------------------------------------------------------------------------------
 */

/*
 * No byte is written twice, except that DT_RELA may include what DT_JMPREL has: twice is believed.
 * A file that writes more often makes work that is out of proportion to its size.
 */
static bool has_room(struct reading *r, struct range written)
{
	uint64_t length = range_length(range_intersect(written, r->wanted));

	if (length > r->room) {
		defect(r, "relocations: more than there are bytes for");
		return false;
	}
	r->room -= length;
	return true;
}

static struct error *add_copy(struct reading *r, uint64_t place, uint64_t symbol)
{
	if (r->copies.count >= COPIES_MAX) {
		defect(r, "relocations: too many that copy");
		return NULL;
	}
	return vec_push(&r->copies, ((struct copy){place, symbol}));
}

static struct error *add(struct reading *r, uint64_t place, uint32_t type, uint64_t symbol,
			 int64_t addend, bool in_place)
{
	const struct relocation_type *known = find_type(r, type);
	struct relocation one = {.place = place,
				 .addend = addend,
				 .kind = known ? known->kind : RELOCATION_UNDEFINED,
				 .size = known ? known->size : r->out->word,
				 .in_place = in_place};

	if (type == 0 || place >= r->wanted.end) /* R_X86_64_NONE, R_386_NONE */
		return NULL;
	if (one.kind == RELOCATION_COPY)
		return add_copy(r, place, symbol);
	if (place > UINT64_MAX - one.size || place + one.size <= r->wanted.start)
		return NULL;
	if (!has_room(r, (struct range){place, place + one.size}))
		return NULL;
	if (one.size > r->out->longest)
		r->out->longest = one.size;
	return vec_push(&r->out->items, one);
}

static struct error *add_rela(struct reading *r, const unsigned char *bytes)
{
	Elf64_Rela wide;
	Elf32_Rela narrow;

	if (r->is_64) {
		memcpy(&wide, bytes, sizeof(wide));
		return add(r, wide.r_offset, (uint32_t)ELF64_R_TYPE(wide.r_info),
			   ELF64_R_SYM(wide.r_info), wide.r_addend, false);
	}
	memcpy(&narrow, bytes, sizeof(narrow));
	return add(r, narrow.r_offset, ELF32_R_TYPE(narrow.r_info), ELF32_R_SYM(narrow.r_info),
		   narrow.r_addend, false);
}

static struct error *add_rel(struct reading *r, const unsigned char *bytes)
{
	Elf64_Rel wide;
	Elf32_Rel narrow;

	if (r->is_64) {
		memcpy(&wide, bytes, sizeof(wide));
		return add(r, wide.r_offset, (uint32_t)ELF64_R_TYPE(wide.r_info),
			   ELF64_R_SYM(wide.r_info), 0, true);
	}
	memcpy(&narrow, bytes, sizeof(narrow));
	return add(r, narrow.r_offset, ELF32_R_TYPE(narrow.r_info), ELF32_R_SYM(narrow.r_info), 0,
		   true);
}

typedef struct error *(*entry_reader)(struct reading *r, const unsigned char *bytes);

static struct error *read_entries(struct reading *r, uint64_t offset, uint64_t size, size_t entry,
				  entry_reader take)
{
	_cleanup_free_ unsigned char *bytes = malloc(CHUNK);

	if (!bytes)
		return error_nomem();
	for (uint64_t done = 0; done < size;) {
		size_t some = size - done < CHUNK ? (size_t)(size - done) : CHUNK, got = 0;

		if (r->read(r->argument, offset + done, bytes, some, &got) != 0)
			got = 0;
		for (size_t i = 0; i + entry <= got; i += entry)
			TRY(take(r, bytes + i));
		if (got < some) {
			defect(r, "relocations: past the end of the file");
			return NULL;
		}
		done += some;
	}
	return NULL;
}

static struct error *read_table(struct reading *r, uint64_t vaddr, uint64_t size, size_t entry,
				entry_reader take)
{
	uint64_t offset, left;

	if (size == 0)
		return NULL;
	if (!find_offset(r, vaddr, &offset, &left)) {
		defect(r, "relocations: in no segment");
		return NULL;
	}
	if (size > left || size > TABLE_MAX) {
		defect(r, "relocations: longer than their segment");
		size = left < TABLE_MAX ? left : TABLE_MAX;
	}
	return read_entries(r, offset, size / entry * entry, entry, take);
}

/*
 * gABI, "Relative Relocation Table": an even word is a place; an odd one, a bitmap of those that
 * follow the last place.
 */
static struct error *read_relr(struct reading *r)
{
	uint64_t size = r->dynamic.relrsz, offset, left, next = 0;
	unsigned word = r->out->word, bits = word * 8 - 1;
	uint32_t type = r->is_64 ? (uint32_t)R_X86_64_RELATIVE : (uint32_t)R_386_RELATIVE;
	_cleanup_free_ unsigned char *bytes = NULL;

	if (size == 0)
		return NULL;
	if (!find_offset(r, r->dynamic.relr, &offset, &left) || size > left || size > TABLE_MAX) {
		defect(r, "relocations: relr is not in a segment");
		return NULL;
	}
	bytes = malloc(size);
	if (!bytes)
		return error_nomem();
	if (!fetch(r, offset, bytes, size, "relocations: past the end of the file"))
		return NULL;
	for (uint64_t i = 0; i + word <= size; i += word) {
		uint64_t entry = word_at(r, bytes + i);

		if (!(entry & 1)) {
			TRY(add(r, entry, type, 0, 0, true));
			next = entry + word;
			continue;
		}
		for (unsigned bit = 0; bit < bits; bit++) {
			if (entry >> (bit + 1) & 1)
				TRY(add(r, next + (uint64_t)bit * word, type, 0, 0, true));
		}
		next += (uint64_t)bits * word;
	}
	return NULL;
}

/* --- headers ------------------------------------------------------------------------------------
 */

static bool read_header(struct reading *r)
{
	unsigned char ident[EI_NIDENT];
	Elf64_Ehdr wide;
	Elf32_Ehdr narrow;
	size_t got = 0;

	if (r->read(r->argument, 0, ident, sizeof(ident), &got) != 0 || got < sizeof(ident) ||
	    memcmp(ident, ELFMAG, SELFMAG) != 0 || ident[EI_DATA] != ELFDATA2LSB)
		return false;
	r->is_64 = ident[EI_CLASS] == ELFCLASS64;
	if (r->is_64) {
		if (!fetch(r, 0, &wide, sizeof(wide), "elf header: past the end of the file"))
			return false;
		r->machine = wide.e_machine;
		r->section_offset = wide.e_shoff;
		r->section_count = wide.e_shnum;
		r->section_size = wide.e_shentsize;
	} else {
		if (!fetch(r, 0, &narrow, sizeof(narrow), "elf header: past the end of the file"))
			return false;
		r->machine = narrow.e_machine;
		r->section_offset = narrow.e_shoff;
		r->section_count = narrow.e_shnum;
		r->section_size = narrow.e_shentsize;
	}
	if (r->machine != (r->is_64 ? EM_X86_64 : EM_386))
		return false;
	r->out->word = r->is_64 ? 8 : 4;
	return true;
}

static void take_segment(struct reading *r, uint32_t type, const struct segment *s)
{
	uint64_t end;

	if (__builtin_add_overflow(s->vaddr, s->memsz, &end)) {
		defect(r, "segment: wraps around the address space");
		return;
	}
	switch (type) {
	case PT_LOAD:
		r->load[r->load_count++] = *s;
		break;
	case PT_DYNAMIC:
		r->dynamic_segment = *s;
		r->has_dynamic = s->filesz > 0;
		break;
	case PT_INTERP:
		r->has_interpreter = true;
		break;
	case PT_GNU_RELRO:
		/* elf/dl-reloc.c, _dl_protect_relro() rounds the end down, linkers align it. */
		r->out->relro = (struct range){s->vaddr, align_up(end, PAGE)};
		break;
	}
}

static bool read_segments(struct reading *r)
{
	Elf64_Ehdr wide;
	Elf32_Ehdr narrow;
	uint64_t at = 0;
	unsigned count = 0;

	if (r->is_64) {
		if (!fetch(r, 0, &wide, sizeof(wide), "elf header: past the end of the file"))
			return false;
		at = wide.e_phoff;
		count = wide.e_phnum;
	} else {
		if (!fetch(r, 0, &narrow, sizeof(narrow), "elf header: past the end of the file"))
			return false;
		at = narrow.e_phoff;
		count = narrow.e_phnum;
	}
	if (count > SEGMENTS_MAX) {
		defect(r, "program headers: too many");
		count = SEGMENTS_MAX;
	}
	for (unsigned i = 0; i < count; i++) {
		Elf64_Phdr p;
		Elf32_Phdr q;

		if (r->is_64) {
			if (!fetch(r, at + (uint64_t)i * sizeof(p), &p, sizeof(p),
				   "program headers: past the end of the file"))
				break;
			take_segment(r, p.p_type,
				     &(struct segment){p.p_offset, p.p_filesz, p.p_vaddr, p.p_memsz,
						       p.p_flags});
		} else {
			if (!fetch(r, at + (uint64_t)i * sizeof(q), &q, sizeof(q),
				   "program headers: past the end of the file"))
				break;
			take_segment(r, q.p_type,
				     &(struct segment){q.p_offset, q.p_filesz, q.p_vaddr, q.p_memsz,
						       q.p_flags});
		}
	}
	return true;
}

/* Whether one that is mapped later has the page at `vaddr` for itself. */
static bool is_replaced(const struct reading *r, size_t index, uint64_t vaddr)
{
	for (size_t i = index + 1; i < r->load_count; i++) {
		const struct segment *s = &r->load[i];

		if (s->filesz && s->vaddr / PAGE <= vaddr / PAGE &&
		    (s->vaddr + s->filesz - 1) / PAGE >= vaddr / PAGE)
			return true;
	}
	return false;
}

static struct error *add_tail(struct reading *r, uint64_t start, uint64_t end, bool certain)
{
	struct zero_tail tail = {{start, end}, certain};

	return start < end ? vec_push(&r->out->tails, tail) : NULL;
}

static struct error *find_segments(struct reading *r)
{
	for (size_t i = 0; i < r->load_count; i++) {
		const struct segment *s = &r->load[i];
		struct loaded_segment one = {{s->vaddr / PAGE * PAGE, 0}, s->flags & PF_W};

		if (s->filesz == 0 || s->filesz > s->memsz ||
		    s->vaddr + s->filesz > UINT64_MAX - PAGE)
			continue;
		one.pages.end = align_up(s->vaddr + s->filesz, PAGE);
		TRY(vec_push(&r->out->segments, one));
	}
	return NULL;
}

static struct error *find_tails(struct reading *r)
{
	for (size_t i = 0; i < r->load_count; i++) {
		const struct segment *s = &r->load[i];
		uint64_t start = s->vaddr + s->filesz, until, middle;

		if (s->filesz == 0 || s->memsz <= s->filesz || start % PAGE == 0 ||
		    is_replaced(r, i, start))
			continue;
		until = start / PAGE * PAGE + PAGE; /* 0 at the end of the address space */
		middle = until - start <= s->memsz - s->filesz ? until : s->vaddr + s->memsz;
		TRY(add_tail(r, start, middle, s->flags & PF_W));
		TRY(add_tail(r, middle, until, false));
	}
	return NULL;
}

/* Whether the loader may add the bias to the slot in place (glibc before 2.35, ADJUST_DYN_INFO). */
static bool is_address(uint64_t tag)
{
	static const uint64_t tags[] = {DT_PLTGOT, DT_HASH,   DT_STRTAB,   DT_SYMTAB, DT_RELA,
					DT_REL,    DT_JMPREL, DT_GNU_HASH, DT_VERSYM, DT_RELR};

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		if (tags[i] == tag)
			return true;
	}
	return false;
}

static void take_tag(struct reading *r, uint64_t tag, uint64_t value)
{
	struct dynamic *d = &r->dynamic;
	const struct {
		uint64_t tag;
		uint64_t *to;
	} places[] = {
		{DT_RELA, &d->rela},          {DT_RELASZ, &d->relasz}, {DT_REL, &d->rel},
		{DT_RELSZ, &d->relsz},        {DT_JMPREL, &d->jmprel}, {DT_PLTRELSZ, &d->pltrelsz},
		{DT_PLTREL, &d->pltrel},      {DT_RELR, &d->relr},     {DT_RELRSZ, &d->relrsz},
		{DT_SYMTAB, &d->symtab},      {DT_STRTAB, &d->strtab}, {DT_SONAME, &d->soname},
		{DT_PLTGOT, &r->out->pltgot},
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (places[i].tag == tag)
			*places[i].to = value;
	}
	d->has_soname |= tag == DT_SONAME;
	d->has_needed |= tag == DT_NEEDED;
	r->out->text |= tag == DT_TEXTREL || (tag == DT_FLAGS && value & DF_TEXTREL);
}

static struct error *read_dynamic(struct reading *r)
{
	const struct segment *s = &r->dynamic_segment;
	unsigned word = r->out->word;
	unsigned char bytes[16];

	for (uint64_t i = 0; i < DYNAMIC_MAX && (i + 1) * 2 * word <= s->filesz; i++) {
		struct dynamic_slot slot = {.place = s->vaddr + i * 2 * word + word};

		if (!fetch(r, s->offset + i * 2 * word, bytes, 2 * (size_t)word,
			   "dynamic section: past the end of the file"))
			return NULL;
		uint64_t tag = word_at(r, bytes);
		if (tag == DT_NULL)
			return NULL;
		take_tag(r, tag, word_at(r, bytes + word));
		slot.debug = tag == DT_DEBUG;
		if (slot.debug || is_address(tag))
			TRY(vec_push(&r->out->slots, slot));
	}
	return NULL;
}

/* Whose RELRO has variables: by the name that the linker gave it, or by being static. */
static bool is_loader(struct reading *r)
{
	static const char *const names[] = {"ld-linux", "ld.so",     "libc.so.",
					    "ld-musl",  "libc.musl", "libpthread.so."};
	char name[SONAME_MAX] = "";
	uint64_t offset, left;
	size_t got;

	if (!r->has_interpreter && !r->dynamic.has_soname && !r->dynamic.has_needed)
		return true;
	if (!r->dynamic.has_soname ||
	    !find_offset(r, r->dynamic.strtab + r->dynamic.soname, &offset, &left) ||
	    r->read(r->argument, offset, name, sizeof(name) - 1, &got) != 0)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(name, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

static struct error *read_dynamic_tables(struct reading *r)
{
	const struct dynamic *d = &r->dynamic;
	size_t rela = r->is_64 ? sizeof(Elf64_Rela) : sizeof(Elf32_Rela);
	size_t rel = r->is_64 ? sizeof(Elf64_Rel) : sizeof(Elf32_Rel);

	TRY(read_table(r, d->rela, d->relasz, rela, add_rela));
	TRY(read_table(r, d->rel, d->relsz, rel, add_rel));
	TRY(read_relr(r));
	if (d->pltrel == DT_REL)
		return read_table(r, d->jmprel, d->pltrelsz, rel, add_rel);
	return read_table(r, d->jmprel, d->pltrelsz, rela, add_rela);
}

/*
 * A static program that is not position-independent has no dynamic section. Its IRELATIVE
 * relocations lie between symbols of the linker's (__rela_iplt_start), which is to say in the only
 * sections of that type that are loaded.
 */
static struct error *read_static_tables(struct reading *r)
{
	Elf64_Shdr s;
	Elf32_Shdr t;
	unsigned count = r->section_count < SECTIONS_MAX ? r->section_count : SECTIONS_MAX;

	if (r->section_size != (r->is_64 ? sizeof(s) : sizeof(t)))
		return NULL;
	for (unsigned i = 0; i < count; i++) {
		uint64_t at = r->section_offset + (uint64_t)i * r->section_size;
		static const char what[] = "section headers: past the end of the file";

		if (r->is_64 && !fetch(r, at, &s, sizeof(s), what))
			return NULL;
		if (r->is_64 && s.sh_type == SHT_RELA && s.sh_flags & SHF_ALLOC)
			TRY(read_table(r, s.sh_addr, s.sh_size, sizeof(Elf64_Rela), add_rela));
		if (!r->is_64 && !fetch(r, at, &t, sizeof(t), what))
			return NULL;
		if (!r->is_64 && t.sh_type == SHT_REL && t.sh_flags & SHF_ALLOC)
			TRY(read_table(r, t.sh_addr, t.sh_size, sizeof(Elf32_Rel), add_rel));
	}
	return NULL;
}

/* --- relocations that copy --------------------------------------------------------------------
 */

/* A piece of the file that has symbols: those that are wanted one after another are read once. */
struct window {
	uint64_t start;
	size_t length;
	unsigned char bytes[CHUNK];
};

static const unsigned char *look_at(struct reading *r, struct window *w, uint64_t offset,
				    size_t length)
{
	if (offset < w->start || offset - w->start >= w->length ||
	    w->length - (offset - w->start) < length) {
		w->start = offset;
		w->length = 0;
		if (offset > INT64_MAX ||
		    r->read(r->argument, offset, w->bytes, CHUNK, &w->length) != 0)
			w->length = 0;
	}
	if (offset - w->start >= w->length || w->length - (offset - w->start) < length) {
		defect(r, "relocation: its symbol is past the end of the file");
		return NULL;
	}
	return w->bytes + (offset - w->start);
}

/* st_size: how much is copied. 0 when it cannot be had. */
static uint64_t symbol_size(struct reading *r, struct window *w, uint64_t symbol)
{
	size_t entry = r->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	const unsigned char *bytes;
	uint64_t offset, left, size;

	if (symbol > UINT32_MAX || !find_offset(r, r->dynamic.symtab, &offset, &left) ||
	    __builtin_add_overflow(offset, symbol * entry, &offset))
		return 0;
	bytes = look_at(r, w, offset, entry);
	if (!bytes)
		return 0;
	size = word_at(r, bytes + (r->is_64 ? offsetof(Elf64_Sym, st_size)
					    : offsetof(Elf32_Sym, st_size)));
	return size <= LONGEST ? size : 0;
}

static int compare_symbols(const void *left, const void *right)
{
	const struct copy *a = left, *b = right;

	return (a->symbol > b->symbol) - (a->symbol < b->symbol);
}

static int compare_ranges(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	return (a->start > b->start) - (a->start < b->start);
}

static void merge_copies(struct relocations *out)
{
	struct range *items = out->copies.items;
	size_t kept = 0;

	if (out->copies.count)
		qsort(items, out->copies.count, sizeof(*items), compare_ranges);
	for (size_t i = 0; i < out->copies.count; i++) {
		if (kept == 0 || items[i].start > items[kept - 1].end)
			items[kept++] = items[i];
		else if (items[i].end > items[kept - 1].end)
			items[kept - 1].end = items[i].end;
	}
	out->copies.count = kept;
}

static struct error *finish_copies(struct reading *r)
{
	_cleanup_free_ struct window *w = calloc(1, sizeof(*w));

	if (!w)
		return error_nomem();
	if (r->copies.count)
		qsort(r->copies.items, r->copies.count, sizeof(*r->copies.items), compare_symbols);
	for (size_t i = 0; i < r->copies.count; i++) {
		uint64_t place = r->copies.items[i].place;
		uint64_t size = symbol_size(r, w, r->copies.items[i].symbol);
		struct range one = {place, place + size};

		if (size == 0 || place > UINT64_MAX - size || one.end <= r->wanted.start ||
		    !has_room(r, one))
			continue;
		TRY(vec_push(&r->out->copies, one));
	}
	merge_copies(r->out);
	return NULL;
}

/* --- all of it -----------------------------------------------------------------------------------
 */

static int compare(const void *left, const void *right)
{
	const struct relocation *a = left, *b = right;

	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return (a->addend > b->addend) - (a->addend < b->addend);
}

static bool is_same(const struct relocation *a, const struct relocation *b)
{
	return compare(a, b) == 0 && a->size == b->size && a->in_place == b->in_place;
}

/* In order of their places, each once, and of one place no more than are believed. */
static void sort_items(struct reading *r)
{
	struct relocation *items = r->out->items.items;
	size_t kept = 0, here = 0;

	if (r->out->items.count)
		qsort(items, r->out->items.count, sizeof(*items), compare);
	for (size_t i = 0; i < r->out->items.count; i++) {
		if (kept && is_same(&items[kept - 1], &items[i]))
			continue;
		here = kept && items[kept - 1].place == items[i].place ? here + 1 : 1;
		if (here > TWICE)
			defect(r, "relocations: more than two of one place");
		else
			items[kept++] = items[i];
	}
	r->out->items.count = kept;
}

static struct error *read_all(struct reading *r)
{
	if (!read_header(r) || !read_segments(r))
		return NULL;
	TRY(find_segments(r));
	TRY(find_tails(r));
	if (r->has_dynamic)
		TRY(read_dynamic(r));
	r->out->loader = is_loader(r);
	TRY(r->has_dynamic ? read_dynamic_tables(r) : read_static_tables(r));
	sort_items(r);
	return finish_copies(r);
}

struct error *relocations_read(relocations_reader read, void *argument, struct range wanted,
			       struct relocations *relocations)
{
	struct reading *r = calloc(1, sizeof(*r));

	*relocations = (struct relocations){0};
	if (!r)
		return error_nomem();
	*r = (struct reading){
		.read = read, .argument = argument, .wanted = wanted, .out = relocations};
	if (!range_is_empty(wanted) && __builtin_mul_overflow(range_length(wanted), 2, &r->room))
		r->room = UINT64_MAX;
	struct error *error = read_all(r);
	vec_deinit(&r->copies);
	free(r);
	if (error)
		relocations_deinit(relocations);
	return error;
}

void relocations_deinit(struct relocations *relocations)
{
	vec_deinit(&relocations->items);
	vec_deinit(&relocations->copies);
	vec_deinit(&relocations->slots);
	vec_deinit(&relocations->tails);
	vec_deinit(&relocations->segments);
}

/* Of two that meet on a page, the one that is mapped last has it. */
bool relocations_may_be_written(const struct relocations *relocations, uint64_t linked)
{
	bool writable = false;

	for (size_t i = 0; i < relocations->segments.count; i++) {
		const struct loaded_segment *s = &relocations->segments.items[i];

		if (range_contains(s->pages, linked))
			writable = s->writable;
	}
	return writable;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

bool relocations_load(const struct relocations *relocations, uint64_t linked, size_t size,
		      const uint8_t *memory, uint8_t *bytes)
{
	bool any = false;

	for (size_t i = 0; i < relocations->tails.count; i++) {
		const struct zero_tail *tail = &relocations->tails.items[i];
		struct range range =
			range_intersect(tail->range, (struct range){linked, linked + size});
		size_t at = (size_t)(range.start - linked), length;

		if (range_is_empty(range))
			continue;
		any = true;
		length = (size_t)range_length(range);
		if (tail->certain || is_zero(memory + at, length))
			memset(bytes + at, 0, length);
	}
	return any;
}

size_t relocations_from(const struct relocations *relocations, uint64_t place)
{
	const struct relocation *items = relocations->items.items;
	uint64_t from = place > relocations->longest ? place - relocations->longest : 0;
	size_t low = 0, high = relocations->items.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (items[middle].place < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t relocations_copy_from(const struct relocations *relocations, uint64_t place)
{
	const struct range *copies = relocations->copies.items;
	size_t low = 0, high = relocations->copies.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (copies[middle].end <= place)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
