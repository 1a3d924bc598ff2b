// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/smaps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/scope.h"

#define SMAPS_LIMIT ((size_t)4 << 30)

/* "7ffde7fe2000-7ffde8003000 rw-p …": fields of an area begin with a capital letter. */
static bool take_area(const char *line, struct range *area)
{
	char *end;

	if (!strchr("0123456789abcdef", *line))
		return false;
	area->start = strtoull(line, &end, 16);
	if (*end != '-')
		return false;
	area->end = strtoull(end + 1, &end, 16);
	return *end == ' ' && !range_is_empty(*area);
}

struct error *smaps_merged_parse(const char *text, range_vec *areas)
{
	struct range area = {0, 0};

	for (const char *line = text, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		bool field = *line >= 'A' && *line <= 'Z' && !range_is_empty(area);

		if (!end || (!field && !take_area(line, &area)))
			return error_new(ERROR_INPUT, "smaps: not a line of it: %.80s", line);
		if (strncmp(line, "KSM:", 4) == 0 && strtoull(line + 4, NULL, 10) > 0)
			TRY(vec_push(areas, area));
	}
	return NULL;
}

struct error *smaps_merged_read(int proc_fd, range_vec *areas)
{
	_cleanup_free_ char *text = NULL;

	TRY(read_file_at(proc_fd, "smaps", SMAPS_LIMIT, &text, NULL));
	return smaps_merged_parse(text, areas);
}
