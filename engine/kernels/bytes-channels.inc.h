/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The int8 kernels along channels, for the row that KERNEL() names. Plain loops that compilers vectorise
 * for whatever ISA the file that includes them is compiled for; the row "c" is the same source.
 */
#include "bytes-output.h"
#include "rows.h"

void
KERNEL (qquantize) (guint8 *restrict out, const float *restrict in, gsize n, float inverse_scale,
    gint32 zero)
{
  for (gsize i = 0; i < n; i++)
    out[i] = q_byte (in[i] * inverse_scale, zero, 0);
}

void
KERNEL (
    qdequantize) (float *restrict out, const guint8 *restrict in, gsize n, float scale, gint32 zero)
{
  for (gsize i = 0; i < n; i++)
    out[i] = (float) (in[i] - zero) * scale;
}

void
KERNEL (
    qchannel_sums) (gint32 *restrict sum, const guint8 *restrict x, gsize pixels, gsize channels)
{
  for (gsize p = 0; p < pixels; p++)
    for (gsize c = 0; c < channels; c++)
      sum[c] += x[p * channels + c];
}

void
KERNEL (qgate) (guint8 *restrict out, const guint8 *restrict in, const float *restrict scale,
    gsize pixels, gsize channels, gint32 zero_in, gint32 zero)
{
  for (gsize p = 0; p < pixels; p++)
    for (gsize c = 0; c < channels; c++)
      out[p * channels + c] = q_byte ((float) (in[p * channels + c] - zero_in) * scale[c], zero, 0);
}
