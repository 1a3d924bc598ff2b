// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/read_output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/scope.h"
#include "base/whole_file.h"
#include "ui/hexdump.h"

enum { COL_PADDR, COL_VADDR, COL_LENGTH, COL_STATE, COL_BYTES, COL_CAUSE };

static const struct column columns[] = {
	[COL_PADDR] = {"PADDR", CELL_HEX, 11, 0, "physical address of the first byte"},
	[COL_VADDR] = {"VADDR", CELL_HEX, 14, 0, "its address in the process, if that was asked"},
	[COL_LENGTH] = {"LENGTH", CELL_NUMBER, 5, 0, "how many bytes; a row ends with its frame"},
	[COL_STATE] = {"STATE", CELL_TEXT, 9, 0,
		       "of the page; ram or outside where physical addresses were asked"},
	[COL_BYTES] = {"BYTES", CELL_TEXT, 0, 0, "the bytes, two hexadecimal digits each"},
	[COL_CAUSE] = {"CAUSE", CELL_TEXT, 0, 0, "why they cannot be read"},
};

const struct table_spec read_table = {
	.name = "read",
	.title = "read",
	.columns = columns,
	.count = sizeof(columns) / sizeof(columns[0]),
	.defaults = "PADDR,VADDR,LENGTH,STATE,BYTES,CAUSE",
	.streaming = true,
};

struct output_ops {
	struct error *(*begin)(struct read_output *output);
	struct error *(*bytes)(struct read_output *output, const struct piece *piece);
	struct error *(*gap)(struct read_output *output, const struct piece *gap);
	struct error *(*finish)(struct read_output *output);
};

struct read_output {
	const struct invocation *invocation;
	const struct output_ops *ops;
	const char *path;
	bool of_process;
	struct range range;
	uint64_t page_size;

	struct hexdump hexdump;
	struct table *table;
	int fd; /* of the file */
	struct whole_file whole_file;
	bool sparse;    /* it is a regular one */
	uint64_t owed;  /* bytes: a gap's, not written yet */
	uint64_t whole; /* bytes of the file until the last that could be read */
};

static const unsigned char zeroes[4096];

