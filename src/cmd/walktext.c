// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/walktext.h"

#include <inttypes.h>
#include <string.h>

#include "analysis/locate.h"
#include "base/scope.h"
#include "ui/escape.h"

const char *walk_word_text(uint64_t word)
{
	if (word & PAGEMAP_PRESENT)
		return word & PAGE_ZERO ? "present,zero page" : "present";
	if (word & PAGEMAP_GUARD)
		return "guard";
	if (!(word & PAGEMAP_SWAP))
		return "not present";
	if (word & PAGE_MIGRATING)
		return "migrating";
	return word & PAGE_SPECIAL ? "special" : "swapped";
}

struct error *walk_text_heading(struct layout *layout, const char *input, uint64_t address,
				FILE *out)
{
	const struct region *region = layout_find(layout, address);
	_cleanup_free_ char *given = NULL, *name = NULL, *object = NULL;

	TRY(escape_terminal_dup(input, &given));
	fprintf(out, "%s: 0x%" PRIx64, given, address);
	if (!region) {
		fprintf(out, ", in no area of process %d\n\n", (int)layout->space->pid);
		return NULL;
	}
	const char *section = region_section_at(region, address);
	TRY(escape_terminal_dup(section ? section : region->name, &name));
	TRY(escape_terminal_dup(region->object ? region->object : "", &object));
	fprintf(out, ", in %s%s%s of process %d\n\n", name, *object ? " of " : "", object,
		(int)layout->space->pid);
	return NULL;
}

/* "512 GiB" for the span of an entry. */
static void span_text(const struct page_table_level *level, char text[16])
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
	unsigned unit = level->shift / 10;

	snprintf(text, 16, "%u %s", 1U << level->shift % 10, units[unit < 5 ? unit : 4]);
}

static const char *table_name(const char *level)
{
	static const struct {
		const char *level;
		const char *name;
	} names[] = {
		{"PGD", "page global directory"},
		{"P4D", "fourth-level directory"},
		{"PUD", "page upper directory"},
		{"PMD", "page middle directory"},
		{"PTE", "page table"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].level, level) == 0)
			return names[i].name;
	}
	return level;
}

static void print_access(unsigned access, FILE *out)
{
	char text[8];

	entry_access_text(access, text);
	fprintf(out, "All levels together allow: %s%s.\n", text,
		access & ENTRY_USER ? "" : ", and only to the kernel");
}

/* What a special entry is: pagemap's reader has looked at its frame to tell. */
static const char *special_text(const struct walk_result *result)
{
	if (result->word & PAGE_MIGRATING)
		return "the page is being moved: it was in frame";
	return "no page but poison, a device's memory or a page on the move: about frame";
}

static void print_end(const struct walk_result *result, const struct page_table_step *end,
		      FILE *out)
{
	const struct page_table_entry *entry = &end->entry;
	char span[16];

	span_text(end->level, span);
	switch ((enum entry_kind)entry->kind) {
	case ENTRY_PAGE:
		fprintf(out, "maps a page of %s, frame 0x%" PRIx64 "\n", span, entry->frame);
		break;
	case ENTRY_PROT_NONE:
		fprintf(out,
			"keeps a page of %s, frame 0x%" PRIx64 ", from every access "
			"(PROT_NONE)\n",
			span, entry->frame);
		break;
	case ENTRY_SWAP:
		fprintf(out, "is not present: the page is in swap area %u, slot 0x%" PRIx64 "\n",
			entry->swap_type, entry->swap_offset);
		break;
	case ENTRY_SPECIAL:
		fprintf(out, "is not present: %s 0x%" PRIx64 "\n", special_text(result),
			entry->frame);
		break;
	case ENTRY_MARKER:
		fprintf(out, "is not present: no page, but a mark of what a touch must do\n");
		break;
	case ENTRY_BAD:
		fprintf(out, "makes no sense: %s\n", entry_fault_text(entry->fault));
		break;
	case ENTRY_EMPTY:
	case ENTRY_TABLE:
	case ENTRY_KINDS:
		fprintf(out, "is empty: nothing of its %s is mapped, a touch is a page fault\n",
			span);
		break;
	}
}

static void print_step(const struct walk_result *result, const struct page_table_step *step,
		       const char *next, FILE *out)
{
	const struct page_table_level *level = step->level;
	char span[16];

	span_text(level, span);
	fprintf(out, "  %-3s  bits %u..%u of the address: entry %u ", level->name,
		level->shift + level->bits - 1, level->shift, step->index);
	if (step->entry.kind == ENTRY_TABLE)
		fprintf(out, "(%s) leads to the %s, frame 0x%" PRIx64 "\n", span, next,
			step->entry.frame);
	else
		print_end(result, step, out);
}

static void print_physical(const struct page_table_step *end, const struct walk_result *result,
			   uint64_t address, FILE *out)
{
	uint64_t offset = address & (page_table_span(end->level) - 1);

	if (end->entry.kind != ENTRY_PAGE && end->entry.kind != ENTRY_PROT_NONE)
		return;
	if (end->entry.kind == ENTRY_PAGE)
		print_access(result->walk.access, out);
	fprintf(out, "Physical address: 0x%" PRIx64 " * 4096 + 0x%" PRIx64 " = 0x%" PRIx64 "\n",
		end->entry.frame, offset, (end->entry.frame << 12) + offset);
}

static void print_verdict(const struct space *space, const struct page_table_step *end,
			  const struct walk_result *result, uint64_t address, FILE *out)
{
	const char *says = walk_word_text(result->word);
	bool present = result->word & PAGEMAP_PRESENT;

	if (!result->compared) {
		fprintf(out, "It is the kernel's address: pagemap says nothing of it.\n");
		return;
	}
	if (result->verdict == WALK_SILENT) {
		fprintf(out, "pagemap passes over such memory: a device's, or the kernel's own.\n");
		return;
	}
	fprintf(out, "pagemap %s: %s", result->verdict == WALK_AGREES ? "agrees" : "DISAGREES",
		says);
	if (present && space->pfns_visible)
		fprintf(out, ", frame 0x%" PRIx64, result->word & PAGEMAP_PFN);
	else if (present)
		fprintf(out, ", its frame hidden");
	if (result->verdict == WALK_DIFFERS &&
	    (end->entry.kind == ENTRY_PAGE || end->entry.kind == ENTRY_PROT_NONE))
		fprintf(out, " and not 0x%" PRIx64, walk_frame(&end->entry, end->level, address));
	if (result->looks > 1)
		fprintf(out, " (both read %u times)", result->looks);
	fprintf(out, ".\n");
}

void walk_text_explain(const struct page_table *table, const struct space *space, uint64_t address,
		       const struct walk_result *result, FILE *out)
{
	const struct page_table_walk *walk = &result->walk;
	const struct page_table_step *end = page_table_walk_end(walk);

	fprintf(out, "\n  CR3  leads to the %s, frame 0x%" PRIx64 "\n",
		table_name(table->format->levels[0].name), table->root >> 12);
	for (size_t i = 0; i < walk->count; i++) {
		const char *next = i + 1 < table->format->level_count
					   ? table_name(table->format->levels[i + 1].name)
					   : "";

		print_step(result, &walk->steps[i], next, out);
	}
	fputc('\n', out);
	print_physical(end, result, address, out);
	print_verdict(space, end, result, address, out);
}
