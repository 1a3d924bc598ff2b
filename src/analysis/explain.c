// SPDX-License-Identifier: GPL-2.0-or-later
#include "analysis/explain.h"

#include <string.h>

enum {
	MODULES_MAX = 1 << 16, /* objects with thread-local data */
	TLS_MAX = INT32_MAX,   /* bytes of it, to either side */
};

static uint64_t load(const uint8_t *bytes, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, bytes, size < sizeof(value) ? size : sizeof(value));
	return value;
}

/* As the processor would add: in the words of the object. */
static uint64_t cut(const struct explain_page *p, uint64_t value)
{
	return p->relocations->word == 4 ? (uint32_t)value : value;
}

static int64_t widen(uint64_t value, size_t size)
{
	return size == 4 ? (int32_t)value : (int64_t)value;
}

bool explain_is_relro(const struct explain_page *p)
{
	struct range page = {p->linked, p->linked + p->size};

	return !range_is_empty(range_intersect(page, p->relocations->relro));
}

/* --- values --------------------------------------------------------------------------------------
 */

/* A word of the page as it is, was, and what the relocation says. */
struct word {
	const struct explain_page *page;
	const struct relocation *relocation;
	uint64_t place; /* in memory */
	uint64_t before;
	uint64_t after;
	int64_t addend;
};

static enum place place_of(const struct word *w, uint64_t address)
{
	return w->page->place(w->page->argument, cut(w->page, address));
}

static bool in_object(enum place place)
{
	return place == PLACE_OBJECT || place == PLACE_CODE || place == PLACE_OWN_CODE ||
	       place == PLACE_KERNEL;
}

static bool in_code(enum place place)
{
	return place == PLACE_CODE || place == PLACE_OWN_CODE || place == PLACE_KERNEL;
}

/* The one variable with such a word that is set once more: _dl_sysinfo, how i386 calls the kernel.
 */
static bool is_sysinfo(const struct word *w)
{
	const struct relocations *all = w->page->relocations;

	return all->word == 4 && all->loader && range_contains(all->relro, w->relocation->place) &&
	       place_of(w, w->after) == PLACE_KERNEL;
}

static bool is_relative(const struct word *w)
{
	return w->after == cut(w->page, w->page->bias + (uint64_t)w->addend) || is_sysinfo(w);
}

/* Where the processor, or the vdso, has nothing to select there is none. */
static bool is_ifunc(const struct word *w)
{
	enum place place = place_of(w, w->after);

	return w->after == 0 || place == PLACE_OWN_CODE || place == PLACE_KERNEL;
}

/* Not bound yet, a slot leads back to the linkage table: the bias and what the file has. */
static bool is_code(const struct word *w)
{
	return in_code(place_of(w, w->after)) || w->after == 0 ||
	       w->after == cut(w->page, w->page->bias + w->before);
}

/* A weak symbol that nobody defines is 0. One past the end of an array belongs to the array. */
static bool is_symbol(const struct word *w)
{
	uint64_t symbol = w->after - (uint64_t)w->addend;

	if (w->relocation->size < w->page->relocations->word)
		symbol = (uint64_t)widen(w->after, w->relocation->size) - (uint64_t)w->addend;
	return cut(w->page, symbol) == 0 || in_object(place_of(w, symbol)) ||
	       in_object(place_of(w, symbol - 1));
}

static bool is_distance(const struct word *w)
{
	uint64_t distance = (uint64_t)widen(w->after, w->relocation->size);

	return in_object(place_of(w, distance + w->place - (uint64_t)w->addend));
}

static bool is_module(const struct word *w)
{
	return w->after < MODULES_MAX;
}

static bool is_tls(const struct word *w)
{
	int64_t offset = widen(w->after, w->relocation->size);

	return offset > -(int64_t)TLS_MAX && offset < TLS_MAX;
}

static bool is_tls_call(const struct word *w)
{
	return w->after == 0 || in_code(place_of(w, w->after));
}

static bool is_never(const struct word *w)
{
	(void)w;
	return false;
}

static bool (*const checks[])(const struct word *w) = {
	[RELOCATION_RELATIVE] = is_relative, [RELOCATION_IFUNC] = is_ifunc,
	[RELOCATION_CODE] = is_code,         [RELOCATION_SYMBOL] = is_symbol,
	[RELOCATION_DISTANCE] = is_distance, [RELOCATION_MODULE] = is_module,
	[RELOCATION_TLS] = is_tls,           [RELOCATION_TLS_CALL] = is_tls_call,
	[RELOCATION_COPY] = is_never,        [RELOCATION_UNDEFINED] = is_never,
};

