// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/explain.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/scope.h"
#include "proc/mounted.h"
#include "ui/escape.h"

enum { MAX_CELLS = 8, CELL_WIDTH = 24 };

/* Three rows of a picture of an address: each cell is a field of it. */
struct anatomy {
	size_t count;
	char bits[MAX_CELLS][CELL_WIDTH];
	char binary[MAX_CELLS][CELL_WIDTH];
	char value[MAX_CELLS][CELL_WIDTH];
	char name[MAX_CELLS][CELL_WIDTH];
};

static bool is_x86_64(void)
{
	struct utsname name;

	return uname(&name) == 0 && strcmp(name.machine, "x86_64") == 0;
}

static bool is_narrow(const struct layout *layout)
{
	for (size_t i = 0; i < layout->regions.count; i++) {
		if (layout->regions.items[i].elf)
			return object_bits(layout->regions.items[i].elf) == 32;
	}
	return false;
}

struct error *explainer_init(struct explainer *explainer, struct layout *layout)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	*explainer = (struct explainer){.layout = layout, .narrow = is_narrow(layout)};
	TRY(cpu_flags_load(root, &explainer->cpu));
	TRY(cache_load(root, 0, &explainer->caches));
	if (is_x86_64())
		explainer->levels = x86_64_levels(explainer->cpu.la57, &explainer->level_count);
	return NULL;
}

void explainer_deinit(struct explainer *explainer)
{
	cache_deinit(&explainer->caches);
}

static void write_binary(char *text, uint64_t value, unsigned bits)
{
	for (unsigned i = 0; i < bits; i++)
		text[i] = value >> (bits - 1 - i) & 1 ? '1' : '0';
	text[bits] = '\0';
}

static void add_field(struct anatomy *a, uint64_t address, unsigned shift, unsigned bits,
		      const char *name, bool hex)
{
	uint64_t value = address >> shift & ((UINT64_C(1) << bits) - 1);
	size_t i = a->count++;

	snprintf(a->bits[i], CELL_WIDTH, "%u..%u", shift + bits - 1, shift);
	write_binary(a->binary[i], value, bits);
	snprintf(a->value[i], CELL_WIDTH, hex ? "0x%" PRIx64 : "%" PRIu64, value);
	snprintf(a->name[i], CELL_WIDTH, "%s", name);
}

static size_t cell_width(const struct anatomy *a, size_t cell)
{
	const char *rows[] = {a->bits[cell], a->binary[cell], a->value[cell], a->name[cell]};
	size_t width = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		width = strlen(rows[i]) > width ? strlen(rows[i]) : width;
	return width;
}

static void print_row(const struct anatomy *a, const char *label, const char (*cells)[CELL_WIDTH],
		      FILE *out)
{
	fprintf(out, "    %-7s", label);
	for (size_t i = 0; i < a->count; i++)
		fprintf(out, "  %*s", (int)cell_width(a, i), cells[i]);
	fputc('\n', out);
}

static void print_anatomy(const struct anatomy *a, FILE *out)
{
	print_row(a, "bits", a->bits, out);
	print_row(a, "binary", a->binary, out);
	print_row(a, "value", a->value, out);
	print_row(a, "field", a->name, out);
}

static void explain_levels(const struct explainer *e, uint64_t address, FILE *out)
{
	unsigned page_shift = e->layout->space->target->page_shift;
	struct anatomy a = {0};

	if (!e->levels)
		return;
	fprintf(out, "\n  The virtual address, as %zu levels of page tables see it\n",
		e->level_count);
	for (size_t i = 0; i < e->level_count; i++)
		add_field(&a, address, e->levels[i].shift, e->levels[i].bits, e->levels[i].name,
			  false);
	add_field(&a, address, 0, page_shift, "page offset", true);
	print_anatomy(&a, out);
}

/* What textbooks draw: 20 bits of page number, 12 of offset. */
static void explain_classic(const struct explainer *e, uint64_t address, FILE *out)
{
	struct anatomy a = {0};

	if (!e->narrow)
		return;
	fprintf(out, "\n  As a 32-bit process has it: page number and offset\n");
	add_field(&a, address, 12, 20, "page", true);
	add_field(&a, address, 0, 12, "page offset", true);
	print_anatomy(&a, out);
}

static void explain_page(const struct explainer *e, const struct location *l, FILE *out)
{
	const struct space *space = e->layout->space;
	unsigned shift = space->target->page_shift;
	uint64_t offset = l->address & ((UINT64_C(1) << shift) - 1);
	char perms[5];

	vma_perms_text(l->region->vma->perms, perms);
	fprintf(out, "\n  The page\n");
	fprintf(out, "    page number (VPN)  0x%" PRIx64 " = address / %u\n", l->address >> shift,
		1U << shift);
	fprintf(out, "    page offset        0x%" PRIx64 " = address %% %u\n", offset, 1U << shift);
	fprintf(out, "    permissions        %s\n", perms);
	fprintf(out, "    state              %s%s\n", page_state_name(l->state),
		l->cow ? "; a write now would copy it" : "");
}

