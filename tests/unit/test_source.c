// SPDX-License-Identifier: GPL-2.0-or-later
/* What stands between a caller and a source: limits, batches, faults; on memory that is made up. */
#include "unit.h"

#include <errno.h>

#include "analysis/reading.h"
#include "phys/impl.h"
#include "tree.h"

enum { PAGE = 4096, BAD_PAGES = 8 };

/* Byte n is n * 7 + n / 4096; some pages cannot be read. */
struct fake_source {
	struct source source;
	uint64_t bad[BAD_PAGES];
	size_t bad_count;
	size_t copies;
	uint64_t lowest, highest; /* of all that copy() was asked for */
};

static unsigned char byte_at(uint64_t paddr)
{
	return (unsigned char)(paddr * 7 + paddr / PAGE);
}

static struct error *fake_open(struct source *source)
{
	((struct fake_source *)source)->lowest = UINT64_MAX;
	return NULL;
}

static void fake_close(struct source *source)
{
	(void)source;
}

static int fake_copy(struct source *source, uint64_t paddr, void *buffer, size_t length)
{
	struct fake_source *fake = (struct fake_source *)source;

	fake->copies++;
	if (paddr < fake->lowest)
		fake->lowest = paddr;
	if (paddr + length > fake->highest)
		fake->highest = paddr + length;
	assert_true(length > 0 && length <= SOURCE_BATCH);
	assert_int_equal(paddr / SOURCE_BATCH, (paddr + length - 1) / SOURCE_BATCH);
	/* What does not count is there all the same. */
	memset(buffer, 0xee, length);
	for (size_t i = 0; i < fake->bad_count; i++) {
		uint64_t bad = fake->bad[i] * PAGE;

		if (paddr < bad + PAGE && bad < paddr + length)
			return EFAULT;
	}
	for (size_t i = 0; i < length; i++)
		((unsigned char *)buffer)[i] = byte_at(paddr + i);
	return 0;
}

static const char *fake_cause(int errnum)
{
	return errnum == EFAULT ? "made up" : NULL;
}

static struct error *fake_kernel(struct source *source, struct source_kernel *kernel)
{
	(void)source;
	kernel->has_direct_map = true;
	kernel->direct_map = UINT64_C(0xffff888000000000);
	kernel->has_phys_base = true;
	kernel->phys_base = (uint64_t)-0x1000000; /* _text at 0xffffffff82000000 is at 16 MiB */
	return NULL;
}

static int fake_view(struct source *source, uint64_t paddr, const void **bytes, size_t length)
{
	static unsigned char own[SOURCE_BATCH];

	*bytes = own;
	return fake_copy(source, paddr, own, length);
}

static const struct source_ops viewed_ops = {
	.name = "viewed",
	.size = sizeof(struct fake_source),
	.open = fake_open,
	.close = fake_close,
	.copy = fake_copy,
	.view = fake_view,
	.cause = fake_cause,
};

static const struct source_ops fake_ops = {
	.name = "fake",
	.size = sizeof(struct fake_source),
	.open = fake_open,
	.close = fake_close,
	.copy = fake_copy,
	.cause = fake_cause,
	.kernel = fake_kernel,
};

/* Two ranges, neither page-aligned at both ends, with a hole between. */
static const struct range ram[] = {{0x1000, 0x9fc00}, {0x100000, 0x1400000}};

static struct source *open_fake(unsigned flags)
{
	struct source *source;

	assert_ok(source_create(&fake_ops, flags, ram, 2, &source));
	return source;
}

static void assert_bytes(const unsigned char *bytes, uint64_t paddr, size_t length)
{
	for (size_t i = 0; i < length; i++)
		assert_int_equal(bytes[i], byte_at(paddr + i));
}

static void reads_across_batches(void **state)
{
	static unsigned char buffer[3 * SOURCE_BATCH];
	struct source *source = open_fake(0);
	size_t got;

	(void)state;
	assert_ok(source_read(source, 0x100123, buffer, sizeof(buffer), &got));
	assert_int_equal(got, sizeof(buffer));
	assert_bytes(buffer, 0x100123, got);
	assert_int_equal(((struct fake_source *)source)->copies, 4);
	source_close(source);
}

