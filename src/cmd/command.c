// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/command.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/scope.h"
#include "phys/source.h"
#include "ui/escape.h"

enum {
	OPTION_LIST_COLUMNS = 1000,
	OPTION_FORMAT,
	OPTION_HUMAN,
	OPTION_COLOR,
	OPTION_SOURCE,
	OPTION_ASK_SERVERS
};

static const struct command_option common_options[] = {
	{'J', "json", NULL, "JSON: an object with an array of rows"},
	{OPTION_FORMAT, "format", "NAME", TABLE_FORMATS},
	{'o', "output", "LIST", "columns to show; +LIST adds to the default ones"},
	{OPTION_LIST_COLUMNS, "list-columns", NULL, "list the columns and what they say"},
	{'n', "noheadings", NULL, "no headings"},
	{'q', "quiet", NULL, "no remarks on standard error, only errors"},
	{'r', "raw", NULL, "cells separated by one space, without alignment"},
	{'b', "bytes", NULL, "bytes instead of pages, in columns that count pages"},
	{OPTION_HUMAN, "human", "[=WHEN]", "sizes (1.2M) instead of pages: auto, always or never"},
	{OPTION_COLOR, "color", "[=WHEN]", "colour: auto, always or never"},
	{OPTION_SOURCE, "source", "NAME", "read memory by auto, devmem, kcore, bpf or none"},
	{OPTION_ASK_SERVERS, "ask-servers", "[=SEC]",
	 "open files of FUSE, too; wait SEC for a server"},
	{'h', "help", NULL, "this help"},
	{'V', "version", NULL, "the version"},
};

#define COMMON_COUNT (sizeof(common_options) / sizeof(common_options[0]))

const struct command *command_find(const char *name)
{
	for (const struct command *const *command = command_list; *command; command++) {
		if (strcmp((*command)->name, name) == 0)
			return *command;
	}
	return NULL;
}

const struct command_option *command_common_options(size_t *count)
{
	*count = COMMON_COUNT;
	return common_options;
}

/* The arrays getopt_long() wants, made from the command's options and the common ones. */
struct getopt_tables {
	char *letters;
	struct option *options;
};

static void getopt_add(struct getopt_tables *tables, size_t index, const struct command_option *o)
{
	int takes = !o->argument            ? no_argument
		    : o->argument[0] == '[' ? optional_argument
					    : required_argument;

	tables->options[index] = (struct option){.name = o->name, .has_arg = takes, .val = o->key};
	if (o->key >= OPTION_LONG)
		return;
	char *end = tables->letters + strlen(tables->letters);
	*end++ = (char)o->key;
	for (int i = 0; i < takes; i++)
		*end++ = ':';
}

static void getopt_tables_deinit(struct getopt_tables *tables)
{
	free(tables->letters);
	free(tables->options);
}

static struct error *getopt_tables_init(struct getopt_tables *tables, const struct command *command)
{
	size_t count = command->option_count + COMMON_COUNT;

	/* A leading ':' makes a missing argument tell itself from an unknown option. */
	tables->letters = calloc(1, 3 * count + 2);
	tables->options = calloc(count + 1, sizeof(*tables->options));
	if (!tables->letters || !tables->options) {
		getopt_tables_deinit(tables);
		return error_nomem();
	}
	tables->letters[0] = ':';
	for (size_t i = 0; i < command->option_count; i++)
		getopt_add(tables, i, &command->options[i]);
	for (size_t i = 0; i < COMMON_COUNT; i++)
		getopt_add(tables, command->option_count + i, &common_options[i]);
	return NULL;
}

static void print_escaped(const char *text)
{
	_cleanup_free_ char *escaped = NULL;
	_cleanup_error_ struct error *error = escape_terminal_dup(text, &escaped);

	fputs(error ? error_message(error) : escaped, stderr);
}

void message_print(const char *prefix, const char *message)
{
	fputs("physlens: ", stderr);
	if (prefix) {
		print_escaped(prefix);
		fputs(": ", stderr);
	}
	print_escaped(message);
	fputc('\n', stderr);
}

int invocation_fail(const struct invocation *invocation, struct error *error)
{
	message_print(invocation->command->name, error_message(error));
	error_free(error);
	return EXIT_CANNOT;
}

static char *__attribute__((format(printf, 1, 0))) format_message(const char *format, va_list args)
{
	char *message = NULL;

	return vasprintf(&message, format, args) < 0 ? NULL : message;
}

