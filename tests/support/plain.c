/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Plain kernels; see plain.h.
 */
#include "plain.h"

static void
weighted_sum (float *out, const float *const *source, const float *weight, gsize n, gsize channels)
{
  for (gsize c = 0; c < channels; c++) {
    float sum = 0.0f;
    for (gsize t = 0; t < n; t++)
      sum += weight[t] * source[t][c];
    out[c] = sum;
  }
}

const Kernels plain_kernels = {
  .name = "plain",
  .weighted_sum = weighted_sum,
};