/* --- one relocation
 * -------------------------------------------------------------------------------- */

static void mark(uint8_t *explained, size_t at, size_t size)
{
	memset(explained + at, 1, size);
}

/* Whether bytes `first` … `last` - 1 of the word are the sum, with `carry` from those before. */
static bool is_sum(const struct explain_page *p, const struct relocation *r, unsigned first,
		   unsigned last, unsigned carry)
{
	for (unsigned i = first; i < last; i++) {
		uint64_t at = r->place + i - p->linked;
		unsigned addend =
			r->in_place ? p->before[at] : (uint8_t)((uint64_t)r->addend >> (8 * i));
		unsigned sum = addend + (uint8_t)(p->bias >> (8 * i)) + carry;

		if (p->after[at] != (uint8_t)sum)
			return false;
		carry = sum >> 8;
	}
	return true;
}

/* The carry into byte `first`; of an addend in the file, on another page, it is not known. */
static unsigned carry_into(const struct explain_page *p, const struct relocation *r, unsigned first)
{
	uint64_t mask = (UINT64_C(1) << (8 * first)) - 1;

	return (unsigned)((((uint64_t)r->addend & mask) + (p->bias & mask)) >> (8 * first) & 1);
}

/*
 * Of a word that begins or ends on another page only the bytes of this one can be seen, and only of
 * a relative one is it known what they must be.
 */
static void explain_cut_off(const struct explain_page *p, const struct relocation *r,
			    uint8_t *explained)
{
	unsigned first = r->place < p->linked ? (unsigned)(p->linked - r->place) : 0;
	unsigned last = r->size;

	if (r->kind != RELOCATION_RELATIVE)
		return;
	if (r->place + last > p->linked + p->size)
		last = (unsigned)(p->linked + p->size - r->place);
	if (is_sum(p, r, first, last, r->in_place ? 0 : carry_into(p, r, first)) ||
	    (r->in_place && first > 0 && is_sum(p, r, first, last, 1)))
		mark(explained, r->place + first - p->linked, last - first);
}

/*
 * No pointer may lead out of the objects and into memory that is executed. What is below 4 GiB may
 * as well be a number: sizes of caches, limits, what the processor says of itself.
 */
static bool is_harmless(const struct explain_page *p, size_t at)
{
	uint64_t value = load(p->after + at, p->relocations->word);

	return value <= UINT32_MAX || p->place(p->argument, value) != PLACE_ROGUE;
}

static void explain_one(const struct explain_page *p, const struct relocation *r,
			uint8_t *explained)
{
	uint64_t at = r->place - p->linked; /* far above the size where it begins before */
	size_t size = r->kind == RELOCATION_TLS_CALL ? r->size / 2 : r->size;

	if (at >= p->size || p->size - at < r->size) {
		explain_cut_off(p, r, explained);
		return;
	}
	struct word w = {.page = p,
			 .relocation = r,
			 .place = p->bias + r->place,
			 .before = load(p->before + at, size),
			 .after = load(p->after + at, size)};
	w.addend = r->in_place ? widen(w.before, size) : r->addend;
	if (!checks[r->kind](&w))
		return;
	/* What a TLS descriptor's function is given is its own affair, unless it is code. */
	if (r->kind == RELOCATION_TLS_CALL && is_harmless(p, at + size))
		mark(explained, at, r->size);
	else
		mark(explained, at, size);
}

static bool explain_relocations(const struct explain_page *p, uint8_t *explained)
{
	const struct relocations *all = p->relocations;
	bool any = false;

	for (size_t i = relocations_from(all, p->linked); i < all->items.count; i++) {
		const struct relocation *r = &all->items.items[i];

		if (r->place >= p->linked + p->size)
			break;
		if (r->place + r->size <= p->linked)
			continue;
		any = true;
		explain_one(p, r, explained);
	}
	return any;
}

/* The part of the page that the copy of number `i` wrote; empty from the first one behind it on. */
static struct range copy_within(const struct explain_page *p, size_t i)
{
	const struct relocations *all = p->relocations;
	struct range page = {p->linked, p->linked + p->size}, part;

	if (i >= all->copies.count)
		return (struct range){0, 0};
	part = range_intersect(all->copies.items[i], page);
	return range_is_empty(part) ? (struct range){0, 0}
				    : (struct range){part.start - p->linked, part.end - p->linked};
}

