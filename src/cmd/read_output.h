// SPDX-License-Identifier: GPL-2.0-or-later
/* What `physlens read` makes of the memory: a hexdump, bytes, a sparse file, or JSON. */
#ifndef PHYSLENS_CMD_READ_OUTPUT_H
#define PHYSLENS_CMD_READ_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/reading.h"
#include "base/error.h"
#include "base/range.h"
#include "cmd/command.h"

enum output_kind { OUTPUT_HEXDUMP, OUTPUT_BYTES, OUTPUT_FILE, OUTPUT_JSON };

struct read_output;

/* The columns of JSON. */
extern const struct table_spec read_table;

/*
 * `range` is what will be read: of a process's addresses, or physical ones. `path` is of the file
 * for OUTPUT_FILE. Nothing is created before the first piece.
 */
struct error *read_output_create(const struct invocation *invocation, enum output_kind kind,
				 const char *path, bool of_process, struct range range,
				 struct read_output **output);
void read_output_destroy(struct read_output *output); /* NULL is fine */

struct error *read_output_bytes(struct read_output *output, const struct piece *piece);
struct error *read_output_gap(struct read_output *output, const struct piece *gap);
struct error *read_output_finish(struct read_output *output);

#endif
