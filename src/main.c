// SPDX-License-Identifier: GPL-2.0-or-later
/* The command table, the global options, and the way to a command. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/commands.h"
#include "cmd/complete.h"
#include "cmd/nearest.h"
#include "ui/locale.h"

enum { OUTPUT_BUFFER = 1 << 16 }; /* listings may be long */

const struct command *const command_list[] = {
	&command_map,    &command_translate, &command_share,  &command_owner,
	&command_census, &command_cow,       &command_verify, &command_walk,
	&command_read,   &command_lab,       &command_doctor, NULL,
};

static void print_help(void)
{
	printf("Usage:\n physlens [--source NAME] COMMAND [options] …\n\n"
	       "Show where a process's memory really is.\n\nCommands:\n");
	for (const struct command *const *command = command_list; *command; command++)
		printf(" %-12s %s\n", (*command)->name, (*command)->summary);
	printf("\nOptions:\n"
	       "     --source NAME          read physical memory by auto (the default), devmem,\n"
	       "                            kcore, bpf, or not at all (none)\n"
	       " -h, --help                 this help\n"
	       " -V, --version              the version\n"
	       "\nEvery command has --help; 'physlens help COMMAND' shows its manual.\n"
	       "For more details see physlens(1).\n");
}

static int misused(const char *what, const char *why)
{
	message_print(what, why);
	fprintf(stderr, "Try 'physlens --help' for more information.\n");
	return EXIT_CANNOT;
}

/* The command that may be meant: it begins so, or not more than two letters are wrong. */
static const char *nearest_command(const char *word)
{
	size_t length = strlen(word);
	const char *nearest = NULL;
	unsigned best = 3;

	if (length < 2)
		return NULL;
	for (const struct command *const *command = command_list; *command; command++) {
		const char *name = (*command)->name;
		unsigned wrong = strncmp(name, word, length) == 0 ? 0 : word_distance(word, name);

		/* Of a short word two letters are most of it. */
		if (wrong < best && wrong * 2 < length) {
			best = wrong;
			nearest = name;
		}
	}
	return nearest;
}

static int no_such_command(const char *word)
{
	const char *nearest = nearest_command(word);
	char why[64];

	if (!nearest)
		return misused(word, "no such command");
	snprintf(why, sizeof(why), "no such command; did you mean '%s'?", nearest);
	return misused(word, why);
}

/* man(1) on the page; false where there is none, or no man(1). */
static bool show_manual(const char *page)
{
	int status = 0;

	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		if (null >= 0)
			dup2(null, STDERR_FILENO);
		execlp("man", "man", page, (char *)NULL);
		_exit(127);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return child > 0 && status == 0;
}

/* `physlens help [COMMAND]`: the manual, and where that is not installed what --help says. */
static int help(int argc, char **argv)
{
	const struct command *command = argc > 1 ? command_find(argv[1]) : NULL;
	char page[64];

	if (argc > 2)
		return misused(argv[2], "one command is enough");
	if (argc > 1 && !command)
		return no_such_command(argv[1]);
	snprintf(page, sizeof(page), "physlens%s%s", command ? "-" : "",
		 command ? command->name : "");
	if (show_manual(page))
		return EXIT_DONE;
	if (command)
		return command_run(command, 2, (char *[]){argv[1], (char[]){"--help"}, NULL}, NULL);
	print_help();
	return EXIT_DONE;
}

static int run_command(int argc, char **argv, const char *source)
{
	const struct command *command = command_find(argv[0]);

	if (command)
		return command_run(command, argc, argv, source);
	return strcmp(argv[0], "help") == 0 ? help(argc, argv) : no_such_command(argv[0]);
}

/*
 * Takes "--source NAME" or "--source=NAME" off the front of the arguments: 1 when it did, 0 when
 * there is none, -1 when it lacks its name.
 */
static int take_source(int *argc, char ***argv, const char **source)
{
	static const char option[] = "--source";
	size_t length = sizeof(option) - 1;
	const char *word = **argv;

	if (!word || strncmp(word, option, length) != 0 || (word[length] && word[length] != '='))
		return 0;
	int words = word[length] ? 1 : 2;
	*source = word[length] ? word + length + 1 : (*argv)[1];
	if (!*source)
		return -1;
	*argc -= words;
	*argv += words;
	return 1;
}

/* Options before the command's name by hand: getopt() belongs to the command. */
static int run(int argc, char **argv)
{
	const char *source = NULL;
	int taken;

	if (argc > 0) {
		argc--;
		argv++;
	}
	while ((taken = take_source(&argc, &argv, &source)) > 0) {
		_cleanup_error_ struct error *error = check_source_name(source);
		if (error)
			return misused(NULL, error_message(error));
	}
	if (taken < 0)
		return misused("--source", "needs an argument");
	if (argc < 1)
		return misused(NULL, "no command given");
	const char *word = argv[0];
	if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
		print_help();
		return EXIT_DONE;
	}
	if (strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0) {
		printf("physlens %s\n", PACKAGE_VERSION);
		return EXIT_DONE;
	}
	/* For the completions of shells alone: in no --help. */
	if (strcmp(word, "__complete") == 0)
		return complete(argc - 1, argv + 1);
	if (word[0] == '-')
		return misused(word, "unknown option before the command's name");
	return run_command(argc, argv, source);
}

/*
 * A standard stream that the caller closed would be given to the next file opened, and what is
 * printed would go into it. /dev/null opened the wrong way round keeps the number, and a write to
 * it fails with EBADF as it should.
 */
static void keep_standard_streams(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
			int null = open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
			if (null != fd)
				_exit(EXIT_CANNOT);
		}
	}
}

/* A full disk or a closed pipe shows only here: what was printed is complete or the status says so.
 */
static int close_standard_output(int status)
{
	bool failed = ferror(stdout);
	int errnum = 0; /* not known where it failed before and nothing is left to be written */

	if (fflush(stdout) != 0)
		errnum = errno;
	if (fclose(stdout) != 0 && !errnum)
		errnum = errno;
	if (!failed && !errnum)
		return status;
	message_print("standard output", errnum ? strerror(errnum) : "write error");
	return EXIT_CANNOT;
}

int main(int argc, char **argv)
{
	keep_standard_streams();
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, NULL, _IOFBF, OUTPUT_BUFFER);
	locale_start();
	return close_standard_output(run(argc, argv));
}
