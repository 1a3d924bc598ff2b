// SPDX-License-Identifier: GPL-2.0-or-later
/* Escaping: nothing that comes out can move a terminal or end a string, and it can be undone. */
#include "fuzz.h"
#include "json.h"
#include "ui/escape.h"

static int hex(char digit)
{
	const char *digits = "0123456789abcdef", *found = digit ? strchr(digits, digit) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* Undoes \xNN in place. */
static void undo_terminal(char *text)
{
	char *to = text;

	for (const char *from = text; *from;) {
		if (from[0] == '\\' && from[1] == 'x') {
			must(hex(from[2]) >= 0 && hex(from[3]) >= 0);
			*to++ = (char)(hex(from[2]) * 16 + hex(from[3]));
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
}

static void check_terminal(const char *text)
{
	char *escaped;

	must(fine(escape_terminal_dup(text, &escaped)));
	must(is_utf8(escaped));
	for (const unsigned char *p = (const unsigned char *)escaped; *p; p++) {
		must(*p >= 0x20 && *p != 0x7f);
		must(!(p[0] == 0xc2 && p[1] < 0xa0));                                  /* C1 */
		must(!(p[0] == 0xe2 && p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae)); /* bidi */
	}
	must(display_width(escaped) <= 2 * strlen(escaped));
	undo_terminal(escaped);
	must(strcmp(escaped, text) == 0);
	free(escaped);
}

static void check_json(const char *text)
{
	char *escaped, *quoted;

	must(fine(escape_json_dup(text, &escaped)));
	must(asprintf(&quoted, "\"%s\"", escaped) > 0);
	json_check(quoted);
	free(quoted);
	free(escaped);
}

/* Like snprintf(): what is cut is the beginning of the whole, and the length is that of the whole.
 */
static void check_cut(size_t (*escape)(char *, size_t, const char *), const char *text, size_t size)
{
	size_t length = escape(NULL, 0, text);
	char *whole = malloc(length + 1), *cut = malloc(size + 1);

	must(whole && cut);
	must(escape(whole, length + 1, text) == length && strlen(whole) == length);
	cut[size] = 1;
	must(escape(cut, size, text) == length);
	must(cut[size] == 1);
	if (size > 0)
		must(strlen(cut) < size && strncmp(cut, whole, strlen(cut)) == 0);
	must(size <= length || strcmp(cut, whole) == 0);
	free(cut);
	free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	size_t room = take_byte(&input);
	char *text = take_text(&input, SIZE_MAX);
	size_t plain = escape_plain_length(text);

	must(plain <= strlen(text));
	check_terminal(text);
	check_json(text);
	check_cut(escape_terminal, text, room);
	check_cut(escape_json, text, room);
	free(text);
	return 0;
}
