// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The small texts of /proc and /sys. The first letter says which parser gets the rest, so that a
 * seed is a letter and a file: m a line of mountinfo, i iomem, s smaps, …
 */
#include "base/io.h"
#include "base/scope.h"
#include "fuzz.h"
#include "phys/source.h"
#include "proc/cgroup.h"
#include "proc/cpuinfo.h"
#include "proc/identity.h"
#include "proc/iomem.h"
#include "proc/mmstate.h"
#include "proc/mounts.h"
#include "proc/numa.h"
#include "proc/process.h"
#include "proc/smaps.h"
#include "proc/uprobes.h"

static size_t lines_of(const char *text)
{
	size_t lines = 1;

	for (; (text = strchr(text, '\n')); text++)
		lines++;
	return lines;
}

/* Each entry lies behind its parent and one level below it. */
static void check_tree(const struct iomem *iomem)
{
	bool visible = false;

	for (size_t i = 0; i < iomem->entries.count; i++) {
		const struct iomem_entry *entry = &iomem->entries.items[i];

		must(entry->range.start < entry->range.end);
		must((entry->parent == IOMEM_NO_PARENT) == (entry->depth == 0));
		if (entry->depth > 0)
			must(entry->parent < i &&
			     iomem->entries.items[entry->parent].depth == entry->depth - 1);
		visible |= entry->range.start != 0 || entry->range.end != 1;
	}
	must((iomem->state == IOMEM_VISIBLE) == visible);
	must((iomem->state == IOMEM_EMPTY) == (iomem->entries.count == 0));
}

static void parse_iomem(const char *text)
{
	struct iomem iomem;
	range_vec ram = {0};
	struct range code;

	if (!fine(iomem_parse(text, &iomem)))
		return;
	check_tree(&iomem);
	must(fine(iomem_system_ram(&iomem, &ram)));
	for (size_t i = 0; i < ram.count; i++) {
		must(!range_is_empty(ram.items[i]));
		must(i == 0 || ram.items[i].start > ram.items[i - 1].end);
	}
	if (iomem_kernel_code(&iomem, &code))
		must(!range_is_empty(code));
	vec_deinit(&ram);
	iomem_deinit(&iomem);
}

static void parse_smaps(const char *text)
{
	range_vec areas = {0};

	fine(smaps_merged_parse(text, &areas));
	must(areas.count <= lines_of(text));
	for (size_t i = 0; i < areas.count; i++)
		must(!range_is_empty(areas.items[i]));
	vec_deinit(&areas);
}

static void parse_cpuinfo(const char *text)
{
	struct cpu_flags flags;

	cpu_flags_parse(text, &flags);
	must(flags.physical_bits <= 52);
	must(!flags.la57 || strstr(text, "la57"));
	must(!flags.hypervisor || strstr(text, "hypervisor"));
}

static void parse_cgroup(const char *text)
{
	char *path;

	if (fine(cgroup_parse(text, &path)) && path)
		must(strstr(text, path) && !strchr(path, '\n'));
	free(path);
}

static void parse_covers(const char *text)
{
	covered_vec list = {0};

	must(fine(mounts_over_processes(text, &list)));
	must(list.count <= lines_of(text));
	for (size_t i = 0; i < list.count; i++)
		must(list.items[i].pid > 0 && strstr(text, list.items[i].place));
	vec_deinit(&list);
}

static void parse_identity(const char *text)
{
	size_t length = strlen(text);
	const char *value = environ_value(text, length, "A");

	must(!value || (value > text && value <= text + length));
	auxv_value(text, length, 9);
}

static void parse_mountinfo(const char *text)
{
	parse_covers(text);
	for (int version = 1; version <= 2; version++) {
		_cleanup_free_ char *line = strdup(text);

		must(line);
		const char *point = cgroup_mount_parse(line, version);
		if (point)
			must(point > line && point <= line + strlen(text) && strstr(text, point));
	}
}

static void parse_nodes(const char *text)
{
	struct numa numa = {0};

	fine(numa_parse_list(text, &numa));
	for (size_t i = 1; i < numa.nodes.count; i++)
		must(numa.nodes.items[i] > numa.nodes.items[i - 1]);
	numa_deinit(&numa);
}

static void parse_zoneinfo(const char *text)
{
	struct numa numa = {0};

	fine(numa_parse_zoneinfo(text, &numa));
	must(numa.zones.count <= lines_of(text));
	for (size_t i = 0; i < numa.zones.count; i++)
		must(!range_is_empty(numa.zones.items[i].pfns) && numa.zones.items[i].node >= 0);
	numa_deinit(&numa);
}

static void parse_swaps(const char *text)
{
	struct swaps swaps;

	if (!fine(swaps_parse(text, &swaps)))
		return;
	must(swaps.present && swaps.areas.count < lines_of(text));
	for (size_t i = 0; i < swaps.areas.count; i++)
		must(strlen(swaps.areas.items[i].path) <= strlen(text));
	swaps_deinit(&swaps);
}

static void parse_stat(const char *text)
{
	struct process_stat stat;

	if (!process_stat_parse(text, &stat))
		return;
	must(memchr(stat.command, '\0', sizeof(stat.command)));
	must(strstr(text, stat.command));
}

static void parse_uprobes(const char *text)
{
	struct uprobe_list list;
	char *copy = strdup(text);

	must(copy);
	if (!fine(uprobes_parse(&list, copy)))
		return;
	must(list.items.count <= lines_of(text));
	for (size_t i = 0; i < list.items.count; i++)
		must(strstr(text, list.items.items[i].event) &&
		     strstr(text, list.items.items[i].path));
	uprobes_deinit(&list);
}

static void parse_words(const char *text)
{
	char word[24];
	uint64_t value;
	const char *found;

	if (chosen_word(text, word, sizeof(word)))
		must(strlen(word) < sizeof(word) && strstr(text, word));
	parse_decimal(text, &value);
	if (parse_hex(text, &value)) {
		char again[17];
		uint64_t same;

		snprintf(again, sizeof(again), "%llx", (unsigned long long)value);
		must(parse_hex(again, &same) && same == value);
	}
	parse_identity(text);
	if (vmcoreinfo_find(text, "NUMBER(phys_base)", &found))
		must(found > text && found <= text + strlen(text) && found[-1] == '=');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		char letter;
		void (*parse)(const char *text);
	} parsers[] = {{'i', parse_iomem},    {'s', parse_smaps},     {'c', parse_cpuinfo},
		       {'g', parse_cgroup},   {'m', parse_mountinfo}, {'n', parse_nodes},
		       {'z', parse_zoneinfo}, {'w', parse_swaps},     {'p', parse_stat},
		       {'u', parse_uprobes},  {'x', parse_words}};
	struct input input = {data, size};
	char letter = (char)take_byte(&input);
	char *text = take_text(&input, SIZE_MAX);

	for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++) {
		if (parsers[i].letter == letter)
			parsers[i].parse(text);
	}
	free(text);
	return 0;
}
