/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Random numbers that are the same on every machine.
 */
#include "dice.h"

#define GOLDEN G_GUINT64_CONSTANT (0x9e3779b97f4a7c15)

static guint64
mix (guint64 value)
{
  value = (value ^ (value >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  value = (value ^ (value >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return value ^ (value >> 31);
}

/* Mixed twice, or scene i + 1 of one set would be scene i of another. */
Dice
dice_new (guint64 seed, guint64 index)
{
  return (Dice){ mix (mix (seed + GOLDEN) + index * GOLDEN) };
}

guint64
dice_bits (Dice *dice)
{
  dice->state += GOLDEN;
  return mix (dice->state);
}

double
dice_between (Dice *dice, double low, double high)
{
  return low + (high - low) * ((double) (dice_bits (dice) >> 11) / 9007199254740992.0);
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
