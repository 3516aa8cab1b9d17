/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What random numbers are made of, the same on every machine: splitmix64 (Steele, Lea, Flood: Fast
 * Splittable Pseudorandom Number Generators, 2014) as functions, without a state. The generator's
 * number i is random_mix (seed + (i + 1) × RANDOM_STEP).
 */
#ifndef FBNET_RANDOM_H
#define FBNET_RANDOM_H

#include <glib.h>

/* 2^64 / golden ratio. */
#define RANDOM_STEP G_GUINT64_CONSTANT (0x9e3779b97f4a7c15)

static inline guint64
random_mix (guint64 value)
{
  value = (value ^ value >> 30) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  value = (value ^ value >> 27) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return value ^ value >> 31;
}

/* From 0 to below 1, by the upper 53 bits. */
static inline double
random_unit (guint64 bits)
{
  return (double) (bits >> 11) * 0x1p-53;
}

#endif
