// SPDX-License-Identifier: GPL-2.0-or-later
/* physlens read: memory, through the physical frames that it is in. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/locate.h"
#include "analysis/reading.h"
#include "arch/x86_64.h"
#include "base/io.h"
#include "base/scope.h"
#include "cmd/commands.h"
#include "cmd/naming.h"
#include "cmd/physical.h"
#include "cmd/processes.h"
#include "cmd/read_output.h"
#include "proc/cpuinfo.h"
#include "proc/memory.h"
#include "ui/progress.h"

enum {
	DEFAULT_LENGTH = 256,
	VERIFY_TRIES = 8, /* a page that its process writes to is compared again */
};

enum { OPTION_ANY_ADDRESS = OPTION_LONG, OPTION_VERIFY };

static const struct command_option options[] = {
	{'r', "raw", NULL, "the bytes themselves, not a hexdump"},
	{'O', "output-file", "FILE", "the bytes into FILE, sparse: what cannot be read is a hole"},
	{OPTION_VERIFY, "verify", NULL, "compare each page with /proc/PID/mem"},
	{OPTION_ANY_ADDRESS, "any-address", NULL, "also what is not RAM; devices may react"},
};

/* What could not be read and was not told yet: pieces with one cause are told as one. */
struct pending_gap {
	struct piece piece;
	char *cause;
};

struct reading {
	struct invocation *invocation;
	bool any_address;
	bool verify;
	const char *path;

	struct range range;
	bool of_process;
	struct source *source;
	struct layout layout;
	struct read_output *output;
	struct progress progress;
	struct pending_gap gap;
	uint64_t unreadable; /* gaps told */

	int mem; /* /proc/PID/mem, for --verify */
	unsigned char *compared;
	uint64_t equal, different, incomparable; /* pages */
};

static int parse_options(struct reading *r)
{
	int key;

	while ((key = invocation_option(r->invocation)) > 0) {
		if (key == 'O')
			r->path = r->invocation->argument;
		else if (key == OPTION_VERIFY)
			r->verify = true;
		else
			r->any_address = true;
	}
	return key;
}

/* "4096", "0x1000", "4K": with a suffix of powers of 1024. */
static struct error *parse_length(const char *text, uint64_t *length)
{
	static const char suffixes[] = "KMGT";
	_cleanup_free_ char *number = strdup(text);

	if (!number)
		return error_nomem();
	char *last = *number ? number + strlen(number) - 1 : number;
	const char *suffix = *last ? strchr(suffixes, *last) : NULL;
	unsigned shift = suffix ? 10 * (unsigned)(suffix - suffixes + 1) : 0;
	if (suffix)
		*last = '\0';
	bool hex = strncasecmp(number, "0x", 2) == 0;
	if (!(hex ? parse_hex(number, length) : parse_decimal(number, length)))
		return error_new(ERROR_INPUT,
				 "not a length (decimal, or hexadecimal with 0x; K, M, G, T): %s",
				 text);
	if (*length == 0)
		return error_new(ERROR_INPUT, "a length of 0: there is nothing to read");
	if (*length > UINT64_MAX >> shift)
		return error_new(ERROR_INPUT, "length too large: %s", text);
	*length <<= shift;
	return NULL;
}

static struct error *make_range(struct reading *r, uint64_t start)
{
	uint64_t length = DEFAULT_LENGTH;

	if (r->invocation->argument_count > 1)
		TRY(parse_length(r->invocation->arguments[1], &length));
	if (!range_from_length(start, length, &r->range))
		return error_new(ERROR_INPUT,
				 "0x%" PRIx64 " and %" PRIu64 " bytes: past the last address",
				 start, length);
	return NULL;
}

/* --- what comes of the pieces ------------------------------------------------------------- */

static struct error *flush_gap(struct reading *r)
{
	_cleanup_free_ char *cause = scope_take(r->gap.cause, NULL);
	struct piece gap = r->gap.piece;

	r->gap.piece = (struct piece){0};
	if (!gap.length)
		return NULL;
	gap.cause = cause;
	progress_clear(&r->progress);
	invocation_warn(r->invocation, "0x%" PRIx64 "-0x%" PRIx64 ": %s", gap.address,
			gap.address + gap.length, cause);
	r->unreadable++;
	return read_output_gap(r->output, &gap);
}

static struct error *add_gap(struct reading *r, const struct piece *piece)
{
	struct pending_gap *gap = &r->gap;

	if (gap->cause && strcmp(gap->cause, piece->cause) == 0 &&
	    strcmp(gap->piece.state, piece->state) == 0) {
		gap->piece.length += piece->length;
		return NULL;
	}
	TRY(flush_gap(r));
	gap->cause = strdup(piece->cause);
	if (!gap->cause)
		return error_nomem();
	gap->piece = *piece;
	return NULL;
}

struct copy {
	unsigned char *bytes;
	uint64_t start;
	uint64_t length; /* that could be read */
};

static struct error *take_copy(void *argument, const struct piece *piece)
{
	struct copy *copy = argument;

