/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The small kernels along channels, plain C: the specification.
 */
#include "activation.h"
#include "rows.h"

void
channel_sums_c (double *sum, double *sum_sq, const float *x, gsize pixels, gsize channels)
{
  for (gsize p = 0; p < pixels; p++)
    for (gsize c = 0; c < channels; c++) {
      const double value = x[p * channels + c];
      sum[c] += value;
      if (sum_sq != NULL)
        sum_sq[c] += value * value;
    }
}

void
channel_affine_c (float *x, const float *scale, const float *shift, const float *residual,
    gsize pixels, gsize channels, Activation act)
{
  for (gsize p = 0; p < pixels; p++)
    for (gsize c = 0; c < channels; c++) {
      const gsize i = p * channels + c;
      const float moved = x[i] * scale[c] + (shift != NULL ? shift[c] : 0.0f);
      x[i] = moved + (residual != NULL ? residual[i] : 0.0f);
    }
  activate_c (x, pixels * channels, act);
}

void
weighted_sum_c (float *restrict out, const float *const *source, const float *weight, gsize n,
    gsize channels)
{
  for (gsize c = 0; c < channels; c++)
    out[c] = 0.0f;
  for (gsize t = 0; t < n; t++) {
    const float *restrict from = source[t];
    for (gsize c = 0; c < channels; c++)
      out[c] += weight[t] * from[c];
  }
}

/* The switch outside the loop for what can be vectorised. */
void
activate_c (float *x, gsize n, Activation act)
{
  if (act == ACT_NONE)
    return;
  if (act == ACT_RELU) {
    for (gsize i = 0; i < n; i++)
      x[i] = activation_apply (x[i], ACT_RELU);
    return;
  }
  for (gsize i = 0; i < n; i++)
    x[i] = activation_apply (x[i], act);
}
