/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The scale of least squared error, channel by channel.
 */
#include "weightscale.h"

#include <math.h>

#include "quantization.h"

/* The largest weight as so many steps: from all that a byte has down to half of it, beyond that it is
 * cut. Weights that once were bytes find their own scale so. */
#define MOST_STEPS    160
#define LEAST_STEPS   64
#define N_REFINEMENTS 3

static double
byte_of (double weight, double scale)
{
  const double steps = CLAMP (weight / scale, -128, 127);

  return (double) lrint (steps); /* faster than rint() where that is a call */
}

typedef struct {
  double error, scale;
} Fit;

static double
error_of (const float *weights, gsize n, double scale)
{
  double sum = 0;

  for (gsize i = 0; i < n; i++) {
    const double error = byte_of (weights[i], scale) * scale - weights[i];
    sum += error * error;
  }
  return sum;
}

/* With the bytes as they are, the scale of least squares. */
static double
fitted_scale (const float *weights, gsize n, double scale)
{
  double products = 0, squares = 0;

  for (gsize i = 0; i < n; i++) {
    const double byte = byte_of (weights[i], scale);
    products += byte * weights[i];
    squares += byte * byte;
  }
  return squares > 0 && products > 0 ? products / squares : scale;
}

static void
try_scale (Fit *best, const float *weights, gsize n, double scale)
{
  for (guint i = 0; i <= N_REFINEMENTS; i++) {
    const float rounded = (float) scale; /* as it will be stored */
    const double error = error_of (weights, n, rounded);
    if (error < best->error)
      *best = (Fit){ error, rounded };
    scale = fitted_scale (weights, n, scale);
  }
}

float
weight_scale (gint8 *bytes, const float *weights, gsize n, gboolean search)
{
  double most = 0;

  for (gsize i = 0; i < n; i++)
    most = MAX (most, fabs (weights[i]));
  /* A channel of nothing has bytes of 0 for any scale. */
  Fit best = { INFINITY, most > 127 * QUANT_MIN_SCALE ? (float) (most / 127) : 1 };
  for (guint steps = LEAST_STEPS; search && most > 127 * QUANT_MIN_SCALE && steps <= MOST_STEPS;
       steps++)
    try_scale (&best, weights, n, most / steps);
  for (gsize i = 0; i < n; i++)
    bytes[i] = (gint8) byte_of (weights[i], best.scale);
  return (float) best.scale;
}
