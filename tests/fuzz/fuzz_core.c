// SPDX-License-Identifier: GPL-2.0-or-later
/* Headers and notes of ELF core files, as /proc/kcore's. */
#include "fuzz.h"
#include "object/core.h"

static void check_notes(const struct core *core, size_t size)
{
	size_t bytes = 0;

	for (size_t i = 0; i < core->notes.count; i++) {
		const struct core_note *note = &core->notes.items[i];
		const struct core_note *found = core_find_note(core, note->name, note->type);

		must(found && found <= note && strcmp(found->name, note->name) == 0);
		must(((const char *)note->bytes)[note->size] == '\0');
		must(note->size <= size);
		bytes += note->size;
	}
	/* However many headers point at the same notes. */
	must(bytes <= (size_t)16 << 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memory_file(data, size);
	struct core core;
	size_t count;

	if (fine(core_read(fd, "core", &core))) {
		must(core.segments.count + core.notes.count == 0 || size > 64);
		for (size_t i = 0; i < core.segments.count; i++) {
			const struct core_segment *s = &core.segments.items[i];

			must(s->size > 0 && s->vaddr + s->size > s->vaddr);
			must(s->offset <= INT64_MAX - s->size);
		}
		check_notes(&core, size);
		must(fine(core_header_count(fd, "core", &count)) && count == core.header_count);
		core_deinit(&core);
	}
	close(fd);
	return 0;
}
