// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Relocations, and which bytes of a page they explain. The file is the input; the page in memory is
 * made from it, the file's own bytes with some of them changed.
 */
#include "analysis/differ.h"
#include "analysis/explain.h"
#include "fuzz.h"
#include "object/relocations.h"

enum { PAGE = 4096, BIAS = 0x10000000 };

static int read_input(void *argument, uint64_t offset, void *buffer, size_t length, size_t *got)
{
	const struct input *file = argument;

	*got = 0;
	if (offset >= file->size)
		return 0;
	*got = file->size - offset < length ? (size_t)(file->size - offset) : length;
	memcpy(buffer, file->data + offset, *got);
	return 0;
}

/* Everything there is to be, by bits of the address. */
static enum place place_of(void *argument, uint64_t address)
{
	(void)argument;
	return (enum place)((address >> 12) % (PLACE_ROGUE + 1));
}

static void check_order(const struct relocations *relocations, struct range wanted, size_t size)
{
	for (size_t i = 0; i < relocations->items.count; i++) {
		const struct relocation *r = &relocations->items.items[i];

		must(i == 0 || r[-1].place <= r->place);
		must(r->size > 0 && r->size <= relocations->longest);
		must(r->place < wanted.end && r->place + r->size > wanted.start);
	}
	/* A bit of a RELR table is the least that makes one, and no byte is written more than
	 * twice.
	 */
	must(relocations->items.count <= size * 8 * 4);
	must(relocations->items.count <= range_length(wanted) / 2);
	must(relocations->word == 0 || relocations->word == 4 || relocations->word == 8);
}

static void check_page(const struct relocations *relocations, const struct input *file,
		       uint64_t linked)
{
	static uint8_t before[PAGE], after[PAGE], explained[PAGE];
	struct differ_run runs[DIFFER_RUNS_MAX];
	struct explain_page page = {.relocations = relocations,
				    .bias = BIAS,
				    .linked = linked,
				    .size = PAGE,
				    .before = before,
				    .after = after,
				    .place = place_of};

	for (size_t i = 0; i < PAGE; i++) {
		before[i] = file->size ? file->data[i % file->size] : 0;
		after[i] = i % 5 == 0 ? (uint8_t)~before[i] : before[i];
	}
	relocations_load(relocations, linked, PAGE, after, before);
	bool any = explain_page(&page, explained);
	size_t marked = 0, last = 0;
	for (size_t i = 0; i < PAGE; i++) {
		must(explained[i] <= 1);
		marked += explained[i];
	}
	must(any || marked == 0);
	size_t count = differ_runs(before, after, explained, PAGE, runs);
	for (size_t i = 0; i < count; i++) {
		must(runs[i].start >= last && runs[i].end > runs[i].start && runs[i].end <= PAGE);
		must(before[runs[i].start] != after[runs[i].start] && !explained[runs[i].start]);
		last = runs[i].end;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct range wanted = {0x1000, 0x10000};
	struct input file = {data, size};
	struct relocations relocations;

	if (!fine(relocations_read(read_input, &file, wanted, &relocations)))
		return 0;
	check_order(&relocations, wanted, size);
	for (uint64_t linked = wanted.start; linked < wanted.end; linked += PAGE)
		check_page(&relocations, &file, linked);
	relocations_deinit(&relocations);
	return 0;
}
