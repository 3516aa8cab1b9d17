/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pooled batch statistics; see normstats.h.
 */
#include "normstats.h"

#include <math.h>

static double
weight_of (gsize pixels, gsize images, NormPooling pooling)
{
  if (pixels == 0)
    return 0;
  switch (pooling) {
    case POOL_PIXELS:
      return (double) pixels;
    case POOL_EQUALLY:
      return 1;
    case POOL_IMAGES:
      return (double) images;
  }
  g_assert_not_reached ();
}

void
norm_stats_set (double *stats, const double *sum, const double *sum_sq, gsize pixels, gsize images,
    gsize channels, NormPooling pooling)
{
  const double weight = weight_of (pixels, images, pooling);
  const double share = pixels > 0 ? weight / (double) pixels : 0;

  stats[0] = weight;
  for (gsize c = 0; c < channels; c++) {
    stats[1 + c] = share * sum[c];
    stats[1 + channels + c] = share * sum_sq[c];
  }
}

void
norm_stats_finish (const double *stats, gsize channels, double *mean, double *variance)
{
  const double share = stats[0] > 0 ? 1 / stats[0] : 0;

  for (gsize c = 0; c < channels; c++) {
    mean[c] = share * stats[1 + c];
    variance[c] = MAX (0.0, share * stats[1 + channels + c] - mean[c] * mean[c]);
  }
}

/* --- A stream --------------------------------------------------------------------------------- */

void
norm_stats_begin (double *running, const float *mean, const float *variance, gsize channels)
{
  running[0] = 0;
  for (gsize c = 0; c < channels; c++) {
    running[1 + c] = mean[c];
    running[1 + channels + c] = variance[c] + (double) mean[c] * mean[c];
  }
}

static gboolean
all_finite (const double *numbers, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    if (!isfinite (numbers[i]))
      return FALSE;
  }
  return TRUE;
}

void
norm_stats_follow (double *running, const double *frame, gsize channels, double momentum)
{
  const gsize size = norm_stats_size (channels);

  if (!(frame[0] > 0))
    return;
  if (running[0] == 0) {
    running[0] = 1;
    for (gsize i = 0; i < size; i++)
      running[i] *= frame[0];
  }
  if (!all_finite (frame, size))
    return;
  for (gsize i = 0; i < size; i++)
    running[i] = (1 - momentum) * running[i] + momentum * frame[i];
}
