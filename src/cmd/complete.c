// SPDX-License-Identifier: GPL-2.0-or-later
/* From the tables that parse the command line and print its help: a shell is told the same. */
#include "cmd/complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/layout.h"
#include "analysis/verify.h"
#include "base/path.h"
#include "base/scope.h"
#include "cmd/command.h"
#include "cmd/naming.h"
#include "cmd/processes.h"
#include "proc/cgroup.h"
#include "proc/container.h"

enum { NAMES_MAX = 2000 }; /* of regions or objects: nobody chooses from more */

struct completion {
	const struct command *command;
	char **words; /* behind the command, without the one at the cursor */
	size_t count;
	const char *word;   /* at the cursor, or what of it is behind `prefix` */
	const char *prefix; /* "--color=", "+PFN,": is printed before each candidate */
	int prefix_length;
};

/* --- candidates ------------------------------------------------------------------------------- */

static bool is_plain(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p < ' ' || *p == 0x7f || *p == '\\')
			return false;
	}
	return true;
}

static void offer(const struct completion *c, const char *word, const char *suffix,
		  const char *help)
{
	if (strncmp(word, c->word, strlen(c->word)) != 0 || !*word || !is_plain(word))
		return;
	printf("%.*s%s%s\t%s\n", c->prefix_length, c->prefix, word, suffix,
	       help && is_plain(help) ? help : "");
}

static void offer_list(const struct completion *c, const char *list)
{
	char word[32];

	for (const char *p = list; *p; p += strspn(p, ", ")) {
		size_t length = strcspn(p, ", ");

		snprintf(word, sizeof(word), "%.*s", (int)length, p);
		offer(c, word, "", NULL);
		p += length;
	}
}

/* --- options ---------------------------------------------------------------------------------- */

static bool is_option(const struct command_option *option, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(word, "--", 2) == 0)
		return strncmp(word + 2, option->name, strcspn(word + 2, "=")) == 0 &&
		       strlen(option->name) == strcspn(word + 2, "=");
	/* Of letters in a row the last one takes what follows. */
	return length > 1 && word[0] == '-' && option->key < OPTION_LONG &&
	       word[length - 1] == (char)option->key;
}

static const struct command_option *find_option(const struct command *command, const char *word)
{
	size_t count;
	const struct command_option *common = command_common_options(&count);

	for (size_t i = 0; i < command->option_count; i++) {
		if (is_option(&command->options[i], word))
			return &command->options[i];
	}
	for (size_t i = 0; i < count; i++) {
		if (is_option(&common[i], word))
			return &common[i];
	}
	return NULL;
}

static bool takes_next_word(const struct command_option *option)
{
	return option && option->argument && option->argument[0] != '[';
}

/* Whether the option is on the line, in any spelling. */
static bool has_option(const struct completion *c, const char *name, size_t length)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct command_option *option =
			*c->words[i] == '-' ? find_option(c->command, c->words[i]) : NULL;

		if (option && strlen(option->name) == length &&
		    strncmp(option->name, name, length) == 0)
			return true;
	}
	return false;
}

static void offer_option(const struct completion *c, const struct command_option *option)
{
	char text[64];

	if (option->key < OPTION_LONG) {
		snprintf(text, sizeof(text), "-%c", option->key);
		offer(c, text, "", option->help);
	}
	snprintf(text, sizeof(text), "--%s", option->name);
	offer(c, text, "", option->help);
}

static void offer_options(const struct completion *c)
{
	size_t count;
	const struct command_option *common = command_common_options(&count);

	for (size_t i = 0; i < c->command->option_count; i++)
		offer_option(c, &c->command->options[i]);
	for (size_t i = 0; i < count; i++) {
		if (!command_describes(c->command, common[i].key))
			offer_option(c, &common[i]);
	}
}

/* --- what options take ------------------------------------------------------------------------ */

/* Whether a table's title (NULL where there is but one table), "census --by object", names options
 * that are on the line. */
static bool table_is_meant(const struct completion *c, const char *title)
{
	const char *option = title ? strstr(title, "--") : NULL;

	if (!option)
		return false;
	size_t length = strcspn(option + 2, " ,");
	const char *value = option + 2 + length;
	if (!has_option(c, option + 2, length))
		return false;
	if (*value != ' ')
		return true;
	for (size_t i = 0; i < c->count; i++) {
		const char *word = c->words[i], *equals = strchr(word, '=');

		if (strcmp(equals ? equals + 1 : word, value + 1) == 0)
			return true;
	}
	return false;
}

