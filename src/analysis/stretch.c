// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sorting: in place, by a radix sort from the highest byte down (an "American flag" sort); or with
 * a second array, from the lowest byte of the frame number up.
 */
#include "analysis/index.h"
#include "analysis/stretch.h"

enum { FEW = 48 }; /* sorted by insertion */

static bool is_before(const struct stretch *a, const struct stretch *b)
{
	return a->where != b->where ? a->where < b->where : a->what < b->what;
}

static void sort_few(struct stretch *s, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct stretch one = s[i];
		size_t at = i;

		for (; at > 0 && is_before(&one, &s[at - 1]); at--)
			s[at] = s[at - 1];
		s[at] = one;
	}
}

/* Byte number `digit` of the key: 15 is the highest of `where`, 0 the lowest of `what`. */
static inline unsigned digit_of(const struct stretch *s, int digit)
{
	return (unsigned)((digit >= 8 ? s->where >> 8 * (digit - 8) : s->what >> 8 * digit) & 255);
}

/* Puts everything where its digit belongs; starts[d] … starts[d+1] is then what has digit d. */
static void partition(struct stretch *s, int digit, size_t starts[STRETCH_BUCKETS + 1])
{
	size_t next[STRETCH_BUCKETS];

	for (int d = 0; d < STRETCH_BUCKETS; d++)
		next[d] = starts[d];
	for (unsigned d = 0; d < STRETCH_BUCKETS; d++) {
		while (next[d] < starts[d + 1]) {
			struct stretch one = s[next[d]];
			unsigned home = digit_of(&one, digit);

			/* Follow the cycle: each one put in its place turns out the next. */
			while (home != d) {
				struct stretch other = s[next[home]];

				s[next[home]++] = one;
				one = other;
				home = digit_of(&one, digit);
			}
			s[next[d]++] = one;
		}
	}
}

int stretch_partition(struct stretch *s, size_t count, int digit,
		      size_t starts[STRETCH_BUCKETS + 1])
{
	for (; digit >= 0; digit--) {
		size_t counts[STRETCH_BUCKETS] = {0};

		for (size_t i = 0; i < count; i++)
			counts[digit_of(&s[i], digit)]++;
		/* All alike in this digit, as the highest always are: on to the next. */
		if (counts[digit_of(&s[0], digit)] == count)
			continue;
		starts[0] = 0;
		for (int d = 0; d < STRETCH_BUCKETS; d++)
			starts[d + 1] = starts[d] + counts[d];
		partition(s, digit, starts);
		return digit;
	}
	return -1;
}

void stretch_sort_from(struct stretch *s, size_t count, int digit)
{
	size_t starts[STRETCH_BUCKETS + 1];

	if (count <= FEW) {
		sort_few(s, count);
		return;
	}
	digit = stretch_partition(s, count, digit, starts);
	if (digit <= 0)
		return;
	for (int d = 0; d < STRETCH_BUCKETS; d++)
		stretch_sort_from(s + starts[d], starts[d + 1] - starts[d], digit - 1);
}

void stretch_sort(struct stretch *stretches, size_t count)
{
	stretch_sort_from(stretches, count, STRETCH_DIGITS - 1);
}

static void move_by_byte(const struct stretch *from, struct stretch *to, size_t count, int shift,
			 const size_t counts[STRETCH_BUCKETS])
{
	size_t next[STRETCH_BUCKETS], sum = 0;

	for (int b = 0; b < STRETCH_BUCKETS; b++) {
		next[b] = sum;
		sum += counts[b];
	}
	for (size_t i = 0; i < count; i++)
		to[next[from[i].where >> shift & 255]++] = from[i];
}

struct stretch *stretch_sort_frames(struct stretch *stretches, struct stretch *other, size_t count)
{
	for (int shift = STRETCH_SPACE_BITS; shift < 64; shift += 8) {
		size_t counts[STRETCH_BUCKETS] = {0};

		for (size_t i = 0; i < count; i++)
			counts[stretches[i].where >> shift & 255]++;
		if (count == 0 || counts[stretches[0].where >> shift & 255] == count)
			continue;
		move_by_byte(stretches, other, count, shift, counts);
		struct stretch *from = stretches;
		stretches = other;
		other = from;
	}
	return stretches;
}
