// SPDX-License-Identifier: GPL-2.0-or-later
#include "proc/kpage.h"

#include <stdio.h>
#include <string.h>

#include "base/io.h"

/*
 * Names by bit: kernel-page-flags.h for the stable bits, include/linux/kernel-page-flags.h for
 * those above 31, which may change from one kernel to the next. Bit 34 is PG_mappedtodisk, which on
 * an anonymous page means AnonExclusive (include/linux/page-flags.h): see flag_name().
 */
static const char *const flag_names[64] = {
	[0] = "locked",    [1] = "error",         [2] = "referenced",   [3] = "uptodate",
	[4] = "dirty",     [5] = "lru",           [6] = "active",       [7] = "slab",
	[8] = "writeback", [9] = "reclaim",       [10] = "buddy",       [11] = "mmap",
	[12] = "anon",     [13] = "swapcache",    [14] = "swapbacked",  [15] = "head",
	[16] = "tail",     [17] = "huge",         [18] = "unevictable", [19] = "hwpoison",
	[20] = "nopage",   [21] = "ksm",          [22] = "thp",         [23] = "offline",
	[24] = "zero",     [25] = "idle",         [26] = "pgtable",     [32] = "reserved",
	[33] = "mlocked",  [34] = "mappedtodisk", [35] = "private",     [36] = "private2",
	[37] = "owner",    [38] = "arch",         [39] = "uncached",    [40] = "softdirty",
	[41] = "arch2",    [42] = "arch3",
};

enum { BIT_ANON = 12, BIT_OWNER_2 = 34 };

static const char *flag_name(unsigned bit, uint64_t flags)
{
	if (bit == BIT_OWNER_2 && flags >> BIT_ANON & 1)
		return "anonexclusive";
	return flag_names[bit];
}

size_t kpage_flags_text(uint64_t flags, char *buffer, size_t size)
{
	size_t length = 0;

	if (size > 0)
		buffer[0] = '\0';
	for (unsigned bit = 0; bit < 64; bit++) {
		char unknown[8];
		const char *name = flag_name(bit, flags);

		if (!(flags >> bit & 1))
			continue;
		if (!name) {
			snprintf(unknown, sizeof(unknown), "bit%u", bit);
			name = unknown;
		}
		int n = snprintf(length < size ? buffer + length : NULL,
				 length < size ? size - length : 0, "%s%s", length ? "," : "",
				 name);
		length += n > 0 ? (size_t)n : 0;
	}
	return length;
}

/* How many PFNs from `pfns` on are consecutive. */
static size_t run_length(const uint64_t *pfns, size_t count)
{
	size_t length = 1;

	while (length < count && pfns[length] == pfns[0] + length)
		length++;
	return length;
}

int kpage_read_range(int fd, uint64_t pfn, size_t count, uint64_t absent, uint64_t *words)
{
	size_t got = 0;
	int errnum = 0;

	/* A file offset is signed: no frame is so high. */
	if (pfn < INT64_MAX / sizeof(*words) - count)
		errnum = pread_full(fd, words, count * sizeof(*words), pfn * sizeof(*words), &got);
	if (errnum)
		return errnum;
	for (size_t i = got / sizeof(*words); i < count; i++)
		words[i] = absent;
	return 0;
}

int kpage_read(int fd, const uint64_t *pfns, size_t count, uint64_t absent, uint64_t *words)
{
	for (size_t i = 0; i < count;) {
		size_t run = run_length(pfns + i, count - i);
		int errnum = kpage_read_range(fd, pfns[i], run, absent, words + i);

		if (errnum)
			return errnum;
		i += run;
	}
	return 0;
}
