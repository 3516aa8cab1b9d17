/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From histograms to ranges.
 */
#include "range.h"

#include <math.h>

#include "kernels/activation.h"
#include "model/quantization.h"

/* The search: factors of the whole range first, of each end by itself, then near them, ever finer. */
#define N_FACTORS       96
#define SMALLEST_FACTOR (1.0 / 64)
#define N_ROUNDS        4
#define N_STEPS         12 /* to either side */
#define FIRST_REACH     0.3

#define N_BINS (2 * HISTOGRAM_HALF)

/* Sums over all bins below one, of what is wanted behind the table: with them the error of a byte's
 * numbers takes no loop over these. */
typedef struct {
  double width; /* of a bin */
  double share[N_BINS + 1], wanted[N_BINS + 1], squares[N_BINS + 1];
  Activation table;
} Samples;

static Samples *
samples_new (const Histogram *h, Activation table)
{
  Samples *s = g_new0 (Samples, 1);

  s->width = h->width;
  s->table = table;
  for (guint i = 0; i < N_BINS; i++) {
    const double share = (double) h->counts[i] / h->n;
    const double wanted = activation_at (table, histogram_value (h, i));
    s->share[i + 1] = s->share[i] + share;
    s->wanted[i + 1] = s->wanted[i] + share * wanted;
    s->squares[i + 1] = s->squares[i] + share * wanted * wanted;
  }
  return s;
}

/* The first bin of numbers that round to `byte` or a higher one. */
static guint
first_bin (const Samples *s, Quant quant, gint byte)
{
  const double edge = (byte - quant.zero - 0.5) * quant.scale / s->width + HISTOGRAM_HALF - 0.5;

  return (guint) ceil (CLAMP (edge, 0, N_BINS));
}

/* Of the bytes' numbers from what they stand for, behind the table. */
static double
mean_squared_error (const Samples *s, Quant quant)
{
  double sum = 0;
  guint begin = 0;

  for (gint byte = 0; byte < 256; byte++) {
    const guint end = byte < 255 ? first_bin (s, quant, byte + 1) : N_BINS;
    const double meaning = activation_at (s->table, (double) (byte - quant.zero) * quant.scale);
    const double share = s->share[end] - s->share[begin];
    const double wanted = s->wanted[end] - s->wanted[begin];
    const double squares = s->squares[end] - s->squares[begin];
    sum += squares - 2 * meaning * wanted + meaning * meaning * share;
    begin = end;
  }
  return MAX (sum, 0);
}

/* low <= 0 <= high */
static Quant
quant_of (double low, double high)
{
  const float scale = (float) ((high - low) / 255);

  if (!(scale >= QUANT_MIN_SCALE))
    return (Quant){ 1, 0 }; /* nothing but zeros was seen */
  return (
      Quant){ MIN (scale, (float) QUANT_MAX_SCALE), (gint32) CLAMP (rint (-low / scale), 0, 255) };
}

typedef struct {
  double low, high, error;
} Range;

static void
try_range (const Samples *s, Range *best, double low, double high)
{
  const double error = mean_squared_error (s, quant_of (low, high));

  if (error < best->error)
    *best = (Range){ low, high, error };
}

static double
factor_of (guint i)
{
  return pow (SMALLEST_FACTOR, (double) i / N_FACTORS);
}

/* Each end by itself, over all factors of the whole range. */
static void
search_ends (const Samples *s, Range *best, double low, double high)
{
  for (guint i = 0; low < 0 && i <= N_FACTORS; i++)
    try_range (s, best, low * factor_of (i), best->high);
  for (guint i = 0; high > 0 && i <= N_FACTORS; i++)
    try_range (s, best, best->low, high * factor_of (i));
}

/* Moves one end of the range within `reach` of it. */
static void
refine (const Samples *s, Range *best, double reach)
{
  const Range from = *best;

  for (gint i = -N_STEPS; i <= N_STEPS; i++) {
    const double factor = 1 + reach * i / N_STEPS;
    if (from.low < 0)
      try_range (s, best, from.low * factor, best->high);
  }
  const double low = best->low;
  for (gint i = -N_STEPS; i <= N_STEPS; i++)
    try_range (s, best, low, from.high * (1 + reach * i / N_STEPS));
}

static Quant
least_error (const Histogram *h, Activation table)
{
  const double low = MIN (h->min, 0), high = MAX (h->max, 0);
  Samples *s = samples_new (h, table);
  Range best = { low, high, INFINITY };

  for (guint i = 0; i <= N_FACTORS; i++)
    try_range (s, &best, low * factor_of (i), high * factor_of (i));
  search_ends (s, &best, low, high);
  for (guint round = 0; round < N_ROUNDS; round++)
    refine (s, &best, FIRST_REACH / (1 << round));
  g_free (s);
  return quant_of (best.low, best.high);
}

Quant
range_choose (const Histogram *h, RangeMethod method, double share, Activation table)
{
  const double outside = 1 - share;

  if (h->width == 0 || method == RANGE_MIN_MAX)
    return quant_of (MIN (h->min, 0), MAX (h->max, 0));
  if (method == RANGE_MSE)
    return least_error (h, table);
  /* A tensor of one sign loses its outermost numbers at one end only. */
  const double low = h->min < 0 ? histogram_quantile (h, outside / 2) : 0;
  const double high = h->max > 0 ? histogram_quantile (h, 1 - outside / (h->min < 0 ? 2 : 1)) : 0;
  return quant_of (MIN (low, 0), MAX (high, 0));
}

double
range_error (const Histogram *h, Quant quant, Activation table)
{
  Samples *s = samples_new (h, table);
  const double error = mean_squared_error (s, quant);

  g_free (s);
  return error;
}

double
range_energy (const Histogram *h, Activation table)
{
  Samples *s = samples_new (h, table);
  const double energy = s->squares[N_BINS];

  g_free (s);
  return energy;
}
