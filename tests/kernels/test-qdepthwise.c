/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Depthwise convolution of bytes: every row of the int8 table against sums in 64 bits, bit for bit.
 */
#include "qcheck.h"

#define MAX_KERNEL 7

typedef struct {
  gsize channels, in_width;
  guint kernel, stride, pad, upsample;
  guint missing; /* bit r: kernel row r hangs over the edge */
  QCheckFill source, weight;
  gboolean extreme_output;
} Case;

typedef struct {
  QDepthwiseArgs args;
  guint8 *sources[MAX_KERNEL];
  const guint8 *rows[MAX_KERNEL];
  gint8 *weight;
  QGuarded out;
} Problem;

static void
problem_init (Problem *problem, const Case *t)
{
  const gsize walked = t->in_width * t->upsample + 2 * t->pad;
  const gsize out_width = walked < t->kernel ? 0 : (walked - t->kernel) / t->stride + 1;

  for (guint r = 0; r < t->kernel; r++) {
    problem->sources[r] = qcheck_activations (t->in_width * t->channels, t->source);
    problem->rows[r] = t->missing & (1u << r) ? NULL : problem->sources[r];
  }
  problem->weight = qcheck_weights ((gsize) t->kernel * t->kernel * t->channels, t->weight);
  problem->out = qguarded_new (out_width * t->channels);
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
    .output = qcheck_output_new (t->channels, 9000.0 * t->kernel, t->extreme_output) };
}

static void
problem_clear (Problem *problem)
{
  for (guint r = 0; r < problem->args.kernel; r++)
    g_free (problem->sources[r]);
  g_free (problem->weight);
  qguarded_free (&problem->out);
  qcheck_output_clear (&problem->args.output);
}

/* Channel c of pixel x, from an up-sampled row that is really looked up pixel by pixel. */
static guint8
reference (const Problem *problem, gsize x, gsize c)
{
  const QDepthwiseArgs *d = &problem->args;
  gint64 sum = 0;

  for (guint r = 0; r < d->kernel; r++)
    for (guint q = 0; q < d->kernel; q++) {
      const gint64 v = (gint64) x * d->stride - d->pad + q;
      const gboolean over = !d->rows[r] || v < 0 || v >= (gint64) (d->in_width * d->upsample);
      const gint64 value =
          over ? d->zero_in : d->rows[r][(gsize) v / d->upsample * d->channels + c];
      sum += value * problem->weight[(r * d->kernel + q) * d->channels + c];
    }
  return qcheck_output_byte (&d->output, sum, c);
}

static void
problem_run (Problem *problem, const Kernels *row)
{
  QDepthwiseArgs *d = &problem->args;
  void *packed = qcheck_packed_new (row->bytes.depthwise_packed_size (d->kernel, d->channels));

  row->bytes.depthwise_pack (packed, problem->weight, d->kernel, d->channels);
  d->packed = packed;
  row->bytes.depthwise_row (d);
  g_aligned_free (packed);
}

static void
problem_check (const Problem *problem, const guint8 *want, const char *row)
{
  const QDepthwiseArgs *d = &problem->args;

  qguarded_check (&problem->out, row);
  for (gsize i = 0; i < problem->out.n; i++)
    if (problem->out.data[i] != want[i]) {
      g_test_message ("%s: k %u s %u p %u u %u, width %zu, channels %zu: pixel %zu, channel %zu: "
                      "%u, expected %u",
          row, d->kernel, d->stride, d->pad, d->upsample, d->in_width, d->channels, i / d->channels,
          i % d->channels, problem->out.data[i], want[i]);
      g_test_fail ();
      return;
    }
}

static void
check_case (const Case *t)
{
  Problem problem;

  problem_init (&problem, t);
  g_autofree guint8 *want = g_malloc (MAX (problem.out.n, 1));
  for (gsize i = 0; i < problem.out.n; i++)
    want[i] = reference (&problem, i / t->channels, i % t->channels);
  for (guint r = 0; qcheck_rows ()[r]; r++) {
    problem_run (&problem, qcheck_rows ()[r]);
    problem_check (&problem, want, qcheck_rows ()[r]->name);
  }
  problem_clear (&problem);
}

