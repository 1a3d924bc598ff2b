// SPDX-License-Identifier: GPL-2.0-or-later
/* Growable arrays: items, count and capacity kept by the owner, growth checked for overflow here.
 */
#ifndef PHYSLENS_BASE_VEC_H
#define PHYSLENS_BASE_VEC_H

#include <stddef.h>

#include "base/error.h"

#define VEC(type)                                                                                  \
	struct {                                                                                   \
		type *items;                                                                       \
		size_t count;                                                                      \
		size_t capacity;                                                                   \
	}

/* Room for `count` items of `size` bytes in *items, growing by half; contents are kept. */
struct error *vec_grow(void **items, size_t *capacity, size_t count, size_t size);

/* Room for `more` items behind those in `vec` (a pointer to a VEC). */
#define vec_reserve(vec, more)                                                                     \
	vec_grow((void **)(void *)&(vec)->items, &(vec)->capacity,                                 \
		 (more) > SIZE_MAX - (vec)->count ? SIZE_MAX : (vec)->count + (more),              \
		 sizeof(*(vec)->items))

/* Appends `value`; an expression that gives NULL or an error. */
#define vec_push(vec, value)                                                                       \
	__extension__({                                                                            \
		struct error *push_error_ = vec_reserve(vec, 1);                                   \
		if (!push_error_)                                                                  \
			(vec)->items[(vec)->count++] = (value);                                    \
		push_error_;                                                                       \
	})

#define vec_deinit(vec)                                                                            \
	do {                                                                                       \
		free((vec)->items);                                                                \
		(vec)->items = NULL;                                                               \
		(vec)->count = (vec)->capacity = 0;                                                \
	} while (0)

#endif
