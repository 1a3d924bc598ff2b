// SPDX-License-Identifier: GPL-2.0-or-later
/* Kinds of frames by their flags, and the text of /proc/PID/cgroup. */
#include "unit.h"

#include "analysis/kinds.h"
#include "proc/cgroup.h"
#include "proc/kpage.h"

static void test_kinds(void **state)
{
	static const struct {
		uint64_t flags;
		enum frame_kind kind;
	} cases[] = {
		{0, KIND_UNFLAGGED},
		{UINT64_C(1) << 25, KIND_UNFLAGGED},
		{KPF_BIT_BUDDY, KIND_FREE},
		{KPF_BIT_SLAB | KPF_BIT_HEAD, KIND_SLAB},
		{KPF_BIT_SLAB | KPF_BIT_ANON | KPF_BIT_KSM, KIND_SLAB},
		{KPF_BIT_RESERVED, KIND_RESERVED},
		{KPF_BIT_RESERVED | KPF_BIT_ZERO_PAGE, KIND_ZERO},
		{KPF_BIT_ANON | KPF_BIT_LRU | KPF_BIT_SWAPBACKED | KPF_BIT_MMAP, KIND_ANON},
		{KPF_BIT_ANON | KPF_BIT_KSM | KPF_BIT_LRU, KIND_KSM},
		{KPF_BIT_ANON | KPF_BIT_THP | KPF_BIT_HEAD, KIND_ANON_HUGE},
		{KPF_BIT_SWAPBACKED | KPF_BIT_LRU, KIND_SHMEM},
		{KPF_BIT_LRU, KIND_FILE},
		{KPF_BIT_HUGE | KPF_BIT_HEAD | KPF_BIT_MMAP | KPF_BIT_ANON, KIND_HUGETLB},
		{KPF_BIT_HUGE | KPF_BIT_TAIL, KIND_HUGETLB_FREE},
		{KPF_BIT_NOPAGE, KIND_HOLE},
		{KPF_BIT_HWPOISON | KPF_BIT_LRU, KIND_HWPOISON},
		{UINT64_C(1) << 63, KIND_KERNEL}, /* a flag of a kernel to come */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(frame_kind_of(cases[i].flags, KIND_COUNT), cases[i].kind);
	/* A tail is what its head is, unless it is broken. */
	assert_int_equal(frame_kind_of(KPF_BIT_TAIL, KIND_SHMEM), KIND_SHMEM);
	assert_int_equal(frame_kind_of(KPF_BIT_TAIL | KPF_BIT_HWPOISON, KIND_FILE), KIND_HWPOISON);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		assert_non_null(frame_kind_name((enum frame_kind)kind));
}

static void test_whole_pages(void **state)
{
	struct range r = kinds_whole_pages((struct range){0x1000, 0x9fc00}, 12);

	(void)state;
	assert_int_equal(r.start, 1);
	assert_int_equal(r.end, 0x9f);
	r = kinds_whole_pages((struct range){0x1001, 0x1fff}, 12);
	assert_true(range_is_empty(r));
}

static void check_cgroup(const char *text, const char *expected)
{
	char *path;

	assert_ok(cgroup_parse(text, &path));
	if (expected)
		assert_string_equal(path, expected);
	else
		assert_null(path);
	free(path);
}

static void test_cgroup(void **state)
{
	(void)state;
	check_cgroup("0::/user.slice/a:b\n", "/user.slice/a:b");
	check_cgroup("0::/x\n9:cpu,memory:/y\n1:name=systemd:/z\n", "/y");
	check_cgroup("9:cpu,memory:/y\n0::/x\n", "/y");
	check_cgroup("9:cpuset,memoryless:/y\n", NULL);
	check_cgroup("garbage\n0:\n\n", NULL);
	check_cgroup("", NULL);
}

static void test_mounts(void **state)
{
	char v1[] = "31 23 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory";
	char v2[] = "35 23 0:30 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw,nsdelegate";
	char cpu[] = "31 23 0:26 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu";
	char bad[] = "31 23 - cgroup cgroup rw,memory", none[] = "", half[] = "1 2 - cgroup";

	(void)state;
	assert_string_equal(cgroup_mount_parse(v1, 1), "/sys/fs/cgroup/memory");
	assert_string_equal(cgroup_mount_parse(v2, 2), "/sys/fs/cgroup");
	assert_null(cgroup_mount_parse(cpu, 1));
	assert_null(cgroup_mount_parse(bad, 1));
	assert_null(cgroup_mount_parse(none, 1));
	assert_null(cgroup_mount_parse(half, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_whole_pages),
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_mounts),
	};

	return TESTS_RUN(tests);
}
