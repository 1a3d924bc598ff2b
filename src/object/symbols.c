// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading symbol tables (gABI "Symbol Table") and GNU symbol versions (LSB "Symbol Versioning"). */
#include <stdlib.h>
#include <string.h>

#include "object/impl.h"

/* The sections that matter here, each NULL when there is none. */
struct tables {
	Elf_Scn *symtab;
	Elf_Scn *dynsym;
	Elf_Scn *versym; /* .gnu.version: a number for each symbol of .dynsym */
	Elf_Scn *verdef; /* .gnu.version_d: what the numbers are called */
};

/* One symbol table while it is read. */
struct table {
	struct object *object;
	Elf_Data *data;
	size_t count;
	size_t names; /* section index of its string table */
	struct strings strings;
	bool owns_strings;
	uint64_t budget;         /* bytes of names that may still be looked at */
	Elf_Data *versym;        /* NULL when the symbols have no versions */
	const char **version_of; /* by version number, VERSIONS of them */
};

/* LSB: the top bit of a version number hides the symbol; 0 is local and 1 is unversioned. */
enum { VERSION_MASK = 0x7fff, VERSIONS = VERSION_MASK + 1, FIRST_VERSION = 2 };

/* gABI: there is at most one table of each type, so that the work is bounded by the file's size. */
static void take_table(struct object *object, Elf_Scn **table, Elf_Scn *section)
{
	if (*table)
		object_set_defect(object, "symbol table: more than one of its type");
	else
		*table = section;
}

static struct tables find_tables(struct object *object)
{
	struct tables tables = {0};
	GElf_Shdr header;

	for (Elf_Scn *section = NULL; (section = elf_nextscn(object->elf, section));) {
		if (!gelf_getshdr(section, &header))
			continue;
		if (header.sh_type == SHT_SYMTAB)
			take_table(object, &tables.symtab, section);
		else if (header.sh_type == SHT_DYNSYM)
			take_table(object, &tables.dynsym, section);
		else if (header.sh_type == SHT_GNU_versym)
			take_table(object, &tables.versym, section);
		else if (header.sh_type == SHT_GNU_verdef)
			take_table(object, &tables.verdef, section);
	}
	return tables;
}

static bool table_is_fit(struct object *object, const GElf_Shdr *header, Elf_Type type)
{
	size_t entry = gelf_fsize(object->elf, type, 1, EV_CURRENT);

	if (header->sh_entsize != entry || header->sh_size % entry)
		object_set_defect(object, "symbol table: wrong entry size");
	else if (header->sh_flags & SHF_COMPRESSED)
		object_set_defect(object, "symbol table: compressed");
	else if (!object_has_bytes(object, header->sh_offset, header->sh_size))
		object_set_defect(object, "symbol table: past the end of the file");
	else if (header->sh_size > MAX_SYMBOL_TABLE)
		object_set_defect(object, "symbol table: too large");
	else
		return header->sh_size > 0;
	return false;
}

/* The bytes of section `index`, or 0 where there is none. */
static uint64_t size_of(struct object *object, size_t index)
{
	GElf_Shdr header;
	Elf_Scn *section = elf_getscn(object->elf, index);

	return section && gelf_getshdr(section, &header) ? header.sh_size : 0;
}

bool object_take_bytes(struct object *object, uint64_t bytes)
{
	if (!object->symbol_bytes)
		return true;
	if (bytes > SYMBOL_BYTES_MAX - *object->symbol_bytes) {
		object_set_defect(object, "symbol table: more than is read in one run");
		return false;
	}
	*object->symbol_bytes += bytes;
	return true;
}

static Elf_Data *table_data(struct object *object, Elf_Scn *section)
{
	Elf_Data *data = elf_getdata(section, NULL);

	if (data && data->d_buf)
		return data;
	object_set_defect(object, "symbol table: libelf cannot read it");
	return NULL;
}

/*
 * Symbols may share a name or the tail of one (ld and lld merge them), so that the lengths add up
 * to more than the string table. A hostile table of one long string that each symbol enters a byte
 * further makes it the square of the file's size: reading stops at a bound that is linear in that
 * size and that no linker comes near.
 */
static uint64_t name_budget(const struct table *table)
{
	return 8 * (uint64_t)table->strings.length + 64 * (uint64_t)table->count;
}

/* table->count stays 0, with a defect if it is one, when `section` gives no table to read. */
static struct error *table_init(struct table *table, struct object *object, Elf_Scn *section)
{
	GElf_Shdr header;

	*table = (struct table){.object = object};
	if (!gelf_getshdr(section, &header) || !table_is_fit(object, &header, ELF_T_SYM) ||
	    !object_take_bytes(object, header.sh_size + size_of(object, header.sh_link)))
		return NULL;
	table->names = header.sh_link;
	TRY(object_read_strings(object, header.sh_link, MAX_STRING_TABLE, &table->strings));
	if (!table->strings.text)
		return NULL;
	table->owns_strings = true;
	table->data = table_data(object, section);
	if (!table->data)
		return NULL;
	table->count = table->data->d_size / gelf_fsize(object->elf, ELF_T_SYM, 1, EV_CURRENT);
	table->budget = name_budget(table);
	return NULL;
}

