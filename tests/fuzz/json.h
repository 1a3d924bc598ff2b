// SPDX-License-Identifier: GPL-2.0-or-later
/* A strict reader of JSON (RFC 8259) for harnesses: whether a text is one value, and its strings.
 */
#ifndef PHYSLENS_TESTS_FUZZ_JSON_H
#define PHYSLENS_TESTS_FUZZ_JSON_H

#include "fuzz.h"

/* Length of the well-formed sequence at `text`, in UTF-8 (RFC 3629); 0: there is none. */
static inline size_t utf8_sequence(const unsigned char *text)
{
	if (text[0] < 0x80)
		return 1;
	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 0;
	size_t length = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	unsigned char low = text[0] == 0xe0 ? 0xa0 : text[0] == 0xf0 ? 0x90 : 0x80;
	unsigned char high = text[0] == 0xed ? 0x9f : text[0] == 0xf4 ? 0x8f : 0xbf;

	if (text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

static inline bool is_utf8(const char *text)
{
	for (size_t length; *text; text += length) {
		length = utf8_sequence((const unsigned char *)text);
		if (length == 0)
			return false;
	}
	return true;
}

struct json {
	const char *at;
	size_t values, objects;
};

static inline void json_skip(struct json *json)
{
	json->at += strspn(json->at, " \t\r\n");
}

static inline void json_string(struct json *json)
{
	must(*json->at++ == '"');
	while (*json->at != '"') {
		size_t length = utf8_sequence((const unsigned char *)json->at);

		must(length > 0 && (unsigned char)*json->at >= 0x20 && *json->at != 0x7f);
		if (*json->at != '\\') {
			json->at += length;
		} else if (json->at[1] == 'u') {
			must(strspn(json->at + 2, "0123456789abcdefABCDEF") >= 4);
			json->at += 6;
		} else {
			must(json->at[1] && strchr("\"\\/bfnrt", json->at[1]));
			json->at += 2;
		}
	}
	json->at++;
}

static inline void json_value(struct json *json);

static inline void json_list(struct json *json, char end, bool keys)
{
	json->at++;
	json_skip(json);
	if (*json->at == end) {
		json->at++;
		return;
	}
	for (;;) {
		json_skip(json);
		if (keys) {
			json_string(json);
			json_skip(json);
			must(*json->at++ == ':');
		}
		json_value(json);
		json_skip(json);
		if (*json->at == end)
			break;
		must(*json->at++ == ',');
	}
	json->at++;
}

static inline void json_value(struct json *json)
{
	static const char *const words[] = {"true", "false", "null"};

	json_skip(json);
	json->values++;
	if (*json->at == '{') {
		json->objects++;
		json_list(json, '}', true);
		return;
	}
	if (*json->at == '[') {
		json_list(json, ']', false);
		return;
	}
	if (*json->at == '"') {
		json_string(json);
		return;
	}
	for (size_t i = 0; i < 3; i++) {
		if (strncmp(json->at, words[i], strlen(words[i])) == 0) {
			json->at += strlen(words[i]);
			return;
		}
	}
	size_t digits = strspn(json->at, "0123456789");
	must(digits > 0 && (digits == 1 || *json->at != '0'));
	json->at += digits;
}

/* The whole text is one value. */
static inline struct json json_check(const char *text)
{
	struct json json = {.at = text};

	json_value(&json);
	json_skip(&json);
	must(*json.at == '\0');
	return json;
}

#endif
