/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Random numbers that are the same on every machine: splitmix64 (base/random.h), one stream per scene.
 * Throw one at a time: C does not say in which order arguments are worked out.
 */
#ifndef FBNET_SCENES_DICE_H
#define FBNET_SCENES_DICE_H

#include <glib.h>

typedef struct {
  guint64 state;
} Dice;

/* The stream of scene `index` in the set `seed`. */
Dice dice_new (guint64 seed, guint64 index);

guint64 dice_bits (Dice *dice);
double dice_between (Dice *dice, double low, double high);

/* Around 0, near it more often: the sum of two throws, within ±range. */
double dice_around (Dice *dice, double range);

/* 0 … n − 1. */
guint dice_pick (Dice *dice, guint n);

gboolean dice_chance (Dice *dice, double probability);

#endif
