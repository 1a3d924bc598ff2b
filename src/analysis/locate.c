// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/locate.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/path.h"
#include "base/scope.h"

enum {
	CANDIDATES_NAMED = 8, /* in the message about an ambiguous symbol */
	MAPS_DIGITS = 8,      /* of an address at least, as maps prints it */
};

/* [OBJECT!]SYMBOL[+OFFSET], taken apart in a copy of the text. */
struct symbol_text {
	const char *object; /* or NULL */
	const char *symbol;
	uint64_t offset;
};

struct candidate {
	uint64_t address;
	const struct region *region;
	const struct object_symbol *symbol;
};

typedef VEC(struct candidate) candidate_list;

static bool parse_offset(const char *text, uint64_t *offset)
{
	return strncasecmp(text, "0x", 2) == 0 ? parse_hex(text, offset)
					       : parse_decimal(text, offset);
}

/* The last '+' with a number behind it begins the offset: a symbol's own name may hold others. */
static void split_symbol_text(char *text, struct symbol_text *parts)
{
	char *bang = strchr(text, '!'), *plus = strrchr(text, '+');

	*parts = (struct symbol_text){.symbol = text};
	if (plus && plus > text && parse_offset(plus + 1, &parts->offset))
		*plus = '\0';
	if (bang && bang > text) {
		*bang = '\0';
		parts->object = text;
		parts->symbol = bang + 1;
	}
}

static bool is_candidate(const candidate_list *list, uint64_t address)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].address == address)
			return true;
	}
	return false;
}

static size_t count_global(const struct object_symbol *const *matches, size_t count)
{
	size_t global = 0;

	for (size_t i = 0; i < count; i++)
		global += matches[i]->global;
	return global;
}

/*
 * Adds the places of a symbol in one loaded object. Where one of several is global, the others are
 * local to their source files and could not be meant from outside.
 */
static struct error *add_candidates(candidate_list *list, struct layout *layout,
				    const struct region *region, const char *name)
{
	const struct object_symbol *const *matches;
	size_t count;

	TRY(layout_need_symbols(layout, region));
	TRY(object_symbols_named(region->elf, name, &matches, &count));
	bool only_global = count_global(matches, count) == 1;
	for (size_t i = 0; i < count; i++) {
		uint64_t address = matches[i]->value + region->bias;

		if ((only_global && !matches[i]->global) || is_candidate(list, address) ||
		    !layout_find(layout, address))
			continue;
		TRY(vec_push(list, ((struct candidate){address, region, matches[i]})));
	}
	return NULL;
}

/* Regions of one object stand together, so its symbols are asked for once each time it is loaded.
 */
static struct error *find_candidates(candidate_list *list, struct layout *layout,
				     const struct symbol_text *parts, bool *object_seen)
{
	const struct region *last = NULL;

	for (size_t i = 0; i < layout->regions.count; i++) {
		const struct region *region = &layout->regions.items[i];

		if (!region->elf ||
		    (last && last->elf == region->elf && last->bias == region->bias))
			continue;
		if (parts->object && !region_object_matches(region, parts->object))
			continue;
		*object_seen = true;
		last = region;
		TRY(add_candidates(list, layout, region, parts->symbol));
	}
	return NULL;
}

/* What another candidate has in common with this one, so that it does not tell the two apart. */
static void find_likeness(const candidate_list *list, const struct candidate *c, bool *same_name,
			  bool *same_object, bool *loaded_twice)
{
	*same_name = *same_object = *loaded_twice = false;
	for (size_t i = 0; i < list->count; i++) {
		const struct candidate *other = &list->items[i];

		if (other->region->elf != c->region->elf)
			*same_name |= strcmp(path_name(other->region->object),
					     path_name(c->region->object)) == 0;
		else if (other->region->bias != c->region->bias)
			*loaded_twice = true;
		else if (other != c)
			*same_object = true;
	}
}

/* "libc.so.6, memcpy@GLIBC_2.14": the object, and as much as tells the place from its namesakes. */
static void describe_candidate(const candidate_list *list, const struct candidate *c, char *text,
			       size_t size)
{
	struct object_symbol_origin origin = object_symbol_origin(c->region->elf, c->symbol);
	const char *object = c->region->object;
	bool same_name, same_object, loaded_twice;
	size_t used;

	find_likeness(list, c, &same_name, &same_object, &loaded_twice);
	snprintf(text, size, "%.160s", same_name ? object : path_name(object));
	used = strlen(text);
	if (loaded_twice)
		snprintf(text + used, size - used, " loaded at 0x%llx",
			 (unsigned long long)c->region->bias);
	used = strlen(text);
	if (same_object && origin.version)
		snprintf(text + used, size - used, ", %.60s@%.60s", c->symbol->name,
			 origin.version);
	else if (same_object && origin.file)
		snprintf(text + used, size - used, ", of %.120s", origin.file);
}

static struct error *ambiguous(const candidate_list *list, const struct symbol_text *parts)
{
	char places[CANDIDATES_NAMED * 400] = "", place[340];

