// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Symbols by address and by name. Each index is made at the first question that needs it, in
 * n log n; a question then is a binary search.
 */
#include <stdlib.h>
#include <string.h>

#include "base/scope.h"
#include "object/impl.h"

static uint64_t symbol_end(const struct object_symbol *symbol)
{
	return symbol->value + symbol->size; /* checked when it was read */
}

static size_t leading_underscores(const char *name)
{
	return strspn(name, "_");
}

/*
 * Which of two names of one place to show: positive when `a` is the better one. Global before
 * local, function before data, then the public name ("read" and not "__read").
 */
static int compare_aliases(const struct object_symbol *a, const struct object_symbol *b)
{
	if (a->global != b->global)
		return a->global ? 1 : -1;
	if (a->function != b->function)
		return a->function ? 1 : -1;

	size_t a_score = leading_underscores(a->name), b_score = leading_underscores(b->name);
	if (a_score != b_score)
		return a_score < b_score ? 1 : -1;
	return strcmp(b->name, a->name);
}

/* By address; of those that start together the outer first, and the best alias last. */
static int compare_places(const void *left, const void *right, void *argument)
{
	const struct object_symbol *all = argument;
	const struct object_symbol *a = &all[*(const uint32_t *)left];
	const struct object_symbol *b = &all[*(const uint32_t *)right];

	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	if ((a->size == 0) != (b->size == 0))
		return a->size == 0 ? -1 : 1;
	if (a->size != b->size)
		return a->size > b->size ? -1 : 1;
	return compare_aliases(a, b);
}

/* The symbols whose extent holds the address the sweep has come to, the innermost on top. */
struct sweep {
	struct symbols *symbols;
	VEC(uint32_t) open;
};

static void sweep_deinit(struct sweep *sweep)
{
	vec_deinit(&sweep->open);
}

#define _cleanup_sweep_ __attribute__((cleanup(sweep_deinit)))

static struct error *set_piece(struct symbols *symbols, uint64_t start, uint32_t symbol)
{
	struct symbol_piece piece = {start, symbol};
	size_t count = symbols->pieces.count;

	if (count == 0 || symbols->pieces.items[count - 1].start != start)
		return vec_push(&symbols->pieces, piece);
	symbols->pieces.items[count - 1] = piece;
	return NULL;
}

static uint64_t innermost_end(const struct sweep *sweep)
{
	uint32_t symbol = sweep->open.items[sweep->open.count - 1];

	return symbol_end(&sweep->symbols->all.items[symbol]);
}

/*
 * Ends all that end by `limit`. Extents may overlap without nesting: one that ended below the top
 * of the stack goes when it is uncovered.
 */
static struct error *sweep_to(struct sweep *sweep, uint64_t limit)
{
	while (sweep->open.count && innermost_end(sweep) <= limit) {
		uint64_t end = innermost_end(sweep);

		while (sweep->open.count && innermost_end(sweep) <= end)
			sweep->open.count--;
		uint32_t next =
			sweep->open.count ? sweep->open.items[sweep->open.count - 1] : NO_SYMBOL;
		TRY(set_piece(sweep->symbols, end, next));
	}
	return NULL;
}

/* A symbol without a size counts only where no extent is: it lasts until the next piece. */
static struct error *sweep_over(struct sweep *sweep, uint32_t index)
{
	const struct object_symbol *symbol = &sweep->symbols->all.items[index];

	TRY(sweep_to(sweep, symbol->value));
	if (symbol->size == 0 && sweep->open.count)
		return NULL;
	if (symbol->size)
		TRY(vec_push(&sweep->open, index));
	return set_piece(sweep->symbols, symbol->value, index);
}

/* Cuts the address space so that each piece has one innermost symbol, or none. */
static struct error *make_pieces(struct symbols *symbols)
{
	size_t count = symbols->all.count;
	_cleanup_free_ uint32_t *order = calloc(count + 1, sizeof(*order));
	_cleanup_sweep_ struct sweep sweep = {.symbols = symbols};

	if (!order)
		return error_nomem();
	for (size_t i = 0; i < count; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, count, sizeof(*order), compare_places, symbols->all.items);
	symbols->pieces.count = 0;
	for (size_t i = 0; i < count; i++)
		TRY(sweep_over(&sweep, order[i]));
	TRY(sweep_to(&sweep, UINT64_MAX));
	symbols->have_pieces = true;
	return NULL;
}

static const struct symbol_piece *find_piece(const struct symbols *symbols, uint64_t vaddr)
{
	size_t low = 0, high = symbols->pieces.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->pieces.items[middle].start <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &symbols->pieces.items[low - 1] : NULL;
}

