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

/* "Private_Dirty:       120 kB" */
static bool take_field(const char *line, const char *name, uint64_t *bytes)
{
	size_t length = strlen(name);
	char *end;

	if (strncmp(line, name, length) != 0 || line[length] != ':')
		return false;
	uint64_t kib = strtoull(line + length + 1, &end, 10);
	if (strncmp(end, " kB\n", 4) != 0 || kib > UINT64_MAX >> 10)
		return false;
	*bytes += kib << 10;
	return true;
}

struct error *smaps_sums_parse(const char *text, struct memory_sums *sums)
{
	const struct {
		const char *name;
		uint64_t *bytes;
	} fields[] = {{"Rss", &sums->rss},
		      {"Pss", &sums->pss},
		      {"Private_Clean", &sums->uss},
		      {"Private_Dirty", &sums->uss},
		      {"Swap", &sums->swap},
		      {"Shared_Hugetlb", &sums->hugetlb},
		      {"Private_Hugetlb", &sums->hugetlb}};
	enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };
	size_t found = 0;

	*sums = (struct memory_sums){0};
	for (const char *line = text; line && *line;) {
		for (size_t i = 0; i < FIELDS; i++)
			found += take_field(line, fields[i].name, fields[i].bytes);
		line = strchr(line, '\n');
		line += line != NULL;
	}
	return found == FIELDS ? NULL : error_new(ERROR_INPUT, "smaps_rollup: a field is missing");
}

struct error *smaps_sums_read(int proc_fd, struct memory_sums *sums)
{
	_cleanup_free_ char *text = NULL;

	TRY(read_file_at(proc_fd, "smaps_rollup", 1 << 16, &text, NULL));
	return smaps_sums_parse(text, sums);
}
