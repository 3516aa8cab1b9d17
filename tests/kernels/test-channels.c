/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The small kernels along channels: every row of the table against the definitions in double.
 */
#include <math.h>
#include <string.h>

#include "check.h"

static gsize
random_size (gint most)
{
  return (gsize) g_test_rand_int_range (1, most + 1);
}

static void
copy_in (Guarded *guarded, const float *source)
{
  if (guarded->n > 0)
    memcpy (guarded->data, source, guarded->n * sizeof (float));
}

/* Activations at zeros, at the corners of relu6, where exp () overflows and underflows, at
 * infinities and at NaN, at each place in a vector and in a tail. */
static void
test_activation_edges (void)
{
  const float edges[] = { 0.0f, -0.0f, 1e-30f, -1e-30f, 1e-42f, 3.0f, -3.0f, 2.9999998f,
    -2.9999998f, 6.0f, 20.0f, -20.0f, 86.9f, -86.9f, 87.3f, -87.3f, 87.4f, -87.4f, 88.8f, -88.8f,
    104.0f, -104.0f, 1e10f, -1e10f, 3e38f, -3e38f, INFINITY, NAN };
  Guarded x = guarded_new (35);

  for (guint act = 0; act < CHECK_N_ACTIVATIONS; act++)
    for (guint e = 0; e < G_N_ELEMENTS (edges); e++)
      for (guint r = 0; check_rows ()[r]; r++) {
        g_autofree char *what = g_strdup_printf ("%s: %s (%g)", check_rows ()[r]->name,
            check_activation_name ((Activation) act), edges[e]);
        const double want = check_activation (edges[e], (Activation) act);

        for (gsize i = 0; i < x.n; i++)
          x.data[i] = edges[e];
        check_rows ()[r]->floats.activate (x.data, x.n, (Activation) act);
        for (gsize i = 0; i < x.n; i++)
          /* sigmoid may become 0 where it leaves float32's normal numbers */
          if (!check_close (x.data[i], want, 4.0 * CHECK_EPSILON * fabs (want) + 3e-36, what))
            break;
        guarded_check (&x, what);
      }
  guarded_free (&x);
}

/* Sigmoid and swish are within 4 epsilon of the truth, relatively, over the range of exp (). */
static void
test_activation_accuracy (void)
{
  const gsize n = 20000;
  g_autofree float *x = g_new (float, n);
  g_autofree float *y = g_new (float, n);

  for (gsize i = 0; i < n; i++)
    x[i] = (float) g_test_rand_double_range (-87.0, 87.0);
  for (guint act = ACT_SWISH; act <= ACT_SIGMOID; act++)
    for (guint r = 0; check_rows ()[r]; r++) {
      memcpy (y, x, n * sizeof *x);
      check_rows ()[r]->floats.activate (y, n, (Activation) act);
      for (gsize i = 0; i < n; i++) {
        const double want = check_activation (x[i], (Activation) act);
        g_assert_cmpfloat (fabs (y[i] - want), <=, 4.0 * CHECK_EPSILON * fabs (want));
      }
    }
}

/* A number's activation does not depend on its place: one call over all, and calls of random
 * lengths, give the same bits. */
static void
test_activation_split (void)
{
  const gsize n = 1000;
  g_autofree float *x = check_random (n);

  for (gsize i = 0; i < n; i++)
    x[i] *= 10.0f;
  for (guint act = 0; act < CHECK_N_ACTIVATIONS; act++)
    for (guint r = 0; check_rows ()[r]; r++) {
      g_autofree float *whole = g_memdup2 (x, n * sizeof *x);
      g_autofree float *parts = g_memdup2 (x, n * sizeof *x);
      check_rows ()[r]->floats.activate (whole, n, (Activation) act);
      for (gsize i = 0, step; i < n; i += step) {
        step = random_size (37);
        step = MIN (step, n - i);
        check_rows ()[r]->floats.activate (parts + i, step, (Activation) act);
      }
      g_assert_true (check_same_bits (whole, parts, n));
    }
}

/* Sums are the definition's to the bit in every row: doubles, pixel by pixel, added to what is
 * there; with and without the squares. */