	if (!piece->bytes)
		return NULL;
	memcpy(copy->bytes + (piece->address - copy->start), piece->bytes, (size_t)piece->length);
	copy->length += piece->length;
	return NULL;
}

/* Equal, once both ways have been read without a write between them. */
static struct error *compare_again(struct reading *r, const struct piece *page, bool *equal)
{
	_cleanup_free_ unsigned char *bytes = malloc((size_t)page->length);
	struct range range = {page->address, page->address + page->length};

	if (!bytes)
		return error_nomem();
	*equal = false;
	for (int i = 0; i < VERIFY_TRIES && !*equal; i++) {
		struct copy copy = {.bytes = bytes, .start = range.start};

		TRY(read_process(r->source, &r->layout, range, take_copy, &copy));
		if (process_memory_read(r->mem, range.start, r->compared, (size_t)page->length) !=
		    0)
			return NULL;
		*equal = copy.length == page->length &&
			 memcmp(bytes, r->compared, (size_t)page->length) == 0;
	}
	return NULL;
}

static struct error *verify_page(struct reading *r, const struct piece *page)
{
	bool equal;
	int errnum = process_memory_read(r->mem, page->address, r->compared, (size_t)page->length);

	if (errnum) {
		progress_clear(&r->progress);
		invocation_warn(r->invocation, "0x%" PRIx64 ": cannot be compared: %s",
				page->address, strerror(errnum));
		r->incomparable++;
		return NULL;
	}
	equal = memcmp(page->bytes, r->compared, (size_t)page->length) == 0;
	if (!equal)
		TRY(compare_again(r, page, &equal));
	if (equal) {
		r->equal++;
		return NULL;
	}
	progress_clear(&r->progress);
	invocation_warn(r->invocation,
			"0x%" PRIx64 ": frame 0x%" PRIx64 " differs from /proc/PID/mem",
			page->address, page->paddr / (uint64_t)sysconf(_SC_PAGESIZE));
	r->different++;
	return NULL;
}

static struct error *verify_piece(struct reading *r, const struct piece *piece)
{
	uint64_t size = (uint64_t)sysconf(_SC_PAGESIZE);
	struct piece page = *piece;

	for (uint64_t done = 0; done < piece->length; done += page.length) {
		page.address = piece->address + done;
		page.paddr = piece->paddr + done;
		page.bytes = (const char *)piece->bytes + done;
		page.length = size - page.address % size;
		if (page.length > piece->length - done)
			page.length = piece->length - done;
		TRY(verify_page(r, &page));
	}
	return NULL;
}

static struct error *take_piece(void *argument, const struct piece *piece)
{
	struct reading *r = argument;

	if (!piece->bytes) {
		TRY(add_gap(r, piece));
	} else {
		TRY(flush_gap(r));
		TRY(read_output_bytes(r->output, piece));
		if (r->verify)
			TRY(verify_piece(r, piece));
	}
	progress_update(&r->progress, piece->address + piece->length - r->range.start);
	return NULL;
}

/* --- the two ways ------------------------------------------------------------------------- */

static enum output_kind output_kind(const struct reading *r)
{
	if (r->path)
		return OUTPUT_FILE;
	switch (r->invocation->table.format) {
	case FORMAT_JSON:
		return OUTPUT_JSON;
	case FORMAT_RAW:
		return OUTPUT_BYTES;
	default: /* run() has refused the others */
		break;
	}
	return OUTPUT_HEXDUMP;
}

/* A dump that scrolls on the same terminal shows its own progress. */
static FILE *progress_out(const struct reading *r)
{
	return r->path || !isatty(STDOUT_FILENO) ? stderr : NULL;
}

static struct error *read_pieces(struct reading *r)
{
	TRY(read_output_create(r->invocation, output_kind(r), r->path, r->of_process, r->range,
			       &r->output));
	progress_init(&r->progress, progress_out(r), range_length(r->range));
	struct error *error = r->of_process
				      ? read_process(r->source, &r->layout, r->range, take_piece, r)
				      : read_physical(r->source, r->range, take_piece, r);
	if (!error)
		error = flush_gap(r);
	if (!error)
		error = read_output_finish(r->output);
	progress_clear(&r->progress);
	return error;
}

static struct error *open_source(struct reading *r)
{
	TRY(open_physical(r->invocation, r->any_address ? SOURCE_ANY_ADDRESS : 0, &r->source));
	if (r->any_address)
		invocation_warn(r->invocation,
				"--any-address: what is not RAM belongs to devices, and to read "
				"it may change their state");
	return NULL;
}

static struct error *read_by_paddr(struct reading *r)
{
	const char *text = r->invocation->arguments[0];
	char taken[64], instead[64];
	uint64_t start;

	if (!parse_hex(text, &start))
		return error_new(ERROR_INPUT,
				 "not a physical address (hexadecimal), nor PID:ADDRESS: %s", text);
	TRY(make_range(r, start));
	snprintf(taken, sizeof(taken), "the physical address 0x%.20s", text);
	snprintf(instead, sizeof(instead), "read %.20s:ADDRESS", text);
	warn_also_process(r->invocation, text, taken, instead);
	TRY(open_source(r));
	return read_pieces(r);
}