static int compare_address_to_section(const void *key, const void *item)
{
	uint64_t vaddr = *(const uint64_t *)key;
	const struct object_section *section = item;

	if (vaddr < section->vaddr)
		return -1;
	return vaddr - section->vaddr < section->size ? 0 : 1;
}

static const struct object_section *section_at(const struct object *object, uint64_t vaddr)
{
	if (object->sections.count == 0)
		return NULL;
	return bsearch(&vaddr, object->sections.items, object->sections.count,
		       sizeof(*object->sections.items), compare_address_to_section);
}

static bool same_section(const struct object *object, uint64_t a, uint64_t b)
{
	const struct object_section *section = section_at(object, a);

	return section && section == section_at(object, b);
}

struct error *object_symbol_at(struct object *object, uint64_t vaddr,
			       const struct object_symbol **symbol)
{
	struct symbols *symbols = &object->symbols;

	*symbol = NULL;
	TRY(symbols_load(object));
	if (!symbols->have_pieces)
		TRY(make_pieces(symbols));

	const struct symbol_piece *piece = find_piece(symbols, vaddr);
	if (!piece || piece->symbol == NO_SYMBOL)
		return NULL;
	const struct object_symbol *found = &symbols->all.items[piece->symbol];
	if (found->size || same_section(object, vaddr, found->value))
		*symbol = found;
	return NULL;
}

struct error *object_symbol_after(struct object *object, uint64_t vaddr, uint64_t end,
				  const struct object_symbol **symbol)
{
	struct symbols *symbols = &object->symbols;
	const struct object_symbol *at;

	*symbol = NULL;
	TRY(object_symbol_at(object, vaddr, &at)); /* which makes the pieces */
	const struct symbol_piece *before = find_piece(symbols, vaddr);
	size_t i = before ? (size_t)(before - symbols->pieces.items) + 1 : 0;
	for (; i < symbols->pieces.count && symbols->pieces.items[i].start < end; i++) {
		const struct symbol_piece *piece = &symbols->pieces.items[i];

		if (piece->symbol == NO_SYMBOL)
			continue;
		const struct object_symbol *one = &symbols->all.items[piece->symbol];

		/* Not one that goes on behind another within it. */
		if (one->value == piece->start) {
			*symbol = one;
			return NULL;
		}
	}
	return NULL;
}

/* FNV-1a, to be continued from `hash`. */
static uint32_t hash_more(uint32_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash;
}

static uint32_t hash_name(const char *name, const char *version)
{
	uint32_t hash = hash_more(2166136261u, name);

	return version ? hash_more(hash_more(hash, "@"), version) : hash;
}

static int compare_text(const char *a, const char *b)
{
	return a == b ? 0 : strcmp(a, b);
}

/* Names by hash, so that strings are compared only where the hashes are the same. */
static int compare_names(uint32_t a_hash, const char *a_name, const char *a_version,
			 uint32_t b_hash, const char *b_name, const char *b_version)
{
	if (a_hash != b_hash)
		return a_hash < b_hash ? -1 : 1;
	if (!a_version != !b_version)
		return a_version ? 1 : -1;

	int order = compare_text(a_name, b_name);
	if (order || !a_version)
		return order;
	return compare_text(a_version, b_version);
}

/* By name and value; of duplicates the one with a size, then the better alias, comes first. */
static int compare_keys(const void *left, const void *right, void *argument)
{
	const struct symbol_key *x = left, *y = right;
	const struct object_symbol *all = argument;
	const struct object_symbol *a = &all[x->symbol], *b = &all[y->symbol];
	int order = compare_names(x->hash, a->name, x->version, y->hash, b->name, y->version);

	if (order)
		return order;
	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	if (a->size != b->size)
		return a->size > b->size ? -1 : 1;
	return -compare_aliases(a, b);
}

static struct error *add_key(struct symbols *symbols, uint32_t symbol, const char *version)
{
	struct symbol_key key = {
		.version = version,
		.hash = hash_name(symbols->all.items[symbol].name, version),
		.symbol = symbol,
	};
	return vec_push(&symbols->keys, key);
}

static bool same_name_and_value(const struct symbols *symbols, const struct symbol_key *x,
				const struct symbol_key *y)
{
	const struct object_symbol *a = &symbols->all.items[x->symbol];
	const struct object_symbol *b = &symbols->all.items[y->symbol];

	return a->value == b->value &&
	       compare_names(x->hash, a->name, x->version, y->hash, b->name, y->version) == 0;
}

