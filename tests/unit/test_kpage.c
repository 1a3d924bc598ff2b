// SPDX-License-Identifier: GPL-2.0-or-later
/* src/proc/kpage: words of frames from a file that stands for /proc/kpageflags. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"

#include "base/scope.h"
#include "proc/kpage.h"

enum { FRAMES = 1000 };

/* The word of frame n is 7n. */
static int open_frames(void)
{
	int fd = memfd_create("kpage", MFD_CLOEXEC);
	uint64_t words[FRAMES];

	assert_true(fd >= 0);
	for (uint64_t i = 0; i < FRAMES; i++)
		words[i] = 7 * i;
	assert_int_equal(write(fd, words, sizeof(words)), sizeof(words));
	return fd;
}

static void frames_in_any_order(void **state)
{
	static const uint64_t pfns[] = {5, 6, 7, 100, 99, 98, 0, 999, 5, 5, 6};
	enum { COUNT = sizeof(pfns) / sizeof(pfns[0]) };
	_cleanup_close_ int fd = open_frames();
	uint64_t words[COUNT];

	(void)state;
	assert_int_equal(kpage_read(fd, pfns, COUNT, 1, words), 0);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(words[i], 7 * pfns[i]);
	assert_int_equal(kpage_read(fd, pfns, 0, 1, words), 0);
}

static void frames_past_the_end_are_absent(void **state)
{
	static const uint64_t pfns[] = {998, 999, 1000, 1001, 5, UINT64_C(1) << 50};
	_cleanup_close_ int fd = open_frames();
	uint64_t words[6];

	(void)state;
	assert_int_equal(kpage_read(fd, pfns, 6, KPF_BIT_NOPAGE, words), 0);
	assert_int_equal(words[0], 7 * 998);
	assert_int_equal(words[1], 7 * 999);
	assert_int_equal(words[2], KPF_BIT_NOPAGE);
	assert_int_equal(words[3], KPF_BIT_NOPAGE);
	assert_int_equal(words[4], 35);
	assert_int_equal(words[5], KPF_BIT_NOPAGE);
}

static void a_file_that_cannot_be_read(void **state)
{
	uint64_t pfn = 1, word = 42;

	(void)state;
	assert_int_equal(kpage_read(-1, &pfn, 1, 0, &word), EBADF);
}

static void flags_have_names(void **state)
{
	static const struct {
		uint64_t flags;
		const char *text;
	} cases[] = {
		{0, ""},
		{1, "locked"},
		{KPF_BIT_ANON | KPF_BIT_KSM, "anon,ksm"},
		{UINT64_C(0x5828), "uptodate,lru,mmap,anon,swapbacked"},
		{KPF_BIT_ZERO_PAGE, "zero"},
		{UINT64_C(1) << 34, "mappedtodisk"},
		/* the same bit is another flag on anonymous memory */
		{UINT64_C(1) << 34 | KPF_BIT_ANON, "anon,anonexclusive"},
		{UINT64_C(1) << 27 | UINT64_C(1) << 63, "bit27,bit63"},
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(kpage_flags_text(cases[i].flags, text, sizeof(text)),
				 strlen(cases[i].text));
		assert_string_equal(text, cases[i].text);
	}
}

static void all_flags_and_little_room(void **state)
{
	char whole[1024], part[1024];
	size_t length = kpage_flags_text(UINT64_MAX, whole, sizeof(whole)), commas = 0;

	(void)state;
	assert_int_equal(length, strlen(whole));
	for (const char *p = whole; *p; p++)
		commas += *p == ',';
	assert_int_equal(commas, 63);
	assert_int_equal(kpage_flags_text(UINT64_MAX, NULL, 0), length);
	for (size_t size = 1; size <= length; size++) {
		memset(part, '#', sizeof(part));
		assert_int_equal(kpage_flags_text(UINT64_MAX, part, size), length);
		assert_true(strlen(part) < size);
		assert_int_equal(part[size], '#');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_in_any_order),
		cmocka_unit_test(frames_past_the_end_are_absent),
		cmocka_unit_test(a_file_that_cannot_be_read),
		cmocka_unit_test(flags_have_names),
		cmocka_unit_test(all_flags_and_little_room),
	};

	return TESTS_RUN(tests);
}