	for (size_t i = 0; i < list->count && i < CANDIDATES_NAMED; i++) {
		size_t used = strlen(places);

		describe_candidate(list, &list->items[i], place, sizeof(place));
		snprintf(places + used, sizeof(places) - used, "%s 0x%llx (%s)", i ? "," : "",
			 (unsigned long long)list->items[i].address, place);
	}
	return error_new(ERROR_LOOKUP, "ambiguous symbol: %.200s is at%s%s", parts->symbol, places,
			 list->count > CANDIDATES_NAMED ? ", ..." : "");
}

/*
 * What begins with a letter and has hexadecimal digits only, as "c000000000" has, was no symbol. A
 * few digits without anything mapped there are a mistyped name ("add") rather than an address.
 */
static bool is_address(const struct layout *layout, const char *text, uint64_t *address)
{
	return parse_hex(text, address) &&
	       (strlen(text) >= MAPS_DIGITS || layout_find(layout, *address));
}

/*
 * What is not found in a stripped file may well be there, without its name: that of the object that
 * was named, or else that of the program, which is loaded lowest as a rule.
 */
static struct error *unknown_symbol(const struct layout *layout, const struct symbol_text *parts)
{
	for (size_t i = 0; i < layout->regions.count; i++) {
		const struct region *region = &layout->regions.items[i];

		if (!region->elf ||
		    (parts->object && !region_object_matches(region, parts->object)))
			continue;
		if (!object_is_stripped(region->elf))
			break;
		return error_new(
			ERROR_LOOKUP,
			"unknown symbol: %.200s (%.200s is stripped: it has only the "
			"names that the dynamic loader needs, and no debug file was found)",
			parts->symbol, path_name(region->object));
	}
	return error_new(ERROR_LOOKUP, "unknown symbol: %.200s", parts->symbol);
}

static struct error *locate_symbol(struct layout *layout, const struct symbol_text *parts,
				   const char *text, uint64_t *address)
{
	candidate_list list = {0};
	bool object_seen = false;
	struct error *error = find_candidates(&list, layout, parts, &object_seen);

	if (error)
		;
	else if (parts->object && !object_seen)
		error = error_new(ERROR_LOOKUP, "no such object in the process: %.200s",
				  parts->object);
	else if (list.count == 0 && is_address(layout, text, address))
		;
	else if (list.count == 0)
		error = unknown_symbol(layout, parts);
	else if (list.count > 1)
		error = ambiguous(&list, parts);
	else if (__builtin_add_overflow(list.items[0].address, parts->offset, address))
		error = error_new(ERROR_INPUT, "offset too large: %.200s+0x%llx", parts->symbol,
				  (unsigned long long)parts->offset);
	vec_deinit(&list);
	return error;
}

struct error *locate_parse(struct layout *layout, const char *text, uint64_t *address)
{
	struct symbol_text parts;
	_cleanup_free_ char *copy = strdup(text);

	if (!copy)
		return error_nomem();
	if (isdigit((unsigned char)*text)) {
		if (parse_hex(text, address))
			return NULL;
		return error_new(ERROR_INPUT, "not an address (hexadecimal, up to 64 bits): %.200s",
				 text);
	}
	split_symbol_text(copy, &parts);
	if (!*parts.symbol)
		return error_new(ERROR_INPUT, "not an address or symbol: '%.200s'", text);
	return locate_symbol(layout, &parts, text, address);
}

static struct error *take_word(void *argument, uint64_t vpn, const uint64_t *words, size_t count)
{
	uint64_t *word = argument;

	(void)vpn;
	if (count > 0)
		*word = words[0];
	return NULL;
}

static struct error *find_symbol(struct layout *layout, struct location *location)
{
	const struct region *region = location->region;
	const struct object_symbol *symbol;

	if (!region->elf)
		return NULL;
	TRY(layout_need_symbols(layout, region));
	TRY(object_symbol_at(region->elf, location->address - region->bias, &symbol));
	if (symbol) {
		location->symbol = symbol->name;
		location->symbol_offset = location->address - region->bias - symbol->value;
	}
	return NULL;
}

struct error *locate_address(struct layout *layout, uint64_t address, struct location *location)
{
	unsigned shift = layout->space->target->page_shift;
	const struct region *region = layout_find(layout, address);

	*location = (struct location){.address = address, .region = region};
	if (!region)
		return error_new(ERROR_LOOKUP, "nothing is mapped at 0x%llx",
				 (unsigned long long)address);

	uint64_t page = align_down(address, UINT64_C(1) << shift), until;
	struct range range = {page, page + (UINT64_C(1) << shift)};
	TRY(space_pages(layout->space, region->vma, range, take_word, &location->word));

	bool populated = location->word & PAGEMAP_POPULATED;
	location->state = populated ? page_state_of(location->word)
				    : region_empty_state(region, shift, page >> shift,
							 (page >> shift) + 1, &until);
	location->cow = populated && page_is_cow(location->word, region->vma->perms);
	const char *section = region_section_at(region, address);
	location->region_name = section ? section : region->name;
	return find_symbol(layout, location);
}
