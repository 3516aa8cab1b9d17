/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From numbers to bytes, one at a time: the specification.
 */
#ifndef FBNET_KERNELS_QOUTPUT_H
#define FBNET_KERNELS_QOUTPUT_H

#include <math.h>

#include "qkernels.h"

/* clamp (rint (v) + zero, low, 255), NaN gives low. Cut before it is converted, so that nothing
 * overflows: the bounds are integers, so rounding cannot step over them. */
static inline guint8
q_byte (float v, gint32 zero, gint32 low)
{
  const float least = (float) (low - zero), most = (float) (255 - zero);
  const float cut = v > least ? v : least;
  return (guint8) ((gint32) lrintf (cut < most ? cut : most) + zero);
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
