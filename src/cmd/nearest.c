// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/nearest.h"

#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 32 };

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned word_distance(const char *a, const char *b)
{
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];
	size_t a_length = strlen(a), b_length = strlen(b);

	if (a_length > WORD_MAX || b_length > WORD_MAX)
		return NEAREST_FAR;
	for (size_t i = 0; i <= a_length; i++) {
		for (size_t j = 0; j <= b_length; j++) {
			if (i == 0 || j == 0) {
				d[i][j] = (unsigned)(i + j);
				continue;
			}
			d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1,
					d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[a_length][b_length];
}

void nearest_init(struct nearest *nearest, const char *given)
{
	*nearest = (struct nearest){.given = given};
}

/* A word that holds what was given is as near as one with a single letter wrong. */
static unsigned likeness(const char *given, const char *word)
{
	unsigned distance = word_distance(given, word);

	return *given && strcasestr(word, given) ? least(distance, 1) : distance;
}

void nearest_offer(struct nearest *nearest, const char *word)
{
	unsigned distance = likeness(nearest->given, word);
	size_t place = 0;

	for (size_t i = 0; i < nearest->count; i++) {
		if (strcmp(nearest->words[i], word) == 0)
			return;
	}
	while (place < nearest->count && nearest->distances[place] <= distance)
		place++;
	if (place == NEAREST_KEPT)
		return;
	nearest->count += nearest->count < NEAREST_KEPT;
	for (size_t i = nearest->count - 1; i > place; i--) {
		nearest->words[i] = nearest->words[i - 1];
		nearest->distances[i] = nearest->distances[i - 1];
	}
	nearest->words[place] = word;
	nearest->distances[place] = distance;
}

/* Of a short word two letters are most of it. */
void nearest_keep_like(struct nearest *nearest)
{
	size_t length = strlen(nearest->given);

	while (nearest->count > 0) {
		unsigned distance = nearest->distances[nearest->count - 1];

		if (distance <= 2 && distance * 2 < length)
			break;
		nearest->count--;
	}
}

void nearest_text(const struct nearest *nearest, char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < nearest->count && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s'%.48s'", i ? ", " : "",
					 nearest->words[i]);
}