/*
 * What was said of one sample is not said of the next. Of more remarks than these the later ones
 * come again; memory stays bounded.
 */
enum { REMARKS_KEPT = 256 };

static bool was_said(struct remarks *remarks, const char *message)
{
	for (size_t i = 0; i < remarks->before; i++) {
		if (strcmp(remarks->said[i], message) == 0)
			return true;
	}
	if (remarks->count < REMARKS_KEPT && !remarks->said)
		remarks->said = calloc(REMARKS_KEPT, sizeof(*remarks->said));
	char *kept = remarks->said && remarks->count < REMARKS_KEPT ? strdup(message) : NULL;
	if (kept)
		remarks->said[remarks->count++] = kept;
	return false;
}

void invocation_again(const struct invocation *invocation)
{
	invocation->remarks->before = invocation->remarks->count;
}

static void remarks_deinit(struct remarks *remarks)
{
	for (size_t i = 0; i < remarks->count; i++)
		free(remarks->said[i]);
	free(remarks->said);
}

void invocation_warn(const struct invocation *invocation, const char *format, ...)
{
	va_list args;

	if (invocation->quiet)
		return;
	va_start(args, format);
	_cleanup_free_ char *message = format_message(format, args);
	va_end(args);
	if (!message || !was_said(invocation->remarks, message))
		message_print(invocation->command->name, message ? message : "out of memory");
}

void invocation_target_end(const struct invocation *invocation, struct target *target)
{
	if (target && target->unread)
		invocation_warn(invocation,
				"mapped files could not be read, so their sections have no names: "
				"%s%s",
				target->unread_why ? target->unread_why : "out of memory",
				target->unread > 1 ? ", and others" : "");
	target_destroy(target);
}

int invocation_misused(const struct invocation *invocation, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	_cleanup_free_ char *message = format_message(format, args);
	va_end(args);
	message_print(invocation->command->name, message ? message : "out of memory");
	fprintf(stderr, "Try 'physlens %s --help' for more information.\n",
		invocation->command->name);
	return EXIT_CANNOT;
}

static void print_option(const struct command_option *option)
{
	char letter[8] = "    ", name[64];

	if (option->key < OPTION_LONG)
		snprintf(letter, sizeof(letter), "-%c, ", option->key);
	const char *separator = option->argument && option->argument[0] != '[' ? " " : "";
	snprintf(name, sizeof(name), "%s--%s%s%s", letter, option->name, separator,
		 option->argument ? option->argument : "");
	printf(" %-26s %s\n", name, option->help);
}

bool command_describes(const struct command *command, int key)
{
	for (size_t i = 0; i < command->option_count; i++) {
		if (command->options[i].key == key)
			return true;
	}
	return false;
}

static void print_help(const struct command *command)
{
	printf("Usage:\n physlens %s %s\n\n%s\n", command->name, command->synopsis,
	       command->description);
	if (command->option_count) {
		printf("\nOptions:\n");
		for (size_t i = 0; i < command->option_count; i++)
			print_option(&command->options[i]);
	}
	printf("\nCommon options:\n");
	for (size_t i = 0; i < COMMON_COUNT; i++) {
		if (!command_describes(command, common_options[i].key))
			print_option(&common_options[i]);
	}
	for (const struct table_spec *const *spec = command->tables; spec && *spec; spec++) {
		printf("\nColumns%s%s:\n", command->tables[1] ? " of " : "",
		       command->tables[1] ? (*spec)->title : "");
		table_list_columns(*spec, stdout, " ");
	}
	printf("\nFor more details see physlens-%s(1).\n", command->name);
}

static struct error *parse_when(const char *option, const char *when, enum color_mode *mode)
{
	static const struct {
		const char *name;
		enum color_mode mode;
	} modes[] = {{"auto", COLOR_AUTO}, {"always", COLOR_ALWAYS}, {"never", COLOR_NEVER}};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(when, modes[i].name) == 0) {
			*mode = modes[i].mode;
			return NULL;
		}
	}
	return error_new(ERROR_INPUT, "--%s: not auto, always or never: %s", option, when);
}

struct error *check_source_name(const char *name)
{
	if (source_is_known(name))
		return NULL;
	return error_new(ERROR_INPUT,
			 "no such source of physical memory (auto, devmem, kcore, bpf, none): %s",
			 name);
}

static struct error *parse_servers(const char *text, struct invocation *invocation)
{
	enum { SECONDS_MAX = 3600 };
	uint64_t seconds = SERVER_SECONDS;

