// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Half-open ranges [start, end) of unsigned 64-bit numbers: addresses in bytes unless a comment
 * says pages. Whoever parses an inclusive end makes it half-open at once, with
 * range_from_inclusive().
 */
#ifndef PHYSLENS_BASE_RANGE_H
#define PHYSLENS_BASE_RANGE_H

#include <stdbool.h>
#include <stdint.h>

struct range {
	uint64_t start;
	uint64_t end;
};

/* The whole address space but its last byte, whose end would not be representable. */
#define RANGE_ALL ((struct range){0, UINT64_MAX})

static inline bool range_is_empty(struct range r)
{
	return r.start >= r.end;
}

static inline uint64_t range_length(struct range r)
{
	return range_is_empty(r) ? 0 : r.end - r.start;
}

static inline bool range_contains(struct range r, uint64_t point)
{
	return r.start <= point && point < r.end;
}

/* What both have in common; empty (start >= end) when they do not meet. */
static inline struct range range_intersect(struct range a, struct range b)
{
	return (struct range){a.start > b.start ? a.start : b.start, a.end < b.end ? a.end : b.end};
}

/* [start, last] as [start, last + 1); false when that cannot be expressed or is reversed. */
static inline bool range_from_inclusive(uint64_t start, uint64_t last, struct range *range)
{
	if (last < start || last == UINT64_MAX)
		return false;
	*range = (struct range){start, last + 1};
	return true;
}

/* [start, start + length); false when the end would overflow. */
static inline bool range_from_length(uint64_t start, uint64_t length, struct range *range)
{
	if (__builtin_add_overflow(start, length, &range->end))
		return false;
	range->start = start;
	return true;
}

/* `alignment` is a power of two; align_up saturates at the last multiple. */
static inline uint64_t align_down(uint64_t value, uint64_t alignment)
{
	return value & ~(alignment - 1);
}

static inline uint64_t align_up(uint64_t value, uint64_t alignment)
{
	uint64_t down = align_down(value, alignment);

	return down == value || down + alignment < down ? down : down + alignment;
}

#endif
