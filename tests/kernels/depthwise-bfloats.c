/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Depthwise convolution of bfloat16: every row of the table that has it against sums in double, and to the bit
 * against the row "c".
 */
#include <math.h>

#include "depthwise.h"

typedef struct {
  BDepthwiseArgs args;
  const DepthwiseCase *t;
  BFloat *sources[MAX_KERNEL];
  const BFloat *rows[MAX_KERNEL];
  float *weight, *bias;
  Guarded out;
} Problem;

static BFloat *
make_row (gsize n)
{
  BFloat *row = check_alloc (n * sizeof *row, sizeof *row);

  for (gsize i = 0; i < n; i++)
    row[i] = bfloat_from_float ((float) g_test_rand_double_range (-1, 1));
  return row;
}

static float *
make_weights (gsize n)
{
  float *weights = check_floats (n);

  for (gsize i = 0; i < n; i++)
    weights[i] = bfloat_to_float (bfloat_from_float (weights[i]));
  return weights;
}

static void
problem_init (Problem *problem, const DepthwiseCase *t)
{
  const gsize out_width = depthwise_out_width (t);

  problem->t = t;
  for (guint r = 0; r < t->kernel; r++) {
    problem->sources[r] = make_row (t->in_width * t->channels);
    problem->rows[r] = t->missing & (1u << r) ? NULL : problem->sources[r];
  }
  problem->weight = make_weights ((gsize) t->kernel * t->kernel * t->channels);
  problem->bias = check_floats (t->channels);
  problem->out = guarded_new (out_width * t->channels * sizeof (BFloat), sizeof (BFloat));
  problem->args = (BDepthwiseArgs){ .out = problem->out.data,
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
  const BDepthwiseArgs *d = &problem->args;
  double sum = d->bias != NULL ? d->bias[c] : 0.0;

  *scale = fabs (sum);
  for (guint r = 0; r < d->kernel; r++)
    for (guint q = 0; q < d->kernel; q++) {
      gsize pixel;
      if (d->rows[r] == NULL || !depthwise_source (problem->t, x, q, &pixel))
        continue;
      const double term = (double) bfloat_to_float (d->rows[r][pixel * d->channels + c])
          * d->weight[(r * d->kernel + q) * d->channels + c];
      sum += term;
      *scale += fabs (term);
    }
  return sum;
}

static void
problem_check (const Problem *problem, const char *row)
{
  const BDepthwiseArgs *d = &problem->args;

  guarded_check (&problem->out, row);
  for (gsize x = 0; x < d->out_width; x++)
    for (gsize c = 0; c < d->channels; c++) {
      double scale;
      const double want = check_activation (reference (problem, x, c, &scale), d->act);
      const float got = bfloat_to_float (d->out[x * d->channels + c]);
      const double bound = 6.0 * CHECK_EPSILON * (scale + fabs (want));
      if (check_close (got, want, bound + (fabs (want) + bound) / 256))
        continue;
      check_failed ("%s: k %u s %u p %u u %u, width %zu, channels %zu, %s: pixel %zu, channel %zu: "
                    "expected %.9g, found %.9g",
          row, d->kernel, d->stride, d->pad, d->upsample, d->in_width, d->channels,
          check_activation_name (d->act), x, c, want, got);
      return;
    }
}

void
depthwise_check_bfloats (const DepthwiseCase *t)
{
  g_auto (CheckBits) bits = { NULL };
  Problem problem;

  problem_init (&problem, t);
  for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
    if (!kernels_have_bfloats (*row))
      continue;
    (*row)->bfloats.depthwise_row (&problem.args);
    problem_check (&problem, (*row)->name);
    check_exact_bits (&bits, *row, t->act, &problem.out, "depthwise of bfloat16");
  }
  problem_clear (&problem);
}

typedef struct {
  const BFloatKernels *kernels;
  const BDepthwiseArgs *args;
} Work;

static void
call (gconstpointer data)
{
  const Work *work = data;

  work->kernels->depthwise_row (work->args);
}

double
depthwise_time_bfloats (const Kernels *row, const DepthwiseCase *t)
{
  Problem problem;

  problem_init (&problem, t);
  const double micros = check_micros (call, &(Work){ &row->bfloats, &problem.args });
  problem_clear (&problem);
  return micros;
}
