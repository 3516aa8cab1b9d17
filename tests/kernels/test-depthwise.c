/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Depthwise convolution: every row of the table against sums in double.
 */
#include <math.h>

#include "check.h"

#define MAX_KERNEL 7

typedef struct {
  gsize channels, in_width;
  guint kernel, stride, pad, upsample;
  guint missing; /* bit r: kernel row r hangs over the edge */
  gboolean bias;
  Activation act;
} Case;

typedef struct {
  DepthwiseArgs args;
  float *sources[MAX_KERNEL];
  const float *rows[MAX_KERNEL];
  float *weight, *bias;
  Guarded out;
} Problem;

static void
problem_init (Problem *problem, const Case *t)
{
  const gsize walked = t->in_width * t->upsample + 2 * t->pad;
  const gsize out_width = walked < t->kernel ? 0 : (walked - t->kernel) / t->stride + 1;

  for (guint r = 0; r < t->kernel; r++) {
    problem->sources[r] = check_random (t->in_width * t->channels);
    problem->rows[r] = t->missing & (1u << r) ? NULL : problem->sources[r];
  }
  problem->weight = check_random ((gsize) t->kernel * t->kernel * t->channels);
  problem->bias = check_random (t->channels);
  problem->out = guarded_new (out_width * t->channels);
  problem->args = (DepthwiseArgs){ .out = problem->out.data,
    .rows = problem->rows,
    .weight = problem->weight,
    .bias = t->bias ? problem->bias : NULL,
    .channels = t->channels,
    .in_width = t->in_width,
    .out_width = out_width,
    .kernel = t->kernel,
    .stride = t->stride,
    .pad = t->pad,
    .upsample = t->upsample,
    .act = t->act };
}

static void
problem_clear (Problem *problem)
{
  for (guint r = 0; r < problem->args.kernel; r++)
    g_free (problem->sources[r]);
  g_free (problem->weight);
  g_free (problem->bias);
  guarded_free (&problem->out);
}

/* Channel c of pixel x in double, from an up-sampled, zero-padded row that is really looked up
 * pixel by pixel; *scale: the sum of the absolute terms. */
static double
reference (const DepthwiseArgs *d, gsize x, gsize c, double *scale)
{
  double sum = d->bias ? d->bias[c] : 0.0;

  *scale = fabs (sum);
  for (guint r = 0; r < d->kernel; r++)
    for (guint q = 0; q < d->kernel; q++) {
      const gint64 v = (gint64) x * d->stride - d->pad + q;
      if (!d->rows[r] || v < 0 || v >= (gint64) (d->in_width * d->upsample))
        continue;
      const double term = (double) d->rows[r][(gsize) v / d->upsample * d->channels + c]
          * d->weight[(r * d->kernel + q) * d->channels + c];
      sum += term;
      *scale += fabs (term);
    }
  return sum;
}

static void
problem_check (const Problem *problem, const char *row)
{
  const DepthwiseArgs *d = &problem->args;

  guarded_check (&problem->out, row);
  for (gsize x = 0; x < d->out_width; x++)
    for (gsize c = 0; c < d->channels; c++) {
      double scale;
      const double want = check_activation (reference (d, x, c, &scale), d->act);
      g_autofree char *what = g_strdup_printf (
          "%s: k %u s %u p %u u %u, width %zu, channels %zu, %s: pixel %zu, channel %zu", row,
          d->kernel, d->stride, d->pad, d->upsample, d->in_width, d->channels,
          check_activation_name (d->act), x, c);
      if (!check_close (d->out[x * d->channels + c], want,
              6.0 * CHECK_EPSILON * (scale + fabs (want)), what))
        return;
    }
}

static void
check_case (const Case *t)
{
  g_autofree float *first = NULL;
  Problem problem;

  problem_init (&problem, t);
  for (guint r = 0; check_rows ()[r]; r++) {
    check_rows ()[r]->floats.depthwise_row (&problem.args);
    problem_check (&problem, check_rows ()[r]->name);
    if (!check_row_is_simd (check_rows ()[r]))
      continue;
    if (!first)
      first = g_memdup2 (problem.out.data, problem.out.n * sizeof (float));
    g_assert_true (check_same_bits (first, problem.out.data, problem.out.n));
  }
  problem_clear (&problem);
}