static void nothing_is_read_of_nothing(void **state)
{
	struct source *source = open_fake(0);
	unsigned char byte = 1;
	size_t got = 1;

	(void)state;
	assert_ok(source_read(source, 0, &byte, 0, &got));
	assert_int_equal(got, 0);
	assert_int_equal(((struct fake_source *)source)->copies, 0);
	source_close(source);
}

/* The first byte outside RAM is the fault, and what is before it was read. */
static void stops_where_ram_ends(void **state)
{
	static const struct {
		uint64_t paddr, length, got;
	} cases[] = {
		{0x0, 16, 0},           /* before all */
		{0xff0, 32, 0},         /* begins before */
		{0x9fbf0, 32, 16},      /* ends in the hole */
		{0x9fc00, 1, 0},        /* the first of the hole */
		{0xfffff, 2, 0},        /* the last of the hole */
		{0x13fffff, 2, 1},      /* the very last byte */
		{0x1400000, 1, 0},      /* behind all */
		{UINT64_MAX, 1, 0},     /* no physical address */
		{UINT64_MAX - 1, 4, 0}, /* the end would overflow */
		{UINT64_C(1) << 52, 1, 0},
	};
	struct source *source = open_fake(0);
	struct fake_source *fake = (struct fake_source *)source;
	unsigned char buffer[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t got = 99;
		struct error *error =
			source_read(source, cases[i].paddr, buffer, cases[i].length, &got);

		assert_true(error_is(error, ERROR_FAULT));
		assert_int_equal(got, cases[i].got);
		assert_true(error_address(error) == cases[i].paddr + got);
		assert_bytes(buffer, cases[i].paddr, got);
		error_free(error);
	}
	assert_true(fake->lowest >= 0x1000 && fake->highest <= 0x1400000);
	source_close(source);
}

static void any_address_is_an_exception(void **state)
{
	struct source *source = open_fake(SOURCE_ANY_ADDRESS);
	unsigned char buffer[32];
	size_t got;

	(void)state;
	assert_ok(source_read(source, 0x9fbf0, buffer, sizeof(buffer), &got));
	assert_bytes(buffer, 0x9fbf0, got);
	assert_error(source_read(source, UINT64_C(1) << 52, buffer, 1, &got), ERROR_FAULT,
		     "beyond any physical address");
	source_close(source);
}

/* What a source shows in its own memory is what it copies, and what it cannot show is copied. */
static void views_are_as_reads(void **state)
{
	static const struct {
		uint64_t paddr, length, got;
		bool own, fault;
	} cases[] = {
		{0x100000, SOURCE_BATCH, SOURCE_BATCH, true, false},
		{0x100123, 77, 77, true, false},
		{0x100123, SOURCE_BATCH, SOURCE_BATCH, false, false}, /* two batches */
		{0x9fbf0, 16, 16, true, false},                       /* up to the end of RAM */
		{0x9fbf0, 32, 16, false, true},                       /* beyond */
		{0x204ff0, 0x2000, 0x10, false, true},                /* up to a bad page */
		{0x206000, 0x1000, 0x1000, true, false},              /* behind it */
		{0xa0000, 16, 0, false, true},
		{UINT64_MAX, 16, 0, false, true},
		{0x100000, 0, 0, false, false},
	};
	static unsigned char buffer[SOURCE_BATCH];
	struct source *source;

	(void)state;
	assert_ok(source_create(&viewed_ops, 0, ram, 2, &source));
	struct fake_source *fake = (struct fake_source *)source;
	fake->bad[fake->bad_count++] = 0x205;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const void *bytes = NULL;
		size_t got = 99;
		struct error *error =
			source_view(source, cases[i].paddr, buffer, cases[i].length, &bytes, &got);

		assert_int_equal(error_is(error, ERROR_FAULT), cases[i].fault);
		assert_int_equal(got, cases[i].got);
		assert_int_equal(bytes != buffer, cases[i].own);
		assert_bytes(bytes, cases[i].paddr, got);
		error_free(error);
	}
	source_close(source);
}

