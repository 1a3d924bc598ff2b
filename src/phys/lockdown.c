// SPDX-License-Identifier: GPL-2.0-or-later
/* Whether the kernel keeps its memory from everyone (kernel_lockdown(7)). */
#include <errno.h>
#include <string.h>

#include "base/io.h"
#include "base/scope.h"
#include "phys/impl.h"
#include "proc/mmstate.h"

const char *lockdown_level(int root)
{
	static const char *const levels[] = {"integrity", "confidentiality"};
	_cleanup_free_ char *text = NULL;
	char word[32];
	_cleanup_error_ struct error *error =
		read_file_at(root, "sys/kernel/security/lockdown", 4096, &text, NULL);

	if (error || !chosen_word(text, word, sizeof(word)))
		return NULL;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(word, levels[i]) == 0)
			return levels[i];
	}
	return NULL;
}

/* Lockdown gives EPERM, which a missing capability gives as well: both are named. */
struct error *source_open_refused(const struct source *source, int errnum, bool survives_integrity)
{
	bool denied = errnum == EPERM || errnum == EACCES;
	const char *level = errnum == EPERM ? lockdown_level(source->root) : NULL;
	bool locked = level && (!survives_integrity || strcmp(level, "integrity") != 0);

	return error_new(denied ? ERROR_DENIED : ERROR_SYSTEM, "denied: open: %s%s%s%s",
			 strerror(errnum), locked ? ": the kernel is locked down (lockdown=" : "",
			 locked ? level : "", locked ? ")" : "");
}
