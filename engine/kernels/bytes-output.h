/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From numbers to bytes, one at a time: the specification.
 */
#ifndef FBNET_KERNELS_BYTES_OUTPUT_H
#define FBNET_KERNELS_BYTES_OUTPUT_H

#include "bytes.h"

/* 3 * 2^22: a float of less than 2^22 added to it loses its fraction, halves to the even integer. */
#define Q_ROUNDER 12582912.0f

/* clamp (rint (v) + zero, low, 255), NaN gives low. Cut before it is converted, so that nothing
 * overflows: the bounds are integers, so rounding cannot step over them. By sums, because the
 * baseline of x86-64 has no vector rint(). */
static inline guint8
q_byte (float v, gint32 zero, gint32 low)
{
  const float least = (float) (low - zero), most = (float) (255 - zero);
  const float above = v > least ? v : least;
  const float cut = above < most ? above : most;
  return (guint8) ((gint32) ((cut + Q_ROUNDER) - Q_ROUNDER) + zero);
}

/* Output j of a convolution. */
static inline guint8
q_output (const QOutput *output, guint32 sum, gsize j)
{
  const gint32 biased = (gint32) (sum + (guint32) output->bias[j]);
  const float scaled = (float) biased * output->scale[j];
  return q_byte (scaled + output->offset[j], output->zero, output->low);
}

#endif
