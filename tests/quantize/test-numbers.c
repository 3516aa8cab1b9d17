/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the quantiser decides about numbers: histograms, ranges of activations, scales of weights.
 */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "quantize/range.h"
#include "quantize/weightscale.h"

#define N 20000

/* What is said here of random numbers is true of most draws and not of all: the draws are fixed. */
#define SEED 1

/* Numbers of a bell curve, some of them `outlier` times as far out. */
static float *
bell (gsize n, double size, gsize n_outliers, double outlier, guint32 seed)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  float *values = g_new (float, n);

  for (gsize i = 0; i < n; i++) {
    double sum = 0;
    for (guint j = 0; j < 12; j++)
      sum += g_rand_double (random) - 0.5;
    values[i] = (float) (sum * size * (i < n_outliers ? outlier : 1));
  }
  return values;
}

static Histogram *
histogram_of (const float *values, gsize n)
{
  Histogram *histogram = histogram_new ();

  histogram_add (histogram, values, n);
  return histogram;
}

/* --- Histograms ------------------------------------------------------------------------------- */

/* Neither the order of the numbers nor their division among calls shows, though the range grows on the
 * way by thousands. */
static void
test_histogram_order (void)
{
  g_autofree float *values = bell (N, 1, 100, 3000, SEED);
  g_autoptr (Histogram) once = histogram_of (values, N);
  g_autoptr (Histogram) backwards = histogram_new ();

  for (gsize i = N; i-- > 0;)
    histogram_add (backwards, values + i, 1);
  backwards->sum = once->sum; /* of floating-point numbers: not exact */
  g_assert_cmpmem (once, sizeof *once, backwards, sizeof *backwards);
}

/* Every number is in the bin that it lies in, the bounds are exact. */
static void
test_histogram_bins (void)
{
  const float values[] = { 0, -0.0f, 1, -1, 0.999999f, 1e-30f, -1e-30f, 7.5f };
  g_autoptr (Histogram) h = histogram_of (values, G_N_ELEMENTS (values));

  g_assert_cmpfloat (h->width, ==, 8.0 / HISTOGRAM_HALF);
  g_assert_cmpfloat (h->min, ==, -1);
  g_assert_cmpfloat (h->max, ==, 7.5f);
  g_assert_cmpuint (h->n, ==, G_N_ELEMENTS (values));
  g_assert_cmpuint (h->counts[HISTOGRAM_HALF], ==, 3); /* 0, -0, 1e-30 */
  g_assert_cmpuint (h->counts[HISTOGRAM_HALF - 1], ==, 1);
  g_assert_cmpuint (h->counts[HISTOGRAM_HALF + HISTOGRAM_HALF / 8], ==, 1);
  g_assert_cmpuint (h->counts[HISTOGRAM_HALF + HISTOGRAM_HALF / 8 - 1], ==, 1);
  g_assert_cmpuint (h->counts[HISTOGRAM_HALF - HISTOGRAM_HALF / 8], ==, 1);
}

/* Zeros alone make no bins; they count when others come. */
static void
test_histogram_zeros (void)
{
  const float zeros[5] = { 0 }, one = -1;
  g_autoptr (Histogram) h = histogram_of (zeros, 5);

  g_assert_cmpfloat (h->width, ==, 0);
  histogram_add (h, zeros, 0);
  histogram_add (h, &one, 1);
  g_assert_cmpuint (h->n, ==, 6);
  g_assert_cmpuint (h->counts[HISTOGRAM_HALF], ==, 5);
}

static void
test_histogram_broken (void)
{
  const float bad[] = { NAN, INFINITY, -INFINITY };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    const float values[] = { 1, bad[i], 2 };
    g_autoptr (Histogram) h = histogram_of (values, 3);
    g_assert_true (h->broken);
  }
}

static void
test_quantile (void)
{
  g_autofree float *values = g_new (float, 1000);

  for (guint i = 0; i < 1000; i++)
    values[i] = (float) (i + 1);
  g_autoptr (Histogram) h = histogram_of (values, 1000);
  g_assert_cmpfloat_with_epsilon (histogram_quantile (h, 0.5), 500, 1);
  g_assert_cmpfloat_with_epsilon (histogram_quantile (h, 0.99), 990, 1);
  g_assert_cmpfloat (histogram_quantile (h, 0), ==, 1 + h->width);
  g_assert_cmpfloat (histogram_quantile (h, 1), ==, 1000);
}

