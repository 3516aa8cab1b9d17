/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A growing histogram.
 */
#include "histogram.h"

#include <math.h>
#include <string.h>

Histogram *
histogram_new (void)
{
  return g_new0 (Histogram, 1);
}

void
histogram_free (Histogram *histogram)
{
  g_free (histogram);
}

/* Bins become twice as wide: each takes the counts of two. From the middle outwards, so that what is
 * written was read before. */
static void
double_width (Histogram *h)
{
  guint64 *zero = h->counts + HISTOGRAM_HALF;

  for (gint i = 0; i < HISTOGRAM_HALF / 2; i++) {
    zero[i] = zero[2 * i] + zero[2 * i + 1];
    zero[-1 - i] = zero[-1 - 2 * i] + zero[-2 - 2 * i];
  }
  memset (zero + HISTOGRAM_HALF / 2, 0, HISTOGRAM_HALF / 2 * sizeof *zero);
  memset (h->counts, 0, HISTOGRAM_HALF / 2 * sizeof *zero);
  h->width *= 2;
}

/* The least power of two that leaves room for `magnitude`, or what is there already. */
static void
make_room (Histogram *h, float magnitude)
{
  if (magnitude == 0)
    return;
  if (h->width == 0) {
    h->width = ldexp (1, ilogb (magnitude) + 1) / HISTOGRAM_HALF;
    h->counts[HISTOGRAM_HALF] = h->n; /* the zeros so far */
  }
  while (magnitude >= h->width * HISTOGRAM_HALF)
    double_width (h);
}

/* The numbers' bounds and sum; FALSE where one is not finite. */
static gboolean
measure (Histogram *h, const float *values, gsize n)
{
  float min = values[0], max = values[0];
  double sum = 0;

  for (gsize i = 0; i < n; i++) {
    min = MIN (min, values[i]);
    max = MAX (max, values[i]);
    sum += values[i];
  }
  if (!isfinite (sum))
    return FALSE;
  h->min = h->n == 0 ? min : MIN (h->min, min);
  h->max = h->n == 0 ? max : MAX (h->max, max);
  h->sum += sum;
  return TRUE;
}

void
histogram_add (Histogram *h, const float *values, gsize n)
{
  if (n == 0)
    return;
  if (!measure (h, values, n)) {
    h->broken = TRUE;
    return;
  }
  make_room (h, MAX (-h->min, h->max));
  h->n += n;
  if (h->width == 0)
    return;
  /* A power of two, whose product with a float is exact. */
  const double per_bin = 1 / h->width;
  for (gsize i = 0; i < n; i++)
    h->counts[(gint) floor (values[i] * per_bin) + HISTOGRAM_HALF]++;
}

double
histogram_value (const Histogram *h, guint bin)
{
  return ((double) bin - HISTOGRAM_HALF + 0.5) * h->width;
}

double
histogram_quantile (const Histogram *h, double share)
{
  const double wanted = share * h->n;
  double seen = 0;

  for (guint i = 0; i < 2 * HISTOGRAM_HALF && h->width > 0; i++) {
    seen += h->counts[i];
    if (seen >= wanted && h->counts[i] > 0)
      return CLAMP (((double) i - HISTOGRAM_HALF + 1) * h->width, h->min, h->max);
  }
  return h->max;
}
