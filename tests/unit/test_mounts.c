// SPDX-License-Identifier: GPL-2.0-or-later
/* src/proc/mounts: which file system a device number stands for. */
#include "unit.h"

#include <fcntl.h>

#include "base/scope.h"
#include "proc/mounts.h"

static void lines(void **state)
{
	static const char text[] =
		"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"
		"40 36 0:51 / /home/a\\040b rw shared:7 master:2 - fuse.sshfs host:/a\\040-\\040b "
		"rw\n"
		"41 36 0:52 / /- rw - tmpfs - rw\n";
	mount_vec mounts = {0};

	(void)state;
	assert_ok(mounts_parse(text, &mounts));
	assert_int_equal(mounts.count, 3);
	assert_int_equal(mounts.items[0].major, 98);
	assert_int_equal(mounts.items[0].minor, 0);
	assert_string_equal(mounts.items[0].type, "ext3");
	assert_int_equal(mounts.items[1].minor, 51);
	assert_string_equal(mounts.items[1].type, "fuse.sshfs");
	assert_string_equal(mounts.items[2].type, "tmpfs");
	vec_deinit(&mounts);
}

static void what_is_none(void **state)
{
	static const char *const texts[] = {
		"nonsense\n",
		"36 35 98:0 / / rw - ext3 x rw",
		"36 35 98 / / rw - ext3 x rw\n",
		"36 35 98:x / / rw - ext3 x rw\n",
		"36 35 98:0 / / rw\n",
		"36 35 98:0 / / rw - \n",
		"\n",
		"36\n",
		"36 -  98:0 - x\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		mount_vec mounts = {0};
		struct error *error = mounts_parse(texts[i], &mounts);

		assert_true(error_is(error, ERROR_INPUT));
		error_free(error);
		vec_deinit(&mounts);
	}
}

static void own(void **state)
{
	_cleanup_close_ int fd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	mount_vec mounts = {0};
	bool proc = false;

	(void)state;
	assert_ok(mounts_read(fd, &mounts));
	for (size_t i = 0; i < mounts.count; i++)
		proc |= strcmp(mounts.items[i].type, "proc") == 0;
	assert_true(proc);
	vec_deinit(&mounts);
}

static void over_processes(void **state)
{
	static const char text[] = "21 1 0:20 / /proc rw - proc proc rw\n"
				   "40 21 0:41 / /proc/4711 rw,relatime shared:3 - tmpfs none rw\n"
				   "41 21 0:20 /1/maps /proc/12/maps rw - proc proc rw\n"
				   "42 21 0:41 / /proc/4711/exe rw - tmpfs none rw\n"
				   "43 21 0:41 / /proc/13//deleted rw - tmpfs none rw\n"
				   "44 21 0:42 / /proc/sys/fs/binfmt_misc rw - autofs x rw\n"
				   "45 21 0:42 / /proc/99x rw - tmpfs none rw\n"
				   "46 21 0:42 / /proc/99999999999 rw - tmpfs none rw\n"
				   "47 21 0:42 / /mnt/proc/5 rw - tmpfs none rw\n"
				   "nonsense\n"
				   "48 21 0:42 / /proc/6";
	covered_vec list = {0};

	(void)state;
	assert_ok(mounts_over_processes(text, &list));
	assert_int_equal(list.count, 2);
	assert_int_equal(list.items[0].pid, 12);
	assert_string_equal(list.items[0].place, "/proc/12/maps");
	assert_string_equal(list.items[0].type, "proc");
	assert_int_equal(list.items[1].pid, 4711);
	assert_string_equal(list.items[1].place, "/proc/4711");
	assert_string_equal(list.items[1].type, "tmpfs");
	vec_deinit(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(what_is_none),
		cmocka_unit_test(own),
		cmocka_unit_test(over_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
