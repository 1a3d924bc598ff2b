// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/arguments.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/scope.h"

struct error *parse_pid(const char *text, pid_t *pid)
{
	uint64_t number;

	if (!parse_decimal(text, &number) || number == 0 || number > INT_MAX)
		return error_new(ERROR_INPUT, "not a process ID: %s", text);
	*pid = (pid_t)number;
	return NULL;
}

struct error *parse_address_range(const char *text, unsigned page_shift, struct range *range)
{
	uint64_t page = UINT64_C(1) << page_shift;
	_cleanup_free_ char *copy = strdup(text);

	if (!copy)
		return error_nomem();
	char *dash = strchr(copy, '-');
	if (dash)
		*dash = '\0';
	if (!dash || !parse_hex(copy, &range->start) || !parse_hex(dash + 1, &range->end))
		return error_new(ERROR_INPUT, "not a range of addresses (A-B, hexadecimal): %s",
				 text);
	range->start = align_down(range->start, page);
	range->end = align_up(range->end, page);
	if (range_is_empty(*range))
		return error_new(ERROR_INPUT, "an empty range of addresses: %s", text);
	return NULL;
}
