/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The number that training reckons with. The sources of this folder are compiled twice: in float32 for
 * use, in float64 for the tests, where finite differences need the digits.
 */
#ifndef FBNET_TRAIN_REAL_H
#define FBNET_TRAIN_REAL_H

#include <glib.h>
#include <math.h>

#ifdef FBNET_TRAIN_DOUBLE
typedef double Real;
#else
typedef float Real;
#endif

/* As float32, in a new array. */
static inline float *
reals_to_floats (const Real *values, gsize n)
{
  float *floats = g_new (float, n);

  for (gsize i = 0; i < n; i++)
    floats[i] = (float) values[i];
  return floats;
}

/* Loops over channels are compiled for several widths of vectors, the widest that the processor has is
 * picked when the program starts. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__)                           \
    && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#  define TRAIN_LOOP __attribute__ ((target_clones ("avx512f", "avx2", "default")))
#else
#  define TRAIN_LOOP
#endif

#endif
