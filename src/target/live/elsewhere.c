// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/live/elsewhere.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/scope.h"

/* What comes through the pipe: written whole, since it is less than PIPE_BUF (pipe(7)). */
struct answer {
	bool failed;
	enum error_kind kind;
	char message[1024];
	struct file_status status;
};

static int compare_fds(const void *left, const void *right)
{
	return *(const int *)left - *(const int *)right;
}

/* Nobody shall wait for the end of a pipe that only one who was left behind still has open. */
static void close_all_but(int a, int b, int c)
{
	int keep[] = {STDERR_FILENO, a, b, c};
	enum { COUNT = sizeof(keep) / sizeof(keep[0]) };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (null < 0 || dup2(null, fd) < 0)
			close(fd);
	}
	qsort(keep, COUNT, sizeof(keep[0]), compare_fds);
	for (int i = 0; i < COUNT; i++) {
		unsigned from = keep[i] < STDERR_FILENO ? 3 : (unsigned)keep[i] + 1;
		unsigned until = i + 1 < COUNT ? (unsigned)keep[i + 1] - 1 : ~0U;

		if (i + 1 < COUNT && keep[i + 1] <= STDERR_FILENO)
			continue;
		if (from <= until)
			close_range(from, until, 0);
	}
}

static void answer(elsewhere_task task, void *argument, int copy, int to)
{
	struct answer answer = {.failed = false};
	struct error *error = task(argument, copy, &answer.status);

	if (error) {
		answer.failed = true;
		answer.kind = error_kind(error);
		snprintf(answer.message, sizeof(answer.message), "%s", error_message(error));
	}
	while (write(to, &answer, sizeof(answer)) < 0 && errno == EINTR)
		;
}

/*
 * The child's child, so that it is init's to wait for it, should it come back after all. Once we
 * have ended it ends where it answers: nobody has the other end of the pipe.
 */
static pid_t start(elsewhere_task task, void *argument, int place, int copy, int to)
{
	pid_t child = fork();

	if (child != 0)
		return child;
	if (fork() == 0) {
		setsid();
		close_all_but(place, copy, to);
		answer(task, argument, copy, to);
	}
	_exit(0);
}

static bool wait_for_answer(int from, struct answer *answer, unsigned ms)
{
	int64_t until = clock_ms() + ms;

	for (;;) {
		struct pollfd p = {.fd = from, .events = POLLIN};
		int64_t left = until - clock_ms();
		int ready = poll(&p, 1, left > 0 ? (int)left : 0);

		if (ready < 0 && errno == EINTR)
			continue;
		return ready > 0 && read(from, answer, sizeof(*answer)) == (ssize_t)sizeof(*answer);
	}
}

struct error *elsewhere(elsewhere_task task, void *argument, int place, int copy, unsigned ms,
			struct file_status *status, bool *in_time)
{
	struct answer answer;
	int ends[2];

	*in_time = true;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(errno, "pipe");
	_cleanup_close_ int from = ends[0], to = ends[1];
	pid_t child = start(task, argument, place, copy, to);
	if (child < 0)
		return error_errno(errno, "fork");
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	scope_closep(&to);
	*in_time = wait_for_answer(from, &answer, ms);
	if (!*in_time)
		return NULL;
	*status = answer.status;
	answer.message[sizeof(answer.message) - 1] = '\0';
	return answer.failed ? error_new(answer.kind, "%s", answer.message) : NULL;
}
