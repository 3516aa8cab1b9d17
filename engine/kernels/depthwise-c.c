/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Depthwise convolution, one output row, plain C: the specification.
 */
#include "activation.h"
#include "rows.h"

static float
convolve (const DepthwiseArgs *d, gsize x, gsize c)
{
  const gsize walked = d->in_width * d->upsample;
  float sum = d->bias ? d->bias[c] : 0.0f;

  for (guint r = 0; r < d->kernel; r++) {
    if (!d->rows[r])
      continue;
    for (guint q = 0; q < d->kernel; q++) {
      const gsize v = x * d->stride + q; /* plus pad, so that it is not negative */
      if (v < d->pad || v - d->pad >= walked)
        continue;
      sum += d->rows[r][(v - d->pad) / d->upsample * d->channels + c]
          * d->weight[(r * d->kernel + q) * d->channels + c];
    }
  }
  return sum;
}

void
depthwise_row_c (const DepthwiseArgs *d)
{
  g_assert (d->kernel > 0 && d->stride > 0 && d->upsample > 0);

  for (gsize x = 0; x < d->out_width; x++)
    for (gsize c = 0; c < d->channels; c++)
      d->out[x * d->channels + c] = activation_apply (convolve (d, x, c), d->act);
}