/* Leaves one key for each name and value, and lists the symbols in the order of the keys. */
static struct error *finish_keys(struct symbols *symbols)
{
	struct symbol_key *keys = symbols->keys.items;
	size_t kept = 0;

	TRY(vec_reserve(&symbols->key_symbols, symbols->keys.count));
	for (size_t i = 0; i < symbols->keys.count; i++) {
		if (kept && same_name_and_value(symbols, &keys[kept - 1], &keys[i]))
			continue;
		keys[kept] = keys[i];
		symbols->key_symbols.items[kept++] = &symbols->all.items[keys[i].symbol];
	}
	symbols->keys.count = symbols->key_symbols.count = kept;
	return NULL;
}

static struct error *make_keys(struct symbols *symbols)
{
	symbols->keys.count = 0;
	TRY(vec_reserve(&symbols->keys, symbols->all.count + symbols->versions.count));
	for (size_t i = 0; i < symbols->all.count; i++)
		TRY(add_key(symbols, (uint32_t)i, NULL));
	for (size_t i = 0; i < symbols->versions.count; i++)
		TRY(add_key(symbols, symbols->versions.items[i].symbol,
			    symbols->versions.items[i].version));
	if (symbols->keys.count)
		qsort_r(symbols->keys.items, symbols->keys.count, sizeof(*symbols->keys.items),
			compare_keys, symbols->all.items);
	TRY(finish_keys(symbols));
	symbols->have_names = true;
	return NULL;
}

/* Negative, 0 or positive as the key at `index` is before, at or behind the name. */
static int compare_key_at(const struct symbols *symbols, size_t index, uint32_t hash,
			  const char *name, const char *version)
{
	const struct symbol_key *key = &symbols->keys.items[index];

	return compare_names(key->hash, symbols->key_symbols.items[index]->name, key->version, hash,
			     name, version);
}

static void find_names(const struct symbols *symbols, const char *name, const char *version,
		       const struct object_symbol *const **matches, size_t *count)
{
	uint32_t hash = hash_name(name, version);
	size_t low = 0, high = symbols->keys.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_key_at(symbols, middle, hash, name, version) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	size_t end = low;
	while (end < symbols->keys.count && compare_key_at(symbols, end, hash, name, version) == 0)
		end++;
	*count = end - low;
	*matches = *count ? symbols->key_symbols.items + low : NULL;
}

/* "name@VERSION" and, for the version a linker takes by default, "name@@VERSION". */
static struct error *find_versioned(const struct symbols *symbols, const char *wanted,
				    const struct object_symbol *const **matches, size_t *count)
{
	const char *at = strchr(wanted, '@');

	if (!at)
		return NULL;
	_cleanup_free_ char *name = strndup(wanted, (size_t)(at - wanted));
	if (!name)
		return error_nomem();
	find_names(symbols, name, at + (at[1] == '@' ? 2 : 1), matches, count);
	return NULL;
}

struct error *object_symbols_named(struct object *object, const char *name,
				   const struct object_symbol *const **matches, size_t *count)
{
	struct symbols *symbols = &object->symbols;

	*matches = NULL;
	*count = 0;
	TRY(symbols_load(object));
	if (!symbols->have_names)
		TRY(make_keys(symbols));
	find_names(symbols, name, NULL, matches, count);
	/* .symtab has such names as they are; in .dynsym the version is apart. */
	if (*count == 0)
		return find_versioned(symbols, name, matches, count);
	return NULL;
}

/* The same symbol may be in several tables, and only .dynsym's has a version. */
static const char *version_of(const struct symbols *symbols, const struct object_symbol *symbol)
{
	for (size_t i = 0; i < symbols->versions.count; i++) {
		const struct symbol_version *version = &symbols->versions.items[i];
		const struct object_symbol *other = &symbols->all.items[version->symbol];

		if (other->value == symbol->value && strcmp(other->name, symbol->name) == 0)
			return version->version;
	}
	return NULL;
}

static const char *file_of(const struct symbols *symbols, const struct object_symbol *symbol)
{
	size_t index = (size_t)(symbol - symbols->all.items), low = 0, high = symbols->files.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->files.items[middle].symbol <= index)
			low = middle + 1;
		else
			high = middle;
	}
	return low && !symbol->global ? symbols->files.items[low - 1].name : NULL;
}

struct object_symbol_origin object_symbol_origin(const struct object *object,
						 const struct object_symbol *symbol)
{
	return (struct object_symbol_origin){.version = version_of(&object->symbols, symbol),
					     .file = file_of(&object->symbols, symbol)};
}