/* A bad page loses itself alone: all before it is read, and a read goes on behind it. */
static void one_bad_page(void **state)
{
	static unsigned char buffer[SOURCE_BATCH];
	struct source *source = open_fake(0);
	struct fake_source *fake = (struct fake_source *)source;
	size_t got;

	(void)state;
	fake->bad[fake->bad_count++] = 0x105;
	struct error *error = source_read(source, 0x100010, buffer, sizeof(buffer), &got);
	assert_true(error_is(error, ERROR_FAULT));
	assert_true(error_address(error) == 0x105000);
	assert_string_equal(error_message(error), "0x105000: fake: made up");
	assert_string_equal(source_fault_cause(error), "fake: made up");
	assert_int_equal(got, 0x105000 - 0x100010);
	assert_bytes(buffer, 0x100010, got);
	error_free(error);
	assert_ok(source_read(source, 0x106000, buffer, PAGE, &got));
	assert_bytes(buffer, 0x106000, got);
	source_close(source);
}

static void kernel_addresses(void **state)
{
	struct source *source = open_fake(0);
	unsigned char buffer[16];
	size_t got;

	(void)state;
	assert_ok(source_read_virtual(source, UINT64_C(0xffff888000200000), buffer, 16, &got));
	assert_bytes(buffer, 0x200000, 16);
	assert_ok(source_read_virtual(source, UINT64_C(0xffffffff82000000), buffer, 16, &got));
	assert_bytes(buffer, 0x1000000, 16);
	/* garbage: user space, a hole, vmalloc, the fixed mappings */
	assert_error(source_read_virtual(source, 0x1234, buffer, 16, &got), ERROR_FAULT, "neither");
	assert_error(source_read_virtual(source, UINT64_C(0xffff8880000a0000), buffer, 16, &got),
		     ERROR_FAULT, "not System RAM");
	assert_error(source_read_virtual(source, UINT64_C(0xffffc90000000000), buffer, 16, &got),
		     ERROR_FAULT, "not System RAM");
	assert_error(source_read_virtual(source, UINT64_C(0xffffffffff5fc000), buffer, 16, &got),
		     ERROR_FAULT, "neither");
	assert_error(source_read_virtual(source, UINT64_MAX, buffer, 16, &got), ERROR_FAULT,
		     "neither");
	struct error *error =
		source_read_virtual(source, UINT64_C(0xffff88800009fbf8), buffer, 16, &got);
	assert_int_equal(got, 8);
	assert_true(error_address(error) == UINT64_C(0xffff88800009fc00));
	error_free(error);
	source_close(source);
}

static void names(void **state)
{
	struct source *source;

	(void)state;
	assert_true(source_is_known("auto") && source_is_known("devmem") &&
		    source_is_known("kcore") && source_is_known("bpf") && source_is_known("none"));
	assert_false(source_is_known("") || source_is_known("mem") || source_is_known("AUTO"));
	assert_error(source_open("none", 0, &source), ERROR_UNSUPPORTED, "--source none");
	assert_null(source);
	assert_error(source_open("mem", 0, &source), ERROR_INPUT, "no such source");
}

static void vmcoreinfo_lines(void **state)
{
	static const char text[] = "OSRELEASE=6.1.0\nPAGESIZE=4096\nNUMBER(phys_base)=-16\n";
	const char *value;

	(void)state;
	assert_true(vmcoreinfo_find(text, "PAGESIZE", &value));
	assert_int_equal(strncmp(value, "4096\n", 5), 0);
	assert_false(vmcoreinfo_find(text, "PAGE", &value));
	assert_false(vmcoreinfo_find(text, "SIZE", &value));
	assert_false(vmcoreinfo_find("", "PAGESIZE", &value));
	assert_false(vmcoreinfo_find(NULL, "PAGESIZE", &value));
}

/* --- analysis/reading: the same memory in pieces ------------------------------------------- */