/* --- Ranges ----------------------------------------------------------------------------------- */

static double
top_of (Quant quant)
{
  return (255 - quant.zero) * (double) quant.scale;
}

static double
bottom_of (Quant quant)
{
  return -quant.zero * (double) quant.scale;
}

/* With the whole range every number seen is within half a step of a byte. */
static void
test_min_max (void)
{
  const float values[] = { -1.5f, 0, 6 };
  g_autoptr (Histogram) h = histogram_of (values, 3);
  const Quant quant = range_choose (h, RANGE_MIN_MAX, 1, ACT_NONE);

  g_assert_cmpfloat_with_epsilon (quant.scale, 7.5 / 255, 1e-6);
  g_assert_cmpint (quant.zero, ==, 51);
}

/* Outliers: the least squared error cuts them, and is less than that of the whole range and of the
 * percentile, by its own measure and counted number by number. */
static double
counted_error (const float *values, gsize n, Quant quant)
{
  double sum = 0;

  for (gsize i = 0; i < n; i++) {
    const double byte = CLAMP (rint (values[i] / quant.scale) + quant.zero, 0, 255);
    const double error = (byte - quant.zero) * quant.scale - values[i];
    sum += error * error;
  }
  return sum / n;
}

static void
test_least_error (void)
{
  g_autofree float *values = bell (N, 1, 3, 12, SEED);
  g_autoptr (Histogram) h = histogram_of (values, N);
  const Quant least = range_choose (h, RANGE_MSE, 1, ACT_NONE);
  const Quant all = range_choose (h, RANGE_MIN_MAX, 1, ACT_NONE);
  const Quant most = range_choose (h, RANGE_PERCENTILE, 0.99, ACT_NONE);

  g_assert_cmpfloat (top_of (least) - bottom_of (least), <, top_of (all) - bottom_of (all));
  g_assert_cmpfloat (range_error (h, least, ACT_NONE), <=, range_error (h, all, ACT_NONE));
  g_assert_cmpfloat (range_error (h, least, ACT_NONE), <=, range_error (h, most, ACT_NONE));
  const double counted = counted_error (values, N, least);
  g_assert_cmpfloat (counted, <, counted_error (values, N, all));
  g_assert_cmpfloat (counted, <, counted_error (values, N, most));
  g_assert_cmpfloat_with_epsilon (range_error (h, least, ACT_NONE), counted, 0.05 * counted);
}

/* Numbers of one sign have all bytes for themselves, whatever the method. */
static void
test_one_sign (void)
{
  g_autofree float *values = bell (N, 1, 3, 12, SEED);

  for (gsize i = 0; i < N; i++)
    values[i] = MAX (values[i], 0);
  g_autoptr (Histogram) positive = histogram_of (values, N);
  for (gsize i = 0; i < N; i++)
    values[i] = -values[i];
  g_autoptr (Histogram) negative = histogram_of (values, N);
  for (RangeMethod method = RANGE_MSE; method <= RANGE_MIN_MAX; method++) {
    g_assert_cmpint (range_choose (positive, method, 0.999, ACT_NONE).zero, ==, 0);
    g_assert_cmpint (range_choose (negative, method, 0.999, ACT_NONE).zero, ==, 255);
  }
}

/* Nothing but zeros: some scale that the model file may have. */
static void
test_nothing (void)
{
  const float zeros[3] = { 0 };
  g_autoptr (Histogram) h = histogram_of (zeros, 3);

  for (RangeMethod method = RANGE_MSE; method <= RANGE_MIN_MAX; method++)
    g_assert_cmpfloat (range_choose (h, method, 0.999, ACT_NONE).scale, ==, 1);
}

