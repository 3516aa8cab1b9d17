/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How often a tensor's numbers fall where: a histogram that grows with what it is shown. Its bins are a
 * power of two wide and begin at multiples of that, so that neighbours merge exactly when the range
 * doubles: the result depends neither on the order of the numbers nor on how they were divided among
 * calls.
 */
#ifndef FBNET_QUANTIZE_HISTOGRAM_H
#define FBNET_QUANTIZE_HISTOGRAM_H

#include <glib.h>

/* For either sign. Ranges are cut to a fraction of all numbers seen; a byte's step shall still be many
 * bins. */
#define HISTOGRAM_HALF 8192

typedef struct {
  guint64 counts[2 * HISTOGRAM_HALF]; /* bin i is [i - HISTOGRAM_HALF, … + 1) × width */
  double width;                       /* of a bin; 0: nothing but zeros was seen */
  float min, max;                     /* of all numbers */
  double sum;
  guint64 n;
  gboolean broken; /* a number was not finite: there is nothing to learn from this tensor */
} Histogram;

Histogram *histogram_new (void);
void histogram_free (Histogram *histogram); /* NULL is allowed */
void histogram_add (Histogram *histogram, const float *values, gsize n);

/* The middle of a bin. */
double histogram_value (const Histogram *histogram, guint bin);

/* The number that the share `share` (0 … 1) of all numbers does not exceed. */
double histogram_quantile (const Histogram *histogram, double share);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Histogram, histogram_free)

#endif
