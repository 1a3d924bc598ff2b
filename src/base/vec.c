// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/vec.h"

#include <stdint.h>
#include <stdlib.h>

enum { VEC_FIRST = 16 };

struct error *vec_grow(void **items, size_t *capacity, size_t count, size_t size)
{
	if (count <= *capacity)
		return NULL;

	size_t wanted = *capacity + *capacity / 2;
	if (wanted < count)
		wanted = count;
	if (wanted < VEC_FIRST)
		wanted = VEC_FIRST;

	size_t bytes;
	if (__builtin_mul_overflow(wanted, size, &bytes))
		return error_nomem();
	void *grown = realloc(*items, bytes);
	if (!grown)
		return error_nomem();
	*items = grown;
	*capacity = wanted;
	return NULL;
}
