// SPDX-License-Identifier: GPL-2.0-or-later
/* Starting and stepping the programs of src/lab; src/lab/subject.h is their side of it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/scope.h"
#include "cmd/lab/lab.h"

enum { ANSWER_MS = 30000 };

/* Beside a program that was not installed, else where `make install` puts them. */
struct error *subject_path(const char *name, char **path)
{
	char self[4096];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[length < 0 ? 0 : length] = '\0';
	slash = strrchr(self, '/');
	if (slash) {
		*slash = '\0';
		if (asprintf(path, "%s/src/lab/%s", self, name) < 0)
			return error_nomem();
		if (access(*path, X_OK) == 0)
			return NULL;
		free(scope_take(*path, NULL));
	}
	if (asprintf(path, "%s/%s", PKGLIBEXECDIR, name) < 0)
		return error_nomem();
	if (access(*path, X_OK) == 0)
		return NULL;
	struct error *error = error_errno(errno, "the program of the experiment: %s", *path);
	free(scope_take(*path, NULL));
	return error;
}

static void __attribute__((noreturn))
become(const char *path, const char *argument, int in, int out)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(127);
	execl(path, path, argument, (char *)NULL);
	_exit(127);
}

static struct error *spawn(struct subject *subject, const char *path, const char *argument)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC))
		return error_errno(errno, "pipe");
	if (pipe2(out, O_CLOEXEC)) {
		close(in[0]);
		close(in[1]);
		return error_errno(errno, "pipe");
	}
	fflush(NULL);
	pid_t pid = fork();
	int errnum = errno;
	if (pid == 0)
		become(path, argument, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	subject->to = in[1];
	subject->from = fdopen(out[0], "r");
	if (pid < 0)
		return error_errno(errnum, "fork");
	subject->pid = pid;
	if (!subject->from) {
		close(out[0]);
		return error_nomem();
	}
	setvbuf(subject->from, NULL, _IONBF, 0); /* so that poll() knows all there is */
	return NULL;
}

/* "NAME VALUE", decimal (it may be negative) or hexadecimal. */
static struct error *take_word(struct subject *subject, char *line)
{
	struct subject_word word = {0};
	char *blank = strchr(line, ' ');

	if (!blank || (size_t)(blank - line) >= sizeof(word.name))
		return error_new(ERROR_INPUT, "the experiment's program said: %s", line);
	memcpy(word.name, line, (size_t)(blank - line));
	word.value = (uint64_t)strtoll(blank + 1, NULL, 0);
	for (size_t i = 0; i < subject->words.count; i++) {
		if (strcmp(subject->words.items[i].name, word.name) == 0) {
			subject->words.items[i] = word;
			return NULL;
		}
	}
	return vec_push(&subject->words, word);
}

static struct error *wait_for_line(struct subject *subject, char *line, size_t size)
{
	struct pollfd poll_fd = {.fd = fileno(subject->from), .events = POLLIN};

	int ready = poll(&poll_fd, 1, ANSWER_MS);
	if (ready < 0)
		return error_errno(errno, "waiting for the experiment's program");
	if (ready == 0)
		return error_new(ERROR_OTHER, "the experiment's program does not answer");
	if (!fgets(line, (int)size, subject->from))
		return error_new(ERROR_GONE, "the experiment's program ended (process %d)",
				 (int)subject->pid);
	line[strcspn(line, "\n")] = '\0';
	return NULL;
}

static struct error *hear_step(struct subject *subject)
{
	char line[256];

	for (;;) {
		TRY(wait_for_line(subject, line, sizeof(line)));
		if (strcmp(line, "ready") == 0)
			return NULL;
		TRY(take_word(subject, line));
	}
}

struct error *subject_start(struct subject *subject, const char *name, const char *argument)
{
	_cleanup_free_ char *path = NULL;

	*subject = (struct subject){.to = -1};
	signal(SIGPIPE, SIG_IGN);
	TRY(subject_path(name, &path));
	TRY(spawn(subject, path, argument));
	return hear_step(subject);
}

struct error *subject_step(struct subject *subject)
{
	if (write(subject->to, "", 1) != 1)
		return error_errno(errno, "the experiment's program (process %d)",
				   (int)subject->pid);
	return hear_step(subject);
}

struct error *subject_word(const struct subject *subject, const char *name, uint64_t *value)
{
	for (size_t i = 0; i < subject->words.count; i++) {
		if (strcmp(subject->words.items[i].name, name) == 0) {
			*value = subject->words.items[i].value;
			return NULL;
		}
	}
	return error_new(ERROR_INPUT, "the experiment's program did not say: %s", name);
}

/* Its children end with it (PR_SET_PDEATHSIG). */
void subject_stop(struct subject *subject)
{
	if (subject->pid > 0) {
		kill(subject->pid, SIGKILL);
		waitpid(subject->pid, NULL, 0);
		close(subject->to);
	}
	if (subject->from)
		fclose(subject->from);
	vec_deinit(&subject->words);
	*subject = (struct subject){.to = -1};
}
