/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Words, in the fonts that the machine has, as outlines.
 */
#ifndef FBNET_SCENES_WRITING_H
#define FBNET_SCENES_WRITING_H

#include "dice.h"
#include "outline.h"

/* The text, one unit high, its left end in the middle of the left side at (0, 0); *width receives how long
 * it is. */
Outline *writing_outline (Dice *dice, const char *text, double *width);

/* Random words of `n` letters in all, with digits among them; g_free() it. */
char *writing_words (Dice *dice, guint n);

#endif
