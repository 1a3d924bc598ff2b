// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Metrics in Prometheus's text format, for the textfile collector of node_exporter:
 *
 *	# HELP physlens_process_pss_bytes each page divided by its number of mappers
 *	# TYPE physlens_process_pss_bytes gauge
 *	physlens_process_pss_bytes{pid="1",user="root",command="init"} 12345
 */
#include <string.h>

#include "cmd/census.h"

/* Length of the UTF-8 sequence at `text`; 0 when it is none. */
static size_t utf8_length(const char *text)
{
	const unsigned char *t = (const unsigned char *)text;
	size_t length = t[0] < 0x80 ? 1 : t[0] >= 0xf0 ? 4 : t[0] >= 0xe0 ? 3 : 2;

	if (t[0] >= 0xf8 || (t[0] >= 0x80 && t[0] < 0xc2))
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((t[i] & 0xc0) != 0x80)
			return 0;
	}
	/* Overlong, surrogates, and past the last character. */
	bool bad = (t[0] == 0xe0 && t[1] < 0xa0) || (t[0] == 0xed && t[1] >= 0xa0) ||
		   (t[0] == 0xf0 && t[1] < 0x90) || (t[0] == 0xf4 && t[1] >= 0x90) || t[0] > 0xf4;
	return bad ? 0 : length;
}

/* Label values are UTF-8 with \\, \" and \n; what is not UTF-8 shows as \xNN. */
static void write_value(FILE *out, const char *text)
{
	for (size_t length; *text; text += length) {
		length = utf8_length(text);
		if (length == 0) {
			fprintf(out, "\\\\x%02x", (unsigned char)*text);
			length = 1;
		} else if (*text == '\n') {
			fputs("\\n", out);
		} else {
			if (*text == '"' || *text == '\\')
				fputc('\\', out);
			fwrite(text, 1, length, out);
		}
	}
}

static void write_label(FILE *out, const char *name, const char *value, bool *any)
{
	fprintf(out, "%s%s=\"", *any ? "," : "", name);
	write_value(out, value);
	fputc('"', out);
	*any = true;
}

static void write_labels(FILE *out, const struct census_view *view, const struct census_row *row)
{
	bool any = false, process = strcmp(view->name, "process") == 0;
	char pid[16];

	fputc('{', out);
	if (process) {
		snprintf(pid, sizeof(pid), "%d", (int)row->pid);
		write_label(out, "pid", pid, &any);
		write_label(out, "user", row->user ? row->user : "", &any);
	}
	write_label(out, process ? "command" : view->name, row->name ? row->name : "", &any);
	/* Two files may have had one path: only their inodes tell them apart. */
	if (row->file)
		write_label(out, "file", row->file, &any);
	fputc('}', out);
}

static uint64_t value_of(const struct census_row *row, enum census_field field, unsigned shift)
{
	switch (field) {
	case FIELD_USS:
		return row->account.uss << shift;
	case FIELD_PSS:
		return account_pss_bytes(&row->account);
	case FIELD_RSS:
		return row->account.rss << shift;
	case FIELD_SWAP:
		return row->swap << shift;
	case FIELD_COW:
		return row->account.cow << shift;
	case FIELD_HUGETLB:
		return row->account.hugetlb << shift;
	case FIELD_MAPPED:
		return row->mapped << shift;
	default:
		return row->processes;
	}
}

static void write_lower(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(*text >= 'A' && *text <= 'Z' ? *text - 'A' + 'a' : *text, out);
}

static void write_name(FILE *out, const struct census_view *view, size_t column)
{
	fprintf(out, "physlens_%s_", view->name);
	write_lower(out, view->spec->columns[column].name);
	if (view->spec->columns[column].type == CELL_PAGES)
		fputs("_bytes", out);
}

void census_metrics(const struct census_view *view, const struct census_rows *rows,
		    unsigned page_shift, FILE *out)
{
	for (size_t c = 0; c < view->spec->count; c++) {
		enum census_field field = view->fields[c];

		if (view->spec->columns[c].type == CELL_TEXT || field == FIELD_PID ||
		    rows->hidden & 1U << field)
			continue;
		fputs("# HELP ", out);
		write_name(out, view, c);
		fprintf(out, " %s\n# TYPE ", view->spec->columns[c].help);
		write_name(out, view, c);
		fputs(" gauge\n", out);
		for (size_t i = 0; i < rows->count; i++) {
			write_name(out, view, c);
			write_labels(out, view, &rows->items[i]);
			fprintf(out, " %llu\n",
				(unsigned long long)value_of(&rows->items[i], field, page_shift));
		}
	}
}
