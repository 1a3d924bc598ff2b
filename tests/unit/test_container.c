// SPDX-License-Identifier: GPL-2.0-or-later
/* src/proc/container: paths as docker, podman, Kubernetes, systemd-nspawn and LXC make them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proc/container.h"

#define ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static void names(void **state)
{
	static const struct {
		const char *path, *name; /* NULL: none */
	} cases[] = {
		{"/docker/" ID, ID},
		{"/system.slice/docker-" ID ".scope", ID},
		{"/system.slice/docker-" ID ".scope/init.scope", ID},
		{"/machine.slice/libpod-" ID ".scope/container", ID},
		{"/machine.slice/libpod-conmon-" ID ".scope", NULL},
		{"/libpod_parent/libpod-" ID, ID},
		{"/kubepods/burstable/pod6a1f6c0e-1f7e-4d3c-8d0f-7d6f1f0f0001/" ID, ID},
		{"/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope", ID},
		{"/kubepods.slice/crio-" ID ".scope", ID},
		{"/docker/" ID "/docker/" OTHER, OTHER},
		{"/machine.slice/machine-web.scope/payload", "web"},
		{"/machine.slice/machine-web\\x2d1.scope", "web-1"},
		{"/machine.slice/systemd-nspawn@db.service/payload", "db"},
		{"/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", NULL},
		{"/lxc.payload.front/user.slice", "front"},
		{"/lxc/front", "front"},
		{"/lxc", NULL},
		{"/", NULL},
		{"", NULL},
		{"/user.slice/user-0.slice", NULL},
		{"/docker/0123", NULL},
		{"/docker/x" ID, NULL},
		{"/docker/" ID "0", NULL},
		{"/machine.slice/machine-.scope", NULL},
		{"/machine.slice/machine-a\\x00b.scope", NULL},
		{"/machine.slice/machine-a\\x2.scope", "a\\x2"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[CONTAINER_LENGTH];
		bool found = container_of_cgroup(cases[i].path, name);

		assert_int_equal(found, cases[i].name != NULL);
		if (found)
			assert_string_equal(name, cases[i].name);
	}
}

static void a_name_too_long_is_none(void **state)
{
	char path[512] = "/lxc.payload.", name[CONTAINER_LENGTH];

	(void)state;
	memset(path + strlen(path), 'x', CONTAINER_LENGTH - 1);
	assert_true(container_of_cgroup(path, name));
	assert_int_equal(strlen(name), CONTAINER_LENGTH - 1);
	path[strlen(path)] = 'x';
	assert_false(container_of_cgroup(path, name));
}

static void what_is_meant(void **state)
{
	char id[CONTAINER_LENGTH] = ID, name[CONTAINER_LENGTH] = "abcdef";

	(void)state;
	assert_true(container_is_called(ID, ID));
	assert_true(container_is_called(ID, "0123456789ab"));
	assert_true(container_is_called(ID, "0123"));
	assert_false(container_is_called(ID, "012"));
	assert_false(container_is_called(ID, ""));
	assert_false(container_is_called(ID, "1123"));
	assert_true(container_is_called("web", "web"));
	assert_false(container_is_called("abcdef", "abcd"));
	container_shorten(id);
	assert_string_equal(id, "0123456789ab");
	container_shorten(name);
	assert_string_equal(name, "abcdef");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(a_name_too_long_is_none),
		cmocka_unit_test(what_is_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
