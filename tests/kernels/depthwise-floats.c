/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Depthwise convolution of floats: every row of the table against sums in double.
 */
#include <math.h>

#include "depthwise.h"

typedef struct {
  DepthwiseArgs args;
  const DepthwiseCase *t;
  float *sources[MAX_KERNEL];
  const float *rows[MAX_KERNEL];
  float *weight, *bias;
  Guarded out;
} Problem;

static void
problem_init (Problem *problem, const DepthwiseCase *t)
{
  const gsize out_width = depthwise_out_width (t);

  problem->t = t;
  for (guint r = 0; r < t->kernel; r++) {
    problem->sources[r] = check_floats (t->in_width * t->channels);
    problem->rows[r] = t->missing & (1u << r) ? NULL : problem->sources[r];
  }
  problem->weight = check_floats ((gsize) t->kernel * t->kernel * t->channels);
  problem->bias = check_floats (t->channels);
  problem->out = guarded_new (out_width * t->channels * sizeof (float), sizeof (float));
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
  for (guint r = 0; r < problem->t->kernel; r++)
    check_free (problem->sources[r]);
  check_free (problem->weight);
  check_free (problem->bias);
  guarded_free (&problem->out);
}

/* Channel c of pixel x in double; *scale: the sum of the absolute terms. */
static double
reference (const Problem *problem, gsize x, gsize c, double *scale)
{
  const DepthwiseArgs *d = &problem->args;
  double sum = d->bias != NULL ? d->bias[c] : 0.0;

  *scale = fabs (sum);
  for (guint r = 0; r < d->kernel; r++)
    for (guint q = 0; q < d->kernel; q++) {
      gsize pixel;
      if (d->rows[r] == NULL || !depthwise_source (problem->t, x, q, &pixel))
        continue;
      const double term = (double) d->rows[r][pixel * d->channels + c]
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
      const double want = check_activation (reference (problem, x, c, &scale), d->act);
      const float got = d->out[x * d->channels + c];
      if (check_close (got, want, 6.0 * CHECK_EPSILON * (scale + fabs (want))))
        continue;
      check_failed ("%s: k %u s %u p %u u %u, width %zu, channels %zu, %s: pixel %zu, channel %zu: "
                    "expected %.9g, found %.9g",
          row, d->kernel, d->stride, d->pad, d->upsample, d->in_width, d->channels,
          check_activation_name (d->act), x, c, want, got);
      return;
    }
}

void
depthwise_check_floats (const DepthwiseCase *t)
{
  g_auto (CheckBits) bits = { NULL };
  Problem problem;

  problem_init (&problem, t);
  for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
    (*row)->floats.depthwise_row (&problem.args);
    problem_check (&problem, (*row)->name);
    check_same_bits (&bits, *row, t->act, &problem.out, "depthwise");
  }
  problem_clear (&problem);
}

/* Infinities and NaN reach exactly the outputs whose taps lie over them: nothing is multiplied by
 * zeros that stand in for the edge. */
static void
test_not_finite (void)
{
  const DepthwiseCase t = { .channels = 16,
    .in_width = 20,
    .kernel = 5,
    .stride = 1,
    .pad = 2,
    .upsample = 1 };
  Problem problem;

  problem_init (&problem, &t);
  problem.sources[2][0] = NAN; /* pixel 0, channel 0 */
  problem.sources[2][19 * 16 + 3] = INFINITY;
  for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
    (*row)->floats.depthwise_row (&problem.args);
    for (gsize i = 0; i < 20 * 16; i++) {
      const gsize x = i / 16, c = i % 16;
      g_assert_cmpint (isnan (problem.args.out[i]) != 0, ==, c == 0 && x <= 2);
      g_assert_cmpint (isinf (problem.args.out[i]) != 0, ==, c == 3 && x >= 17);
    }
  }
  problem_clear (&problem);
}

void
depthwise_add_float_tests (void)
{
  g_test_add_func ("/kernels/depthwise/floats/not-finite", test_not_finite);
}

typedef struct {
  const FloatKernels *kernels;
  const DepthwiseArgs *args;
} Work;

static void
call (gconstpointer data)
{
  const Work *work = data;

  work->kernels->depthwise_row (work->args);
}

double
depthwise_time_floats (const Kernels *row, const DepthwiseCase *t)
{
  Problem problem;

  problem_init (&problem, t);
  const double micros = check_micros (call, &(Work){ &row->floats, &problem.args });
  problem_clear (&problem);
  return micros;
}
