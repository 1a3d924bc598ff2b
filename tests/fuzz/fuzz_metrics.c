// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Metrics, whatever processes and files are called: lines of Prometheus's text format, a sample for
 * each row and number, and the label's value is the name again.
 */
#include "cmd/census.h"
#include "fuzz.h"
#include "json.h"

static const struct column columns[] = {
	{"PID", CELL_NUMBER, 0, 0, "process"},
	{"COMMAND", CELL_TEXT, 0, 0, "name"},
	{"USS", CELL_PAGES, 0, 0, "frames of its own"},
	{"PROCESSES", CELL_NUMBER, 0, 0, "how many"},
};

static const enum census_field fields[] = {FIELD_PID, FIELD_NAME, FIELD_USS, FIELD_PROCESSES};

static const struct table_spec spec = {
	.name = "census", .columns = columns, .count = 4, .defaults = "PID"};

enum { ROWS = 4, SAMPLED = 2 };

/* [a-zA-Z_][a-zA-Z0-9_]* */
static void name(const char **at)
{
	must((**at >= 'a' && **at <= 'z') || **at == '_');
	*at += strspn(*at, "abcdefghijklmnopqrstuvwxyz0123456789_");
}

/* "…" with \\, \" and \n alone escaped; the value as it was meant goes to `value`. */
static void quoted(const char **at, char *value)
{
	must(*(*at)++ == '"');
	for (; **at != '"'; ++*at) {
		must(**at && **at != '\n');
		if (**at == '\\') {
			++*at;
			must(**at && strchr("\\\"n", **at));
			*value++ = **at == 'n' ? '\n' : **at;
		} else {
			*value++ = **at;
		}
	}
	++*at;
	*value = '\0';
}

static void sample(const char **at, const struct census_row *row, bool process, char *value)
{
	name(at);
	must(*(*at)++ == '{');
	for (bool more = true; more; more = *(*at)++ == ',') {
		const char *label = *at;

		name(at);
		must(*(*at)++ == '=');
		quoted(at, value);
		if (strncmp(label, process ? "command=" : "object=", process ? 8 : 7) == 0)
			must(!is_utf8(row->name) || strcmp(value, row->name) == 0);
	}
	must((*at)[-1] == '}' && *(*at)++ == ' ');
	must(strspn(*at, "0123456789") > 0);
	*at += strspn(*at, "0123456789");
	must(*(*at)++ == '\n');
}

static size_t check(const char *text, const struct census_rows *rows, bool process, size_t length)
{
	size_t samples = 0;
	char *value = malloc(length + 1);

	must(value && is_utf8(text));
	for (const char *at = text; *at;) {
		if (*at != '#') {
			sample(&at, &rows->items[samples++ % rows->count], process, value);
			continue;
		}
		must(strncmp(at, "# HELP ", 7) == 0 || strncmp(at, "# TYPE ", 7) == 0);
		at = strchr(at, '\n');
		must(at);
		at++;
	}
	free(value);
	return samples;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	bool process = take_byte(&input) & 1;
	struct census_row items[ROWS];
	struct census_rows rows = {.items = items, .count = ROWS, .capacity = ROWS};
	struct census_view view = {
		.name = process ? "process" : "object", .spec = &spec, .fields = fields};
	char *text = NULL;
	size_t length = 0;

	for (size_t i = 0; i < ROWS; i++) {
		items[i] = (struct census_row){.pid = (pid_t)i,
					       .user = take_text(&input, take_byte(&input)),
					       .name = take_text(&input, take_byte(&input)),
					       .processes = take_word(&input)};
		items[i].account.uss = take_word(&input);
		if (!process)
			items[i].file = take_text(&input, take_byte(&input));
	}
	FILE *out = open_memstream(&text, &length);
	must(out);
	census_metrics(&view, &rows, 12, out);
	must(fclose(out) == 0);
	must(check(text, &rows, process, length) == ROWS * SAMPLED);
	for (size_t i = 0; i < ROWS; i++) {
		free(items[i].user);
		free(items[i].name);
		free(items[i].file);
	}
	free(text);
	return 0;
}
