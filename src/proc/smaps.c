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

/* "KSM:                  16 kB" */
static bool is_merged(const char *line)
{
	return strncmp(line, "KSM:", 4) == 0 && strtoull(line + 4, NULL, 10) > 0;
}

/* "VmFlags: rd wr mr mw me de ht sd \n" */
static bool is_hugetlb(const char *line)
{
	if (strncmp(line, "VmFlags:", 8) != 0)
		return false;
	for (const char *at = line + 8; *at == ' '; at += 3) {
		if (strncmp(at, " ht", 3) == 0)
			return true;
		if (at[1] == '\n' || at[1] == '\0' || at[2] == '\n' || at[2] == '\0')
			break;
	}
	return false;
}

static struct error *parse(const char *text, bool (*wanted)(const char *line), range_vec *areas)
{
	struct range area = {0, 0};

	for (const char *line = text, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		bool field = *line >= 'A' && *line <= 'Z' && !range_is_empty(area);

		if (!end || (!field && !take_area(line, &area)))
			return error_new(ERROR_INPUT, "smaps: not a line of it: %.80s", line);
		if (wanted(line))
			TRY(vec_push(areas, area));
	}
	return NULL;
}

static struct error *read_areas(int proc_fd, bool (*wanted)(const char *line), range_vec *areas)
{
	_cleanup_free_ char *text = NULL;

	TRY(read_file_at(proc_fd, "smaps", SMAPS_LIMIT, &text, NULL));
	return parse(text, wanted, areas);
}

struct error *smaps_merged_parse(const char *text, range_vec *areas)
{
	return parse(text, is_merged, areas);
}

struct error *smaps_hugetlb_parse(const char *text, range_vec *areas)
{
	return parse(text, is_hugetlb, areas);
}

struct error *smaps_merged_read(int proc_fd, range_vec *areas)
{
	return read_areas(proc_fd, is_merged, areas);
}

struct error *smaps_hugetlb_read(int proc_fd, range_vec *areas)
{
	return read_areas(proc_fd, is_hugetlb, areas);
}
