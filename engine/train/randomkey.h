/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Random numbers as functions of a key: nothing is kept from one to the next, so that they come out the
 * same in whatever order and thread they are drawn, and a run can go on from any step without a
 * generator's state. A key's numbers are those of splitmix64 with its counter given.
 */
#ifndef FBNET_TRAIN_RANDOMKEY_H
#define FBNET_TRAIN_RANDOMKEY_H

#include <glib.h>
#include <math.h>

#include "base/random.h"

typedef struct {
  guint64 value;
} RandomKey;

/* Of a seed. */
static inline RandomKey
random_key_new (guint64 seed)
{
  return (RandomKey){ random_mix (seed + RANDOM_STEP) };
}

/* Of a key for its part number `number`, unrelated to all other keys: mixed twice, for parts of a key
 * must not be its numbers. */
static inline RandomKey
random_key_part (RandomKey key, guint64 number)
{
  return (
      RandomKey){ random_mix (random_mix (key.value + RANDOM_STEP * (number + 1)) ^ RANDOM_STEP) };
}

/* The key's number at `index`. */
static inline guint64
random_key_bits (RandomKey key, guint64 index)
{
  return random_mix (key.value + RANDOM_STEP * (index + 1));
}

/* From 0 to below 1. */
static inline double
random_key_uniform (RandomKey key, guint64 index)
{
  return random_unit (random_key_bits (key, index));
}

static inline double
random_key_between (RandomKey key, guint64 index, double low, double high)
{
  return low + (high - low) * random_key_uniform (key, index);
}

/* 0 … n-1; n >= 1. The 53 bits leave no number visibly likelier than another. */
static inline guint
random_key_below (RandomKey key, guint64 index, guint n)
{
  return (guint) (random_key_uniform (key, index) * n);
}

/* Mean 0, variance 1; made of the numbers at 2 × index and the next. */
static inline double
random_key_normal (RandomKey key, guint64 index)
{
  const double radius = sqrt (-2 * log (1 - random_key_uniform (key, 2 * index)));

  return radius * cos (2 * G_PI * random_key_uniform (key, 2 * index + 1));
}

/* 0 … n-1 in an order that the key names, every order as likely as another (Fisher and Yates). */
static inline void
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

#endif
