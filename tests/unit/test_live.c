// SPDX-License-Identifier: GPL-2.0-or-later
/* Live processes that become others while they are looked at. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/scope.h"
#include "target/target.h"

/* A process and the one that it made, which executes sleep(1) once its input ends. */
struct family {
	pid_t parent, child;
	int input; /* closing it is what the child waits for */
	int said;  /* what its number came through */
};

static void __attribute__((noreturn)) become_sleep(int input)
{
	char byte;

	while (read(input, &byte, 1) > 0)
		;
	execlp("sleep", "sleep", "600", (char *)NULL);
	_exit(127);
}

/* The parent: says the child's number, and then it lives on until it is killed. */
static void __attribute__((noreturn)) run_parent(bool shared, int input, int said)
{
	/* Both end with the test, whatever that ends by. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* That a child may run on its parent's stack is what this is about. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
	pid_t child = shared ? vfork() : fork();
#pragma GCC diagnostic pop

	if (child == 0) {
		pid_t me = getpid();

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(said, &me, sizeof(me)) != sizeof(me))
			_exit(126);
		become_sleep(input);
	}
	for (;;)
		pause();
}

static void start(struct family *family, bool shared)
{
	int input[2], said[2];

	assert_int_equal(pipe2(input, O_CLOEXEC), 0);
	assert_int_equal(pipe2(said, O_CLOEXEC), 0);
	family->parent = fork();
	assert_true(family->parent >= 0);
	if (family->parent == 0) {
		close(input[1]);
		close(said[0]);
		run_parent(shared, input[0], said[1]);
	}
	close(input[0]);
	close(said[1]);
	family->input = input[1];
	family->said = said[0];
	assert_int_equal(read(said[0], &family->child, sizeof(family->child)),
			 sizeof(family->child));
}

/* Until the child's program is sleep(1). */
static void let_execute(const struct family *family)
{
	char path[64], name[64] = "";

	close(family->input);
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)family->child);
	for (int tries = 0; tries < 6000 && strcmp(name, "sleep\n") != 0; tries++) {
		FILE *file = fopen(path, "re");

		assert_non_null(file);
		if (!fgets(name, sizeof(name), file))
			*name = '\0';
		fclose(file);
		usleep(10000);
	}
	assert_string_equal(name, "sleep\n");
}

static void stop(const struct family *family)
{
	kill(family->child, SIGKILL);
	kill(family->parent, SIGKILL);
	assert_int_equal(waitpid(family->parent, NULL, 0), family->parent);
	close(family->said);
}

/* What was opened is another program's memory from then on: the old one's, or its parent's. */
static void one_that_executes_is_gone(bool shared)
{
	struct family family;
	struct target *target;
	struct space *space;

	start(&family, shared);
	assert_ok(target_live_create(NULL, &target));
	assert_ok(target_open_space(target, family.child, &space));
	assert_ok(space_check_alive(space));
	let_execute(&family);
	assert_error(space_check_alive(space), ERROR_EXECUTED,
		     "executed another program while it was read");
	space_close(space);
	assert_ok(target_open_space(target, family.child, &space));
	assert_ok(space_check_alive(space));
	space_close(space);
	/* Its parent is no other than before. */
	assert_ok(target_open_space(target, family.parent, &space));
	assert_ok(space_check_alive(space));
	space_close(space);
	target_destroy(target);
	stop(&family);
}

static void a_child_of_fork_that_executes(void **state)
{
	(void)state;
	one_that_executes_is_gone(false);
}

static void a_child_of_vfork_that_executes(void **state)
{
	(void)state;
	one_that_executes_is_gone(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_of_fork_that_executes),
		cmocka_unit_test(a_child_of_vfork_that_executes),
	};

	return TESTS_RUN(tests);
}