	if (text && (!parse_decimal(text, &seconds) || seconds == 0 || seconds > SECONDS_MAX))
		return error_new(ERROR_INPUT,
				 "--ask-servers: not a number of seconds (1 to %d): %s",
				 SECONDS_MAX, text);
	invocation->server_seconds = (unsigned)seconds;
	return NULL;
}

/* -1 when the command is over, 0 when it goes on. */
static int take_common(struct invocation *invocation, int key)
{
	struct error *error = NULL;

	switch (key) {
	case 'J':
		invocation->table.format = FORMAT_JSON;
		break;
	case 'r':
		invocation->table.format = FORMAT_RAW;
		break;
	case 'o':
		invocation->table.columns = optarg;
		break;
	case 'n':
		invocation->table.noheadings = true;
		break;
	case 'q':
		invocation->quiet = true;
		break;
	case 'b':
		invocation->table.bytes = true;
		break;
	case OPTION_FORMAT:
		if (!table_format_parse(optarg, &invocation->table.format))
			error = error_new(ERROR_INPUT, "--format: not one of " TABLE_FORMATS ": %s",
					  optarg);
		break;
	case OPTION_LIST_COLUMNS:
		invocation->list_columns = true;
		break;
	case OPTION_HUMAN:
		error = parse_when("human", optarg ? optarg : "always", &invocation->table.human);
		break;
	case OPTION_COLOR:
		error = parse_when("color", optarg ? optarg : "always", &invocation->table.color);
		break;
	case OPTION_SOURCE:
		invocation->source = optarg;
		invocation->source_given = true;
		error = check_source_name(optarg);
		break;
	case OPTION_ASK_SERVERS:
		error = parse_servers(optarg, invocation);
		break;
	case 'h':
		print_help(invocation->command);
		return -1;
	case 'V':
		printf("physlens %s\n", PACKAGE_VERSION);
		return -1;
	}
	if (!error)
		return 0;
	invocation->status = invocation_fail(invocation, error);
	return -1;
}

static bool is_common(int key)
{
	for (size_t i = 0; i < COMMON_COUNT; i++) {
		if (common_options[i].key == key)
			return true;
	}
	return false;
}

/* The option that getopt did not take, which was behind `word` if that is an operand. */
static const char *refused_option(const struct invocation *invocation, const char *word)
{
	const char *last = invocation->argv[optind - 1], *next = invocation->argv[optind];

	if (word && *word == '-')
		return word;
	if (last && *last == '-')
		return last;
	return next && *next == '-' ? next : "option";
}

int invocation_option(struct invocation *invocation)
{
	const struct getopt_tables *tables = invocation->getopt_state;

	for (;;) {
		const char *word = invocation->argv[optind];
		int key = getopt_long(invocation->argc, invocation->argv, tables->letters,
				      tables->options, NULL);

		if (key == -1)
			break;
		if (key == '?' || key == ':') {
			invocation->status = invocation_misused(
				invocation, "%s: %s", refused_option(invocation, word),
				key == '?' ? "unknown or ambiguous option" : "needs an argument");
			return -1;
		}
		if (!is_common(key)) {
			invocation->argument = optarg;
			return key;
		}
		if (take_common(invocation, key) < 0)
			return -1;
	}
	invocation->arguments = invocation->argv + optind;
	invocation->argument_count = (size_t)(invocation->argc - optind);
	return 0;
}

struct error *invocation_table(const struct invocation *invocation, const struct table_spec *spec,
			       struct table **table)
{
	return table_create(spec, &invocation->table, stdout, table);
}

struct error *invocation_target(struct invocation *invocation, struct target **target)
{
	TRY(target_live_create(invocation->source, target));
	invocation->table.page_shift = (*target)->page_shift;
	if (invocation->server_seconds)
		target_ask_servers(*target, invocation->server_seconds);
	return NULL;
}

int command_run(const struct command *command, int argc, char **argv, const char *source)
{
	struct getopt_tables tables;
	struct remarks remarks = {0};
	struct invocation invocation = {.command = command,
					.argc = argc,
					.argv = argv,
					.source = source ? source : "auto",
					.source_given = source != NULL};

	invocation.getopt_state = &tables;
	invocation.remarks = &remarks;
	struct error *error = getopt_tables_init(&tables, command);
	if (error)
		return invocation_fail(&invocation, error);
	opterr = 0;
	int status = command->run(&invocation);
	getopt_tables_deinit(&tables);
	remarks_deinit(&remarks);
	return status;
}