static void table_deinit(struct table *table)
{
	if (table->owns_strings)
		free(table->strings.text);
	free(table->version_of);
}

#define _cleanup_table_ __attribute__((cleanup(table_deinit)))

/* The name of a definition is that of its first Verdaux; the others are the versions it follows. */
static void read_version(struct table *table, Elf_Data *data, int offset, const GElf_Verdef *def)
{
	unsigned number = def->vd_ndx & VERSION_MASK;
	GElf_Verdaux aux;
	int64_t at = (int64_t)offset + def->vd_aux;

	/* The base definition, number 1 as a rule, is the file's own name and no version. */
	if (number < FIRST_VERSION || (def->vd_flags & VER_FLG_BASE))
		return;
	if (at > INT32_MAX || !gelf_getverdaux(data, (int)at, &aux)) {
		object_set_defect(table->object, "symbol versions: name record out of range");
		return;
	}
	const char *name = strings_at(&table->strings, aux.vda_name);
	if (!name || strnlen(name, MAX_VERSION_NAME + 1) > MAX_VERSION_NAME)
		object_set_defect(table->object, "symbol versions: name out of range or too long");
	else
		table->version_of[number] = name;
}

/* vd_next is a distance to the next definition, 0 in the last: it only ever leads forward. */
static void read_version_names(struct table *table, Elf_Data *data)
{
	GElf_Verdef def;

	for (int64_t offset = 0; offset <= INT32_MAX; offset += def.vd_next) {
		if (!gelf_getverdef(data, (int)offset, &def)) {
			object_set_defect(table->object, "symbol versions: record out of range");
			return;
		}
		read_version(table, data, (int)offset, &def);
		if (def.vd_next == 0)
			return;
	}
}

static bool versions_are_fit(struct table *table, Elf_Scn *versym, Elf_Scn *verdef)
{
	struct object *object = table->object;
	GElf_Shdr numbers, names;

	if (!gelf_getshdr(versym, &numbers) || !gelf_getshdr(verdef, &names))
		return false;
	if (!table_is_fit(object, &numbers, ELF_T_HALF))
		return false;
	if (numbers.sh_size / numbers.sh_entsize != table->count || names.sh_link != table->names)
		object_set_defect(object, "symbol versions: not those of the symbol table");
	else if (names.sh_size > MAX_NOTES || (names.sh_flags & SHF_COMPRESSED))
		object_set_defect(object, "symbol versions: too large or compressed");
	else
		return true;
	return false;
}

/* The versions of .dynsym; a file that defines none (an executable, say) has no .gnu.version_d. */
static struct error *table_read_versions(struct table *table, const struct tables *tables)
{
	if (table->count == 0 || !tables->versym || !tables->verdef ||
	    !versions_are_fit(table, tables->versym, tables->verdef))
		return NULL;
	Elf_Data *numbers = table_data(table->object, tables->versym);
	Elf_Data *names = table_data(table->object, tables->verdef);
	if (!numbers || !names)
		return NULL;
	table->version_of = calloc(VERSIONS, sizeof(*table->version_of));
	if (!table->version_of)
		return error_nomem();
	table->versym = numbers;
	read_version_names(table, names);
	return NULL;
}

/*
 * Is it the name of a place in memory? A TLS symbol's value is an offset into each thread's block,
 * and an absolute one's (a version's own name, say) is not moved with the object.
 */
static bool symbol_has_address(const GElf_Sym *symbol)
{
	unsigned type = GELF_ST_TYPE(symbol->st_info);

	return symbol->st_shndx != SHN_UNDEF && symbol->st_shndx != SHN_ABS &&
	       type != STT_SECTION && type != STT_FILE && type != STT_TLS;
}

static struct object_symbol convert_symbol(const GElf_Sym *symbol, const char *name)
{
	unsigned type = GELF_ST_TYPE(symbol->st_info), bind = GELF_ST_BIND(symbol->st_info);

	return (struct object_symbol){
		.name = name,
		.value = symbol->st_value,
		.size = symbol->st_size,
		.function = type == STT_FUNC || type == STT_GNU_IFUNC,
		.global = bind == STB_GLOBAL || bind == STB_WEAK || bind == STB_GNU_UNIQUE,
	};
}

/* NULL, with a defect if it is one, for a symbol without a name or with an impossible one. */
static const char *symbol_name(struct table *table, const GElf_Sym *symbol)
{
	const char *name = strings_at(&table->strings, symbol->st_name);

	if (!name) {
		object_set_defect(table->object, "symbol: name past the end of the string table");
		return NULL;
	}
	size_t length = strlen(name);
	if (length > table->budget) {
		object_set_defect(table->object, "symbol names: overlap too much");
		table->budget = 0;
		return NULL;
	}
	table->budget -= length;
	return length ? name : NULL;
}

static struct error *add_version(struct table *table, size_t index, struct symbols *into)
{
	GElf_Versym number;

