/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where a dot product takes activations less QVEC_OFFSET: what that takes from the sums, QVEC_OFFSET times the
 * sum of an output's weights, packed before them. Where QVEC_OFFSET is 0, nothing.
 */
#ifndef FBNET_KERNELS_BYTES_OFFSET_INC_H
#define FBNET_KERNELS_BYTES_OFFSET_INC_H

#include "bytes.h"

/* In units of a weight, for one output. */
#define OFFSET_SIZE (QVEC_OFFSET != 0 ? sizeof (gint32) / sizeof (QWeight) : 0)

/* For `width` outputs, of which there are `outputs`. From an output's weight to the next of its `taps` is
 * `tap_step`, to the next output's `output_step`. */
static QWeight *
pack_offsets (QWeight *packed, const gint8 *weight, gsize outputs, gsize width, gsize output_step,
    gsize taps, gsize tap_step)
{
#if QVEC_OFFSET
  gint32 *offset = (gint32 *) packed;

  for (gsize j = 0; j < width; j++) {
    guint32 sum = 0;
    for (gsize t = 0; t < taps && j < outputs; t++)
      sum += (guint32) weight[j * output_step + t * tap_step];
    offset[j] = (gint32) (QVEC_OFFSET * sum);
  }
#endif
  return packed + width * OFFSET_SIZE;
}

/* What the sums of a vector of outputs begin with. */
static inline QVec
add_offsets (QVec bias, const QWeight *packed)
{
#if QVEC_OFFSET
  return qvec_add (bias, qvec_load ((const gint32 *) packed));
#else
  return bias;
#endif
}

#endif