/* All kernels, strides and up-samplings at every width up to three groups of pixels: each group
 * size, both edges in one group, and each parity of the first column. */
static void
test_widths (void)
{
  const guint kernels[] = { 1, 3, 5, 7 };

  for (guint k = 0; k < G_N_ELEMENTS (kernels); k++)
    for (guint stride = 1; stride <= 3; stride++)
      for (guint upsample = 1; upsample <= 3; upsample++)
        for (gsize width = 1; width <= 25; width++)
          check_case (&(Case){ .channels = 16,
              .in_width = width,
              .kernel = kernels[k],
              .stride = stride,
              .pad = kernels[k] / 2,
              .upsample = upsample });
}

/* Channels below, at and above the vectors' widths and the channel block. */
static void
test_channels (void)
{
  const gsize channels[] = { 1, 3, 7, 8, 9, 15, 16, 17, 24, 40, 63, 64, 65, 72, 120, 136, 216,
    448 };

  for (guint c = 0; c < G_N_ELEMENTS (channels); c++)
    for (guint kernel = 3; kernel <= 5; kernel += 2)
      check_case (&(Case){ .channels = channels[c],
          .in_width = 11,
          .kernel = kernel,
          .stride = 1,
          .pad = kernel / 2,
          .upsample = 1 });
}

/* Any subset of the kernel's rows may hang over the image's edge, all of them too. */
static void
test_missing_rows (void)
{
  for (guint kernel = 3; kernel <= 5; kernel += 2)
    for (guint missing = 0; missing < 1u << kernel; missing++)
      check_case (&(Case){ .channels = 24,
          .in_width = 20,
          .kernel = kernel,
          .stride = 1,
          .pad = 2,
          .upsample = 1,
          .missing = missing });
}

/* Bytes at the ends of their ranges: where an instruction that saturates would. */
static void
test_extremes (void)
{
  for (guint kernel = 3; kernel <= 5; kernel += 2)
    for (guint stride = 1; stride <= 2; stride++)
      for (QCheckFill source = 0; source < QCHECK_N_FILLS; source++)
        for (QCheckFill weight = 0; weight < QCHECK_N_FILLS; weight++)
          check_case (&(Case){ .channels = 40,
              .in_width = 20,
              .kernel = kernel,
              .stride = stride,
              .pad = kernel / 2,
              .upsample = 1,
              .source = source,
              .weight = weight });
}

/* Random sizes, paddings (none and more than half the kernel too), up-samplings, bytes and
 * outputs: any bias, so that sums wrap, and any finite scale and offset. */
static void
test_random (void)
{
  for (guint i = 0; i < 800; i++) {
    const guint kernel = (guint) g_test_rand_int_range (1, MAX_KERNEL + 1);
    check_case (&(Case){ .channels = (gsize) g_test_rand_int_range (1, 80),
        .in_width = (gsize) g_test_rand_int_range (1, 40),
        .kernel = kernel,
        .stride = (guint) g_test_rand_int_range (1, 4),
        .pad = (guint) g_test_rand_int_range (0, (gint) kernel + 1),
        .upsample = (guint) g_test_rand_int_range (1, 4),
        .missing = (guint) g_test_rand_int_range (0, 1 << kernel) & (guint) g_test_rand_int (),
        .source = (QCheckFill) g_test_rand_int_range (0, QCHECK_N_FILLS),
        .weight = (QCheckFill) g_test_rand_int_range (0, QCHECK_N_FILLS),
        .extreme_output = g_test_rand_int_range (0, 4) == 0 });
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kernels/qdepthwise/widths", test_widths);
  g_test_add_func ("/kernels/qdepthwise/channels", test_channels);
  g_test_add_func ("/kernels/qdepthwise/missing-rows", test_missing_rows);
  g_test_add_func ("/kernels/qdepthwise/extremes", test_extremes);
  g_test_add_func ("/kernels/qdepthwise/random", test_random);
  return g_test_run ();
}
