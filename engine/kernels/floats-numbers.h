/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the templates of matrix products and of depthwise convolutions (floats-gemm.inc.h,
 * floats-depthwise.inc.h) take for a number: a float, over the primitives of a floats-vec-*.h that was
 * included before.
 */
#ifndef FBNET_KERNELS_FLOATS_NUMBERS_H
#define FBNET_KERNELS_FLOATS_NUMBERS_H

#include <math.h>

#include "rows.h"

typedef float Number;
typedef GemmArgs ProductArgs;
typedef DepthwiseArgs RowArgs;

/* Neighbours along k that one dot product takes, and a vector of them for every column. */
#define NUMBER_TAPS 1
typedef Vec Taps;

static inline Number
number_of (float weight)
{
  return weight;
}

static inline Taps
taps_load (const Number *weights)
{
  return vec_load (weights);
}

/* The first of NUMBER_TAPS neighbours, the others 0, or all, in every lane. */
static inline Taps
taps_broadcast (const Number *a, gboolean all)
{
  return vec_set1 (*a);
}

/* Rounds once for each of the taps. */
static inline Vec
taps_dot (Vec sum, Taps x, Taps weight)
{
  return vec_fma (x, weight, sum);
}

static inline Vec
number_load (const Number *p)
{
  return vec_load (p);
}

static inline Vec
number_load_tail (const Number *p, gsize n)
{
  return vec_load_tail (p, n);
}

/* The largest of it and a sum is a ReLU, or with minus infinity nothing: no branch, and NaN passes through
 * both. */
static inline Vec
number_least (Activation act)
{
  return vec_set1 (act == ACT_RELU ? 0.0f : -INFINITY);
}

/* Stores act (x), where that is a ReLU or none. */
static inline void
number_store (Number *p, Vec x, Vec least, Activation act)
{
  vec_store (p, vec_max (least, x));
}

static inline void
number_store_tail (Number *p, Vec x, gsize n, Vec least, Activation act)
{
  vec_store_tail (p, vec_max (least, x), n);
}

/* The same of a product's sums, in row `at` of c. */
static inline void
sum_store (const ProductArgs *g, gsize at, Vec x, Vec least)
{
  vec_store (g->c + at, vec_max (least, x));
}

static inline void
sum_store_tail (const ProductArgs *g, gsize at, Vec x, gsize n, Vec least)
{
  vec_store_tail (g->c + at, vec_max (least, x), n);
}

/* What number_store() and sum_store() have left: activations that need a division or a polynomial. */
static inline void
product_finish (const ProductArgs *g, gsize first, gsize rows)
{
  if (g->act == ACT_NONE || g->act == ACT_RELU)
    return;
  for (gsize r = first; r < first + rows; r++)
    KERNEL (activate) (g->c + r * g->ldc, g->n, g->act);
}

static inline void
row_finish (const RowArgs *d)
{
  if (d->act != ACT_NONE && d->act != ACT_RELU)
    KERNEL (activate) (d->out, d->out_width * d->channels, d->act);
}

#endif
