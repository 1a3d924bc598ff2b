// SPDX-License-Identifier: GPL-2.0-or-later
/* src/base/io: exact reads, small files, numbers. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "base/io.h"
#include "base/scope.h"

/* An open file with these bytes, positioned at its start. */
static int file_of(const void *bytes, size_t length)
{
	int fd = memfd_create("io", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void pread_full_reads_exactly(void **state)
{
	_cleanup_close_ int fd = file_of("0123456789", 10);
	char buffer[16];
	size_t got;

	(void)state;
	assert_int_equal(pread_full(fd, buffer, 4, 3, &got), 0);
	assert_int_equal(got, 4);
	assert_memory_equal(buffer, "3456", 4);
}

static void pread_full_stops_at_the_end(void **state)
{
	_cleanup_close_ int fd = file_of("0123456789", 10);
	char buffer[16];
	size_t got = 99;

	(void)state;
	assert_int_equal(pread_full(fd, buffer, sizeof(buffer), 8, &got), 0);
	assert_int_equal(got, 2);
	assert_int_equal(pread_full(fd, buffer, sizeof(buffer), 1000, &got), 0);
	assert_int_equal(got, 0);
	assert_int_equal(pread_full(fd, buffer, 0, 0, &got), 0);
	assert_int_equal(got, 0);
}

static void pread_full_gives_errno(void **state)
{
	_cleanup_close_ int fd = file_of("x", 1);
	char byte;
	size_t got = 99;

	(void)state;
	assert_int_equal(pread_full(-1, &byte, 1, 0, &got), EBADF);
	assert_int_equal(got, 0);
	/* An offset that is negative as the kernel sees it. */
	assert_int_equal(pread_full(fd, &byte, 1, UINT64_MAX, &got), EINVAL);
}

static void read_all_gives_text_and_length(void **state)
{
	_cleanup_close_ int fd = file_of("a\0b", 3);
	_cleanup_free_ char *text = NULL;
	size_t length;

	(void)state;
	assert_ok(read_all(fd, "file", 100, &text, &length));
	assert_int_equal(length, 3);
	assert_memory_equal(text, "a\0b", 4);
}

/* A pipe gives little at a time: what comes late belongs to it all the same. */
static void read_all_goes_on_after_short_reads(void **state)
{
	int fds[2];
	_cleanup_free_ char *text = NULL;
	size_t length;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	for (int i = 0; i < 50; i++)
		assert_int_equal(write(fds[1], "packet ", 7), 7);
	close(fds[1]);
	assert_ok(read_all(fds[0], "pipe", 1000, &text, &length));
	close(fds[0]);
	assert_int_equal(length, 350);
	assert_string_equal(text + 343, "packet ");
}

static void read_all_larger_than_its_chunk(void **state)
{
	enum { SIZE = 1000003 };
	_cleanup_free_ char *bytes = malloc(SIZE), *text = NULL;
	size_t length;

	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (char)(i % 251);
	_cleanup_close_ int fd = file_of(bytes, SIZE);
	assert_ok(read_all(fd, "file", SIZE, &text, &length));
	assert_int_equal(length, SIZE);
	assert_memory_equal(text, bytes, SIZE);
	assert_int_equal(text[SIZE], 0);
}

static void read_all_has_a_limit(void **state)
{
	_cleanup_close_ int fd = file_of("12345", 5);
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_error(read_all(fd, "file", 4, &text, NULL), ERROR_INPUT, "file: larger than 4");
	assert_null(text);
	lseek(fd, 0, SEEK_SET);
	assert_ok(read_all(fd, "file", 5, &text, NULL));
	assert_string_equal(text, "12345");
}

static void read_all_of_nothing(void **state)
{
	_cleanup_close_ int fd = file_of("", 0);
	_cleanup_free_ char *text = NULL;
	size_t length = 9;

	(void)state;
	assert_ok(read_all(fd, "file", 0, &text, &length));
	assert_int_equal(length, 0);
	assert_string_equal(text, "");
}

static void read_file_at_names_the_path(void **state)
{
	char *text = NULL;

	(void)state;
	assert_error(read_file_at(AT_FDCWD, "/no/such/file", 10, &text, NULL), ERROR_SYSTEM,
		     "/no/such/file: No such file");
	assert_error(read_file_at(AT_FDCWD, "/", 10, &text, NULL), ERROR_SYSTEM, "/: Is a dir");
}

static void write_number(int dir, const char *text)
{
	_cleanup_close_ int fd = openat(dir, "n", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void read_number_at_takes_one_number(void **state)
{
	static const struct {
		const char *text;
		bool good;
		uint64_t value;
	} cases[] = {{"0\n", true, 0},
		     {"  4096 \n", true, 4096},
		     {"18446744073709551615\n", true, UINT64_MAX},
		     {"18446744073709551616\n", false, 0},
		     {"", false, 0},
		     {"\n", false, 0},
		     {"-1\n", false, 0},
		     {"0x10\n", false, 0},
		     {"12kB\n", false, 0}};
	char path[] = "/tmp/physlens-io.XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(path));
	_cleanup_close_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t value = 77;

		write_number(dir, cases[i].text);
		struct error *error = read_number_at(dir, "n", &value);
		assert_int_equal(!error, cases[i].good);
		assert_int_equal(value, cases[i].good ? cases[i].value : 77);
		error_free(error);
	}
	unlinkat(dir, "n", 0);
	rmdir(path);
}

static void numbers_are_strict(void **state)
{
	static const struct {
		const char *text;
		bool decimal, hex;
		uint64_t as_decimal, as_hex;
	} cases[] = {
		{"0", true, true, 0, 0},
		{"10", true, true, 10, 16},
		{"0010", true, true, 10, 16},
		{"ff", false, true, 0, 255},
		{"0xFf", false, true, 0, 255},
		{"0X1", false, true, 0, 1},
		{"0x", false, false, 0, 0},
		{"0x0x1", false, false, 0, 0},
		{"", false, false, 0, 0},
		{" 1", false, false, 0, 0},
		{"1 ", false, false, 0, 0},
		{"+1", false, false, 0, 0},
		{"-1", false, false, 0, 0},
		{"1\n", false, false, 0, 0},
		{"1g", false, false, 0, 0},
		{"1e3", false, true, 0, 0x1e3},
		{"18446744073709551615", true, false, UINT64_MAX, 0},
		{"18446744073709551616", false, false, 0, 0},
		{"ffffffffffffffff", false, true, 0, UINT64_MAX},
		{"10000000000000000", true, false, UINT64_C(10000000000000000), 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t decimal = 77, hex = 77;

		assert_int_equal(parse_decimal(cases[i].text, &decimal), cases[i].decimal);
		assert_int_equal(decimal, cases[i].decimal ? cases[i].as_decimal : 77);
		assert_int_equal(parse_hex(cases[i].text, &hex), cases[i].hex);
		assert_int_equal(hex, cases[i].hex ? cases[i].as_hex : 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pread_full_reads_exactly),
		cmocka_unit_test(pread_full_stops_at_the_end),
		cmocka_unit_test(pread_full_gives_errno),
		cmocka_unit_test(read_all_gives_text_and_length),
		cmocka_unit_test(read_all_goes_on_after_short_reads),
		cmocka_unit_test(read_all_larger_than_its_chunk),
		cmocka_unit_test(read_all_has_a_limit),
		cmocka_unit_test(read_all_of_nothing),
		cmocka_unit_test(read_file_at_names_the_path),
		cmocka_unit_test(read_number_at_takes_one_number),
		cmocka_unit_test(numbers_are_strict),
	};

	return TESTS_RUN(tests);
}
