/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The loops of depthwise convolution over a row of pixels.
 */
#ifndef FBNET_TRAIN_DEPTHWISEROWS_H
#define FBNET_TRAIN_DEPTHWISEROWS_H

#include "real.h"

#define DEPTHWISE_MAX_KERNEL 7

/* to[p] = start + Σ from[p] × weights over the taps, channel by channel. */
typedef struct {
  Real *to;
  const Real
      *start; /* (nullable): of one pixel, for all; NULL: what is there if `adds`, else zero */
  gboolean adds;
  gsize n, to_step, from_step, c; /* n pixels, so many numbers apart */
  guint n_taps;
  struct {
    const Real *from, *weights;
  } taps[DEPTHWISE_MAX_KERNEL * DEPTHWISE_MAX_KERNEL];
} RowSum;

/* weights[t] += Σ dy[p] × x[t][p] over the pixels, channel by channel. */
typedef struct {
  const Real *dy, *x[DEPTHWISE_MAX_KERNEL];
  Real *weights[DEPTHWISE_MAX_KERNEL];
  gsize n, step, c; /* x's pixels are `step` numbers apart, dy's c */
  guint n_taps;
} TapSum;

typedef struct {
  void (*sum) (const RowSum *sum);
  void (*weigh) (const TapSum *sum);
} DepthwiseRows;

/* The fastest for so many channels. */
const DepthwiseRows *depthwise_rows (gsize c);

#endif
