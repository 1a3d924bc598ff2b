// SPDX-License-Identifier: GPL-2.0-or-later
#include "ui/locale.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

bool output_is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

bool locale_is_utf8(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool is = locale && strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;

	if (locale)
		freelocale(locale);
	return is;
}

void locale_start(void)
{
	setlocale(LC_CTYPE, "");
	if (!output_is_utf8() && !isatty(STDOUT_FILENO) && !isatty(STDERR_FILENO))
		setlocale(LC_CTYPE, "C.UTF-8");
}
