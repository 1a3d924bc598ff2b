// SPDX-License-Identifier: GPL-2.0-or-later
/* src/kernel/btf: types made here with libbpf, files that are none, and this kernel's own. */
#include <bpf/btf.h>
#include <unistd.h>

#include "base/scope.h"
#include "kernel/btf.h"
#include "unit.h"

/* Writes the types to a file of its own; the path is in `path`. */
static void write_types(const void *data, size_t size, char path[32])
{
	snprintf(path, 32, "/tmp/test_btf.XXXXXX");
	_cleanup_close_ int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
}

static struct kernel_types *load(struct btf *btf)
{
	struct kernel_types *types = NULL;
	uint32_t size;
	const void *data = btf__raw_data(btf, &size);
	char path[32];

	assert_non_null(data);
	write_types(data, size, path);
	assert_ok(kernel_types_load(path, &types));
	unlink(path);
	btf__free(btf);
	return types;
}

/*
 * struct list { struct list *next, *prev; };
 * struct task {
 *	int pid;                              0
 *	struct { union { long a; struct list links; }; int b:3, c:29; };   8
 *	const struct list tasks;              32
 *	char comm[16];                        48
 *	named_t inner;                        64: typedef struct { int deep; } named_t
 *	long tail[];                          72
 * };
 */
static struct kernel_types *made(void)
{
	struct btf *btf = btf__new_empty();
	int integer = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	int number = btf__add_int(btf, "long", 8, BTF_INT_SIGNED);
	int character = btf__add_int(btf, "char", 1, BTF_INT_CHAR);
	int pointer = btf__add_ptr(btf, 5);
	int list = btf__add_struct(btf, "list", 16);

	assert_int_equal(list, 5);
	btf__add_field(btf, "next", pointer, 0, 0);
	btf__add_field(btf, "prev", pointer, 64, 0);
	int either = btf__add_union(btf, NULL, 16);
	btf__add_field(btf, "a", number, 0, 0);
	btf__add_field(btf, "links", list, 0, 0);
	int anonymous = btf__add_struct(btf, NULL, 24);
	btf__add_field(btf, NULL, either, 0, 0);
	btf__add_field(btf, "b", integer, 128, 3);
	btf__add_field(btf, "c", integer, 131, 29);
	int constant = btf__add_const(btf, list);
	int text = btf__add_array(btf, integer, character, 16);
	int inner = btf__add_struct(btf, NULL, 4);
	btf__add_field(btf, "deep", integer, 0, 0);
	int named = btf__add_typedef(btf, "named_t", inner);
	int tail = btf__add_array(btf, integer, number, 0);
	btf__add_struct(btf, "task", 72);
	btf__add_field(btf, "pid", integer, 0, 0);
	btf__add_field(btf, NULL, anonymous, 8 * 8, 0);
	btf__add_field(btf, "tasks", constant, 32 * 8, 0);
	btf__add_field(btf, "comm", text, 48 * 8, 0);
	btf__add_field(btf, "inner", named, 64 * 8, 0);
	btf__add_field(btf, "tail", tail, 72 * 8, 0);
	return load(btf);
}

static void finds_members(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		struct kernel_member member;
	} expected[] = {
		{"pid", {0, 4}},         {"a", {8, 8}},           {"links", {8, 16}},
		{"links.prev", {16, 8}}, {"tasks", {32, 16}},     {"tasks.next", {32, 8}},
		{"comm", {48, 16}},      {"inner.deep", {64, 4}}, {"tail", {72, 0}},
	};
	struct kernel_types *types = made();

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		struct kernel_member member;

		assert_ok(kernel_types_member(types, "task", expected[i].path, &member));
		assert_int_equal(member.offset, expected[i].member.offset);
		assert_int_equal(member.size, expected[i].member.size);
	}
	kernel_types_free(types);
}

static void says_what_there_is_not(void **state)
{
	(void)state;
	static const char *const paths[] = {"nothing", "",  "tasks.middle", "pid.x", "tasks.",
					    "comm.x",  ".", "deep"};
	struct kernel_types *types = made();
	struct kernel_member member;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_error(kernel_types_member(types, "task", paths[i], &member),
			     ERROR_UNSUPPORTED, "has no task.");
	assert_error(kernel_types_member(types, "no_such", "x", &member), ERROR_UNSUPPORTED,
		     "has no no_such");
	assert_error(kernel_types_member(types, "task", "c", &member), ERROR_UNSUPPORTED,
		     "is a bit field");
	kernel_types_free(types);
}

/* struct loop { struct { <the same again> }; }: no C, but nobody vouches for a file. */
static void types_within_themselves_end(void **state)
{
	(void)state;
	struct btf *btf = btf__new_empty();
	struct kernel_member member;

	btf__add_struct(btf, "loop", 8);
	btf__add_field(btf, NULL, 1, 0, 0);
	btf__add_field(btf, NULL, 1, 0, 0);
	struct kernel_types *types = load(btf);
	assert_error(kernel_types_member(types, "loop", "x", &member), ERROR_UNSUPPORTED,
		     "has no loop.x");
	kernel_types_free(types);
}

static void refuses_what_is_no_btf(void **state)
{
	(void)state;
	struct kernel_types *types;
	char path[32], noise[4096];

	assert_error(kernel_types_load("/no/such/file", &types), ERROR_UNSUPPORTED,
		     "built without BTF");
	memset(noise, 0xa5, sizeof(noise));
	write_types(noise, sizeof(noise), path);
	assert_error(kernel_types_load(path, &types), ERROR_INPUT, "not type information");
	unlink(path);
	write_types(noise, 0, path);
	struct error *error = kernel_types_load(path, &types);
	assert_non_null(error);
	error_free(error);
	unlink(path);
	kernel_types_free(NULL);
}

static void knows_this_kernel(void **state)
{
	(void)state;
	struct kernel_types *types;
	struct kernel_member member, next;

	if (access(KERNEL_TYPES_PATH, R_OK) != 0)
		skip();
	assert_ok(kernel_types_load(KERNEL_TYPES_PATH, &types));
	assert_ok(kernel_types_member(types, "task_struct", "comm", &member));
	assert_int_equal(member.size, 16);
	assert_ok(kernel_types_member(types, "task_struct", "tasks", &member));
	assert_ok(kernel_types_member(types, "task_struct", "tasks.prev", &next));
	assert_int_equal(next.offset, member.offset + 8);
	/* All of mm_struct's members are in an anonymous struct. */
	assert_ok(kernel_types_member(types, "mm_struct", "pgd", &member));
	assert_int_equal(member.size, 8);
	kernel_types_free(types);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_members),
		cmocka_unit_test(says_what_there_is_not),
		cmocka_unit_test(types_within_themselves_end),
		cmocka_unit_test(refuses_what_is_no_btf),
		cmocka_unit_test(knows_this_kernel),
	};

	return cmocka_run_group_tests_name("btf", tests, NULL, NULL);
}
