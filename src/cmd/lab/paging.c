// SPDX-License-Identifier: GPL-2.0-or-later
/* Demand paging: what a touch costs, what eviction takes away, what comes back where. */
#include <inttypes.h>

#include "base/scope.h"
#include "cmd/lab/lab.h"

enum { ANONYMOUS, FILE_PAGES, AREAS, PAGES_MAX = 8, ACTIONS = 8, TITLE = 33 };

struct look {
	struct sight pages[AREAS][PAGES_MAX];
	uint64_t minor, major;
};

struct paging_lab {
	struct lab *lab;
	struct subject subject;
	uint64_t addresses[AREAS];
	struct look looks[ACTIONS];
	size_t count;
	uint64_t cached; /* 1: page 0 was in the swap cache when it was written again */
};

/* What the program does, step by step; src/lab/paging.c. */
enum { NOTHING, FIRST, SECOND, READ, FILE_READ, EVICTED, BACK, FILE_BACK };

static const struct {
	const char *title;
	const char *say; /* NULL: with numbers in it */
} actions[ACTIONS] = {
	[NOTHING] = {"8 + 8 pages, none touched", NULL},
	[FIRST] = {"write page 0",
		   "A minor fault: the kernel finds a free frame and fills it with zeroes."},
	[SECOND] = {"write page 1", "Another page, another fault."},
	[READ] = {"read page 5, never written",
		  "To read zeroes no frame is needed: everybody gets the one zero page."},
	[FILE_READ] = {"read page 0 of the file",
		       "The file is in the page cache already, so no disk is asked: a minor fault. "
		       "The kernel maps the neighbours at once (fault-around)."},
	[EVICTED] =
		{"madvise(MADV_PAGEOUT) on all",
		 "Written pages go to swap, if there is any; those of the file are just let go: "
		 "the disk has them."},
	[BACK] =
		{"write page 0 again",
		 "If it was in swap this is a major fault, and it comes back in another frame; but "
		 "as long as the kernel keeps it in the swap cache, it is a minor one, and its own "
		 "frame."},
	[FILE_BACK] = {"read page 0 of the file again",
		       "A major fault if it has to be read from the disk."},
};

static const char *const area_names[] = {"anonymous", "file"};

static struct error *look(struct paging_lab *p)
{
	_cleanup_view_ struct view view = {0};
	struct look *now = &p->looks[p->count];

	TRY(view_open(p->lab, p->subject.pid, &view));
	for (size_t area = 0; area < AREAS; area++) {
		for (size_t i = 0; i < PAGES_MAX; i++) {
			TRY(view_look(&view, p->addresses[area] + i * 4096, &now->pages[area][i]));
			TRY(lab_sight(p->lab, "program", p->subject.pid, area_names[area],
				      &now->pages[area][i]));
		}
	}
	TRY(subject_word(&p->subject, "minor", &now->minor));
	TRY(subject_word(&p->subject, "major", &now->major));
	TRY(subject_word(&p->subject, "cached", &p->cached));
	TRY(lab_value(p->lab, "faults", "minor", now->minor));
	TRY(lab_value(p->lab, "faults", "major", now->major));
	p->count++;
	return NULL;
}

/* --- the picture ------------------------------------------------------------------------------ */

static const struct {
	char letter;
	enum cell_color color;
} letters[STATE_COUNT] = {
	[STATE_PRESENT] = {'R', CELL_GREEN},   [STATE_ZERO] = {'0', CELL_CYAN},
	[STATE_SWAPPED] = {'S', CELL_YELLOW},  [STATE_IN_FILE] = {'f', CELL_DIM},
	[STATE_UNTOUCHED] = {'.', CELL_DIM},   [STATE_GUARD] = {'g', CELL_PLAIN},
	[STATE_MIGRATING] = {'m', CELL_PLAIN}, [STATE_SPECIAL] = {'x', CELL_PLAIN},
};

static void draw_pages(const struct draw *draw, const struct sight *pages)
{
	fputs(" ", draw->out);
	for (size_t i = 0; i < PAGES_MAX; i++)
		draw_format(draw, letters[pages[i].state].color, 0, "%c",
			    letters[pages[i].state].letter);
	fputs("  ", draw->out);
}

static void draw_frame(const struct draw *draw, const struct sight *page)
{
	char frame[24] = "";

	if (page->present)
		sight_frame_text(page, frame);
	draw_text(draw, CELL_PLAIN, 10, frame);
}

/* All until now, the last one marked. */
static void draw_looks(const struct paging_lab *p)
{
	const struct draw *draw = &p->lab->draw;

	fputc('\n', draw->out);
	draw_text(draw, CELL_DIM, TITLE, "");
	draw_text(draw, CELL_DIM, 0, "minor major  anonymous  file      page 0 is in\n");
	for (size_t i = 0; i < p->count; i++) {
		const struct look *one = &p->looks[i];

		draw_format(draw, i + 1 == p->count ? CELL_CYAN : CELL_PLAIN, TITLE, "%zu. %s",
			    i + 1, actions[i].title);
		draw_format(draw, CELL_PLAIN, -5, "%" PRIu64, one->minor);
		draw_format(draw, one->major ? CELL_YELLOW : CELL_PLAIN, -6, "%" PRIu64,
			    one->major);
		fputc(' ', draw->out);
		draw_pages(draw, one->pages[ANONYMOUS]);
		draw_pages(draw, one->pages[FILE_PAGES]);
		draw_frame(draw,
			   &one->pages[i < FILE_READ || i == BACK ? ANONYMOUS : FILE_PAGES][0]);
		fputc('\n', draw->out);
	}
	fputs("   R in RAM   0 the zero page   S in swap   f in the file   . untouched\n",
	      draw->out);
}

