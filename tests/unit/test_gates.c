// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/gates.h"
#include "tree.h"

static struct gates *probe(int root)
{
	struct gates *gates;

	assert_null(gates_probe(root, &gates));
	return gates;
}

static void check_state(const struct gates *gates, const char *name, const char *state)
{
	const struct gate *gate = gates_find(gates, name);

	assert_non_null(gate);
	assert_string_equal(gate->state, state);
}

static void check_remedy(const struct gates *gates, const char *name, const char *part)
{
	const struct gate *gate = gates_find(gates, name);

	assert_non_null(gate);
	assert_non_null(gate->remedy);
	assert_non_null(strstr(gate->remedy, part));
}

/* Whatever the machine: every gate has a name, a state, and no remedy when it is open. */
static void this_machine(void **state)
{
	int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct gates *gates = probe(root);

	(void)state;
	for (size_t i = 0; i < gates_count(gates); i++) {
		const struct gate *gate = gates_at(gates, i);

		assert_non_null(gate->name);
		assert_non_null(gate->gives);
		assert_non_null(gate->state);
		assert_ptr_equal(gates_find(gates, gate->name), gate);
		if (gate->grade == GATE_OPEN)
			assert_null(gate->remedy);
		if (gate->by_capability)
			assert_true(gate->capabilities && gate->remedy);
	}
	check_state(gates, "pagemap", "open");
	assert_null(gates_find(gates, "no-such-gate"));
	gates_destroy(gates);
	close(root);
}

/* The files of a machine, with ourselves as nobody in particular: no /proc/self in the tree. */
static void replayed(void **state)
{
	struct tree tree;
	struct gates *gates;

	(void)state;
	tree_unpack(&tree, "machines/firecracker-6.18");
	gates = probe(tree.fd);
	check_state(gates, "iomem", "open");
	check_state(gates, "kallsyms", "functions");
	check_state(gates, "numa", "open");
	check_state(gates, "cache", "open");
	check_state(gates, "swap", "off");
	check_state(gates, "ksm", "off");
	check_state(gates, "thp", "madvise");
	check_state(gates, "hugetlb", "off");
	check_state(gates, "devmem", "absent");
	check_state(gates, "kcore", "absent");
	check_state(gates, "btf", "absent");
	check_state(gates, "vmcoreinfo", "absent");
	check_state(gates, "pagemap", "absent");
	check_remedy(gates, "pagemap", "mount -t proc");
	check_remedy(gates, "kcore", "CONFIG_PROC_KCORE=y");
	gates_destroy(gates);
	tree_deinit(&tree);
}

static void hidden(void **state)
{
	struct tree tree;
	struct gates *gates;

	(void)state;
	tree_unpack(&tree, "machines/firecracker-6.18-user");
	gates = probe(tree.fd);
	check_state(gates, "iomem", "hidden");
	check_state(gates, "kallsyms", "hidden");
	assert_int_equal(gates_find(gates, "iomem")->grade, GATE_CLOSED);
	gates_destroy(gates);

	tree_write(&tree, "proc/sys/kernel/kptr_restrict", "2\n");
	gates = probe(tree.fd);
	check_remedy(gates, "kallsyms", "sysctl kernel.kptr_restrict=1");
	gates_destroy(gates);
	tree_deinit(&tree);
}

static void lockdown(void **state)
{
	struct tree tree;
	struct gates *gates;

	(void)state;
	tree_unpack(&tree, "machines/qemu-lockdown-6.12");
	gates = probe(tree.fd);
	check_state(gates, "lockdown", "confidentiality");
	check_remedy(gates, "lockdown", "lockdown=none");
	gates_destroy(gates);

	tree_write(&tree, "sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	gates = probe(tree.fd);
	check_state(gates, "lockdown", "none");
	gates_destroy(gates);

	tree_write(&tree, "sys/kernel/security/lockdown", "garbage\n");
	gates = probe(tree.fd);
	check_state(gates, "lockdown", "failed");
	gates_destroy(gates);
	tree_deinit(&tree);
}

/* Yama's scopes: what is left without CAP_SYS_PTRACE, which a tree without /proc/self gives. */
static void yama(void **state)
{
	static const struct {
		const char *scope, *state;
	} scopes[] = {{"0\n", "own"}, {"1\n", "children"}, {"2\n", "none"}, {"3\n", "off"}};
	struct tree tree;

	(void)state;
	tree_init(&tree);
	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		tree_write(&tree, "proc/sys/kernel/yama/ptrace_scope", scopes[i].scope);
		struct gates *gates = probe(tree.fd);
		check_state(gates, "attach", scopes[i].state);
		gates_destroy(gates);
	}
	tree_write(&tree, "proc/self/status", "Name:\tx\nCapEff:\t0000000000080000\n");
	tree_write(&tree, "proc/sys/kernel/yama/ptrace_scope", "2\n");
	struct gates *gates = probe(tree.fd);
	check_state(gates, "attach", "open");
	check_state(gates, "ptrace", "open");
	gates_destroy(gates);
	tree_deinit(&tree);
}

/* In a container's user namespace capabilities say nothing: no setcap is offered. */
static void user_namespace(void **state)
{
	struct tree tree;
	struct gates *gates;
	char *command;

	(void)state;
	tree_unpack(&tree, "machines/firecracker-6.18-user");
	tree_write(&tree, "proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\n");
	tree_write(&tree, "proc/self/uid_map", "         0       1000          1\n");
	gates = probe(tree.fd);
	check_remedy(gates, "iomem", "user namespace");
	assert_null(gates_setcap(gates, &command));
	assert_null(command);
	gates_destroy(gates);
	tree_deinit(&tree);
}

/* An empty system: nothing is there, nothing crashes, and the answers say so. */
static void nothing(void **state)
{
	struct tree tree;
	struct gates *gates;
	struct gates_verdict verdict;

	(void)state;
	tree_init(&tree);
	gates = probe(tree.fd);
	check_state(gates, "pagemap", "absent");
	check_state(gates, "swap", "absent");
	check_state(gates, "ksm", "absent");
	check_state(gates, "numa", "absent");
	check_state(gates, "cache", "absent");
	assert_null(gates_command_verdict(gates, "map", &verdict));
	assert_int_equal(verdict.work, GATES_NOT);
	assert_string_equal(verdict.missing, "pagemap");
	gates_verdict_deinit(&verdict);
	assert_null(gates_command_verdict(gates, "doctor", &verdict));
	assert_int_equal(verdict.work, GATES_FULLY);
	assert_null(verdict.missing);
	gates_verdict_deinit(&verdict);
	assert_null(gates_command_verdict(gates, "no-such-command", &verdict));
	assert_int_equal(verdict.work, GATES_FULLY);
	gates_verdict_deinit(&verdict);
	gates_destroy(gates);
	tree_deinit(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_machine), cmocka_unit_test(replayed),
		cmocka_unit_test(hidden),       cmocka_unit_test(lockdown),
		cmocka_unit_test(yama),         cmocka_unit_test(user_namespace),
		cmocka_unit_test(nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