struct pieces {
	uint64_t next; /* where the next must begin */
	size_t readable, gaps;
	uint64_t bytes, lost;
	char text[1024]; /* "ADDRESS-END CAUSE\n" of the gaps */
};

static struct error *count_piece(void *argument, const struct piece *piece)
{
	struct pieces *pieces = argument;
	size_t used = strlen(pieces->text);

	assert_true(piece->address == pieces->next);
	assert_true(piece->length > 0);
	pieces->next += piece->length;
	if (piece->bytes) {
		assert_bytes(piece->bytes, piece->paddr, (size_t)piece->length);
		pieces->readable++;
		pieces->bytes += piece->length;
		return NULL;
	}
	pieces->gaps++;
	pieces->lost += piece->length;
	snprintf(pieces->text + used, sizeof(pieces->text) - used, "%llx-%llx %s\n",
		 (unsigned long long)piece->address, (unsigned long long)pieces->next,
		 piece->cause);
	return NULL;
}

static void pieces_without_a_gap_between(void **state)
{
	struct source *source = open_fake(0);
	struct fake_source *fake = (struct fake_source *)source;
	struct pieces pieces = {0};

	(void)state;
	fake->bad[fake->bad_count++] = 0x3;
	fake->bad[fake->bad_count++] = 0x105;
	fake->bad[fake->bad_count++] = 0x106;
	assert_ok(
		read_physical(source, (struct range){0, UINT64_C(1) << 40}, count_piece, &pieces));
	assert_true(pieces.next == UINT64_C(1) << 40);
	assert_string_equal(pieces.text, "0-1000 not System RAM\n"
					 "3000-4000 fake: made up\n"
					 "9fc00-100000 not System RAM\n"
					 "105000-106000 fake: made up\n"
					 "106000-107000 fake: made up\n"
					 "1400000-10000000000 not System RAM\n");
	assert_int_equal(pieces.bytes, 0x9fc00 - 0x1000 + 0x1300000 - 3 * PAGE);
	/* bounded work, however far the end is */
	assert_true(fake->copies < 2000);
	source_close(source);
}

/* A refusal names lockdown where that is what refuses. */
static void lockdown(void **state)
{
	static const struct {
		const char *file;
		bool survives_integrity;
		int errnum;
		const char *message;
	} cases[] = {
		{"none [integrity] confidentiality\n", false, EPERM,
		 "denied: open: Operation not permitted: the kernel is locked down "
		 "(lockdown=integrity)"},
		{"none [integrity] confidentiality\n", true, EPERM,
		 "denied: open: Operation not permitted"},
		{"none integrity [confidentiality]\n", true, EPERM,
		 "denied: open: Operation not permitted: the kernel is locked down "
		 "(lockdown=confidentiality)"},
		{"none integrity [confidentiality]\n", true, EACCES,
		 "denied: open: Permission denied"},
		{"[none] integrity confidentiality\n", false, EPERM,
		 "denied: open: Operation not permitted"},
		{"garbage\n", false, EPERM, "denied: open: Operation not permitted"},
	};
	struct tree tree;

	(void)state;
	tree_init(&tree);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tree_write(&tree, "sys/kernel/security/lockdown", cases[i].file);
		struct source source = {.root = tree.fd};
		struct error *error =
			source_open_refused(&source, cases[i].errnum, cases[i].survives_integrity);
		assert_string_equal(error_message(error), cases[i].message);
		assert_true(error_is(error, ERROR_DENIED));
		error_free(error);
	}
	tree_deinit(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_across_batches),
		cmocka_unit_test(nothing_is_read_of_nothing),
		cmocka_unit_test(stops_where_ram_ends),
		cmocka_unit_test(any_address_is_an_exception),
		cmocka_unit_test(views_are_as_reads),
		cmocka_unit_test(one_bad_page),
		cmocka_unit_test(kernel_addresses),
		cmocka_unit_test(names),
		cmocka_unit_test(vmcoreinfo_lines),
		cmocka_unit_test(pieces_without_a_gap_between),
		cmocka_unit_test(lockdown),
	};

	return TESTS_RUN(tests);
}