	if (!table->versym || !gelf_getversym(table->versym, (int)index, &number))
		return NULL;
	const char *name = table->version_of[number & VERSION_MASK];
	if (!name)
		return NULL;
	struct symbol_version version = {(uint32_t)into->all.count - 1, name};
	return vec_push(&into->versions, version);
}

/* gABI: an STT_FILE symbol precedes the local symbols of its file. Without a name: of no file. */
static struct error *add_file(struct table *table, const GElf_Sym *raw, struct symbols *into)
{
	struct symbol_file file = {(uint32_t)into->all.count,
				   raw->st_name ? symbol_name(table, raw) : NULL};

	return vec_push(&into->files, file);
}

static struct error *add_symbol(struct table *table, size_t index, struct symbols *into)
{
	GElf_Sym raw;

	/* MAX_SYMBOL_TABLE keeps the index far from INT_MAX. */
	if (!gelf_getsym(table->data, (int)index, &raw))
		return NULL;
	if (GELF_ST_TYPE(raw.st_info) == STT_FILE)
		return add_file(table, &raw, into);
	if (!symbol_has_address(&raw))
		return NULL;
	if (object_wraps(table->object, raw.st_value, raw.st_size)) {
		object_set_defect(table->object, "symbol: wraps around the address space");
		return NULL;
	}
	const char *name = symbol_name(table, &raw);
	if (!name)
		return NULL;
	struct object_symbol symbol = convert_symbol(&raw, name);
	TRY(vec_push(&into->all, symbol));
	return add_version(table, index, into);
}

static struct error *read_table(struct object *object, Elf_Scn *section,
				const struct tables *versions, struct symbols *into)
{
	_cleanup_table_ struct table table;

	TRY(table_init(&table, object, section));
	if (versions)
		TRY(table_read_versions(&table, versions));
	if (table.count == 0)
		return NULL;
	/* The names are `into`'s from here on, whatever becomes of the rest. */
	TRY(vec_push(&into->strings, table.strings));
	table.owns_strings = false;
	/* What a table before this one has said of files does not hold for this one's symbols. */
	TRY(vec_push(&into->files, ((struct symbol_file){(uint32_t)into->all.count, NULL})));
	for (size_t i = 1; i < table.count && table.budget; i++) /* 0 is the null symbol */
		TRY(add_symbol(&table, i, into));
	return NULL;
}

struct error *symbols_read(struct object *from, struct symbols *into)
{
	if (!from->has_sections || !object_is_linked(from))
		return NULL;

	struct tables tables = find_tables(from);
	into->have_symtab |= tables.symtab != NULL;
	if (tables.symtab)
		TRY(read_table(from, tables.symtab, NULL, into));
	if (tables.dynsym)
		TRY(read_table(from, tables.dynsym, &tables, into));
	return NULL;
}

/* Those of the file that `open` finds, if there is one. */
static struct error *read_other(struct object *object,
				struct error *(*open)(struct object *, struct object **))
{
	struct object *debug;

	TRY(open(object, &debug));
	if (!debug)
		return NULL;
	object_limit(debug, object->symbol_bytes);
	struct error *error = symbols_read(debug, &object->symbols);
	/* Its sections and segments are not served, so what ails them is of no consequence. */
	object_close(debug);
	return error;
}

struct error *symbols_load(struct object *object)
{
	struct symbols *symbols = &object->symbols;

	if (symbols->loaded || !object->is_elf)
		return NULL;
	if (!object->elf)
		return error_new(ERROR_OTHER,
				 "symbols: the file was released before they were read");
	struct error *error = symbols_read(object, symbols);
	if (!error)
		error = read_other(object, object_open_debug_file);
	if (!error && !symbols->have_symtab)
		error = read_other(object, object_open_mini_debug);
	if (error) {
		symbols_deinit(symbols); /* the next call starts anew */
		return error;
	}
	symbols->loaded = true;
	object_release_file(object); /* nothing is left to ask of it */
	return NULL;
}

bool object_is_stripped(const struct object *object)
{
	return object->symbols.loaded && !object->symbols.have_symtab && object->is_elf;
}

bool object_lacks_symbols(const struct object *object)
{
	return object->is_elf && !object->elf && !object->symbols.loaded;
}

struct error *object_read_symbols(struct object *object, int fd)
{
	struct object *again;

	TRY(object_open(fd, object->debug_root, &again));
	object_limit(again, object->symbol_bytes);
	struct error *error = symbols_load(again);
	if (!error) {
		object->symbols = again->symbols;
		object->symbols.loaded = true; /* it may be no ELF file by now */
		again->symbols = (struct symbols){0};
		if (again->defect)
			object_set_defect(object, again->defect);
	}
	object_close(again);
	return error;
}

void symbols_deinit(struct symbols *symbols)
{
	for (size_t i = 0; i < symbols->strings.count; i++)
		free(symbols->strings.items[i].text);
	vec_deinit(&symbols->strings);
	vec_deinit(&symbols->all);
	vec_deinit(&symbols->versions);
	vec_deinit(&symbols->files);
	vec_deinit(&symbols->pieces);
	vec_deinit(&symbols->keys);
	vec_deinit(&symbols->key_symbols);
	*symbols = (struct symbols){0};
}
