// SPDX-License-Identifier: GPL-2.0-or-later
/* What becomes of a page that is not what its file has: looked at again, explained, or a finding.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/differ.h"
#include "analysis/frames.h"
#include "analysis/verify_internal.h"
#include "base/scope.h"
#include "proc/kpage.h"

enum {
	TRIES = 12,      /* a page that moves under us */
	ALIKE = 5,       /* times in a row that it must be found the same */
	UPROBE_BYTES = 5 /* Linux 6.18 puts a call in the place of a long nop */
};

/* --- once more
 * ------------------------------------------------------------------------------------ */

#define DIRTY (KPF_BIT_DIRTY | KPF_BIT_WRITEBACK)

enum again {
	AGAIN_GONE,     /* it ended with its process, or left the cache */
	AGAIN_CHANGED,  /* it lives, and is another whenever it is looked at, or is not what it was
			 */
	AGAIN_PAST_END, /* the file has become shorter */
	AGAIN_DIRTY,    /* it is dirty by now, a page of the cache: the disk was not read */
	AGAIN_SURE,     /* v->disk_page and v->ram_page are of one moment's mapping */
};

/* A page that is looked at again. */
struct look {
	struct verify *verify;
	struct verify_file *file;
	const struct verify_area *area;
	uint32_t index;
	bool private;
	/* The last time: */
	bool moved;  /* another area was there, or one of other permissions */
	bool unlike; /* no such page */
	bool dirty;
	uint64_t word, pfn;
	size_t on_disk;      /* bytes */
	struct error *error; /* it could not be read */
};

/* The zero page is never a file's. A private page may have been moved to swap. */
static bool is_like(uint64_t word, bool private)
{
	if (word & PAGEMAP_PRESENT)
		return !(word & PAGE_ZERO) && !(word & PAGEMAP_FILE) == private;
	return private && word & PAGEMAP_SWAP && !(word & PAGE_SPECIAL);
}

static bool is_migrating(uint64_t word)
{
	return word & PAGEMAP_SWAP && word & PAGE_MIGRATING;
}

static bool is_same_frame(uint64_t a, uint64_t b)
{
	return !((a ^ b) & (PAGEMAP_PFN | PAGEMAP_FILE | PAGEMAP_PRESENT));
}

/*
 * What is dirty the kernel would write first if the disk were read, and that is not for us to
 * cause. A private page is held against what the cache has, then.
 */
static struct error *reread_disk(struct look *look)
{
	struct verify *v = look->verify;
	struct verify_file *file = look->file;
	uint64_t offset = look->index * (uint64_t)VERIFY_PAGE;
	size_t *got = &look->on_disk;
	bool known = false;
	int errnum = direct_read(&file->direct, offset, v->disk_page, VERIFY_PAGE, got);

	look->dirty = false;
	if (errnum == EAGAIN && !look->private)
		TRY(verify_is_dirty(v, look->pfn, &look->dirty, &known));
	if (errnum == EAGAIN && !known)
		look->dirty = !direct_is_clean(&file->direct, offset, VERIFY_PAGE);
	if (errnum == EAGAIN && !look->dirty)
		errnum = direct_read_wait(&file->direct, offset, v->disk_page, VERIFY_PAGE, got);
	else if (errnum == EAGAIN && look->private)
		errnum = direct_read_cached(&file->direct, offset, v->disk_page, VERIFY_PAGE, got);
	if (errnum == EAGAIN)
		*got = 0;
	else if (errnum)
		return error_errno(errnum, "%s", file->path);
	memset(v->disk_page + *got, 0, VERIFY_PAGE - *got);
	return NULL;
}

/* FNV-1a, by words: whether bytes are those of the time before. */
static uint64_t sum_of(const uint8_t *page, uint64_t sum)
{
	for (size_t i = 0; i < VERIFY_PAGE; i += sizeof(sum)) {
		uint64_t word;

		memcpy(&word, page + i, sizeof(word));
		sum = (sum ^ word) * UINT64_C(0x100000001b3);
	}
	return sum;
}

/* Reads both, and the word behind it. */
static struct error *reread(struct look *look, bool *still)
{
	struct verify *v = look->verify;
	uint64_t vaddr = verify_vaddr(look->area, look->index), after;

