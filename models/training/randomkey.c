/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Random numbers as functions of a key.
 */
#include "randomkey.h"

/* splitmix64's step, 2^64 / golden ratio. */
#define STEP G_GUINT64_CONSTANT (0x9e3779b97f4a7c15)

static guint64
mix (guint64 value)
{
  value = (value ^ value >> 30) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  value = (value ^ value >> 27) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return value ^ value >> 31;
}

RandomKey
random_key_new (guint64 seed)
{
  return (RandomKey){ mix (seed + STEP) };
}

/* Mixed twice: parts of a key must not be its numbers. */
RandomKey
random_key_part (RandomKey key, guint64 number)
{
  return (RandomKey){ mix (mix (key.value + STEP * (number + 1)) ^ STEP) };
}

guint64
random_key_bits (RandomKey key, guint64 index)
{
  return mix (key.value + STEP * (index + 1));
}

double
random_key_uniform (RandomKey key, guint64 index)
{
  return (double) (random_key_bits (key, index) >> 11) * 0x1p-53;
}

double
random_key_between (RandomKey key, guint64 index, double low, double high)
{
  return low + (high - low) * random_key_uniform (key, index);
}

/* n is below 2^32: the 53 bits leave no number visibly likelier than another. */
guint
random_key_below (RandomKey key, guint64 index, guint n)
{
  return (guint) (random_key_uniform (key, index) * n);
}

/* Fisher and Yates. */
void
random_key_shuffle (RandomKey key, guint32 *order, guint n)
{
  for (guint i = 0; i < n; i++)
    order[i] = i;
  for (guint i = n; i > 1; i--) {
    const guint j = random_key_below (key, i, i);
    const guint32 moved = order[i - 1];
    order[i - 1] = order[j];
    order[j] = moved;
  }
}
