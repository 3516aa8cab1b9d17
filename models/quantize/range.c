/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From histograms to ranges.
 */
#include "range.h"

#include <math.h>

#include "quantization.h"

/* The search: factors of the whole range first, then each end by itself, ever finer. */
#define N_FACTORS       96
#define SMALLEST_FACTOR (1.0 / 64)
#define N_ROUNDS        4
#define N_STEPS         12 /* to either side */
#define FIRST_REACH     0.3

/* Bins that have something in them. */
typedef struct {
  guint n;
  double *value, *share; /* the middle of a bin; its part of all numbers */
  double *wanted;        /* behind the table */
  Activation table;
} Samples;

static double
activate (Activation act, double x)
{
  switch (act) {
    case ACT_HSWISH:
      return x * CLAMP (x + 3, 0, 6) / 6;
    case ACT_HSIGMOID:
      return CLAMP (x + 3, 0, 6) / 6;
    case ACT_SWISH:
      return x / (1 + exp (-x));
    case ACT_SIGMOID:
      return 1 / (1 + exp (-x));
    case ACT_RELU:
      return MAX (x, 0);
    case ACT_NONE:
      return x;
  }
  g_assert_not_reached ();
}

static Samples
samples_new (const Histogram *h, Activation table)
{
  Samples s = { .table = table };

  s.value = g_new (double, 2 * HISTOGRAM_HALF);
  s.share = g_new (double, 2 * HISTOGRAM_HALF);
  s.wanted = g_new (double, 2 * HISTOGRAM_HALF);
  for (guint i = 0; i < 2 * HISTOGRAM_HALF; i++) {
    if (h->counts[i] == 0)
      continue;
    s.value[s.n] = histogram_value (h, i);
    s.wanted[s.n] = activate (table, s.value[s.n]);
    s.share[s.n++] = (double) h->counts[i] / h->n;
  }
  return s;
}

static void
samples_clear (Samples *s)
{
  g_free (s->value);
  g_free (s->share);
  g_free (s->wanted);
}

/* What the 256 bytes stand for, behind the table. */
static void
fill_meanings (double meanings[256], Quant quant, Activation table)
{
  for (gint byte = 0; byte < 256; byte++)
    meanings[byte] = activate (table, (double) (byte - quant.zero) * quant.scale);
}

static double
mean_squared_error (const Samples *s, Quant quant)
{
  const double inverse = 1 / (double) quant.scale;
  double meanings[256], sum = 0;

  fill_meanings (meanings, quant, s->table);
  for (guint i = 0; i < s->n; i++) {
    const double byte = CLAMP (rint (s->value[i] * inverse) + quant.zero, 0, 255);
    const double error = meanings[(gint) byte] - s->wanted[i];
    sum += s->share[i] * error * error;
  }
  return sum;
}

/* low <= 0 <= high */
static Quant
quant_of (double low, double high)
{
  const float scale = (float) ((high - low) / 255);

  if (!(scale >= QUANT_MIN_SCALE))
    return (Quant){ 1, 0 }; /* nothing but zeros was seen */
  return (Quant){ MIN (scale, (float) QUANT_MAX_SCALE), (gint32) CLAMP (rint (-low / scale), 0, 255) };
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
  Samples s = samples_new (h, table);
  Range best = { low, high, INFINITY };

  for (guint i = 0; i <= N_FACTORS; i++) {
    const double factor = pow (SMALLEST_FACTOR, (double) i / N_FACTORS);
    try_range (&s, &best, low * factor, high * factor);
  }
  for (guint round = 0; round < N_ROUNDS; round++)
    refine (&s, &best, FIRST_REACH / (1 << round));
  samples_clear (&s);
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
  Samples s = samples_new (h, table);
  const double error = mean_squared_error (&s, quant);

  samples_clear (&s);
  return error;
}

double
range_energy (const Histogram *h, Activation table)
{
  Samples s = samples_new (h, table);
  double sum = 0;

  for (guint i = 0; i < s.n; i++)
    sum += s.share[i] * s.wanted[i] * s.wanted[i];
  samples_clear (&s);
  return sum;
}
