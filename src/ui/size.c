// SPDX-License-Identifier: GPL-2.0-or-later
#include "ui/size.h"

#include <stdio.h>

const char *size_text(uint64_t bytes, char text[SIZE_LENGTH])
{
	static const char letters[] = "KMGTPE";
	uint64_t tenths, rounded;
	unsigned unit = 0;

	if (bytes < 1024) {
		snprintf(text, SIZE_LENGTH, "%u", (unsigned)bytes);
		return text;
	}
	/* What would be rounded to 1024 of a unit is 1 of the next. */
	for (;; unit++) {
		uint64_t whole = bytes >> 10 * (unit + 1), rest = bytes >> 10 * unit & 1023;

		rounded = whole + (rest >= 512);
		tenths = whole * 10 + (rest * 10 + 512) / 1024;
		if (rounded < 1024)
			break;
	}
	if (tenths < 100 && tenths % 10)
		snprintf(text, SIZE_LENGTH, "%u.%u%c", (unsigned)tenths / 10, (unsigned)tenths % 10,
			 letters[unit]);
	else
		snprintf(text, SIZE_LENGTH, "%u%c",
			 (unsigned)(tenths < 100 ? tenths / 10 : rounded), letters[unit]);
	return text;
}
