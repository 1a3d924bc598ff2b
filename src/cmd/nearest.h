// SPDX-License-Identifier: GPL-2.0-or-later
/* Words that may have been meant, for messages about a word that nothing is called. */
#ifndef PHYSLENS_CMD_NEAREST_H
#define PHYSLENS_CMD_NEAREST_H

#include <stddef.h>

/*
 * Of the words offered one by one, the few that are most like what was given: those that hold it,
 * then those in which few letters are wrong. Words stay whose they are.
 */
enum { NEAREST_KEPT = 8, NEAREST_FAR = 1000 };

struct nearest {
	const char *given;
	const char *words[NEAREST_KEPT]; /* the nearest first, each once */
	unsigned distances[NEAREST_KEPT];
	size_t count;
};

/*
 * How many letters are wrong, missing, too many, or in each other's place (the optimal string
 * alignment distance). NEAREST_FAR where one has more than 32 letters.
 */
unsigned word_distance(const char *a, const char *b);

void nearest_init(struct nearest *nearest, const char *given);
void nearest_offer(struct nearest *nearest, const char *word);

/* Forgets all that nobody would mistake for what was given. */
void nearest_keep_like(struct nearest *nearest);

/* "'a', 'b'" into `text`, cut where it does not fit; "" for none. */
void nearest_text(const struct nearest *nearest, char *text, size_t size);

#endif
