/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Random numbers that are the same on every machine.
 */
#include "dice.h"

#include "base/random.h"

/* Mixed twice, or scene i + 1 of one set would be scene i of another. */
Dice
dice_new (guint64 seed, guint64 index)
{
  return (Dice){ random_mix (random_mix (seed + RANDOM_STEP) + index * RANDOM_STEP) };
}

guint64
dice_bits (Dice *dice)
{
  dice->state += RANDOM_STEP;
  return random_mix (dice->state);
}

double
dice_between (Dice *dice, double low, double high)
{
  return low + (high - low) * random_unit (dice_bits (dice));
}

double
dice_around (Dice *dice, double range)
{
  const double first = dice_between (dice, -range, range);
  const double second = dice_between (dice, -range, range);
  return (first + second) / 2;
}

guint
dice_pick (Dice *dice, guint n)
{
  return (guint) (((dice_bits (dice) >> 32) * n) >> 32);
}

gboolean
dice_chance (Dice *dice, double probability)
{
  return dice_between (dice, 0, 1) < probability;
}
