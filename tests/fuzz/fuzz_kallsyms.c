// SPDX-License-Identifier: GPL-2.0-or-later
/* /proc/kallsyms: what is found stands in the text, and hidden is never found. */
#include "fuzz.h"
#include "proc/kallsyms.h"

static void check(const char *text, const struct kallsyms_lookup *lookups, size_t count,
		  const struct kallsyms_summary *summary)
{
	size_t lines = 0;

	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	must(summary->count <= lines);
	must(!summary->hidden || summary->count > 0);
	for (size_t i = 0; i < count; i++) {
		must(!lookups[i].found || strstr(text, lookups[i].name));
		must(!lookups[i].found || summary->count > 0);
		must(lookups[i].found || (!lookups[i].address && !lookups[i].type));
		must(!summary->hidden || !lookups[i].address);
	}
	must(summary->data == lookups[0].found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kallsyms_lookup lookups[] = {
		{.name = "init_task"}, {.name = "_text"}, {.name = "page_offset_base"}};
	struct kallsyms_summary summary;

	if (size == 0)
		return 0;
	FILE *file = fmemopen((void *)(uintptr_t)data, size, "r");
	must(file);
	/* A NUL ends a line for who reads it, so that nothing can be said of what is behind it. */
	if (fine(kallsyms_read(file, lookups, 3, &summary)) && !memchr(data, '\0', size)) {
		char *text = strndup((const char *)data, size);

		must(text);
		check(text, lookups, 3, &summary);
		free(text);
	}
	fclose(file);
	return 0;
}
