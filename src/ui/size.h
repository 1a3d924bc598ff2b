// SPDX-License-Identifier: GPL-2.0-or-later
/* Sizes as people read them. */
#ifndef PHYSLENS_UI_SIZE_H
#define PHYSLENS_UI_SIZE_H

#include <stdint.h>

enum { SIZE_LENGTH = 8 };

/*
 * Writes so many bytes with at most four digits and the letter of a power of 1024, to the nearest:
 * "0", "512", "4K", "1.2M", "340M", "16E". Returns `text`.
 */
const char *size_text(uint64_t bytes, char text[SIZE_LENGTH]);

#endif
