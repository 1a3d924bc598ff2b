// SPDX-License-Identifier: GPL-2.0-or-later
/* What the unit tests have in common: cmocka with what it needs before it, and errors as values. */
#ifndef PHYSLENS_TESTS_UNIT_H
#define PHYSLENS_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static inline void assert_ok(struct error *error)
{
	if (error)
		fail_msg("%s", error_message(error));
}

/* `error` is of this kind and its message has `part` in it; frees it. */
static inline void assert_error(struct error *error, enum error_kind kind, const char *part)
{
	if (!error)
		fail_msg("no error; expected one with \"%s\"", part);
	if (error_kind(error) != kind || !strstr(error_message(error), part))
		fail_msg("kind %d, \"%s\"; expected kind %d with \"%s\"", (int)error_kind(error),
			 error_message(error), (int)kind, part);
	error_free(error);
}

/* A file below the source's tests/fixtures; `path` has room for 4096 bytes. */
static inline const char *fixture_path(char *path, const char *name)
{
	const char *srcdir = getenv("srcdir");

	snprintf(path, 4096, "%s/tests/fixtures/%s", srcdir ? srcdir : ".", name);
	return path;
}

#define TESTS_RUN(tests) cmocka_run_group_tests(tests, NULL, NULL)

#endif