	look->pfn = look->word & PAGEMAP_PRESENT ? look->word & PAGEMAP_PFN : 0;
	TRY(verify_read(v, look->area->space, vaddr, look->pfn, 1, v->ram_page));
	TRY(reread_disk(look));
	TRY(verify_word(v, look->area, vaddr, &after));
	*still = is_same_frame(look->word, after);
	return NULL;
}

/* Once, between two looks at the area; *still: nothing has changed in between. */
static struct error *look_once(struct look *look, bool *still)
{
	struct verify *v = look->verify;
	uint64_t vaddr = verify_vaddr(look->area, look->index);
	bool before, after, frame = false;

	*still = false;
	TRY(verify_still_maps(v, look->area, vaddr, &before));
	TRY(verify_word(v, look->area, vaddr, &look->word));
	look->moved = !before;
	look->unlike = !is_like(look->word, look->private);
	if (look->moved || look->unlike)
		return NULL;
	error_free(look->error);
	look->error = reread(look, &frame);
	if (error_is(look->error, ERROR_NOMEM))
		return scope_take(look->error, NULL);
	TRY(verify_still_maps(v, look->area, vaddr, &after));
	look->moved = !after;
	*still = after && frame && !look->error;
	return NULL;
}

/* What it is that was not found again. A page of the cache may leave it at any time. */
static struct error *judge_loss(const struct look *look, enum again *again)
{
	bool lives;

	TRY(verify_lives(look->verify, look->area->space, &lives));
	*again = lives && (look->private || look->moved || look->word) ? AGAIN_CHANGED : AGAIN_GONE;
	return NULL;
}

/*
 * That it was always the same may be chance, where an area is mapped in turn with another. A page
 * of the cache has a proof: the frame is the one that a mapping of our own has of the file's page.
 */
static struct error *check_frame(const struct look *look, bool *its_own)
{
	struct verify *v = look->verify;
	int fd = direct_descriptor(&look->file->direct);
	uint64_t pfn;

	*its_own = true;
	if (look->private || !look->pfn || fd < 0 || !look->on_disk)
		return NULL;
	struct error *error =
		target_file_frame(v->target, fd, look->index * (uint64_t)VERIFY_PAGE, &pfn);
	*its_own = error || pfn == look->pfn;
	return error_forgive(error);
}

/*
 * Reads memory and disk again until both were found the same several times in a row, each time with
 * the same area and the same frame before and after it. Who maps something else there in turn is
 * found out by one look of many, and then nothing is sure.
 */
static struct error *look_again(struct look *look, enum again *again)
{
	struct verify *v = look->verify;
	uint64_t sum, last = 0;
	bool its_own = true;
	int alike = 0;

	for (int i = 0; i < TRIES && alike < ALIKE; i++) {
		bool still;

		TRY(look_once(look, &still));
		if (look->moved || (look->unlike && !is_migrating(look->word)))
			return judge_loss(look, again);
		sum = sum_of(v->disk_page, sum_of(v->ram_page, look->pfn));
		alike = !still ? 0 : alike && sum == last ? alike + 1 : 1;
		last = sum;
		/* The kernel may have moved the page in between. */
		if (alike == ALIKE)
			TRY(check_frame(look, &its_own));
		if (alike == ALIKE && !its_own)
			alike = 0;
	}
	if (alike < ALIKE) {
		look->moved = !its_own;
		return judge_loss(look, again);
	}
	*again = look->dirty && !look->private ? AGAIN_DIRTY
		 : look->on_disk               ? AGAIN_SURE
					       : AGAIN_PAST_END;
	return NULL;
}

/* --- rows ---------------------------------------------------------------------------------------
 */

struct page_row {
	struct verify *verify;
	struct verify_file *file;
	const struct verify_area *area;
	uint32_t index;
	uint64_t pfn;
};

static struct error *put_row(const struct page_row *row, enum verify_kind kind, uint64_t start,
			     uint64_t end, char *why, struct verify_finding **finding)
{
	uint64_t vaddr = verify_vaddr(row->area, row->index);

	TRY(verify_found(row->verify, kind, row->area->space, row->area->file, NULL,
			 (struct range){vaddr + start, vaddr + end}, why, finding));
	/* One that went on from the page before has a first page already. */
	if (!*finding || (*finding)->pages)
		return NULL;
	(*finding)->pages = 1;
	(*finding)->has_pfn = row->pfn != 0;
	(*finding)->pfn = row->pfn;
	(*finding)->has_offset = true;
	(*finding)->offset = row->index * (uint64_t)VERIFY_PAGE + start;
	return NULL;
}

