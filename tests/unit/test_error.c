// SPDX-License-Identifier: GPL-2.0-or-later
/* src/base/error: errors as values. */
#include <errno.h>

#include "unit.h"

static void an_error_has_kind_and_message(void **state)
{
	(void)state;
	struct error *error = error_new(ERROR_INPUT, "line %d: %s", 7, "bad");

	assert_int_equal(error_kind(error), ERROR_INPUT);
	assert_true(error_is(error, ERROR_INPUT));
	assert_false(error_is(error, ERROR_GONE));
	assert_string_equal(error_message(error), "line 7: bad");
	assert_int_equal(error_errnum(error), 0);
	assert_int_equal(error_address(error), 0);
	error_free(error);
}

/* Who executed another program is gone for whoever only asks that. */
static void executed_is_gone_too(void **state)
{
	struct error *executed = error_new(ERROR_EXECUTED, "process 1");
	struct error *gone = error_new(ERROR_GONE, "process 2");

	(void)state;
	assert_true(error_is(executed, ERROR_GONE) && error_is(executed, ERROR_EXECUTED));
	assert_false(error_is(executed, ERROR_LOOKUP));
	assert_true(error_is(gone, ERROR_GONE));
	assert_false(error_is(gone, ERROR_EXECUTED));
	error_free(executed);
	error_free(gone);
}

static void null_is_success(void **state)
{
	(void)state;
	assert_false(error_is(NULL, ERROR_OTHER));
	error_free(NULL);
}

static void errno_decides_the_kind(void **state)
{
	static const struct {
		int errnum;
		enum error_kind kind;
	} cases[] = {{EACCES, ERROR_DENIED}, {EPERM, ERROR_DENIED},  {ENOMEM, ERROR_NOMEM},
		     {ESRCH, ERROR_GONE},    {ENOENT, ERROR_SYSTEM}, {EIO, ERROR_SYSTEM}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error *error = error_errno(cases[i].errnum, "/proc/%d/maps", 1);
		char expected[256];

		snprintf(expected, sizeof(expected), "/proc/1/maps: %s", strerror(cases[i].errnum));
		assert_int_equal(error_kind(error), cases[i].kind);
		assert_int_equal(error_errnum(error), cases[i].errnum);
		assert_string_equal(error_message(error), expected);
		error_free(error);
	}
}

static void a_fault_carries_its_address(void **state)
{
	(void)state;
	struct error *error = error_fault(UINT64_C(0xffff888000000000), "cannot be read");

	assert_true(error_is(error, ERROR_FAULT));
	assert_int_equal(error_address(error), UINT64_C(0xffff888000000000));
	assert_int_equal(error_errnum(error), EFAULT);
	error_free(error);
}

static void context_goes_before_the_message(void **state)
{
	(void)state;
	struct error *error = error_fault(0x1000, "torn");

	error = error_context(error, "table %s", "PGD");
	error = error_context(error, "walk");
	assert_string_equal(error_message(error), "walk: table PGD: torn");
	assert_true(error_is(error, ERROR_FAULT));
	assert_int_equal(error_address(error), 0x1000);
	error_free(error);
}

/* A message may be longer than any buffer, and bytes from outside are kept as they are. */
static void messages_are_whole(void **state)
{
	char path[9000];

	(void)state;
	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	path[10] = '\033';
	struct error *error = error_new(ERROR_OTHER, "%s", path);
	assert_string_equal(error_message(error), path);
	error_free(error);
}

static void out_of_memory_is_one_static_error(void **state)
{
	(void)state;
	struct error *error = error_context(error_nomem(), "while %s", "reading");

	assert_ptr_equal(error, error_nomem());
	assert_true(error_is(error, ERROR_NOMEM));
	assert_int_equal(error_errnum(error), ENOMEM);
	error_free(error);
	assert_string_equal(error_message(error_nomem()), "out of memory");
}

static struct error *tries(struct error *first, int *reached)
{
	TRY(first);
	*reached = 1;
	return NULL;
}

static void try_hands_an_error_on(void **state)
{
	int reached = 0;

	(void)state;
	assert_null(tries(NULL, &reached));
	assert_int_equal(reached, 1);
	reached = 0;
	assert_error(tries(error_new(ERROR_LOOKUP, "not there"), &reached), ERROR_LOOKUP,
		     "not there");
	assert_int_equal(reached, 0);
}

static void a_guard_frees_it(void **state)
{
	(void)state;
	struct error *error = error_new(ERROR_OTHER, "x");

	error_freep(&error);
	assert_null(error);
	error_freep(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_has_kind_and_message),
		cmocka_unit_test(executed_is_gone_too),
		cmocka_unit_test(null_is_success),
		cmocka_unit_test(errno_decides_the_kind),
		cmocka_unit_test(a_fault_carries_its_address),
		cmocka_unit_test(context_goes_before_the_message),
		cmocka_unit_test(messages_are_whole),
		cmocka_unit_test(out_of_memory_is_one_static_error),
		cmocka_unit_test(try_hands_an_error_on),
		cmocka_unit_test(a_guard_frees_it),
	};

	return TESTS_RUN(tests);
}
