/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the kernel tests share: the rows to test, random numbers, guarded memory, comparisons.
 * Random numbers come from GLib's test generator: the seed is printed at the start, --seed repeats
 * a run.
 */
#ifndef FBNET_TESTS_CHECK_H
#define FBNET_TESTS_CHECK_H

#include "kernels/kernels.h"

#define CHECK_EPSILON 1.1920929e-7 /* of float32 */

/* The rows that this processor can run, NULL-terminated; in the SIMDe programs the row that is
 * emulated, and "c". */
const Kernels *const *check_rows (void);

/* The row whose arithmetic is fused multiply-adds in ascending order: its bits must not depend on
 * anything. */
gboolean check_row_is_simd (const Kernels *kernels);

/* n floats in -1 … 1, in a block of exactly that size: a read beyond it is seen by ASan. */
float *check_random (gsize n);

/* n floats between guards. */
typedef struct {
  float *data;
  gsize n;
} Guarded;

Guarded guarded_new (gsize n);
void guarded_free (Guarded *guarded);

/* Fails the test when something wrote beside the n floats. */
void guarded_check (const Guarded *guarded, const char *what);

/* The same memory contents, so that NaN equals itself. */
gboolean check_same_bits (const float *a, const float *b, gsize n);

/* |got - want| <= bound, or both NaN; else fails the test, saying what it was. */
gboolean check_close (float got, double want, double bound, const char *what);

/* The activation in double. */
double check_activation (double x, Activation act);

const char *check_activation_name (Activation act);

#define CHECK_N_ACTIVATIONS 6

#endif
