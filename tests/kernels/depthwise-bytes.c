/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Depthwise convolution of bytes: every row of the table against sums in 64 bits, bit for bit.
 */
#include "depthwise.h"

typedef struct {
  QDepthwiseArgs args;
  const DepthwiseCase *t;
  guint8 *sources[MAX_KERNEL];
  const guint8 *rows[MAX_KERNEL];
  gint8 *weight;
  Guarded out;
} Problem;

static void
problem_init (Problem *problem, const DepthwiseCase *t)
{
  const gsize out_width = depthwise_out_width (t);

  problem->t = t;
  for (guint r = 0; r < t->kernel; r++) {
    problem->sources[r] = check_bytes (t->in_width * t->channels, t->source);
    problem->rows[r] = t->missing & (1u << r) ? NULL : problem->sources[r];
  }
  problem->weight = check_weights ((gsize) t->kernel * t->kernel * t->channels, t->weight);
  problem->out = guarded_new (out_width * t->channels, 1);
  problem->args = (QDepthwiseArgs){ .out = problem->out.data,
    .rows = problem->rows,
    .channels = t->channels,
    .in_width = t->in_width,
    .out_width = out_width,
    .kernel = t->kernel,
    .stride = t->stride,
    .pad = t->pad,
    .upsample = t->upsample,
    .zero_in = (guint8) g_test_rand_int (),
    .output = check_output_new (t->channels, 9000.0 * t->kernel, t->extreme_output) };
}

static void
problem_clear (Problem *problem)
{
  for (guint r = 0; r < problem->t->kernel; r++)
    check_free (problem->sources[r]);
  check_free (problem->weight);
  check_free ((gpointer) problem->args.packed);
  guarded_free (&problem->out);
  check_output_clear (&problem->args.output);
}

/* The weights as this row wants them. */
static void
problem_pack (Problem *problem, const ByteKernels *kernels)
{
  QDepthwiseArgs *d = &problem->args;
  void *packed = check_alloc (kernels->depthwise_packed_size (d->kernel, d->channels), 0);

  kernels->depthwise_pack (packed, problem->weight, d->kernel, d->channels);
  g_clear_pointer ((gpointer *) &d->packed, check_free);
  d->packed = packed;
}

/* Channel c of pixel x. */
static guint8
reference (const Problem *problem, gsize x, gsize c)
{
  const QDepthwiseArgs *d = &problem->args;
  gint64 sum = 0;

  for (guint r = 0; r < d->kernel; r++)
    for (guint q = 0; q < d->kernel; q++) {
      gsize pixel;
      const gboolean over = d->rows[r] == NULL || !depthwise_source (problem->t, x, q, &pixel);
      const gint64 value = over ? d->zero_in : d->rows[r][pixel * d->channels + c];
      sum += value * problem->weight[(r * d->kernel + q) * d->channels + c];
    }
  return check_output_byte (&d->output, sum, c);
}

static void
problem_check (const Problem *problem, const guint8 *want, const char *row)
{
  const QDepthwiseArgs *d = &problem->args;

  guarded_check (&problem->out, row);
  for (gsize i = 0; i < problem->out.size; i++)
    if (d->out[i] != want[i]) {
      check_failed ("%s: k %u s %u p %u u %u, width %zu, channels %zu: pixel %zu, channel %zu: "
                    "expected %u, found %u",
          row, d->kernel, d->stride, d->pad, d->upsample, d->in_width, d->channels, i / d->channels,
          i % d->channels, want[i], d->out[i]);
      return;
    }
}

void
depthwise_check_bytes (const DepthwiseCase *t)
{
  Problem problem;

  problem_init (&problem, t);
  g_autofree guint8 *want = g_malloc (MAX (problem.out.size, 1));
  for (gsize i = 0; i < problem.out.size; i++)
    want[i] = reference (&problem, i / t->channels, i % t->channels);
  for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
    problem_pack (&problem, &(*row)->bytes);
    (*row)->bytes.depthwise_row (&problem.args);
    problem_check (&problem, want, (*row)->name);
  }
  problem_clear (&problem);
}

typedef struct {
  const ByteKernels *kernels;
  const QDepthwiseArgs *args;
} Work;

static void
call (gconstpointer data)
{
  const Work *work = data;

  work->kernels->depthwise_row (work->args);
}

double
depthwise_time_bytes (const Kernels *row, const DepthwiseCase *t)
{
  Problem problem;

  problem_init (&problem, t);
  problem_pack (&problem, &row->bytes);
  const double micros = check_micros (call, &(Work){ &row->bytes, &problem.args });
  problem_clear (&problem);
  return micros;
}
