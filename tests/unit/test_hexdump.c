// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit.h"

#include "ui/hexdump.h"

static char *text;
static size_t size;
static struct hexdump dump;

static void begin(void)
{
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	hexdump_init(&dump, out);
}

static void assert_dump(const char *expected)
{
	fclose(dump.out);
	assert_string_equal(text, expected);
	free(text);
}

static void a_line(void **state)
{
	(void)state;
	begin();
	hexdump_bytes(&dump, 0x7f1c2a426000, "\177ELF\2\1\1\0abcdefgh", 16);
	hexdump_end(&dump, 0x7f1c2a426010);
	assert_dump("7f1c2a426000  7f 45 4c 46 02 01 01 00  61 62 63 64 65 66 67 68  "
		    "|.ELF....abcdefgh|\n7f1c2a426010\n");
}

/* Lines begin at multiples of 16; what is before and behind stays empty. */
static void parts_of_lines(void **state)
{
	(void)state;
	begin();
	hexdump_bytes(&dump, 0x100e, "\n\177\200~", 4);
	assert_dump("000000001000                                             0a 7f"
		    "  |              ..|\n"
		    "000000001010  80 7e                                           "
		    "  |.~|\n");
}

static void equal_lines_are_left_out(void **state)
{
	static const unsigned char zeroes[64];

	(void)state;
	begin();
	hexdump_bytes(&dump, 0x1000, zeroes, 64);
	assert_null(hexdump_mark(&dump, "frame"));
	hexdump_bytes(&dump, 0x1040, zeroes, 24);
	hexdump_end(&dump, 0x1058);
	assert_dump("000000001000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  "
		    "|................|\n*\n# frame\n"
		    "000000001040  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  "
		    "|................|\n"
		    "000000001050  00 00 00 00 00 00 00 00                           "
		    "|........|\n000000001058\n");
}

static void marks_are_escaped(void **state)
{
	(void)state;
	begin();
	assert_null(hexdump_mark(&dump, "gap \033[31m"));
	assert_dump("# gap \\x1b[31m\n");
}

static void the_highest_addresses(void **state)
{
	(void)state;
	begin();
	hexdump_bytes(&dump, UINT64_MAX - 1, "ab", 2);
	assert_dump("fffffffffffffff0                                             61 62"
		    "  |              ab|\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line),
		cmocka_unit_test(parts_of_lines),
		cmocka_unit_test(equal_lines_are_left_out),
		cmocka_unit_test(marks_are_escaped),
		cmocka_unit_test(the_highest_addresses),
	};

	return TESTS_RUN(tests);
}