static bool is_zero(const unsigned char *bytes, size_t length)
{
	return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

/* Gives `each` the piece frame by frame. */
static struct error *by_frames(struct read_output *output, const struct piece *piece,
			       struct error *(*each)(struct read_output *, const struct piece *))
{
	struct piece part = *piece;

	for (uint64_t done = 0; done < piece->length; done += part.length) {
		part.address = piece->address + done;
		part.paddr = piece->paddr + done;
		part.bytes = (const char *)piece->bytes + done;
		part.length = output->page_size - part.paddr % output->page_size;
		if (part.length > piece->length - done)
			part.length = piece->length - done;
		TRY(each(output, &part));
	}
	return NULL;
}

/* main() finds the reason when it closes standard output. */
static struct error *check_stdout(void)
{
	return ferror(stdout) ? error_errno(EIO, "standard output") : NULL;
}

/* --- a hexdump ---------------------------------------------------------------------------- */

static struct error *hexdump_begin(struct read_output *output)
{
	hexdump_init(&output->hexdump, stdout);
	return NULL;
}

static struct error *hexdump_frame(struct read_output *output, const struct piece *piece)
{
	char text[128];

	snprintf(text, sizeof(text), "frame 0x%" PRIx64 ", physical 0x%" PRIx64 "%s%s",
		 piece->paddr / output->page_size, piece->paddr, output->of_process ? ", " : "",
		 output->of_process ? piece->state : "");
	if (!output->invocation->table.noheadings)
		TRY(hexdump_mark(&output->hexdump, text));
	hexdump_bytes(&output->hexdump, piece->address, piece->bytes, (size_t)piece->length);
	return check_stdout();
}

static struct error *hexdump_piece(struct read_output *output, const struct piece *piece)
{
	return by_frames(output, piece, hexdump_frame);
}

static struct error *hexdump_gap(struct read_output *output, const struct piece *gap)
{
	char text[512];

	snprintf(text, sizeof(text), "gap 0x%" PRIx64 "-0x%" PRIx64 ", %" PRIu64 " bytes: %s",
		 gap->address, gap->address + gap->length, gap->length, gap->cause);
	TRY(hexdump_mark(&output->hexdump, text));
	return check_stdout();
}

static struct error *hexdump_finish(struct read_output *output)
{
	hexdump_end(&output->hexdump, output->range.end);
	return check_stdout();
}

/* --- bytes on standard output ------------------------------------------------------------- */

static struct error *bytes_begin(struct read_output *output)
{
	(void)output;
	if (isatty(STDOUT_FILENO))
		return error_new(ERROR_INPUT, "bytes are not for a terminal: redirect standard "
					      "output, or name a file with -O");
	return NULL;
}

/* What follows a gap keeps its place: zeroes stand for what the list on standard error names. */
static struct error *bytes_piece(struct read_output *output, const struct piece *piece)
{
	while (output->owed > 0) {
		size_t some = output->owed < sizeof(zeroes) ? (size_t)output->owed : sizeof(zeroes);

		if (fwrite(zeroes, 1, some, stdout) != some)
			return check_stdout();
		output->owed -= some;
	}
	fwrite(piece->bytes, 1, (size_t)piece->length, stdout);
	return check_stdout();
}

static struct error *bytes_gap(struct read_output *output, const struct piece *gap)
{
	output->owed += gap->length;
	return NULL;
}

/* --- a file ------------------------------------------------------------------------------- */

/* Memory and disks are read here and never written, not even by mistake (char/mem.c, minors). */
static bool may_write_to(const struct stat *status)
{
	unsigned number = minor(status->st_rdev);

	if (S_ISBLK(status->st_mode))
		return false;
	return !S_ISCHR(status->st_mode) || major(status->st_rdev) != 1 ||
	       (number != 1 && number != 2 && number != 4);
}

/*
 * A file that is there already may be one that others may read, or have open: its name is given to
 * a new one, which is nobody else's. Where names cannot be changed, and nobody else may read it, it
 * is written over.
 */
static struct error *make_way(const char *path)
{
	enum { OTHERS = S_IRWXG | S_IRWXO };
	_cleanup_free_ char *real = realpath(path, NULL);
	struct stat status;

	if (!real || stat(real, &status) < 0 || !S_ISREG(status.st_mode) || unlink(real) == 0)
		return NULL;
	if (status.st_mode & OTHERS)
		return error_new(ERROR_DENIED,
				 "%s: others may read it, and it cannot be replaced: %s", path,
				 strerror(errno));
	return NULL;
}

static struct error *file_begin(struct read_output *output)
{
	struct stat status;

	output->sparse = true;
	output->fd = whole_file_open(&output->whole_file, output->path);
	if (output->fd >= 0)
		return NULL;
	TRY(make_way(output->path));
	/* Truncated only when it is known to be a file, not a device. */
	output->fd = open(output->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	if (output->fd < 0 || fstat(output->fd, &status) < 0)
		return error_errno(errno, "%s", output->path);
	if (S_ISREG(status.st_mode) &&
	    (status.st_mode & (S_IRWXG | S_IRWXO) || status.st_uid != geteuid()))
		return error_new(ERROR_DENIED, "%s: others may read it", output->path);
	if (!may_write_to(&status))
		return error_new(ERROR_INPUT, "%s: a device that is not to be written to",
				 output->path);
	output->sparse = S_ISREG(status.st_mode);
	if (output->sparse && ftruncate(output->fd, 0) < 0)
		return error_errno(errno, "%s", output->path);
	return NULL;
}

static struct error *write_all(struct read_output *output, const void *bytes, size_t length,
			       uint64_t offset)
{
	for (size_t done = 0; done < length;) {
		const char *at = (const char *)bytes + done;
		ssize_t n = output->sparse
				    ? pwrite(output->fd, at, length - done, (off_t)(offset + done))
				    : write(output->fd, at, length - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(errno, "%s", output->path);
		done += (size_t)n;
	}
	return NULL;
}

/* Frames of zeroes become holes; what is between two of them is one write. */
static struct error *write_sparse(struct read_output *output, const struct piece *piece,
				  uint64_t offset)
{
	const unsigned char *bytes = piece->bytes;
	size_t length = (size_t)piece->length, from = 0, end;

	for (size_t at = 0; at < length; at = end) {
		end = at + (size_t)(output->page_size - (piece->paddr + at) % output->page_size);
		if (end > length)
			end = length;
		if (!is_zero(bytes + at, end - at))
			continue;
		TRY(write_all(output, bytes + from, at - from, offset + from));
		from = end;
	}
	return write_all(output, bytes + from, length - from, offset + from);
}

static struct error *file_piece(struct read_output *output, const struct piece *piece)
{
	while (!output->sparse && output->owed > 0) {
		size_t some = output->owed < sizeof(zeroes) ? (size_t)output->owed : sizeof(zeroes);

		TRY(write_all(output, zeroes, some, 0));
		output->owed -= some;
	}
	output->whole = piece->address + piece->length - output->range.start;
	if (!output->sparse)
		return write_all(output, piece->bytes, (size_t)piece->length, 0);
	return write_sparse(output, piece, piece->address - output->range.start);
}

static struct error *file_finish(struct read_output *output)
{
	if (output->sparse && ftruncate(output->fd, (off_t)output->whole) < 0)
		return error_errno(errno, "%s", output->path);
	if (output->whole_file.path)
		TRY(whole_file_name(&output->whole_file, output->fd));
	int fd = scope_take(output->fd, -1);
	return close(fd) < 0 ? error_errno(errno, "%s", output->path) : NULL;
}

/* --- JSON --------------------------------------------------------------------------------- */

static struct error *json_begin(struct read_output *output)
{
	return invocation_table(output->invocation, &read_table, &output->table);
}

static struct error *json_row(struct read_output *output, const struct piece *piece)
{
	TRY(table_row(output->table));
	if (output->of_process)
		TRY(table_hex(output->table, COL_VADDR, piece->address));
	if (piece->has_paddr || !output->of_process)
		TRY(table_hex(output->table, COL_PADDR,
			      output->of_process ? piece->paddr : piece->address));
	TRY(table_number(output->table, COL_LENGTH, piece->length));
	return table_text(output->table, COL_STATE, piece->state);
}

static struct error *json_frame(struct read_output *output, const struct piece *piece)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = piece->bytes;
	_cleanup_free_ char *text = malloc((size_t)piece->length * 2 + 1);

	if (!text)
		return error_nomem();
	for (size_t i = 0; i < piece->length; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * piece->length] = '\0';
	TRY(json_row(output, piece));
	TRY(table_text(output->table, COL_BYTES, text));
	return check_stdout();
}

static struct error *json_piece(struct read_output *output, const struct piece *piece)
{
	return by_frames(output, piece, json_frame);
}

static struct error *json_gap(struct read_output *output, const struct piece *gap)
{
	TRY(json_row(output, gap));
	TRY(table_text(output->table, COL_CAUSE, gap->cause));
	return check_stdout();
}

static struct error *json_finish(struct read_output *output)
{
	return table_finish(output->table);
}

/* --- all of them -------------------------------------------------------------------------- */

static const struct output_ops output_kinds[] = {
	[OUTPUT_HEXDUMP] = {hexdump_begin, hexdump_piece, hexdump_gap, hexdump_finish},
	[OUTPUT_BYTES] = {bytes_begin, bytes_piece, bytes_gap, NULL},
	[OUTPUT_FILE] = {file_begin, file_piece, bytes_gap, file_finish},
	[OUTPUT_JSON] = {json_begin, json_piece, json_gap, json_finish},
};

struct error *read_output_create(const struct invocation *invocation, enum output_kind kind,
				 const char *path, bool of_process, struct range range,
				 struct read_output **result)
{
	struct read_output *output = calloc(1, sizeof(*output));

	if (!output)
		return error_nomem();
	*output = (struct read_output){.invocation = invocation,
				       .ops = &output_kinds[kind],
				       .path = path,
				       .of_process = of_process,
				       .range = range,
				       .page_size = (uint64_t)sysconf(_SC_PAGESIZE),
				       .fd = -1};
	struct error *error = output->ops->begin(output);
	if (error) {
		read_output_destroy(output);
		return error;
	}
	*result = output;
	return NULL;
}

void read_output_destroy(struct read_output *output)
{
	if (!output)
		return;
	table_destroy(output->table);
	scope_closep(&output->fd);
	whole_file_deinit(&output->whole_file);
	free(output);
}

struct error *read_output_bytes(struct read_output *output, const struct piece *piece)
{
	return output->ops->bytes(output, piece);
}

struct error *read_output_gap(struct read_output *output, const struct piece *gap)
{
	return output->ops->gap(output, gap);
}

struct error *read_output_finish(struct read_output *output)
{
	return output->ops->finish ? output->ops->finish(output) : NULL;
}
