// SPDX-License-Identifier: GPL-2.0-or-later
/* /proc/PID/maps: in order, without overlap, found by address, and the same when written again. */
#include <inttypes.h>

#include "base/io.h"
#include "fuzz.h"
#include "proc/maps.h"

/* As show_map_vma() writes them. */
static char *write_again(const struct vma_list *list, size_t *length)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, length);

	must(out);
	for (size_t i = 0; i < list->count; i++) {
		const struct vma *vma = &list->items[i];
		char perms[5];

		vma_perms_text(vma->perms, perms);
		fprintf(out,
			"%08" PRIx64 "-%08" PRIx64 " %s %08" PRIx64 " %02x:%02x %" PRIu64 " %s\n",
			vma->range.start, vma->range.end, perms, vma->offset, vma->dev_major,
			vma->dev_minor, vma->inode, vma->name);
	}
	must(fclose(out) == 0);
	return text;
}

static void check_order(const struct vma_list *list)
{
	uint64_t reached = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct vma *vma = &list->items[i];

		must(vma->range.start >= reached && vma->range.end > vma->range.start);
		must(i == 0 || vma_list_find(list, reached - 1) == vma - 1);
		must(vma_list_find(list, vma->range.start) == vma);
		must(vma_list_find(list, vma->range.end - 1) == vma);
		must(!strchr(vma->name, '\n'));
		reached = vma->range.end;
	}
}

static void check_same(const struct vma_list *list)
{
	struct vma_list again;
	size_t length;
	char *text = write_again(list, &length);

	must(fine(vma_list_parse(&again, text, length)));
	must(again.count == list->count);
	for (size_t i = 0; i < list->count; i++) {
		const struct vma *a = &list->items[i], *b = &again.items[i];

		must(a->range.start == b->range.start && a->range.end == b->range.end);
		must(a->offset == b->offset && a->inode == b->inode && a->perms == b->perms);
		must(a->dev_major == b->dev_major && a->dev_minor == b->dev_minor);
		must(strcmp(a->name, b->name) == 0);
	}
	vma_list_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memory_file(data, size);
	struct vma_list list;

	if (fine(vma_list_read(&list, fd))) {
		check_order(&list);
		check_same(&list);
		vma_list_deinit(&list);
	}
	close(fd);
	return 0;
}