/* All kernels, strides and up-samplings at every width up to three groups of pixels: each group
 * size, both edges in one group, and each parity of the first column. Rows with fused
 * multiply-adds agree to the bit. */
static void
test_widths (void)
{
  const guint kernels[] = { 1, 3, 5, 7 };

  for (guint k = 0; k < G_N_ELEMENTS (kernels); k++)
    for (guint stride = 1; stride <= 2; stride++)
      for (guint upsample = 1; upsample <= 2; upsample++)
        for (gsize width = 1; width <= 25; width++) {
          const Case t = { .channels = 16,
            .in_width = width,
            .kernel = kernels[k],
            .stride = stride,
            .pad = kernels[k] / 2,
            .upsample = upsample,
            .bias = TRUE };
          check_case (&t);
        }
}

/* Channels below, at and above the vectors' widths and the channel block. */
static void
test_channels (void)
{
  const gsize channels[] = { 1, 3, 7, 8, 9, 15, 16, 17, 24, 40, 63, 64, 65, 72, 120, 136, 216 };

  for (guint c = 0; c < G_N_ELEMENTS (channels); c++)
    for (guint kernel = 3; kernel <= 5; kernel += 2) {
      const Case t = { .channels = channels[c],
        .in_width = 11,
        .kernel = kernel,
        .stride = 1,
        .pad = kernel / 2,
        .upsample = 1,
        .bias = FALSE,
        .act = ACT_RELU };
      check_case (&t);
    }
}

/* Any subset of the kernel's rows may hang over the image's edge, all of them too. */
static void
test_missing_rows (void)
{
  for (guint missing = 0; missing < 32; missing++) {
    const Case t = { .channels = 24,
      .in_width = 10,
      .kernel = 5,
      .stride = 1,
      .pad = 2,
      .upsample = 1,
      .missing = missing,
      .bias = TRUE };
    check_case (&t);
  }
}

/* Random sizes, paddings (none and more than half the kernel too), up-samplings and activations. */
static void
test_random (void)
{
  for (guint i = 0; i < 400; i++) {
    const guint kernel = (guint) g_test_rand_int_range (1, MAX_KERNEL + 1);
    const Case t = { .channels = (gsize) g_test_rand_int_range (1, 80),
      .in_width = (gsize) g_test_rand_int_range (1, 40),
      .kernel = kernel,
      .stride = (guint) g_test_rand_int_range (1, 4),
      .pad = (guint) g_test_rand_int_range (0, (gint) kernel + 1),
      .upsample = (guint) g_test_rand_int_range (1, 4),
      .missing = (guint) g_test_rand_int_range (0, 1 << kernel) & (guint) g_test_rand_int (),
      .bias = g_test_rand_bit (),
      .act = (Activation) g_test_rand_int_range (0, CHECK_N_ACTIVATIONS) };
    check_case (&t);
  }
}

/* Infinities and NaN reach exactly the outputs whose taps lie over them: nothing is multiplied by
 * zeros that stand in for the edge. */
static void
test_not_finite (void)
{
  const Case t = { .channels = 16,
    .in_width = 20,
    .kernel = 5,
    .stride = 1,
    .pad = 2,
    .upsample = 1 };
  Problem problem;

  problem_init (&problem, &t);
  problem.sources[2][0] = NAN; /* pixel 0, channel 0 */
  problem.sources[2][19 * 16 + 3] = INFINITY;
  for (guint r = 0; check_rows ()[r]; r++) {
    check_rows ()[r]->floats.depthwise_row (&problem.args);
    for (gsize i = 0; i < problem.out.n; i++) {
      const gsize x = i / 16, c = i % 16;
      g_assert_cmpint (isnan (problem.out.data[i]) != 0, ==, c == 0 && x <= 2);
      g_assert_cmpint (isinf (problem.out.data[i]) != 0, ==, c == 3 && x >= 17);
    }
  }
  problem_clear (&problem);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kernels/depthwise/widths", test_widths);
  g_test_add_func ("/kernels/depthwise/channels", test_channels);
  g_test_add_func ("/kernels/depthwise/missing-rows", test_missing_rows);
  g_test_add_func ("/kernels/depthwise/random", test_random);
  g_test_add_func ("/kernels/depthwise/not-finite", test_not_finite);
  return g_test_run ();
}
