/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The int8 kernels along channels, for the row that KERNEL() names. Plain loops that compilers vectorise
 * for whatever ISA the file that includes them is compiled for; the row "c" is the same source.
 */
#include "bytes-output.h"
#include "rows.h"

/* As QNNPACK: it rounds the fixed-point number half away from zero. */
void
KERNEL (qadd) (guint8 *restrict out, const guint8 *a, const guint8 *b, gsize n, const QAdd *add)
{
  const guint32 factor_a = (guint32) add->factor_a, factor_b = (guint32) add->factor_b;
  const guint32 constant = (guint32) add->constant;
  const gint32 mask = (gint32) ((1u << add->shift) - 1u), half = mask >> 1;
  const gint32 zero = add->zero, shift = (gint32) add->shift;

  for (gsize i = 0; i < n; i++) {
    const gint32 sum = (gint32) (a[i] * factor_a + b[i] * factor_b + constant);
    const gint32 rest = (sum & mask) - (sum < 0);
    const gint32 y = (sum >> shift) + (rest > half) + zero;
    out[i] = (guint8) CLAMP (y, 0, 255);
  }
}

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