/* Before a hard swish, numbers below -3 are all the same: the bytes go to the others. */
static void
test_table (void)
{
  g_autofree float *values = bell (N, 6, 0, 1, SEED);
  g_autoptr (Histogram) h = histogram_of (values, N);
  const Quant plain = range_choose (h, RANGE_MSE, 1, ACT_NONE);
  const Quant tabled = range_choose (h, RANGE_MSE, 1, ACT_HSWISH);

  g_assert_cmpfloat (bottom_of (plain), <, -12);
  g_assert_cmpfloat (bottom_of (tabled), >, -5);
  g_assert_cmpfloat (range_error (h, tabled, ACT_HSWISH), <,
      0.5 * range_error (h, plain, ACT_HSWISH));
}

/* --- Weights ---------------------------------------------------------------------------------- */

static double
weight_error (const float *weights, gsize n, gboolean search)
{
  g_autofree gint8 *bytes = g_new (gint8, n);
  const double scale = weight_scale (bytes, weights, n, search);
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += (bytes[i] * scale - weights[i]) * (bytes[i] * scale - weights[i]);
  return sum;
}

/* Weights that once were bytes become the same bytes. (A byte of 1 among them: no larger scale will do.) */
static void
test_weights_of_bytes (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (SEED);

  for (guint round = 0; round < 100; round++) {
    const gsize n = 5 + round;
    const float scale = (float) g_rand_double_range (random, 1e-4, 10);
    const gint32 most = g_rand_int_range (random, 64, 128);
    g_autofree gint8 *bytes = g_new (gint8, n), *found = g_new (gint8, n);
    g_autofree float *weights = g_new (float, n);
    for (gsize i = 0; i < n; i++) {
      bytes[i] = (gint8) (i == 0 ? most : i == 1 ? 1 : g_rand_int_range (random, -most, most));
      weights[i] = bytes[i] * scale;
    }
    g_assert_cmpfloat_with_epsilon (weight_scale (found, weights, n, TRUE), scale, 1e-5 * scale);
    g_assert_cmpmem (found, n, bytes, n);
  }
}

/* The search is at least as good as the largest weight's scale, and mostly better: in 40 rounds here, in 33
 * or more with 1500 other seeds. */
static void
test_weights_search (void)
{
  guint n_better = 0;

  for (guint round = 0; round < 50; round++) {
    g_autofree float *weights = bell (9 + 4 * round, 0.1, round % 2, 6, SEED + round);
    const double searched = weight_error (weights, 9 + 4 * round, TRUE);
    const double plain = weight_error (weights, 9 + 4 * round, FALSE);
    g_assert_cmpfloat (searched, <=, plain);
    n_better += searched < 0.99 * plain;
  }
  g_assert_cmpuint (n_better, >, 25);
}

static void
test_weights_of_nothing (void)
{
  const float zeros[4] = { 0 }, tiny[2] = { 1e-30f, -1e-30f };
  gint8 bytes[4] = { 1, 1, 1, 1 };

  g_assert_cmpfloat (weight_scale (bytes, zeros, 4, TRUE), ==, 1);
  g_assert_cmpint (bytes[0] | bytes[1] | bytes[2] | bytes[3], ==, 0);
  g_assert_cmpfloat (weight_scale (bytes, tiny, 2, TRUE), ==, 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/quantize/histogram/order", test_histogram_order);
  g_test_add_func ("/quantize/histogram/bins", test_histogram_bins);
  g_test_add_func ("/quantize/histogram/zeros", test_histogram_zeros);
  g_test_add_func ("/quantize/histogram/broken", test_histogram_broken);
  g_test_add_func ("/quantize/histogram/quantile", test_quantile);
  g_test_add_func ("/quantize/range/min-max", test_min_max);
  g_test_add_func ("/quantize/range/least-error", test_least_error);
  g_test_add_func ("/quantize/range/one-sign", test_one_sign);
  g_test_add_func ("/quantize/range/nothing", test_nothing);
  g_test_add_func ("/quantize/range/table", test_table);
  g_test_add_func ("/quantize/weights/of-bytes", test_weights_of_bytes);
  g_test_add_func ("/quantize/weights/search", test_weights_search);
  g_test_add_func ("/quantize/weights/of-nothing", test_weights_of_nothing);
  return g_test_run ();
}