static struct error *put_bytes(const struct page_row *row, enum verify_kind kind,
			       const struct differ_run *run, char *why)
{
	struct verify *v = row->verify;
	struct verify_finding *finding;

	TRY(put_row(row, kind, run->start, run->end, why, &finding));
	if (!finding)
		return NULL;
	finding->shown = run->end - run->start < VERIFY_BYTES_SHOWN
				 ? (unsigned)(run->end - run->start)
				 : VERIFY_BYTES_SHOWN;
	memcpy(finding->before, v->disk_page + run->start, finding->shown);
	memcpy(finding->after, v->ram_page + run->start, finding->shown);
	return NULL;
}

static const struct uprobe *find_uprobe(const struct page_row *row, unsigned at)
{
	const struct verify *v = row->verify;
	uint64_t offset = row->index * (uint64_t)VERIFY_PAGE + at;

	for (size_t i = 0; i < v->uprobes.items.count; i++) {
		const struct uprobe *one = &v->uprobes.items.items[i];

		if (one->offset == offset && one->found && one->device == row->file->file->device &&
		    one->inode == row->file->file->inode)
			return one;
	}
	return NULL;
}

static struct error *explain_breakpoint(const struct page_row *row, const struct uprobe *uprobe,
					char **why)
{
	const struct verify_space *space = &row->verify->spaces.items[row->area->space];
	int result;

	if (uprobe)
		result = asprintf(why, "uprobe %s", uprobe->event);
	else if (space->tracer)
		result = asprintf(why, "process %d traces it", (int)space->tracer);
	else if (space->uprobes)
		result = asprintf(why, "uprobes are at work in the process; this one is not in "
				       "tracefs");
	else
		result = asprintf(why, "nobody traces the process, and tracefs has no uprobe here");
	return result < 0 ? error_nomem() : NULL;
}

static struct error *put_private_run(const struct page_row *row, const struct differ_run *run)
{
	const struct uprobe *uprobe = find_uprobe(row, run->start);
	bool probe = uprobe && run->end - run->start <= UPROBE_BYTES;
	char *why;

	if (!run->breakpoint && !probe)
		return put_bytes(row, VERIFY_PATCHED, run, NULL);
	TRY(explain_breakpoint(row, uprobe, &why));
	return put_bytes(row, VERIFY_BREAKPOINT, run, why);
}

static struct look look_at(const struct page_row *row, bool private)
{
	return (struct look){.verify = row->verify,
			     .file = row->file,
			     .area = row->area,
			     .index = row->index,
			     .private = private};
}

/* What there is to say of a page that was not found again; takes the look's error. */
static struct error *put_lost(const struct page_row *row, struct look *look)
{
	_cleanup_error_ struct error *error = scope_take(look->error, NULL);
	struct verify_counts *counts = &row->verify->counts;
	struct verify_finding *finding;
	char *why = strdup(look->moved ? "another area is there, or none, since it was looked at"
			   : error     ? error_message(error)
				       : "it changed whenever it was looked at");

	if (!why)
		return error_nomem();
	bool unread = error && !look->moved;
	*(unread ? &counts->unverifiable : &counts->unstable) += 1;
	return put_row(row, unread ? VERIFY_UNVERIFIABLE : VERIFY_UNSTABLE, 0, VERIFY_PAGE, why,
		       &finding);
}

static struct error *put_past_end(const struct page_row *row)
{
	struct verify_finding *finding;
	char *why = strdup("the file was truncated while it was read");

	if (!why)
		return error_nomem();
	row->verify->counts.unverifiable++;
	return put_row(row, VERIFY_UNVERIFIABLE, 0, VERIFY_PAGE, why, &finding);
}

/* --- private pages ------------------------------------------------------------------------------
 */

struct file_argument {
	struct verify *verify;
	struct verify_file *file;
};

static int read_file(void *argument, uint64_t offset, void *buffer, size_t length, size_t *got)
{
	const struct file_argument *a = argument;

	return verify_reader_bytes(a->verify, a->file, offset, buffer, length, got);
}

