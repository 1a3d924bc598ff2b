// SPDX-License-Identifier: GPL-2.0-or-later
/* Where bytes can be: caches, RAM by NUMA node, swap, the file. */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "base/io.h"
#include "base/scope.h"
#include "cmd/lab/lab.h"
#include "proc/cache.h"
#include "proc/cpuinfo.h"
#include "proc/iomem.h"
#include "proc/mmstate.h"
#include "proc/mounted.h"
#include "proc/numa.h"

enum { RAM, SWAP, IN_FILE, PLACES, BOX = 20, SCREEN = 80 };

struct hierarchy_lab {
	struct lab *lab;
	struct subject subject;
	struct sight sights[PLACES];
	struct cache_geometry caches;
	struct cpu_flags cpu;
	struct numa numa;
	int root;
};

static struct error *look(struct hierarchy_lab *h)
{
	static const char *const words[] = {"ram", "swap", "file"};
	_cleanup_view_ struct view view = {0};

	TRY(view_open(h->lab, h->subject.pid, &view));
	for (size_t i = 0; i < PLACES; i++) {
		uint64_t address;

		TRY(subject_word(&h->subject, words[i], &address));
		TRY(view_look(&view, address, &h->sights[i]));
		TRY(lab_sight(h->lab, "program", h->subject.pid, words[i], &h->sights[i]));
	}
	return NULL;
}

static struct error *begin(struct hierarchy_lab *h)
{
	h->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	TRY(cpu_flags_load(h->root, &h->cpu));
	TRY(cache_load(h->root, 0, &h->caches));
	TRY(numa_load(h->root, h->lab->target->page_shift, &h->numa));
	TRY(subject_start(&h->subject, "hierarchy", NULL));
	lab_step(h->lab, "three bytes of one process");
	TRY(look(h));
	lab_say(h->lab,
		"Process %d wrote one byte, at 0x%" PRIx64 ". It wrote another, at 0x%" PRIx64
		", and asked the kernel to evict it. A third, at 0x%" PRIx64 ", is in its file, "
		"and it never touched that. Beside each cache: in which of its sets it would hold "
		"the first byte, and the colour of the byte's frame.",
		(int)h->subject.pid, h->sights[RAM].address, h->sights[SWAP].address,
		h->sights[IN_FILE].address);
	return NULL;
}

/* A size as powers of two have it: "32 KiB". */
static void size_text(uint64_t bytes, char text[32])
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
	size_t unit = 0;

	while (bytes >= 4096 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, 32, "%" PRIu64 " %s", bytes, units[unit]);
}

/* How much of a text goes into ROOM columns: all of it, or up to a space. */
static size_t text_that_fits(const char *text, size_t room)
{
	size_t length = strlen(text);

	if (length <= room)
		return length;
	for (length = room; length > 0 && text[length] != ' '; length--)
		;
	return length > 0 ? length : room;
}

/* Each storey is wider than the one above. What is said beside it goes on beside its floor: a large
 * cache has numbers of many digits. */
static void draw_storey(const struct hierarchy_lab *h, size_t storey, const char *name,
			const char *size, const char *text)
{
	const struct draw *draw = &h->lab->draw;
	size_t width = BOX + 2 * storey, indent = 14 > storey ? 14 - storey : 0;
	char inside[64];

	snprintf(inside, sizeof(inside), "%s %s", name, size);
	fprintf(draw->out, "%*s%s", (int)indent, "", draw_glyph(draw, DRAW_TOP_LEFT));
	draw_repeat(draw, DRAW_LINE, width);
	fprintf(draw->out, "%s\n%*s%s", draw_glyph(draw, DRAW_TOP_RIGHT), (int)indent, "",
		draw_glyph(draw, DRAW_BAR));
	size_t length = strlen(inside);
	size_t left = length < width ? (width - length) / 2 : 0;
	draw_text(draw, CELL_PLAIN, (int)left, "");
	draw_text(draw, CELL_CYAN, (int)(width - left), inside);
	/* Two walls, and a space before the text. */
	size_t fits = text_that_fits(text, SCREEN - (indent + width + 3));
	const char *rest = text + fits + (text[fits] == ' ');

	fprintf(draw->out, "%s %.*s\n%*s%s", draw_glyph(draw, DRAW_BAR), (int)fits, text,
		(int)indent, "", draw_glyph(draw, DRAW_BOTTOM_LEFT));
	draw_repeat(draw, DRAW_LINE, width);
	fprintf(draw->out, "%s%s%s\n", draw_glyph(draw, DRAW_BOTTOM_RIGHT), *rest ? " " : "", rest);
}

static struct error *put_storey(struct hierarchy_lab *h, size_t storey, const char *kind,
				const char *name, const char *size, const char *text)
{
	char all[256];

	if (h->lab->text) {
		draw_storey(h, storey, name, size, text);
		return NULL;
	}
	snprintf(all, sizeof(all), "%s: %s", size, text);
	return lab_text(h->lab, kind, name, all);
}

/* "set 58/64, colour 0/1": where this cache would hold the first byte. */
static void cache_text(const struct hierarchy_lab *h, const struct cache *cache, char *text,
		       size_t size)
{
	uint64_t paddr = h->sights[RAM].pfn * 4096 + (h->sights[RAM].address & 4095);
	uint64_t set, color, colors;
	int used = 0;

	snprintf(text, size, "%s",
		 h->sights[RAM].has_pfn ? "sets not known" : "its frame is hidden");
	if (!h->sights[RAM].has_pfn)
		return;
	if (cache_set(cache, paddr, &set))
		used = snprintf(text, size, "set %" PRIu64 "/%" PRIu64, set, cache->sets);
	if (used > 0 && cache_colors(cache, 4096, &colors) &&
	    cache_color(cache, 4096, h->sights[RAM].pfn, &color))
		used += snprintf(text + used, size - (size_t)used, ", colour %" PRIu64 "/%" PRIu64,
				 color, colors);
	if (used > 0 && cache->nominal)
		snprintf(text + used, size - (size_t)used, " (nominal)");
}