/* Non-canonical addresses are no addresses: nothing can ever be mapped there. */
static struct error *check_canonical(uint64_t address)
{
	struct cpu_flags flags = {0};
	_cleanup_close_ int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	error_free(cpu_flags_load(root, &flags));
	if (x86_64_is_canonical(address, flags.la57))
		return NULL;
	return error_new(ERROR_INPUT, "not a canonical address: 0x%" PRIx64, address);
}

static struct error *prepare_verify(struct reading *r, pid_t pid)
{
	if (!r->verify)
		return NULL;
	r->compared = malloc((size_t)sysconf(_SC_PAGESIZE));
	return r->compared ? process_memory_open(pid, &r->mem) : error_nomem();
}

static struct error *read_in_layout(struct reading *r, const char *where)
{
	struct space *space = r->layout.space;
	uint64_t start;

	TRY(locate_parse(&r->layout, where, &start));
	TRY(make_range(r, start));
	TRY(check_canonical(start));
	TRY(check_canonical(r->range.end - 1));
	TRY(space_require_pfns(space));
	TRY(open_source(r));
	TRY(prepare_verify(r, space->pid));
	TRY(read_pieces(r));
	return space_check_alive(space);
}

static struct error *read_in_space(struct reading *r, struct space *space, const char *where)
{
	TRY(layout_init(&r->layout, space));
	processes_explain_served(r->invocation, &r->layout, 1);
	struct error *error = read_in_layout(r, where);
	layout_deinit(&r->layout);
	return error;
}

/* "PID:WHERE", cut at the colon; a symbol of C++ has colons of its own. */
static struct error *read_of_process(struct reading *r, char *colon)
{
	char *pid_text = r->invocation->arguments[0];
	struct target *target;
	struct space *space;
	pid_t pid;

	r->of_process = true;
	*colon = '\0';
	TRY(invocation_target(r->invocation, &target));
	struct error *error = process_named(target, pid_text, &pid);
	if (!error)
		error = target_open_space(target, pid, &space);
	if (!error) {
		error = read_in_space(r, space, colon + 1);
		space_close(space);
	}
	invocation_target_end(r->invocation, target);
	return error;
}

static void deinit(struct reading *r)
{
	read_output_destroy(r->output);
	source_close(r->source);
	scope_closep(&r->mem);
	free(r->compared);
	free(r->gap.cause);
}

static int status_of(const struct reading *r)
{
	if (r->verify)
		invocation_warn(r->invocation,
				"%" PRIu64 " %s compared with /proc/PID/mem: %" PRIu64
				" equal, %" PRIu64 " different",
				r->equal + r->different,
				noun(r->equal + r->different, "page", "pages"), r->equal,
				r->different);
	if (r->unreadable || r->incomparable)
		return EXIT_CANNOT;
	return r->different ? EXIT_FINDINGS : EXIT_DONE;
}

static int run(struct invocation *invocation)
{
	struct reading r = {.invocation = invocation, .mem = -1};

	if (parse_options(&r) < 0)
		return invocation->status;
	if (invocation->list_columns) {
		table_list_columns(&read_table, stdout, "");
		return EXIT_DONE;
	}
	if (invocation->argument_count < 1 || invocation->argument_count > 2)
		return invocation_misused(invocation, "an address and at most a length are needed");
	char *colon = strchr(invocation->arguments[0], ':');
	if (r.verify && !colon)
		return invocation_misused(invocation, "--verify is for an address of a process");
	if (invocation->table.format > FORMAT_JSON)
		return invocation_misused(invocation,
					  "--format: memory is no table: table, raw or json");
	if (r.path && invocation->table.format == FORMAT_JSON)
		return invocation_misused(invocation, "--json does not go into a file of bytes");
	struct error *error = colon ? read_of_process(&r, colon) : read_by_paddr(&r);
	deinit(&r);
	if (!error)
		return status_of(&r);
	if (!ferror(stdout))
		return invocation_fail(invocation, error);
	error_free(error); /* main() says what is wrong with standard output */
	return EXIT_CANNOT;
}

const struct command command_read = {
	.name = "read",
	.summary = "show memory, read through the frames that it is in",
	.synopsis = "[options] PADDR [LENGTH]\n"
		    " physlens read [options] PID:ADDRESS|PID:[OBJECT!]SYMBOL[+OFFSET] [LENGTH]",
	.description =
		"Show LENGTH bytes (256) at a physical address, or at an address or symbol of a "
		"process,\n"
		"page by page through its frames of RAM. A hexdump with each frame and each gap "
		"marked, or\n"
		"bytes. Addresses are hexadecimal; a length is decimal, or hexadecimal with 0x, "
		"and may end\n"
		"in K, M, G or T.",
	.options = options,
	.option_count = sizeof(options) / sizeof(options[0]),
	.tables = (const struct table_spec *const[]){&read_table, NULL},
	.run = run,
	.processes = 1,
};
