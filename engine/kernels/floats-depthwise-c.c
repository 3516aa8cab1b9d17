/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Depthwise convolution, one output row, plain C: the specification.
 */
#include "rows.h"

/* One tap over all channels of a pixel: a loop that compilers vectorise. */
static void
add_tap (float *restrict out, const float *restrict source, const float *restrict weight,
    gsize channels)
{
  for (gsize c = 0; c < channels; c++)
    out[c] += source[c] * weight[c];
}

static void
convolve_pixel (const DepthwiseArgs *d, gsize x)
{
  const gsize walked = d->in_width * d->upsample;
  float *out = d->out + x * d->channels;

  for (gsize c = 0; c < d->channels; c++)
    out[c] = d->bias != NULL ? d->bias[c] : 0.0f;
  for (guint r = 0; r < d->kernel; r++) {
    if (d->rows[r] == NULL)
      continue;
    for (guint q = 0; q < d->kernel; q++) {
      const gsize v = x * d->stride + q; /* plus pad, so that it is not negative */
      if (v < d->pad || v - d->pad >= walked)
        continue;
      add_tap (out, d->rows[r] + (v - d->pad) / d->upsample * d->channels,
          d->weight + (r * d->kernel + q) * d->channels, d->channels);
    }
  }
}

void
depthwise_row_c (const DepthwiseArgs *d)
{
  g_assert (d->kernel > 0 && d->stride > 0 && d->upsample > 0);

  for (gsize x = 0; x < d->out_width; x++)
    convolve_pixel (d, x);
  activate_c (d->out, d->out_width * d->channels, d->act);
}
