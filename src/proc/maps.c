// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/maps.h"

#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/scope.h"
#include "base/vec.h"

/*
 * Bounds what is read: max_map_count is at most INT_MAX, but 4 GiB of text (about 20 million areas
 * with long paths) is beyond any process that a table could show.
 */
#define MAPS_LIMIT ((size_t)4 << 30)

/* A reader over one line; every take_ function leaves it behind what it took. */
struct scanner {
	const char *at;
};

static bool take_char(struct scanner *s, char expected)
{
	if (*s->at != expected)
		return false;
	s->at++;
	return true;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

static bool take_number(struct scanner *s, unsigned base, uint64_t *value)
{
	const char *start = s->at;

	*value = 0;
	for (unsigned digit; (digit = (unsigned)digit_value(*s->at)) < base; s->at++) {
		if (__builtin_mul_overflow(*value, base, value) ||
		    __builtin_add_overflow(*value, digit, value))
			return false;
	}
	return s->at > start;
}

static bool take_perms(struct scanner *s, unsigned *perms)
{
	static const struct {
		char yes, no;
		unsigned bit;
	} letters[] = {{'r', '-', VMA_READ},
		       {'w', '-', VMA_WRITE},
		       {'x', '-', VMA_EXEC},
		       {'s', 'p', VMA_SHARED}};

	*perms = 0;
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++, s->at++) {
		if (*s->at == letters[i].yes)
			*perms |= letters[i].bit;
		else if (*s->at != letters[i].no)
			return false;
	}
	return true;
}

static bool take_device(struct scanner *s, struct vma *vma)
{
	uint64_t major, minor;

	if (!take_number(s, 16, &major) || !take_char(s, ':') || !take_number(s, 16, &minor) ||
	    major > UINT32_MAX || minor > UINT32_MAX)
		return false;
	vma->dev_major = (uint32_t)major;
	vma->dev_minor = (uint32_t)minor;
	return true;
}

static bool parse_line(const char *line, struct vma *vma)
{
	struct scanner s = {line};

	bool ok = take_number(&s, 16, &vma->range.start) && take_char(&s, '-') &&
		  take_number(&s, 16, &vma->range.end) && take_char(&s, ' ') &&
		  take_perms(&s, &vma->perms) && take_char(&s, ' ') &&
		  take_number(&s, 16, &vma->offset) && take_char(&s, ' ') && take_device(&s, vma) &&
		  take_char(&s, ' ') && take_number(&s, 10, &vma->inode);
	/* The name is padded to column 73; a name of its own may begin with more spaces only there.
	 */
	while (*s.at == ' ')
		s.at++;
	vma->name = s.at;
	return ok && !range_is_empty(vma->range);
}

/*
 * The kernel prints the text a page at a time, and goes on with the area that has the address it
 * had come to (fs/proc/task_mmu.c, proc_get_vma()). If that was merged with the one before it
 * meanwhile, it is printed from its new beginning. What was printed already is left as it was.
 */
static bool go_on_from(uint64_t reached, struct vma *vma)
{
	if (vma->range.end <= reached)
		return false;
	if (vma->range.start >= reached)
		return true;
	if (vma->inode)
		vma->offset += reached - vma->range.start;
	vma->range.start = reached;
	return true;
}

struct error *vma_list_parse(struct vma_list *list, char *text, size_t length)
{
	VEC(struct vma) areas = {0};
	uint64_t reached = 0;
	size_t number = 1;
	struct error *error = NULL;

	for (char *line = text; !error && line < text + length; number++) {
		char *end = memchr(line, '\n', (size_t)(text + length - line));
		struct vma vma;

		if (end)
			*end = '\0';
		if (!end || !parse_line(line, &vma) || !go_on_from(reached, &vma)) {
			error = error_new(ERROR_INPUT, "maps: line %zu is not an area: %.80s",
					  number, line);
			break;
		}
		reached = vma.range.end;
		error = vec_push(&areas, vma);
		line = end + 1;
	}
	if (error) {
		vec_deinit(&areas);
		free(text);
		return error;
	}
	*list = (struct vma_list){.items = areas.items, .count = areas.count, .text = text};
	return NULL;
}

void vma_list_deinit(struct vma_list *list)
{
	free(list->items);
	free(list->text);
	*list = (struct vma_list){0};
}

struct error *vma_list_read(struct vma_list *list, int maps_fd)
{
	char *text;
	size_t length;

	TRY(read_all(maps_fd, "maps", MAPS_LIMIT, &text, &length));
	return vma_list_parse(list, text, length);
}

const struct vma *vma_list_find(const struct vma_list *list, uint64_t address)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list->items[middle].range.end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == list->count || !range_contains(list->items[low].range, address))
		return NULL;
	return &list->items[low];
}

#define NEWLINE "\\012"

bool may_have_newlines(const char *name)
{
	return strstr(name, NEWLINE);
}

void spell_newlines(char *name)
{
	char *to = name;

	for (const char *from = name; *from; to++) {
		bool newline = strncmp(from, NEWLINE, strlen(NEWLINE)) == 0;

		*to = newline ? '\n' : *from;
		from += newline ? strlen(NEWLINE) : 1;
	}
	*to = '\0';
}

void vma_perms_text(unsigned perms, char text[5])
{
	text[0] = perms & VMA_READ ? 'r' : '-';
	text[1] = perms & VMA_WRITE ? 'w' : '-';
	text[2] = perms & VMA_EXEC ? 'x' : '-';
	text[3] = perms & VMA_SHARED ? 's' : 'p';
	text[4] = '\0';
}