static struct error *show_caches(struct hierarchy_lab *h, size_t *storey)
{
	for (size_t i = 0; i < h->caches.caches.count; i++) {
		const struct cache *cache = &h->caches.caches.items[i];
		char name[32], size[32], text[128];

		if (cache->type == CACHE_INSTRUCTION)
			continue; /* data does not go there */
		snprintf(name, sizeof(name), "L%u", cache->level);
		size_text(cache->size, size);
		cache_text(h, cache, text, sizeof(text));
		TRY(put_storey(h, (*storey)++, "cache", name, size, text));
	}
	if (h->caches.caches.count == 0)
		TRY(lab_missing(h->lab, sysfs_is_mounted(h->root)
						? "the caches: this machine does not describe them"
						: "the caches: /sys is not mounted"));
	return NULL;
}

static struct error *show_node(struct hierarchy_lab *h, size_t storey, int node)
{
	char name[32], size[32], text[96] = "";
	const struct sight *sight = &h->sights[RAM];

	snprintf(name, sizeof(name), "RAM, node %d", node);
	size_text(numa_ram_pages(&h->numa, node) * 4096, size);
	if (sight->has_pfn && numa_node(&h->numa, sight->pfn) == node)
		snprintf(text, sizeof(text), "frame 0x%" PRIx64 ": the 1st byte", sight->pfn);
	return put_storey(h, storey, "ram", name, size, text);
}

static struct error *show_ram(struct hierarchy_lab *h, size_t *storey)
{
	if (h->numa.ram.count == 0) {
		TRY(lab_missing(h->lab,
				"how much RAM each node has: /proc/iomem hides its addresses"));
		return put_storey(h, (*storey)++, "ram", "RAM", "", "the 1st byte is here");
	}
	for (size_t i = 0; i < h->numa.nodes.count; i++)
		TRY(show_node(h, *storey, h->numa.nodes.items[i]));
	(*storey)++;
	return NULL;
}

/* All bytes of swap; 0: there is none. */
static struct error *read_swap(struct hierarchy_lab *h, uint64_t *bytes)
{
	struct swaps swaps = {0};
	_cleanup_error_ struct error *error = swaps_load(h->root, &swaps);

	*bytes = 0;
	for (size_t i = 0; i < swaps.areas.count; i++)
		*bytes += swaps.areas.items[i].size;
	swaps_deinit(&swaps);
	return error_is(error, ERROR_NOMEM) ? scope_take(error, NULL) : NULL;
}

static struct error *show_swap(struct hierarchy_lab *h, size_t *storey)
{
	const struct sight *sight = &h->sights[SWAP];
	char size[32], text[96] = "";
	uint64_t bytes;

	TRY(read_swap(h, &bytes));
	if (bytes == 0)
		return lab_missing(h->lab, "swap: there is none (swapon a device or file)");
	size_text(bytes, size);
	if (sight->state == STATE_SWAPPED)
		snprintf(text, sizeof(text), "the 2nd byte");
	return put_storey(h, (*storey)++, "swap", "swap", size, text);
}

static struct error *show(struct hierarchy_lab *h)
{
	size_t storey = 0;

	if (h->lab->text)
		fputc('\n', h->lab->draw.out);
	TRY(show_caches(h, &storey));
	TRY(show_ram(h, &storey));
	TRY(show_swap(h, &storey));
	TRY(put_storey(h, storey, "file", "the file", "",
		       h->sights[IN_FILE].state == STATE_IN_FILE ? "the 3rd byte" : ""));
	if (h->lab->text && h->cpu.hypervisor)
		lab_say(h->lab,
			"This is a virtual machine: frames are those of the guest, and cache "
			"colours hold only within the host's pages.");
	return NULL;
}

static struct error *claims(struct hierarchy_lab *h)
{
	const struct sight *swap = &h->sights[SWAP];

	TRY(lab_claim(h->lab, true, h->sights[RAM].state == STATE_PRESENT,
		      "the first byte, just written, is in RAM"));
	TRY(lab_claim(h->lab, swap->state == STATE_SWAPPED, true, "the second is in swap"));
	TRY(lab_claim(h->lab, true, h->sights[IN_FILE].state == STATE_IN_FILE,
		      "the third is in the file only"));
	return lab_claim(h->lab, h->sights[RAM].has_pfn && h->numa.ram.count,
			 numa_node(&h->numa, h->sights[RAM].pfn) != NUMA_UNKNOWN,
			 "the first byte's frame lies in the RAM of a node");
}

static struct error *run(struct lab *lab)
{
	struct hierarchy_lab h = {.lab = lab, .root = -1};
	struct error *error = begin(&h);

	if (!error)
		error = show(&h);
	if (!error)
		error = claims(&h);
	if (!error)
		lab_last_step(lab);
	cache_deinit(&h.caches);
	numa_deinit(&h.numa);
	if (h.root >= 0)
		close(h.root);
	subject_stop(&h.subject);
	return error;
}

const struct experiment experiment_hierarchy = {
	.name = "hierarchy",
	.summary = "where bytes can be: caches, RAM by NUMA node, swap, the file",
	.look = "Look at the sizes, from the small and fast at the top to the large and slow at "
		"the "
		"bottom, and at where three bytes of one process are.",
	.run = run,
};
