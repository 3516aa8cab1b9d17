/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Mean and variance of channels over several images, and the ways to pool them: what SyncBN and
 * naiveSyncBN differ in. The same arithmetic serves training (images of several workers) and a stream
 * (its frames, one after the other).
 *
 * Semantics: torch SyncBatchNorm; detectron2 layers/batch_norm.py NaiveSyncBatchNorm, whose
 * stats_mode is "" (POOL_EQUALLY) or "N" (POOL_IMAGES).
 */
#ifndef FBNET_NORMSTATS_H
#define FBNET_NORMSTATS_H

#include <glib.h>

/* What one contribution (a worker's batch, a frame) weighs beside the others. */
typedef enum {
  POOL_PIXELS,  /* as many as it has pixels: SyncBN, one mean and variance over all of them */
  POOL_EQUALLY, /* 1, whatever its size; without pixels 0: naiveSyncBN */
  POOL_IMAGES,  /* as many as it has images: naiveSyncBN, stats_mode "N" */
} NormPooling;

/* Statistics are doubles in one array: the weight, then for each channel weight × mean, then weight ×
 * mean of squares. Contributions add up; a scaled array (all of it) is one that counts for less. */
static inline gsize
norm_stats_size (gsize channels)
{
  return 1 + 2 * channels;
}

/* From sums over all pixels of the images. No pixels: all zero. */
void norm_stats_set (double *stats, const double *sum, const double *sum_sq, gsize pixels,
    gsize images, gsize channels, NormPooling pooling);

/* Mean and biased variance (never negative) of what was added up; of nothing: 0 and 0. */
void norm_stats_finish (const double *stats, gsize channels, double *mean, double *variance);

/* --- A stream --------------------------------------------------------------------------------- */

/* Where a stream begins: a stored mean and variance. They have no weight yet, because nobody knows
 * of how many pixels they are. */
void norm_stats_begin (double *running, const float *mean, const float *variance, gsize channels);

/* running = (1 - momentum) running + momentum frame. The stored numbers weigh as much as the first
 * frame that comes after them. A frame with a number that is not finite, or without pixels, has no
 * say. */
void norm_stats_follow (double *running, const double *frame, gsize channels, double momentum);

#endif
