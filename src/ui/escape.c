// SPDX-License-Identifier: GPL-2.0-or-later
#include "ui/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "ui/locale.h"

/*
 * The length of the well-formed UTF-8 sequence at `text` and its code point, or 0 (Unicode 15,
 * table 3-7: no overlong forms, no surrogates). Decoded here and not by mbrtowc(), so that the
 * answer does not depend on the user's locale.
 */
static size_t utf8_decode(const unsigned char *text, uint32_t *point)
{
	static const struct {
		unsigned char lead_mask, lead_value;
		uint32_t least;
		size_t length;
	} forms[] = {{0xe0, 0xc0, 0x80, 2}, {0xf0, 0xe0, 0x800, 3}, {0xf8, 0xf0, 0x10000, 4}};

	if (text[0] < 0x80) {
		*point = text[0];
		return 1;
	}
	for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		if ((text[0] & forms[f].lead_mask) != forms[f].lead_value)
			continue;
		uint32_t value = text[0] & (unsigned char)~forms[f].lead_mask;
		for (size_t i = 1; i < forms[f].length; i++) {
			if ((text[i] & 0xc0) != 0x80)
				return 0;
			value = value << 6 | (text[i] & 0x3f);
		}
		bool surrogate = value >= 0xd800 && value <= 0xdfff;
		if (value < forms[f].least || value > 0x10ffff || surrogate)
			return 0;
		*point = value;
		return forms[f].length;
	}
	return 0;
}

/*
 * What may go to a terminal as it is. Beyond ASCII, format characters are kept back too: those that
 * turn the direction of writing can make one name look like another.
 */
static bool is_printable(uint32_t point)
{
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},       {0x61c, 0x61c},
		{0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},
		{0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
	};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		if (point >= hidden[i].first && point <= hidden[i].last)
			return false;
	}
	return true;
}

size_t escape_plain_length(const char *text)
{
	size_t i = 0;

	while (text[i] >= ' ' && text[i] <= '~' && text[i] != '"' && text[i] != '\\')
		i++;
	return i;
}

struct output {
	char *buffer;
	size_t size;
	size_t length; /* of the whole, written or not */
	bool full;
};

/* Writes a sequence whole or, once something did not fit, not at all. */
static void put(struct output *out, const char *bytes, size_t count)
{
	if (!out->full && out->size > 0 && out->length + count < out->size)
		memcpy(out->buffer + out->length, bytes, count);
	else
		out->full = true;
	out->length += count;
	if (!out->full)
		out->buffer[out->length] = '\0';
}

static void put_byte_escape(struct output *out, const char *prefix, unsigned char byte)
{
	char escape[8];
	int length = snprintf(escape, sizeof(escape), "%s%02x", prefix, byte);

	put(out, escape, (size_t)length);
}

static struct output output_start(char *buffer, size_t size)
{
	if (size > 0)
		buffer[0] = '\0';
	return (struct output){.buffer = buffer, .size = size};
}

size_t escape_terminal(char *buffer, size_t size, const char *text)
{
	struct output out = output_start(buffer, size);
	const unsigned char *p = (const unsigned char *)text;
	bool utf8 = output_is_utf8();

	while (*p) {
		uint32_t point;
		size_t length = utf8_decode(p, &point);
		bool like_escape = p[0] == '\\' && p[1] == 'x';

		if (length > 0 && is_printable(point) && !like_escape && (utf8 || point < 0x80)) {
			put(&out, (const char *)p, length);
		} else {
			length = length ? length : 1;
			for (size_t i = 0; i < length; i++)
				put_byte_escape(&out, "\\x", p[i]);
		}
		p += length;
	}
	return out.length;
}

static void put_json_point(struct output *out, uint32_t point)
{
	static const char shorts[][2] = {{'"', '"'},  {'\\', '\\'}, {'\n', 'n'}, {'\t', 't'},
					 {'\r', 'r'}, {'\b', 'b'},  {'\f', 'f'}};
	char escape[16];

	for (size_t i = 0; i < sizeof(shorts) / sizeof(shorts[0]); i++) {
		if (point == (unsigned char)shorts[i][0]) {
			put(out, (char[]){'\\', shorts[i][1]}, 2);
			return;
		}
	}
	int length = point > 0xffff ? snprintf(escape, sizeof(escape), "\\u%04x\\u%04x",
					       0xd800 + ((point - 0x10000) >> 10),
					       0xdc00 + ((point - 0x10000) & 0x3ff))
				    : snprintf(escape, sizeof(escape), "\\u%04x", point);
	put(out, escape, (size_t)length);
}

size_t escape_json(char *buffer, size_t size, const char *text)
{
	struct output out = output_start(buffer, size);
	const unsigned char *p = (const unsigned char *)text;

	while (*p) {
		uint32_t point;
		size_t length = utf8_decode(p, &point);

		if (length == 0) {
			put_byte_escape(&out, "\\\\x", *p);
			length = 1;
		} else if (!is_printable(point) || point == '"' || point == '\\') {
			put_json_point(&out, point);
		} else {
			put(&out, (const char *)p, length);
		}
		p += length;
	}
	return out.length;
}

static struct error *escape_dup(size_t (*escape)(char *, size_t, const char *), const char *text,
				char **escaped)
{
	size_t length = escape(NULL, 0, text);

	*escaped = malloc(length + 1);
	if (!*escaped)
		return error_nomem();
	escape(*escaped, length + 1, text);
	return NULL;
}

struct error *escape_terminal_dup(const char *text, char **escaped)
{
	return escape_dup(escape_terminal, text, escaped);
}

struct error *escape_json_dup(const char *text, char **escaped)
{
	return escape_dup(escape_json, text, escaped);
}

size_t display_width(const char *text)
{
	size_t width = escape_plain_length(text);

	for (const unsigned char *p = (const unsigned char *)text + width; *p;) {
		uint32_t point;
		size_t length = utf8_decode(p, &point);
		int cells = length > 1 ? wcwidth((wchar_t)point) : 1;

		width += cells > 0 ? (size_t)cells : 0;
		p += length ? length : 1;
	}
	return width;
}