static void explain_frame(const struct explainer *e, const struct location *l, FILE *out)
{
	const struct space *space = e->layout->space;
	unsigned shift = space->target->page_shift;
	uint64_t pfn = l->word & PAGEMAP_PFN;
	uint64_t offset = l->address & ((UINT64_C(1) << shift) - 1);

	if (!(l->word & PAGEMAP_PRESENT)) {
		fprintf(out, "\n  No frame of RAM is behind it now.\n");
		return;
	}
	if (!space->pfns_visible) {
		fprintf(out, "\n  Which frame is behind it is hidden: CAP_SYS_ADMIN is missing.\n");
		return;
	}
	int node = target_node(space->target, pfn);
	fprintf(out, "\n  The frame\n    frame number (PFN) 0x%" PRIx64 "\n", pfn);
	fprintf(out, "    physical address   0x%" PRIx64 " = PFN * %u + page offset\n",
		(pfn << shift) + offset, 1U << shift);
	if (node >= 0)
		fprintf(out, "    NUMA node          %d\n", node);
}

static void print_cache(const struct cache *cache, uint64_t page_size, uint64_t pfn, uint64_t paddr,
			FILE *out)
{
	uint64_t set, color, colors;

	fprintf(out, "    L%u %-12s", cache->level, cache_type_name(cache->type));
	if (cache_set(cache, paddr, &set))
		fprintf(out, " set %" PRIu64 " of %" PRIu64, set, cache->sets);
	if (cache_colors(cache, page_size, &colors) && cache_color(cache, page_size, pfn, &color))
		fprintf(out, ", colour %" PRIu64 " of %" PRIu64, color, colors);
	fputs(cache->nominal ? ", in name only\n" : "\n", out);
}

static bool any_nominal(const struct cache_geometry *geometry)
{
	for (size_t i = 0; i < geometry->caches.count; i++) {
		if (geometry->caches.items[i].nominal)
			return true;
	}
	return false;
}

static void explain_cache(const struct explainer *e, const struct location *l, FILE *out)
{
	const struct space *space = e->layout->space;
	unsigned shift = space->target->page_shift;
	uint64_t page_size = UINT64_C(1) << shift, pfn = l->word & PAGEMAP_PFN;
	uint64_t paddr = (pfn << shift) + (l->address & (page_size - 1));

	if (!(l->word & PAGEMAP_PRESENT) || !space->pfns_visible)
		return;
	fprintf(out, "\n  Where the caches would hold the byte\n");
	for (size_t i = 0; i < e->caches.caches.count; i++)
		print_cache(&e->caches.caches.items[i], page_size, pfn, paddr, out);
	if (e->caches.caches.count == 0)
		fprintf(out, "    not known: %s\n",
			sysfs_is_mounted(AT_FDCWD) ? "this machine does not describe its caches"
						   : "/sys is not mounted");
	if (any_nominal(&e->caches))
		fprintf(out,
			"    An L3 is made of slices that an undocumented hash chooses from.\n");
	if (e->cpu.hypervisor && e->caches.caches.count)
		fprintf(out, "    In a virtual machine the colours hold only within the host's "
			     "pages.\n");
}

/* "0x… = main+0x4 in .text of /usr/bin/bash" */
static struct error *explain_heading(const char *name, const struct location *l, FILE *out)
{
	_cleanup_free_ char *given = NULL, *symbol = NULL, *region = NULL, *object = NULL;

	TRY(escape_terminal_dup(name, &given));
	TRY(escape_terminal_dup(l->symbol ? l->symbol : "", &symbol));
	TRY(escape_terminal_dup(l->region_name, &region));
	TRY(escape_terminal_dup(l->region->object ? l->region->object : "", &object));
	fprintf(out, "%s: 0x%" PRIx64, given, l->address);
	if (*symbol)
		fprintf(out, " = %s+0x%" PRIx64, symbol, l->symbol_offset);
	fprintf(out, ", in %s%s%s\n", region, *object ? " of " : "", object);
	return NULL;
}

struct error *explain(const struct explainer *explainer, const char *name,
		      const struct location *location, FILE *out)
{
	TRY(explain_heading(name, location, out));
	explain_levels(explainer, location->address, out);
	explain_classic(explainer, location->address, out);
	explain_page(explainer, location, out);
	explain_frame(explainer, location, out);
	explain_cache(explainer, location, out);
	return NULL;
}

void explain_caches(const struct explainer *explainer, uint64_t pfn, uint64_t paddr, char *text,
		    size_t size)
{
	unsigned shift = explainer->layout->space->target->page_shift;
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < explainer->caches.caches.count && used < size; i++) {
		const struct cache *cache = &explainer->caches.caches.items[i];
		uint64_t set, color;

		if (!cache_set(cache, paddr, &set) ||
		    !cache_color(cache, UINT64_C(1) << shift, pfn, &color))
			continue;
		used += (size_t)snprintf(text + used, size - used,
					 "%sL%u-%s:set=%" PRIu64 ":colour=%" PRIu64,
					 used ? "," : "", cache->level,
					 cache_type_name(cache->type), set, color);
	}
}