struct place_argument {
	const struct verify_space *space;
	uint32_t file;
};

static enum place find_place(void *argument, uint64_t address)
{
	const struct place_argument *where = argument;
	const struct mapped_range *ranges = where->space->ranges.items;
	size_t low = 0, high = where->space->ranges.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (address < ranges[middle].range.start)
			high = middle;
		else if (address >= ranges[middle].range.end)
			low = middle + 1;
		else if (ranges[middle].place == PLACE_CODE && ranges[middle].file == where->file)
			return PLACE_OWN_CODE;
		else
			return (enum place)ranges[middle].place;
	}
	return PLACE_NOTHING;
}

static struct error *get_relocations(struct verify *v, struct verify_file *file)
{
	struct file_argument argument = {v, file};
	char *remark;

	if (file->has_relocations)
		return NULL;
	TRY(relocations_read(read_file, &argument, file->wanted, &file->relocations));
	file->has_relocations = true;
	if (!file->relocations.defect)
		return NULL;
	if (asprintf(&remark, "%s: %s: compared all the same", file->path,
		     file->relocations.defect) < 0)
		return error_nomem();
	struct error *error = vec_push(&v->remarks, remark);
	if (error)
		free(remark);
	return error;
}

/* What a private page is, by its bytes. */
struct verdict {
	bool same;    /* as the file's, once they were loaded */
	bool touched; /* the loader writes there */
	bool data;    /* of a segment that is written to */
	bool moved;   /* to memory of the program's own */
	bool relro;
	size_t count;
	struct differ_run runs[DIFFER_RUNS_MAX];
};

/* `disk` becomes what was loaded of it. */
static struct error *judge_private(const struct page_row *row, uint8_t *disk, const uint8_t *ram,
				   struct verdict *verdict)
{
	struct place_argument where = {&row->verify->spaces.items[row->area->space],
				       row->area->file};
	struct explain_page page = {.relocations = &row->file->relocations,
				    .bias = row->area->bias,
				    .linked = verify_vaddr(row->area, row->index) - row->area->bias,
				    .size = VERIFY_PAGE,
				    .before = disk,
				    .after = ram,
				    .place = find_place,
				    .argument = &where};
	uint8_t explained[VERIFY_PAGE] = {0};

	verdict->touched = verdict->relro = verdict->data = false;
	verdict->moved = row->area->moved;
	if (row->area->has_bias) {
		TRY(get_relocations(row->verify, row->file));
		verdict->touched = relocations_load(&row->file->relocations, page.linked,
						    VERIFY_PAGE, ram, disk);
		verdict->touched |= explain_page(&page, explained);
		verdict->relro = explain_is_relro(&page);
		verdict->data = !(row->area->perms & VMA_EXEC) && !verdict->relro &&
				relocations_may_be_written(&row->file->relocations, page.linked);
	}
	verdict->same = memcmp(disk, ram, VERIFY_PAGE) == 0;
	verdict->count = differ_runs(disk, ram, explained, VERIFY_PAGE, verdict->runs);
	return NULL;
}

/* What the loader has done in RELRO, or would have in place of what is there already. */
static bool is_in_order(const struct verdict *verdict)
{
	if (verdict->relro || verdict->data || verdict->moved)
		return verdict->count == 0;
	return verdict->count == 0 && verdict->same && verdict->touched;
}

static struct error *put_private(const struct page_row *row, const struct verdict *verdict)
{
	struct verify_finding *finding;

	if (is_in_order(verdict))
		return NULL;
	if (verdict->count == 0)
		return put_row(row, verdict->same ? VERIFY_COPIED : VERIFY_RELOCATED, 0,
			       VERIFY_PAGE, NULL, &finding);
	/* What a program writes to its data before it protects them is its own affair. */
	if (verdict->data)
		return put_row(row, VERIFY_PROTECTED, 0, VERIFY_PAGE, NULL, &finding);
	for (size_t i = 0; i < verdict->count; i++)
		TRY(put_private_run(row, &verdict->runs[i]));
	return NULL;
}

static struct error *judge_private_again(struct page_row *row, struct verdict *verdict)
{
	struct verify *v = row->verify;
	struct look look = look_at(row, true);
	enum again again;