static const struct table_spec *meant_table(const struct completion *c)
{
	const struct table_spec *const *spec = c->command->tables, *meant = spec ? *spec : NULL;

	for (; spec && *spec; spec++) {
		if (table_is_meant(c, (*spec)->title))
			meant = *spec;
	}
	return meant;
}

static void offer_column(const struct completion *c)
{
	const struct table_spec *spec = meant_table(c);

	for (size_t i = 0; spec && i < spec->count; i++)
		offer(c, spec->columns[i].name, "", spec->columns[i].help);
}

/* Of a list the last one: "+VADDR,P" is completed to "+VADDR,PFN". */
static void offer_columns(const struct completion *c)
{
	struct completion last = *c;
	const char *comma = strrchr(c->word, ',');
	size_t done = comma ? (size_t)(comma + 1 - c->word) : *c->word == '+';
	char prefix[512];

	snprintf(prefix, sizeof(prefix), "%.*s%.*s", c->prefix_length, c->prefix, (int)done,
		 c->word);
	last.prefix = prefix;
	last.prefix_length = (int)strlen(prefix);
	last.word += done;
	offer_column(&last);
}

static void offer_ways(const struct completion *c)
{
	static const char by[] = "--by ";

	offer(c, "process", "", NULL);
	for (const struct table_spec *const *spec = c->command->tables; spec && *spec; spec++) {
		const char *title = (*spec)->title, *way = title ? strstr(title, by) : NULL;

		if (way)
			offer(c, way + strlen(by), "", NULL);
	}
}

static void offer_kinds(const struct completion *c)
{
	for (int kind = 0; kind < VERIFY_KIND_COUNT; kind++)
		offer(c, verify_kind_name((enum verify_kind)kind), "=", NULL);
}

/* Of all processes that there are. */
static void offer_cgroups(const struct completion *c, bool containers)
{
	process_vec list = {0};
	_cleanup_error_ struct error *error = process_list(&list);

	for (size_t i = 0; !error && i < list.count && i < NAMES_MAX; i++) {
		_cleanup_free_ char *path = NULL;
		char name[CONTAINER_LENGTH];

		error_free(cgroup_of_process(list.items[i].pid, &path));
		if (path && !containers)
			offer(c, path, "", NULL);
		if (!path || !containers || !container_of_cgroup(path, name))
			continue;
		container_shorten(name);
		offer(c, name, "", path);
	}
	vec_deinit(&list);
}

static void offer_paths(const struct completion *c)
{
	offer_cgroups(c, false);
}

static void offer_containers(const struct completion *c)
{
	offer_cgroups(c, true);
}

static void offer_file(const struct completion *c)
{
	(void)c;
	puts(":file");
}

/* Those whose memory this user may see: only they can be asked for. */
static void offer_processes(const struct completion *c)
{
	bool address = strcmp(c->command->name, "read") == 0;
	process_vec list = {0};
	_cleanup_error_ struct error *error = process_list(&list);

	for (size_t i = 0; !error && i < list.count; i++) {
		const struct process *process = &list.items[i];
		char pid[16];

		if (!process_may_run(process) || process->pid == getpid() ||
		    (geteuid() != 0 && process->uid != geteuid()))
			continue;
		snprintf(pid, sizeof(pid), "%d", (int)process->pid);
		offer(c, pid, address ? ":" : "", process->command);
	}
	vec_deinit(&list);
}

static void offer_region(const struct completion *c, const struct region *region)
{
	offer(c, region->name, "", NULL);
}

static void offer_object(const struct completion *c, const struct region *region)
{
	if (region->object)
		offer(c, path_name(region->object), "", NULL);
}

/* Calls `each` for the regions of the first process on the line, and says nothing of errors. */
static void for_regions(const struct completion *c, struct target *target,
			void (*each)(const struct completion *, const struct region *))
{
	struct layout layout;
	struct space *space = NULL;
	struct error *error = NULL;
	pid_t pid;

	for (size_t i = 0; i < c->count && !space; i++) {
		error_free(error);
		error = *c->words[i] == '-' ? NULL : process_named(target, c->words[i], &pid);
		if (*c->words[i] != '-' && !error)
			error = target_open_space(target, pid, &space);
	}
	error_free(error);
	if (!space)
		return;
	error = layout_init(&layout, space);
	for (size_t i = 0; !error && i < layout.regions.count && i < NAMES_MAX; i++)
		each(c, &layout.regions.items[i]);
	if (!error)
		layout_deinit(&layout);
	error_free(error);
	space_close(space);
}

