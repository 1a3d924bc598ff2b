// SPDX-License-Identifier: GPL-2.0-or-later
/* Scope guards: what a function acquires is released on every way out of it. */
#ifndef PHYSLENS_BASE_SCOPE_H
#define PHYSLENS_BASE_SCOPE_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void scope_freep(void *pointer)
{
	free(*(void **)pointer);
}

static inline void scope_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline void scope_fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
	*file = NULL;
}

static inline void scope_closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
	*dir = NULL;
}

#define _cleanup_free_     __attribute__((cleanup(scope_freep)))
#define _cleanup_close_    __attribute__((cleanup(scope_closep))) /* an int that starts at -1 */
#define _cleanup_fclose_   __attribute__((cleanup(scope_fclosep)))
#define _cleanup_closedir_ __attribute__((cleanup(scope_closedirp)))

/* The value of `variable`, which is set to `empty`, so that its guard has nothing to release. */
#define scope_take(variable, empty)                                                                \
	__extension__({                                                                            \
		__typeof__(variable) taken_ = (variable);                                          \
		(variable) = (empty);                                                              \
		taken_;                                                                            \
	})

#endif
