/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels of floats along channels: every row of the table against the definitions in double.
 */
#include <math.h>
#include <string.h>

#include "channels.h"

static gsize
random_size (gint most)
{
  return (gsize) g_test_rand_int_range (1, most + 1);
}

/* --- activate --------------------------------------------------------------------------------- */

static void
check_edge (const Guarded *out, const Kernels *row, Activation act, float edge)
{
  const gsize n = out->size / sizeof (float);
  const double want = check_activation (edge, act);
  /* sigmoid may become 0 where it leaves float32's normal numbers */
  const double bound = 4.0 * CHECK_EPSILON * fabs (want) + 3e-36;
  float *x = out->data;

  for (gsize i = 0; i < n; i++)
    x[i] = edge;
  row->floats.activate (x, n, act);
  guarded_check (out, row->name);
  for (gsize i = 0; i < n; i++)
    if (!check_close (x[i], want, bound)) {
      check_failed ("%s: %s (%g): expected %.9g, found %.9g", row->name,
          check_activation_name (act), edge, want, x[i]);
      return;
    }
}

/* Activations at zeros, at the corners of relu6, where exp () overflows and underflows, at
 * infinities and at NaN, at each place in a vector and in a tail. */
static void
test_activation_edges (void)
{
  const float edges[] = { 0.0f, -0.0f, 1e-30f, -1e-30f, 1e-42f, 3.0f, -3.0f, 2.9999998f,
    -2.9999998f, 6.0f, 20.0f, -20.0f, 86.9f, -86.9f, 87.3f, -87.3f, 87.4f, -87.4f, 88.8f, -88.8f,
    104.0f, -104.0f, 1e10f, -1e10f, 3e38f, -3e38f, INFINITY, NAN };
  Guarded x = guarded_new (35 * sizeof (float), sizeof (float));

  for (guint act = 0; act < CHECK_N_ACTIVATIONS; act++)
    for (guint e = 0; e < G_N_ELEMENTS (edges); e++)
      for (const Kernels *const *row = check_rows (); *row != NULL; row++)
        check_edge (&x, *row, (Activation) act, edges[e]);
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
    for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
      memcpy (y, x, n * sizeof *x);
      (*row)->floats.activate (y, n, (Activation) act);
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
  CHECK_AUTOFREE float *x = check_floats (n);

  for (gsize i = 0; i < n; i++)
    x[i] *= 10.0f;
  for (guint act = 0; act < CHECK_N_ACTIVATIONS; act++)
    for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
      g_autofree float *whole = g_memdup2 (x, n * sizeof *x);
      g_autofree float *parts = g_memdup2 (x, n * sizeof *x);
      (*row)->floats.activate (whole, n, (Activation) act);
      for (gsize i = 0, step; i < n; i += step) {
        step = random_size (37);
        step = MIN (step, n - i);
        (*row)->floats.activate (parts + i, step, (Activation) act);
      }
      g_assert_cmpmem (whole, n * sizeof *x, parts, n * sizeof *x);
    }
}

/* --- channel_sums ----------------------------------------------------------------------------- */

/* Adds to 2 * channels sums what the definition says. */
static void
add_sums (double *sums, const float *x, gsize pixels, gsize channels, gboolean squares)
{
  for (gsize p = 0; p < pixels; p++)
    for (gsize c = 0; c < channels; c++) {
      const double value = x[p * channels + c];
      sums[c] += value;
      sums[channels + c] += squares ? value * value : 0.0;
    }
}

/* Sums are the definition's to the bit in every row: doubles, pixel by pixel, added to what is
 * there; with and without the squares. */
static void
test_sums (void)
{
  for (guint round = 0; round < 100; round++) {
    const gsize pixels = random_size (60) - 1, channels = random_size (50);
    const gsize size = 2 * channels * sizeof (double);
    const gboolean squares = g_test_rand_bit ();
    CHECK_AUTOFREE float *x = check_floats (pixels * channels);
    g_autofree double *start = g_new (double, 2 * channels);
    Guarded got = guarded_new (size, sizeof (double));
    double *sums = got.data;

    for (gsize c = 0; c < 2 * channels; c++)
      start[c] = 0.5;
    g_autofree double *want = g_memdup2 (start, size);
    add_sums (want, x, pixels, channels, squares);
    for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
      memcpy (sums, start, size);
      (*row)->floats.channel_sums (sums, squares ? sums + channels : NULL, x, pixels, channels);
      guarded_check (&got, (*row)->name);
      g_assert_cmpmem (sums, size, want, size);
    }
    guarded_free (&got);
  }
}

/* --- channel_affine --------------------------------------------------------------------------- */

/* Scale, shift (or none), residual (or none), activation, in place, nothing beside. */
static void
test_affine (void)
{
  for (guint round = 0; round < 200; round++) {
    const gsize pixels = random_size (10) - 1, channels = random_size (50), n = pixels * channels;
    const Activation act = check_any_activation ();
    CHECK_AUTOFREE float *x = check_floats (n);
    CHECK_AUTOFREE float *residual = check_floats (n);
    CHECK_AUTOFREE float *scale = check_floats (channels);
    CHECK_AUTOFREE float *shift = check_floats (channels);
    const gboolean with_shift = g_test_rand_bit (), with_residual = g_test_rand_bit ();
    g_auto (CheckBits) bits = { NULL };
    Guarded out = guarded_new (n * sizeof (float), sizeof (float));

    for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
      memcpy (out.data, x, out.size);
      (*row)->floats.channel_affine (out.data, scale, with_shift ? shift : NULL,
          with_residual ? residual : NULL, pixels, channels, act);
      guarded_check (&out, (*row)->name);
      for (gsize i = 0; i < n; i++) {
        const gsize c = i % channels;
        const double sum = (double) x[i] * scale[c] + (with_shift ? shift[c] : 0.0)
            + (with_residual ? residual[i] : 0.0);
        g_assert_cmpfloat_with_epsilon (((float *) out.data)[i], check_activation (sum, act),
            16.0 * CHECK_EPSILON);
      }
      check_same_bits (&bits, *row, act, &out, "channel_affine");
    }
    guarded_free (&out);
  }
}