	TRY(look_again(&look, &again));
	row->pfn = look.pfn;
	if (again == AGAIN_CHANGED)
		return put_lost(row, &look);
	error_free(look.error);
	if (again == AGAIN_PAST_END)
		return put_past_end(row);
	if (again == AGAIN_GONE) {
		v->counts.vanished++;
		return NULL;
	}
	TRY(judge_private(row, v->disk_page, v->ram_page, verdict));
	return put_private(row, verdict);
}

struct error *verify_private_page(struct verify *v, struct verify_file *file,
				  const struct file_page *page, const uint8_t *disk,
				  const uint8_t *ram)
{
	struct page_row row = {.verify = v,
			       .file = file,
			       .area = &v->areas.items[page->area],
			       .index = page->index};
	struct verdict *verdict = malloc(sizeof(*verdict));
	struct verify_finding *finding;
	struct error *error;

	memcpy(v->disk_page, disk, VERIFY_PAGE);
	error = verdict ? judge_private(&row, v->disk_page, ram, verdict) : error_nomem();
	if (!error && verdict->moved && verdict->count == 0)
		error = put_row(&row, VERIFY_MOVED, 0, VERIFY_PAGE, NULL, &finding);
	else if (!error && !is_in_order(verdict))
		error = judge_private_again(&row, verdict);
	free(verdict);
	return error;
}

/* --- pages of the cache -------------------------------------------------------------------------
 */

struct error *verify_is_dirty(struct verify *v, uint64_t pfn, bool *dirty, bool *known)
{
	struct frame_facts facts;
	uint64_t flags = 0;
	struct error *error = pfn ? target_flags(v->target, pfn, &flags, 1)
				  : error_new(ERROR_DENIED, "frames are hidden");

	/* A large folio is dirty as a whole, and older kernels say so of its head alone. */
	if (!error && flags & KPF_BIT_TAIL && !(flags & DIRTY)) {
		error = frame_lookup(v->target, pfn, &facts);
		if (!error && facts.head != pfn)
			error = target_flags(v->target, facts.head, &flags, 1);
	}
	*known = !error;
	*dirty = !error && flags & DIRTY;
	return error_forgive(error);
}

static const struct verify_area *area_at(const struct verify *v, const struct verify_file *file,
					 size_t i)
{
	return &v->areas.items[v->by_file[file->first_area + i]];
}

