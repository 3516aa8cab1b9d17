/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The scale of least squared error, channel by channel.
 */
#include "weightscale.h"

#include <math.h>

#include "model/quantization.h"

/* The largest weight as so many steps, from half of what a byte has to more, where it is cut. Weights that
 * once were bytes find their own scale so. */
#define MOST_STEPS    160
#define LEAST_STEPS   64
#define N_REFINEMENTS 8

static double
byte_of (double weight, double inverse_scale)
{
  const double steps = CLAMP (weight * inverse_scale, -128, 127);

  return (double) lrint (steps); /* faster than rint() where that is a call */
}

typedef struct {
  double error, scale;
} Fit;

static double
error_of (const float *weights, gsize n, double scale)
{
  const double inverse = 1 / scale;
  double sum = 0;

  for (gsize i = 0; i < n; i++) {
    const double error = byte_of (weights[i], inverse) * scale - weights[i];
    sum += error * error;
  }
  return sum;
}

/* With the bytes as they are, the scale of least squares. */
static double
fitted_scale (const float *weights, gsize n, double scale)
{
  const double inverse = 1 / scale;
  double products = 0, squares = 0;

  for (gsize i = 0; i < n; i++) {
    const double byte = byte_of (weights[i], inverse);
    products += byte * weights[i];
    squares += byte * byte;
  }
  return squares > 0 && products > 0 ? products / squares : scale;
}

/* As it will be stored. */
static void
try_scale (Fit *best, const float *weights, gsize n, double scale)
{
  const double rounded = (float) scale, error = error_of (weights, n, rounded);

  if (error < best->error)
    *best = (Fit){ error, rounded };
}

float
weight_scale (gint8 *bytes, const float *weights, gsize n, gboolean search)
{
  double most = 0;

  for (gsize i = 0; i < n; i++)
    most = MAX (most, fabs (weights[i]));
  /* A channel of nothing has bytes of 0 for any scale. */
  const gboolean something = most > 127 * QUANT_MIN_SCALE;
  Fit best = { INFINITY, something ? (float) (most / 127) : 1 };
  for (guint steps = LEAST_STEPS; search && something && steps <= MOST_STEPS; steps++)
    try_scale (&best, weights, n, most / steps);
  for (guint i = 0; search && something && i < N_REFINEMENTS; i++)
    try_scale (&best, weights, n, fitted_scale (weights, n, best.scale));
  for (gsize i = 0; i < n; i++)
    bytes[i] = (gint8) byte_of (weights[i], 1 / best.scale);
  return (float) best.scale;
}