/* --- weighted_sum ----------------------------------------------------------------------------- */

static void
check_weighted_sum (const float *out, const float *const *source, const float *weight, gsize n,
    gsize channels)
{
  for (gsize c = 0; c < channels; c++) {
    double sum = 0.0, scale = 0.0;
    for (gsize t = 0; t < n; t++) {
      sum += (double) weight[t] * source[t][c];
      scale += fabs ((double) weight[t] * source[t][c]);
    }
    g_assert_cmpfloat (fabs (out[c] - sum), <=, 4.0 * CHECK_EPSILON * scale);
  }
}

/* Weighted sums of 0 … many sources; rows that add alike agree to the bit. */
static void
test_weighted_sum (void)
{
  for (guint round = 0; round < 100; round++) {
    const gsize n = random_size (40) - 1, channels = random_size (150);
    CHECK_AUTOFREE float *data = check_floats (n * channels);
    CHECK_AUTOFREE float *weight = check_floats (n);
    g_autofree const float **source = g_new (const float *, n + 1);
    g_auto (CheckBits) bits = { NULL };
    Guarded out = guarded_new (channels * sizeof (float), sizeof (float));

    for (gsize t = 0; t < n; t++)
      source[t] = data + (n - 1 - t) * channels;
    for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
      (*row)->floats.weighted_sum (out.data, source, weight, n, channels);
      guarded_check (&out, (*row)->name);
      check_weighted_sum (out.data, source, weight, n, channels);
      check_same_bits (&bits, *row, ACT_NONE, &out, "weighted_sum");
    }
    guarded_free (&out);
  }
}

void
channels_add_float_tests (void)
{
  g_test_add_func ("/kernels/channels/floats/activation-edges", test_activation_edges);
  g_test_add_func ("/kernels/channels/floats/activation-accuracy", test_activation_accuracy);
  g_test_add_func ("/kernels/channels/floats/activation-split", test_activation_split);
  g_test_add_func ("/kernels/channels/floats/sums", test_sums);
  g_test_add_func ("/kernels/channels/floats/affine", test_affine);
  g_test_add_func ("/kernels/channels/floats/weighted-sum", test_weighted_sum);
}

/* --- Benchmark -------------------------------------------------------------------------------- */

typedef struct {
  const FloatKernels *kernels;
  float *x;
  const float *scale;
  const float *source[CHANNELS_PIXELS];
  double sums[2 * CHANNELS];
  Activation act;
} Work;

static void
run_activate (gconstpointer data)
{
  const Work *w = data;

  w->kernels->activate (w->x, CHANNELS_PIXELS * CHANNELS, w->act);
}

static void
run_affine (gconstpointer data)
{
  const Work *w = data;

  w->kernels->channel_affine (w->x, w->scale, w->scale, NULL, CHANNELS_PIXELS, CHANNELS, ACT_RELU);
}

static void
run_sums (gconstpointer data)
{
  Work *w = (Work *) data;

  w->kernels->channel_sums (w->sums, w->sums + CHANNELS, w->x, CHANNELS_PIXELS, CHANNELS);
}

static void
run_weighted_sum (gconstpointer data)
{
  const Work *w = data;

  w->kernels->weighted_sum (w->x, w->source, w->scale, CHANNELS_PIXELS, CHANNELS);
}

static const struct {
  const char *name;
  void (*run) (gconstpointer work);
  Activation act;
} kinds[] = {
  { "activate hswish", run_activate, ACT_HSWISH },
  { "activate swish", run_activate, ACT_SWISH },
  { "activate sigmoid", run_activate, ACT_SIGMOID },
  { "channel_affine", run_affine, ACT_NONE },
  { "channel_sums", run_sums, ACT_NONE },
  { "weighted_sum", run_weighted_sum, ACT_NONE },
};

static char *
kind_name (guint i)
{
  return g_strdup (kinds[i].name);
}

static double
rate (const Kernels *row, guint i)
{
  CHECK_AUTOFREE float *x = check_floats (CHANNELS_PIXELS * CHANNELS);
  CHECK_AUTOFREE float *scale = check_floats (CHANNELS);
  Work work = { .kernels = &row->floats, .x = x, .scale = scale, .act = kinds[i].act };

  for (guint p = 0; p < CHANNELS_PIXELS; p++)
    work.source[p] = x + p * CHANNELS;
  return CHANNELS_PIXELS * CHANNELS / check_micros (kinds[i].run, &work) * 1e-3;
}

void
channels_bench_floats (void)
{
  check_print (&(CheckTable){ .what = "floats: 40 px × 112",
      .n = G_N_ELEMENTS (kinds),
      .name = kind_name,
      .rate = rate });
}