static void offer_names(const struct completion *c,
			void (*each)(const struct completion *, const struct region *))
{
	struct target *target = NULL;
	_cleanup_error_ struct error *error = target_live_create("none", &target);

	if (!error)
		for_regions(c, target, each);
	target_destroy(target);
}

static void offer_regions(const struct completion *c)
{
	offer_list(c, ".text .rodata .data .bss heap stack anon file shm vdso");
	offer_names(c, offer_region);
}

static void offer_objects(const struct completion *c)
{
	offer_names(c, offer_object);
}

/* By the option's long name: the words, or what knows them. */
static const struct {
	const char *option, *list;
	void (*offer)(const struct completion *c);
} values[] = {
	{"allow", NULL, offer_kinds},
	{"attach", NULL, offer_processes},
	{"by", NULL, offer_ways},
	{"cgroup", NULL, offer_paths},
	{"color", "auto always never", NULL},
	{"container", NULL, offer_containers},
	{"format", TABLE_FORMATS, NULL},
	{"human", "auto always never", NULL},
	{"log", NULL, offer_file},
	{"object", NULL, offer_objects},
	{"output", NULL, offer_columns},
	{"output-file", NULL, offer_file},
	{"process", NULL, offer_processes},
	{"region", NULL, offer_regions},
	{"sort", NULL, offer_column},
	{"source", "auto devmem kcore bpf none", NULL},
};

static void offer_values(const struct completion *c, const char *option)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (strcmp(values[i].option, option) != 0)
			continue;
		if (values[i].list)
			offer_list(c, values[i].list);
		else
			values[i].offer(c);
	}
}

/* --- the line -----------------------------------------------------------------------------------
 */

/* How many words before the cursor are arguments, and no options or what these take. */
static size_t count_arguments(const struct completion *c)
{
	size_t arguments = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (*c->words[i] != '-')
			arguments++;
		else if (takes_next_word(find_option(c->command, c->words[i])) &&
			 !strchr(c->words[i], '='))
			i++;
	}
	return arguments;
}

static void offer_arguments(const struct completion *c)
{
	size_t count = 0, arguments = count_arguments(c);
	const struct completion_word *words =
		c->command->words && arguments == 0 ? c->command->words(&count) : NULL;

	for (size_t i = 0; i < count; i++)
		offer(c, words[i].word, "", words[i].help);
	if (arguments < c->command->processes)
		offer_processes(c);
}

static void complete_in_command(struct completion *c)
{
	const char *before = c->count ? c->words[c->count - 1] : "", *equals;
	const struct command_option *option =
		*before == '-' && !strchr(before, '=') ? find_option(c->command, before) : NULL;

	if (takes_next_word(option)) {
		offer_values(c, option->name);
		return;
	}
	equals = strncmp(c->word, "--", 2) == 0 ? strchr(c->word, '=') : NULL;
	option = equals ? find_option(c->command, c->word) : NULL;
	if (option && option->argument) {
		c->prefix = c->word;
		c->prefix_length = (int)(equals + 1 - c->word);
		c->word = equals + 1;
		offer_values(c, option->name);
	} else if (*c->word == '-') {
		offer_options(c);
	} else {
		offer_arguments(c);
	}
}

static void offer_commands(const struct completion *c)
{
	for (const struct command *const *command = command_list; *command; command++)
		offer(c, (*command)->name, "", (*command)->summary);
}

/* Before there is a command. */
static void complete_first(const struct completion *c)
{
	static const struct completion_word words[] = {
		{"-h", "list the commands"},
		{"--help", "list the commands"},
		{"-V", "the version"},
		{"--version", "the version"},
		{"--source", "how physical memory is read"},
	};

	if (*c->word == '-') {
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			offer(c, words[i].word, "", words[i].help);
		return;
	}
	offer_commands(c);
	offer(c, "help", "", "open the manual");
}

int complete(int count, char **words)
{
	struct completion c = {.prefix = ""};
	int first = 0;

	if (count < 1)
		return 0;
	c.word = words[count - 1];
	/* "--source NAME" and "--source=NAME" may come before the command. */
	while (first < count - 1 && strncmp(words[first], "--source", 8) == 0)
		first += words[first][8] ? 1 : 2;
	if (first > count - 1) {
		offer_values(&c, "source");
	} else if (first == count - 1) {
		complete_first(&c);
	} else if (strcmp(words[first], "help") == 0) {
		offer_commands(&c);
	} else if ((c.command = command_find(words[first]))) {
		c.words = words + first + 1;
		c.count = (size_t)(count - first - 2);
		complete_in_command(&c);
	}
	return 0;
}
