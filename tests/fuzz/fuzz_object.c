// SPDX-License-Identifier: GPL-2.0-or-later
/* ELF objects: segments, sections, build-id and symbols, of files that nobody vouches for. */
#include "fuzz.h"
#include "object/object.h"

static void check_segments(const struct object *object)
{
	size_t count;
	const struct object_segment *segments = object_segments(object, &count);

	for (size_t i = 0; i < count; i++) {
		const struct object_segment *s = &segments[i];

		must(s->memsz >= s->filesz);
		must(s->memsz == 0 || s->vaddr + (s->memsz - 1) >= s->vaddr);
		must(s->filesz == 0 || s->offset + (s->filesz - 1) >= s->offset);
	}
}

static void check_sections(const struct object *object)
{
	size_t count;
	const struct object_section *sections = object_sections(object, &count);
	uint64_t reached = 0;

	for (size_t i = 0; i < count; i++) {
		must(sections[i].size > 0 && sections[i].vaddr >= reached);
		must(strlen(sections[i].name) < object_size(object));
		reached = sections[i].vaddr + sections[i].size;
		must(reached > sections[i].vaddr || i + 1 == count);
	}
}

/* What is found at an address holds it, and is found by its name, too. */
static void check_symbol(struct object *object, uint64_t vaddr)
{
	const struct object_symbol *symbol, *const *matches;
	size_t count, same = 0;

	if (!fine(object_symbol_after(object, vaddr, UINT64_MAX, &symbol)))
		return;
	must(!symbol || symbol->value > vaddr);

	if (!fine(object_symbol_at(object, vaddr, &symbol)) || !symbol)
		return;
	must(symbol->value <= vaddr);
	must(symbol->size == 0 || vaddr - symbol->value < symbol->size);
	must(fine(object_symbols_named(object, symbol->name, &matches, &count)));
	for (size_t i = 0; i < count; i++) {
		same += matches[i]->value == symbol->value;
		must(i == 0 || matches[i]->value > matches[i - 1]->value);
	}
	must(same == 1);
}

static void check_symbols(struct object *object)
{
	const struct object_symbol *const *matches;
	size_t count;
	const struct object_section *sections = object_sections(object, &count);

	for (size_t i = 0; i < count && i < 64; i++) {
		check_symbol(object, sections[i].vaddr);
		check_symbol(object, sections[i].vaddr + sections[i].size / 2);
		check_symbol(object, sections[i].vaddr + sections[i].size - 1);
	}
	check_symbol(object, 0);
	check_symbol(object, UINT64_MAX);
	if (!fine(object_symbols_named(object, "add@@V1", &matches, &count)))
		return;
	for (size_t i = 0; i < count; i++)
		check_symbol(object, matches[i]->value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memory_file(data, size);
	struct object *object;
	size_t length;

	if (fine(object_open(fd, NULL, &object))) {
		must(object_size(object) == size);
		must((object_bits(object) != 0) == object_is_elf(object));
		check_segments(object);
		check_sections(object);
		must((object_build_id(object, &length) != NULL) == (length != 0));
		check_symbols(object);
		must(!object_is_elf(object) || !object_pe_executes(object, RANGE_ALL));
		must(!object_pe_executes(object, (struct range){UINT64_C(1) << 33, UINT64_MAX}));
		object_close(object);
	}
	close(fd);
	return 0;
}
