// SPDX-License-Identifier: GPL-2.0-or-later
/* One address taken apart: its bits, the walk from CR3, the frame, the byte. */
#include <inttypes.h>

#include "analysis/locate.h"
#include "analysis/reading.h"
#include "analysis/walk.h"
#include "base/scope.h"
#include "cmd/explain.h"
#include "cmd/lab/lab.h"
#include "cmd/walktext.h"
#include "phys/source.h"

/* Columns of a level's name, where the lines of all of at most five levels are to end alike. */
enum { NAME = 12 };

struct address_lab {
	struct lab *lab;
	struct subject subject;
	struct view view;
	struct sight sight;
	uint64_t address;
	uint64_t value; /* of the byte, as the program says */
};

static struct error *begin(struct address_lab *a)
{
	TRY(subject_start(&a->subject, "address", NULL));
	TRY(subject_word(&a->subject, "byte", &a->address));
	TRY(subject_word(&a->subject, "value", &a->value));
	TRY(view_open(a->lab, a->subject.pid, &a->view));
	return view_look(&a->view, a->address, &a->sight);
}

static struct error *explain_it(struct address_lab *a)
{
	struct explainer explainer;
	struct location location;

	TRY(explainer_init(&explainer, &a->view.layout));
	explainer.narrow = true; /* the address has 32 bits, though the process has 64 */
	struct error *error = locate_address(&a->view.layout, a->address, &location);
	if (!error && a->lab->text)
		error = explain(&explainer, "the byte", &location, a->lab->draw.out);
	explainer_deinit(&explainer);
	return error;
}

static struct error *take_apart(struct address_lab *a)
{
	uint64_t vpn = a->address >> 12, offset = a->address & 4095;

	lab_step(a->lab, "the bits of the address");
	lab_say(a->lab,
		"Process %d has written the byte '%c' to the address 0x%" PRIx64
		". It fits into 32 "
		"bits, so that it can be cut as this machine does, 9 bits a level and 12 for the "
		"place in the page, and as the textbooks do, 20 + 12.",
		(int)a->subject.pid, (char)a->value, a->address);
	if (a->lab->text)
		fputc('\n', a->lab->draw.out);
	TRY(explain_it(a));
	TRY(lab_sight(a->lab, "program", a->subject.pid, "byte", &a->sight));
	TRY(lab_claim(a->lab, true, vpn < 1 << 20, "the page number has 20 bits: 0x%" PRIx64, vpn));
	if (!a->sight.has_pfn)
		return lab_claim(a->lab, false, false, "physical address = PFN * 4096 + 0x%" PRIx64,
				 offset);
	return lab_claim(a->lab, true, a->sight.present,
			 "physical address = PFN * 4096 + 0x%" PRIx64 " = 0x%" PRIx64, offset,
			 a->sight.pfn * 4096 + offset);
}

static void draw_level(const struct address_lab *a, const struct page_table_step *step,
		       size_t depth)
{
	const struct draw *draw = &a->lab->draw;

	int indent = (int)(2 * depth);

	fprintf(draw->out, "   %*s%s%s ", indent, "", draw_glyph(draw, DRAW_BRANCH),
		draw_glyph(draw, DRAW_LINE));
	draw_text(draw, CELL_CYAN, NAME - indent, step->level->name);
	fprintf(draw->out, "entry %-3u at 0x%-10" PRIx64 "= 0x%-16" PRIx64 " %s ", step->index,
		step->address, step->entry.value, draw_glyph(draw, DRAW_ARROW));
	draw_format(draw, step->entry.kind == ENTRY_PAGE ? CELL_GREEN : CELL_PLAIN, 0, "0x%" PRIx64,
		    step->entry.frame);
	fputc('\n', draw->out);
}

static struct error *put_level(const struct address_lab *a, const struct page_table_step *step)
{
	char text[128];

	snprintf(text, sizeof(text),
		 "entry %u at 0x%" PRIx64 " = 0x%" PRIx64 " leads to frame 0x%" PRIx64, step->index,
		 step->address, step->entry.value, step->entry.frame);
	return lab_text(a->lab, "level", step->level->name, text);
}

static struct error *show_walk(struct address_lab *a, const struct walk_result *result)
{
	const struct draw *draw = &a->lab->draw;

	if (a->lab->text) {
		fputs("\n   ", draw->out);
		draw_text(draw, CELL_CYAN, 0, "CR3");
		fprintf(draw->out, " = 0x%" PRIx64 "\n", a->view.tables.root);
	}
	for (size_t i = 0; i < result->walk.count; i++) {
		if (a->lab->text)
			draw_level(a, &result->walk.steps[i], i);
		TRY(put_level(a, &result->walk.steps[i]));
	}
	return NULL;
}

static struct error *walk_it(struct address_lab *a)
{
	struct walk_result result;

	lab_step(a->lab, "the walk from CR3 to the frame");
	if (!a->view.has_tables) {
		lab_say(a->lab, "The page tables cannot be read here.");
		return lab_claim(a->lab, false, false, "the walk ends at the frame of pagemap");
	}
	lab_say(a->lab, "Each index picks an entry of 8 bytes in a table of 512; the entry has the "
			"frame of the next table, the last one that of the page.");
	TRY(walk_address(a->view.space, &a->view.tables, &a->view.layout.vmas, a->address,
			 &result));
	TRY(show_walk(a, &result));
	return lab_claim(a->lab, true, result.verdict == WALK_AGREES,
			 "the walk ends at the frame that pagemap names");
}

static struct error *read_byte(struct address_lab *a, unsigned char *byte)
{
	struct source *source;
	size_t got;

	TRY(source_open(a->lab->invocation->source, 0, &source));
	struct error *error =
		source_read(source, a->sight.pfn * 4096 + (a->address & 4095), byte, 1, &got);
	source_close(source);
	return error;
}

static struct error *read_it(struct address_lab *a)
{
	unsigned char byte = 0;

	lab_step(a->lab, "the byte in the frame");
	_cleanup_error_ struct error *error =
		a->sight.has_pfn ? read_byte(a, &byte)
				 : error_new(ERROR_DENIED, "its frame is hidden");
	if (error) {
		lab_say(a->lab, "Physical memory cannot be read here.");
		TRY(lab_missing(a->lab, "the byte itself: %s", error_message(error)));
		return lab_claim(a->lab, false, false, "the byte is there");
	}
	lab_say(a->lab, "Read from physical memory, past the process: 0x%02x, '%c'.", byte,
		byte >= ' ' && byte < 127 ? byte : '?');
	TRY(lab_value(a->lab, "byte", "byte", byte));
	return lab_claim(a->lab, true, byte == a->value,
			 "at that physical address there is the byte that the program wrote");
}

static struct error *run(struct lab *lab)
{
	struct address_lab a = {.lab = lab};
	struct error *error = begin(&a);

	if (!error)
		error = take_apart(&a);
	if (!error)
		error = walk_it(&a);
	if (!error)
		error = read_it(&a);
	if (!error)
		lab_last_step(lab);
	view_close(&a.view);
	subject_stop(&a.subject);
	return error;
}

const struct experiment experiment_address = {
	.name = "address",
	.summary = "one address taken apart: page and offset, the walk, the frame, the byte",
	.look = "Look at the offset, the last 12 bits: it is the same in the virtual and in the "
		"physical address. All else is looked up, 9 bits a level.",
	.run = run,
};