static void
test_sums (void)
{
  for (guint round = 0; round < 100; round++) {
    const gsize pixels = random_size (60) - 1, channels = random_size (50);
    g_autofree float *x = check_random (pixels * channels);
    g_autofree double *want = g_new (double, 2 * channels);
    g_autofree double *got = g_new (double, 2 * channels + 2);
    const gboolean squares = g_test_rand_bit ();

    for (guint r = 0; check_rows ()[r]; r++) {
      for (gsize c = 0; c < 2 * channels; c++)
        want[c] = got[c] = 0.5;
      got[2 * channels] = got[2 * channels + 1] = 777.0;
      for (gsize p = 0; p < pixels; p++)
        for (gsize c = 0; c < channels; c++) {
          const double value = x[p * channels + c];
          want[c] += value;
          want[channels + c] += squares ? value * value : 0.0;
        }
      check_rows ()[r]->floats.channel_sums (got, squares ? got + channels : NULL, x, pixels,
          channels);
      for (gsize c = 0; c < 2 * channels; c++)
        g_assert_cmpfloat (got[c], ==, want[c]);
      g_assert_cmpfloat (got[2 * channels], ==, 777.0);
    }
  }
}

/* Scale, shift (or none), residual (or none), activation, in place, nothing beside. */
static void
test_affine (void)
{
  for (guint round = 0; round < 200; round++) {
    const gsize pixels = random_size (10) - 1, channels = random_size (50);
    const Activation act = (Activation) g_test_rand_int_range (0, CHECK_N_ACTIVATIONS);
    g_autofree float *x = check_random (pixels * channels);
    g_autofree float *residual = check_random (pixels * channels);
    g_autofree float *scale = check_random (channels);
    g_autofree float *shift = check_random (channels);
    const gboolean with_shift = g_test_rand_bit (), with_residual = g_test_rand_bit ();
    Guarded out = guarded_new (pixels * channels);

    for (guint r = 0; check_rows ()[r]; r++) {
      copy_in (&out, x);
      check_rows ()[r]->floats.channel_affine (out.data, scale, with_shift ? shift : NULL,
          with_residual ? residual : NULL, pixels, channels, act);
      guarded_check (&out, check_rows ()[r]->name);
      for (gsize i = 0; i < out.n; i++) {
        const gsize c = i % channels;
        const double sum = (double) x[i] * scale[c] + (with_shift ? shift[c] : 0.0)
            + (with_residual ? residual[i] : 0.0);
        if (!check_close (out.data[i], check_activation (sum, act), 16.0 * CHECK_EPSILON,
                check_rows ()[r]->name))
          break;
      }
    }
    guarded_free (&out);
  }
}

/* Weighted sums of 0 … many sources; rows with fused multiply-adds agree to the bit. */
static void
test_weighted_sum (void)
{
  for (guint round = 0; round < 100; round++) {
    const gsize n = random_size (40) - 1, channels = random_size (150);
    g_autofree float *data = check_random (n * channels);
    g_autofree float *weight = check_random (n);
    g_autofree const float **source = g_new (const float *, n + 1);
    g_autofree float *first = NULL;
    Guarded out = guarded_new (channels);

    for (gsize t = 0; t < n; t++)
      source[t] = data + (n - 1 - t) * channels;
    for (guint r = 0; check_rows ()[r]; r++) {
      const Kernels *kernels = check_rows ()[r];
      kernels->floats.weighted_sum (out.data, source, weight, n, channels);
      guarded_check (&out, kernels->name);
      for (gsize c = 0; c < channels; c++) {
        double sum = 0.0, scale = 0.0;
        for (gsize t = 0; t < n; t++) {
          sum += (double) weight[t] * source[t][c];
          scale += fabs ((double) weight[t] * source[t][c]);
        }
        if (!check_close (out.data[c], sum, 4.0 * CHECK_EPSILON * scale, kernels->name))
          break;
      }
      if (!check_row_is_simd (kernels))
        continue;
      if (!first)
        first = g_memdup2 (out.data, channels * sizeof (float));
      g_assert_true (check_same_bits (first, out.data, channels));
    }
    guarded_free (&out);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kernels/channels/activation-edges", test_activation_edges);
  g_test_add_func ("/kernels/channels/activation-accuracy", test_activation_accuracy);
  g_test_add_func ("/kernels/channels/activation-split", test_activation_split);
  g_test_add_func ("/kernels/channels/sums", test_sums);
  g_test_add_func ("/kernels/channels/affine", test_affine);
  g_test_add_func ("/kernels/channels/weighted-sum", test_weighted_sum);
  return g_test_run ();
}