/* The first area of the file that may have a page at `index`, and the first that cannot again. */
static void find_areas(const struct verify *v, const struct verify_file *file, uint32_t index,
		       size_t *from, size_t *until)
{
	uint64_t offset = index * (uint64_t)VERIFY_PAGE;
	uint64_t least = offset < file->longest ? 0 : offset - file->longest + 1;
	size_t low = 0, high = file->area_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (area_at(v, file, middle)->offset < least)
			low = middle + 1;
		else
			high = middle;
	}
	*from = low;
	for (high = file->area_count; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (area_at(v, file, middle)->offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	*until = low;
}

static bool covers(const struct verify_area *area, uint32_t index)
{
	return index * (uint64_t)VERIFY_PAGE - area->offset < range_length(area->range);
}

/* Calls `put` for every area that has frame `pfn` at `index`; *found: there is one. */
static struct error *
each_mapper(const struct page_row *row, const void *argument,
	    struct error *(*put)(const struct page_row *row, const void *argument), bool *found)
{
	struct verify *v = row->verify;
	size_t i, until;

	*found = false;
	for (find_areas(v, row->file, row->index, &i, &until); i < until; i++) {
		struct page_row one = *row;
		uint64_t word;

		one.area = area_at(v, row->file, i);
		if (!covers(one.area, row->index))
			continue;
		TRY(verify_word(v, one.area, verify_vaddr(one.area, row->index), &word));
		if (!is_like(word, false) || (word & PAGEMAP_PFN) != row->pfn)
			continue;
		*found = true;
		TRY(put(&one, argument));
	}
	return NULL;
}

struct shared_verdict {
	bool known; /* whether it is dirty */
	size_t count;
	struct differ_run runs[DIFFER_RUNS_MAX];
};

static struct error *put_shared(const struct page_row *row, const void *argument)
{
	const struct shared_verdict *verdict = argument;

	for (size_t i = 0; i < verdict->count; i++) {
		char *why = verdict->known ? NULL : strdup("whether it is dirty is hidden");

		if (!verdict->known && !why)
			return error_nomem();
		TRY(put_bytes(row, VERIFY_PAGE_CACHE, &verdict->runs[i], why));
	}
	return NULL;
}

/*
 * One of the processes that map it must still do so: the one that was seen may have ended. The row
 * and the look are of that one, or else of one whose page changed meanwhile.
 */
static struct error *find_mapper(struct page_row *row, struct look *look, enum again *again)
{
	struct page_row one = *row;
	size_t i, until;

	*again = AGAIN_GONE;
	find_areas(row->verify, row->file, row->index, &i, &until);
	for (; i < until && *again <= AGAIN_CHANGED; i++) {
		enum again now = AGAIN_GONE;

		one.area = area_at(row->verify, row->file, i);
		if (!covers(one.area, row->index))
			continue;
		struct look next = look_at(&one, false);
		TRY(look_again(&next, &now));
		if (now == AGAIN_GONE) {
			error_free(next.error);
			continue;
		}
		error_free(look->error);
		*look = next;
		*row = one;
		row->pfn = look->pfn;
		*again = now;
	}
	return NULL;
}

static struct error *put_dirty(const struct page_row *row, const void *argument)
{
	struct verify_finding *finding;
	char *why = strdup("written, and not on the disk yet: see --sync");

	(void)argument;
	if (!why)
		return error_nomem();
	row->verify->counts.unverifiable++;
	return put_row(row, VERIFY_UNVERIFIABLE, 0, VERIFY_PAGE, why, &finding);
}

static struct error *judge_shared(struct page_row *row, struct shared_verdict *verdict)
{
	struct verify *v = row->verify;
	bool dirty, found;

	verdict->count = differ_runs(v->disk_page, v->ram_page, NULL, VERIFY_PAGE, verdict->runs);
	if (verdict->count == 0)
		return NULL;
	TRY(verify_is_dirty(v, row->pfn, &dirty, &verdict->known));
	return each_mapper(row, verdict, dirty ? put_dirty : put_shared, &found);
}

struct error *verify_shared_page(struct verify *v, struct verify_file *file,
				 const struct file_page *page)
{
	struct page_row row = {.verify = v, .file = file, .index = page->index};
	struct shared_verdict *verdict = malloc(sizeof(*verdict));
	struct look look = {0};
	enum again again = AGAIN_GONE;
	bool found;
	struct error *error = verdict ? find_mapper(&row, &look, &again) : error_nomem();

	if (!error && again == AGAIN_CHANGED)
		error = put_lost(&row, &look);
	else if (!error && again == AGAIN_PAST_END)
		error = put_past_end(&row);
	else if (!error && again == AGAIN_DIRTY)
		error = each_mapper(&row, NULL, put_dirty, &found);
	else if (!error && again == AGAIN_SURE)
		error = judge_shared(&row, verdict);
	v->counts.vanished += !error && again == AGAIN_GONE;
	error_free(look.error);
	free(verdict);
	return error;
}

struct error *verify_dirty_page(struct verify *v, struct verify_file *file,
				const struct file_page *page)
{
	struct page_row row = {.verify = v,
			       .file = file,
			       .area = &v->areas.items[page->area],
			       .index = page->index,
			       .pfn = page->pfn};
	bool found;

	TRY(each_mapper(&row, NULL, put_dirty, &found));
	v->counts.vanished += !found;
	return NULL;
}

struct error *verify_unread_page(struct verify *v, struct verify_file *file,
				 const struct file_page *page, struct error *error)
{
	struct page_row row = {.verify = v,
			       .file = file,
			       .area = &v->areas.items[page->area],
			       .index = page->index};
	struct look look = look_at(&row, page->pfn & VERIFY_PRIVATE);
	bool lives, still = true;

	if (error_is(error, ERROR_NOMEM))
		return error;
	look.error = error;
	struct error *failed = verify_lives(v, row.area->space, &lives);
	if (!failed && lives)
		failed = verify_still_maps(v, row.area, verify_vaddr(row.area, row.index), &still);
	look.moved = !still;
	if (!failed && lives)
		return put_lost(&row, &look);
	v->counts.vanished += !failed;
	error_free(look.error);
	return failed;
}
