// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/uprobes.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"

enum { TEXT_MAX = 16 << 20 };

/* "p:EVENT PATH:OFFSET …" or "r:…"; what follows the offset may be "(ref_ctr_offset)" or arguments.
 */
static struct error *parse_line(struct uprobe_list *list, char *line)
{
	struct uprobe uprobe = {0};
	char *event = strchr(line, ':'), *path = strchr(line, ' ');

	if ((*line != 'p' && *line != 'r') || !event || !path || event > path)
		return NULL;
	*path++ = '\0';
	char *offset = strstr(path, ":0x");
	if (!offset)
		return NULL;
	*offset++ = '\0';
	offset[2 + strspn(offset + 2, "0123456789abcdefABCDEF")] = '\0';
	if (!parse_hex(offset, &uprobe.offset))
		return NULL;
	uprobe.event = event + 1;
	uprobe.path = path;
	return vec_push(&list->items, uprobe);
}

struct error *uprobes_parse(struct uprobe_list *list, char *text)
{
	char *rest = text, *line;

	*list = (struct uprobe_list){.text = text};
	while ((line = strsep(&rest, "\n"))) {
		struct error *error = parse_line(list, line);

		if (error) {
			uprobes_deinit(list);
			return error;
		}
	}
	return NULL;
}

static void find_file(struct uprobe *uprobe)
{
	struct stat st;

	uprobe->found = stat(uprobe->path, &st) == 0;
	if (!uprobe->found)
		return;
	uprobe->device = st.st_dev;
	uprobe->inode = st.st_ino;
}

struct error *uprobes_load(int root, struct uprobe_list *list)
{
	static const char *const paths[] = {"sys/kernel/tracing/uprobe_events",
					    "sys/kernel/debug/tracing/uprobe_events"};
	char *text;

	*list = (struct uprobe_list){0};
	struct error *error = read_file_at(root, paths[0], TEXT_MAX, &text, NULL);
	if (error) {
		error_free(error);
		error = read_file_at(root, paths[1], TEXT_MAX, &text, NULL);
	}
	if (!error)
		error = uprobes_parse(list, text);
	for (size_t i = 0; !error && i < list->items.count; i++)
		find_file(&list->items.items[i]);
	return error;
}

void uprobes_deinit(struct uprobe_list *list)
{
	vec_deinit(&list->items);
	free(list->text);
	list->text = NULL;
}
