/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Depthwise convolution of bytes, one output row, plain C: the specification.
 */
#include <string.h>

#include "bytes-output.h"
#include "rows.h"

/* Channels whose sums are kept at a time. */
#define BLOCK 64

gsize
qdepthwise_packed_size_c (guint kernel, gsize channels)
{
  return (gsize) kernel * kernel * channels;
}

void
qdepthwise_pack_c (void *packed, const gint8 *weight, guint kernel, gsize channels)
{
  memcpy (packed, weight, qdepthwise_packed_size_c (kernel, channels));
}

/* One tap over the channels of a block: a loop that compilers vectorise. */
static void
add_tap (guint32 *restrict sum, const guint8 *restrict source, const gint8 *restrict weight,
    gsize channels)
{
  for (gsize c = 0; c < channels; c++)
    sum[c] += (guint32) ((gint16) source[c] * (gint16) weight[c]);
}

static void
add_zero_tap (guint32 *restrict sum, guint8 zero, const gint8 *restrict weight, gsize channels)
{
  for (gsize c = 0; c < channels; c++)
    sum[c] += (guint32) ((gint16) zero * (gint16) weight[c]);
}

/* Channels `channel` … `channel` + n of output pixel x. */
static void
convolve_block (const QDepthwiseArgs *d, gsize x, gsize channel, gsize n)
{
  const gsize walked = d->in_width * d->upsample;
  const gint8 *weight = (const gint8 *) d->packed + channel;
  guint8 *out = d->out + x * d->channels + channel;
  guint32 sum[BLOCK] = { 0 };

  for (guint r = 0; r < d->kernel; r++)
    for (guint q = 0; q < d->kernel; q++) {
      const gsize v = x * d->stride + q; /* plus pad, so that it is not negative */
      const gint8 *tap = weight + (r * d->kernel + q) * d->channels;
      if (d->rows[r] == NULL || v < d->pad || v - d->pad >= walked)
        add_zero_tap (sum, d->zero_in, tap, n);
      else
        add_tap (sum, d->rows[r] + (v - d->pad) / d->upsample * d->channels + channel, tap, n);
    }
  for (gsize c = 0; c < n; c++)
    out[c] = q_output (&d->output, sum[c], channel + c);
}

void
qdepthwise_row_c (const QDepthwiseArgs *d)
{
  g_assert (d->kernel > 0 && d->stride > 0 && d->upsample > 0);

  for (gsize x = 0; x < d->out_width; x++)
    for (gsize c = 0; c < d->channels; c += BLOCK)
      convolve_block (d, x, c, MIN (BLOCK, d->channels - c));
}
