// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What every command has in common: its description, its options, its messages, its exit status.
 *
 * A command is a `struct command` in a file of its own, listed in main.c's table. One table of
 * options drives both the parsing and `--help`; the common options (JSON, columns, headings, …)
 * are parsed here, so that they mean the same everywhere.
 */
#ifndef PHYSLENS_CMD_COMMAND_H
#define PHYSLENS_CMD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "target/target.h"
#include "ui/table.h"

/* Exit status of every command. */
enum { EXIT_DONE = 0, EXIT_FINDINGS = 1, EXIT_CANNOT = 2 };

struct invocation;

/* Keys of options that have no letter begin here. */
enum { OPTION_LONG = 256 };

struct command_option {
	int key;              /* the letter, or OPTION_LONG + n */
	const char *name;     /* the long name, without dashes */
	const char *argument; /* NULL: takes none; "[…]": optional, "=WHEN" within */
	const char *help;
};

/* A word that the command line may have, with a word of explanation. */
struct completion_word {
	const char *word, *help;
};

struct command {
	const char *name;
	const char *summary;     /* one line for `physlens --help`, lower case, no full stop */
	const char *synopsis;    /* what follows the name, e.g. "[options] PID" */
	const char *description; /* a sentence or two for the command's --help */
	const struct command_option *options;
	size_t option_count;
	const struct table_spec *const *tables; /* NULL-terminated, for --help; NULL for none */
	int (*run)(struct invocation *invocation);
	size_t processes; /* so many of its first arguments name processes, for completion */
	const struct completion_word *(*words)(
		size_t *count); /* what else the first may be; or NULL */
};

/* The commands of this build, in the order of `physlens --help`, NULL-terminated (main.c). */
extern const struct command *const command_list[];

/* NULL when there is none of that name. */
const struct command *command_find(const char *name);

/* What invocation_warn() has said. */
struct remarks {
	char **said;
	size_t count;
	size_t before; /* so many of them of an earlier sample */
};

/* One call of one command. */
struct invocation {
	const struct command *command;
	struct table_options table; /* from the common options */
	bool list_columns;          /* --list-columns: the command lists them instead */
	bool quiet;                 /* --quiet: invocation_warn() says nothing */
	const char *source;         /* --source: how physical memory is read; "auto" by default */
	bool source_given;          /* it was asked for: show what needs it */
	unsigned server_seconds;    /* --ask-servers; 0: it was not given */
	char **arguments;           /* what is left after the options; NULL-terminated */
	size_t argument_count;
	const char *argument; /* of the option in hand */
	int status;           /* when invocation_option() says the command is over */

	/* private to command.c */
	int argc;
	char **argv;
	void *getopt_state;
	struct remarks *remarks;
};

/*
 * The key of the command's next option (its argument is in invocation->argument), 0 when there are
 * no more, or -1 when the command is over (--help, --version, a bad option): return
 * invocation->status then.
 */
int invocation_option(struct invocation *invocation);

/*
 * The table that the common options ask for, on standard output. With --list-columns
 * (invocation->list_columns) a command lists its columns instead and does nothing else.
 */
struct error *invocation_table(const struct invocation *invocation, const struct table_spec *spec,
			       struct table **table);

/*
 * The system that the command is to look at: the live one, with the source of physical memory that
 * was asked for, which is opened when something needs it. Tables count pages as it does from then
 * on. The only place that makes a target.
 */
struct error *invocation_target(struct invocation *invocation, struct target **target);

/* Destroys it, which may be NULL, having said what of its files could not be read. */
void invocation_target_end(const struct invocation *invocation, struct target *target);

/* Prints "physlens: COMMAND: message" on stderr, escaped; frees `error`; gives EXIT_CANNOT. */
int invocation_fail(const struct invocation *invocation, struct error *error);

/*
 * The same for a remark after which the command goes on. Not at all with --quiet, nor when it was
 * made before the last invocation_again().
 */
void invocation_warn(const struct invocation *invocation, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A command that does the same again and again begins anew: remarks that were made stay made. */
void invocation_again(const struct invocation *invocation);

/* A mistake in how the command was called: the message, then where to find help. */
int invocation_misused(const struct invocation *invocation, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Runs `command` with its arguments (argv[0] is its name); the status for exit(). `source` is what
 * was asked for before its name, or NULL.
 */
int command_run(const struct command *command, int argc, char **argv, const char *source);

/* What so many of a thing are called: `one` or `many` ("page", "pages"; "was", "were"). */
static inline const char *noun(uint64_t number, const char *one, const char *many)
{
	return number == 1 ? one : many;
}

/* The options that every command has. */
const struct command_option *command_common_options(size_t *count);

/* Whether the command says itself what the option with this key, a common one, means for it. */
bool command_describes(const struct command *command, int key);

/* NULL if --source may be called `name`. */
struct error *check_source_name(const char *name);

/* Writes "physlens: …" with the message escaped: for main.c. */
void message_print(const char *prefix, const char *message);

#endif
