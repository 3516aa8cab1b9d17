/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Random numbers by key: the same key gives the same numbers, in any thread, at any time. So a run can
 * go on from any iteration without a generator's state. The generator is splitmix64 (Steele, Lea and
 * Flood, "Fast splittable pseudorandom number generators", 2014).
 */
#ifndef FBNET_TRAIN_RANDOM_H
#define FBNET_TRAIN_RANDOM_H

#include <glib.h>
#include <math.h>

typedef struct {
  guint64 state;
} Random;

static inline guint64
random_next (Random *random)
{
  guint64 z = (random->state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15));

  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* Of four numbers that are a key together. */
static inline Random
random_for (guint64 a, guint64 b, guint64 c, guint64 d)
{
  const guint64 parts[] = { a, b, c, d };
  Random random = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
    random.state ^= parts[i];
    random.state = random_next (&random);
  }
  return random;
}

/* 0 <= x < 1. */
static inline double
random_unit (Random *random)
{
  return (double) (random_next (random) >> 11) * 0x1p-53;
}

/* 0 … n - 1; n < 2^32. */
static inline guint32
random_below (Random *random, guint32 n)
{
  return (guint32) (((random_next (random) >> 32) * n) >> 32);
}

/* Mean 0, variance 1. */
static inline double
random_normal (Random *random)
{
  const double radius = sqrt (-2 * log (1 - random_unit (random)));

  return radius * cos (2 * G_PI * random_unit (random));
}

#endif