/* --- what is claimed ----------------------------------------------------------------------------
 */

static bool is(const struct paging_lab *p, size_t action, size_t area, size_t page,
	       enum page_state state)
{
	return p->looks[action].pages[area][page].state == state;
}

static struct error *claim_zero(const struct paging_lab *p)
{
	const struct sight *zero = &p->looks[READ].pages[ANONYMOUS][5];
	bool absent = p->lab->target->no_zero_page;

	if (absent)
		TRY(lab_missing(p->lab,
				"the zero page: this kernel maps none, and gives a page that "
				"was only read a frame of its own"));
	return lab_claim(p->lab, zero->has_pfn && !absent, zero->state == STATE_ZERO,
			 "a page that was only read is the zero page");
}

static struct error *claim_touches(const struct paging_lab *p)
{
	struct lab *lab = p->lab;
	size_t mapped = 0;

	for (size_t i = 0; i < PAGES_MAX; i++)
		mapped += p->looks[FILE_READ].pages[FILE_PAGES][i].present;
	TRY(lab_claim(lab, true, is(p, NOTHING, ANONYMOUS, 0, STATE_UNTOUCHED),
		      "mmap gives no page"));
	TRY(lab_claim(lab, true,
		      p->looks[FIRST].minor == 1 && p->looks[SECOND].minor == 1 &&
			      is(p, SECOND, ANONYMOUS, 0, STATE_PRESENT) &&
			      is(p, SECOND, ANONYMOUS, 1, STATE_PRESENT) &&
			      is(p, SECOND, ANONYMOUS, 2, STATE_UNTOUCHED),
		      "each first write costs one minor fault and gives one page, no other"));
	TRY(claim_zero(p));
	return lab_claim(lab, true, mapped > 1 && p->looks[FILE_READ].minor == 1,
			 "one fault on the file mapped %zu of its 8 pages", mapped);
}

/* How page 0 came back, which was in swap. */
static struct error *claim_swap(const struct paging_lab *p, bool swapped)
{
	const struct look *back = &p->looks[BACK];
	bool known, same = sight_same_frame(&p->looks[SECOND].pages[ANONYMOUS][0],
					    &back->pages[ANONYMOUS][0], &known);

	if (p->cached) {
		TRY(lab_claim(p->lab, swapped, back->minor == 1 && back->major == 0,
			      "a page that is still in the swap cache costs a minor fault"));
		return lab_claim(p->lab, swapped && known, same,
				 "and it is in the frame that it had before");
	}
	TRY(lab_claim(p->lab, swapped, back->major >= 1,
		      "a page that comes back from swap costs a major fault"));
	return lab_claim(p->lab, swapped && known, !same, "and it is in another frame than before");
}

static struct error *claim_returns(const struct paging_lab *p)
{
	bool swapped = is(p, EVICTED, ANONYMOUS, 0, STATE_SWAPPED);
	bool dropped = is(p, EVICTED, FILE_PAGES, 0, STATE_IN_FILE);

	if (!swapped)
		TRY(lab_missing(p->lab, "pages in swap: nothing was swapped out (is there swap? "
					"swapon a device or file)"));
	TRY(claim_swap(p, swapped));
	return lab_claim(p->lab, dropped, p->looks[FILE_BACK].pages[FILE_PAGES][0].present,
			 "what was let go of the file came back when it was read");
}

static struct error *steps(struct paging_lab *p)
{
	TRY(subject_start(&p->subject, "paging", NULL));
	for (size_t area = 0; area < AREAS; area++)
		TRY(subject_word(&p->subject, area_names[area], &p->addresses[area]));
	for (size_t i = 0; i < ACTIONS; i++) {
		lab_step(p->lab, actions[i].title);
		if (i)
			TRY(subject_step(&p->subject));
		if (i == READ && p->lab->target->no_zero_page)
			lab_say(p->lab,
				"To read zeroes no frame would be needed, if this kernel had "
				"a zero page: it has none, and fills a frame.");
		else if (i)
			lab_say(p->lab, "%s", actions[i].say);
		else
			lab_say(p->lab,
				"Process %d has mapped 8 pages of its own at 0x%" PRIx64
				" and 8 of a "
				"file at 0x%" PRIx64 ". mmap only promises: there is not one page.",
				(int)p->subject.pid, p->addresses[ANONYMOUS],
				p->addresses[FILE_PAGES]);
		TRY(look(p));
		if (p->lab->text && (p->lab->wait || i + 1 == ACTIONS))
			draw_looks(p);
	}
	TRY(claim_touches(p));
	return claim_returns(p);
}

static struct error *run(struct lab *lab)
{
	struct paging_lab p = {.lab = lab};
	struct error *error = steps(&p);

	if (!error)
		lab_last_step(lab);
	subject_stop(&p.subject);
	return error;
}

const struct experiment experiment_paging = {
	.name = "paging",
	.summary = "demand paging counted: touches, faults, eviction and return",
	.look = "Look at the faults that each touch costs, minor (no disk) or major (it had to be "
		"read), and at the letters: a page each. Then look whether what was evicted comes "
		"back into the same frame.",
	.run = run,
};
