/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rows of depthwise convolutions to test and to time, of floats, of bfloat16 and of
 * bytes.
 */
#ifndef FBNET_TESTS_DEPTHWISE_H
#define FBNET_TESTS_DEPTHWISE_H

#include "check.h"

#define MAX_KERNEL 7

typedef struct {
  gsize channels, in_width;
  guint kernel, stride, pad, upsample;
  guint missing; /* bit r: kernel row r hangs over the edge */

  /* floats and bfloat16 */
  gboolean bias;
  Activation act;

  /* bytes only */
  Fill source, weight;
  gboolean extreme_output;
} DepthwiseCase;

static inline gsize
depthwise_out_width (const DepthwiseCase *t)
{
  const gsize walked = t->in_width * t->upsample + 2 * t->pad;
  return walked < t->kernel ? 0 : (walked - t->kernel) / t->stride + 1;
}

/* The source pixel under tap q of pixel x, in a row that is really walked over; FALSE: over an edge. */
static inline gboolean
depthwise_source (const DepthwiseCase *t, gsize x, guint q, gsize *pixel)
{
  const gint64 v = (gint64) x * t->stride - t->pad + q;

  *pixel = (gsize) v / t->upsample;
  return v >= 0 && v < (gint64) (t->in_width * t->upsample);
}

/* Every row of the table against sums in double, and SIMD rows against each other, bit for bit. */
void depthwise_check_floats (const DepthwiseCase *t);

/* Every row of the table that has bfloat16 against sums in double, and against the row "c", bit for bit. */
void depthwise_check_bfloats (const DepthwiseCase *t);

/* Every row of the table against sums in 64 bits, bit for bit. */
void depthwise_check_bytes (const DepthwiseCase *t);

/* What only floats can get wrong. */
void depthwise_add_float_tests (void);

/* Microseconds of an output row. */
double depthwise_time_floats (const Kernels *row, const DepthwiseCase *t);
double depthwise_time_bfloats (const Kernels *row, const DepthwiseCase *t);
double depthwise_time_bytes (const Kernels *row, const DepthwiseCase *t);

#endif