/* The bytes of a copy are data of another object: word for word nothing may lead astray. */
static void explain_copy(const struct explain_page *p, struct range part, uint8_t *explained)
{
	size_t word = p->relocations->word, until = (size_t)part.end;

	for (size_t at = (size_t)part.start, next; at < until; at = next) {
		size_t start = at / word * word;

		next = start + word < until ? start + word : until;
		if (start + word > p->size || is_harmless(p, start))
			mark(explained, at, next - at);
	}
}

static bool explain_copies(const struct explain_page *p, uint8_t *explained)
{
	bool any = false;

	for (size_t i = relocations_copy_from(p->relocations, p->linked);; i++) {
		struct range part = copy_within(p, i);

		if (range_is_empty(part))
			return any;
		any = true;
		explain_copy(p, part, explained);
	}
}

/* --- what else the loader writes in RELRO
 * ----------------------------------------------------------- */

static bool slot_is_right(const struct explain_page *p, const struct dynamic_slot *slot, size_t at)
{
	size_t word = p->relocations->word;
	uint64_t before = load(p->before + at, word), after = load(p->after + at, word);
	enum place place = p->place(p->argument, after);

	if (slot->debug)
		return place == PLACE_WRITABLE || place == PLACE_OBJECT;
	return after == cut(p, before + p->bias);
}

static bool explain_dynamic(const struct explain_page *p, uint8_t *explained)
{
	size_t word = p->relocations->word;
	bool any = false;

	for (size_t i = 0; i < p->relocations->slots.count; i++) {
		const struct dynamic_slot *slot = &p->relocations->slots.items[i];
		uint64_t at = slot->place - p->linked;

		if (at >= p->size || p->size - at < word)
			continue;
		any = true;
		if (slot_is_right(p, slot, at))
			mark(explained, at, word);
	}
	return any;
}

/*
 * The second and third word of the table at DT_PLTGOT, which the loader fills where functions are
 * looked up at their first call (elf/dl-machine.h, elf_machine_runtime_setup()).
 */
static void explain_plt(const struct explain_page *p, uint8_t *explained)
{
	size_t word = p->relocations->word;

	for (unsigned i = 1; p->relocations->pltgot && i <= 2; i++) {
		uint64_t at = p->relocations->pltgot + i * word - p->linked;

		if (at >= p->size || p->size - at < word)
			continue;
		enum place place = p->place(p->argument, load(p->after + at, word));
		if (place == (i == 1 ? PLACE_WRITABLE : PLACE_CODE) ||
		    (i == 1 && place == PLACE_OBJECT))
			mark(explained, at, word);
	}
}

/* Words of RELRO that no relocation writes: see relocations_read(). */
static void explain_variables(const struct explain_page *p, const uint8_t *written,
			      uint8_t *explained)
{
	size_t word = p->relocations->word;

	for (size_t at = 0; at + word <= p->size; at += word) {
		uint64_t linked = p->linked + at;

		if (written[at] || !range_contains(p->relocations->relro, linked))
			continue;
		if (is_harmless(p, at))
			mark(explained, at, word);
	}
}

/* Where relocations write, whether or not they did it right. */
static void mark_written(const struct explain_page *p, uint8_t *written)
{
	const struct relocations *all = p->relocations;

	for (size_t i = relocations_from(all, p->linked); i < all->items.count; i++) {
		const struct relocation *r = &all->items.items[i];

		if (r->place >= p->linked + p->size)
			break;
		uint64_t at = r->place > p->linked ? r->place - p->linked : 0;
		uint64_t until =
			r->place + r->size > p->linked ? r->place + r->size - p->linked : 0;
		for (; at < until && at < p->size; at++)
			written[at] = 1;
	}
	for (size_t i = relocations_copy_from(all, p->linked);; i++) {
		struct range part = copy_within(p, i);

		if (range_is_empty(part))
			return;
		mark(written, (size_t)part.start, (size_t)range_length(part));
	}
}

bool explain_page(const struct explain_page *p, uint8_t *explained)
{
	memset(explained, 0, p->size);
	if (!p->relocations->word)
		return false;
	bool any = explain_relocations(p, explained);
	any |= explain_copies(p, explained);
	if (!explain_is_relro(p))
		return any;
	any |= explain_dynamic(p, explained);
	explain_plt(p, explained);
	if (p->relocations->loader) {
		uint8_t written[4096] = {0};

		mark_written(p, written);
		explain_variables(p, written, explained);
	}
	return true;
}
