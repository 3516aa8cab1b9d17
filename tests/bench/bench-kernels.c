/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Speed of the kernel table, row by row, on the shapes of D2Go's networks; next to the matrix
 * products stands plain cblas_sgemm(). Numbers are GFLOP/s, two per multiply-add: the best and the
 * median of many samples, on the calling thread.
 */
#include <cblas.h>
#include <stdio.h>

#include "base/cpu.h"
#include "kernels/kernels.h"
#include "shapes.h"
#include "timing.h"

#define N_SAMPLES     51
#define SAMPLE_MICROS 200.0

static Timing
measure (TimedFunc func, gconstpointer work)
{
  double samples[N_SAMPLES];
  func (work);
  const double once = MAX (timing_calls (func, work, 1), 0.1);
  const guint n_calls = (guint) MAX (SAMPLE_MICROS / once, 1.0);

  for (guint i = 0; i < N_SAMPLES; i++)
    samples[i] = timing_calls (func, work, n_calls);
  return timing_of (samples, N_SAMPLES);
}

static void
print_rate (double flops, Timing timing)
{
  printf (" %6.1f %6.1f |", flops / timing.least * 1e-3, flops / timing.median * 1e-3);
}

/* --- Rows ------------------------------------------------------------------------------------- */

#define MAX_ROWS 8

/* Those of `names` (NULL: all) that this processor runs. */
static guint
runnable_rows (const Kernels *rows[MAX_ROWS], const char *const *names)
{
  guint n = 0;
  for (guint i = 0; kernels_list ()[i] && n < MAX_ROWS; i++) {
    const Kernels *row = kernels_list ()[i];
    if ((cpu_flags () & row->cpu_flags) != row->cpu_flags)
      continue;
    if (!names || g_strv_contains (names, row->name))
      rows[n++] = row;
  }
  return n;
}

static void
print_heading (const char *what, const Kernels *const *rows, guint n_rows, const char *last)
{
  printf ("\n| %-24s |", what);
  for (guint r = 0; r < n_rows; r++)
    printf (" %-13s |", rows[r]->name);
  printf (last ? " %-13s |\n|---|" : "\n|---|", last);
  for (guint r = 0; r < n_rows + (last != NULL); r++)
    printf ("---|");
  printf ("\n");
}

/* --- Matrix products -------------------------------------------------------------------------- */

typedef struct {
  const Kernels *kernels;
  GemmArgs args;
} GemmWork;

static void
run_gemm (gconstpointer data)
{
  const GemmWork *work = data;
  work->kernels->floats.gemm (&work->args);
}

static void
run_sgemm (gconstpointer data)
{
  const GemmArgs *g = &((const GemmWork *) data)->args;
  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasTrans, (blasint) g->m, (blasint) g->n,
      (blasint) g->k, 1.0f, g->a, (blasint) g->lda, g->packed, (blasint) g->k, 0.0f, g->c,
      (blasint) g->ldc);
}

static void
bench_gemm (const GemmShape *shape, const Kernels *const *rows, guint n_rows)
{
  const gsize m = shape->m, n = shape->n, k = shape->k;
  const double flops = 2.0 * (double) m * (double) n * (double) k;
  float *a = random_floats (m * k), *weight = random_floats (n * k);
  float *bias = random_floats (n), *c = random_floats (m * n);
  GemmWork work = { .args = { .m = m,
                        .n = n,
                        .k = k,
                        .a = a,
                        .lda = k,
                        .bias = bias,
                        .c = c,
                        .ldc = n,
                        .act = ACT_RELU } };

  printf ("| %4u × %3u → %3u         |", shape->m, shape->k, shape->n);
  for (guint r = 0; r < n_rows; r++) {
    float *packed = random_floats (rows[r]->floats.gemm_packed_size (n, k));
    rows[r]->floats.gemm_pack (packed, weight, n, k);
    work.kernels = rows[r];
    work.args.packed = packed;
    print_rate (flops, measure (run_gemm, &work));
    g_aligned_free (packed);
  }
  work.args.packed = weight;
  print_rate (flops, measure (run_sgemm, &work));
  printf ("\n");

  g_aligned_free (a);
  g_aligned_free (weight);
  g_aligned_free (bias);
  g_aligned_free (c);
}

/* --- Depthwise convolutions ------------------------------------------------------------------- */

typedef struct {
  const Kernels *kernels;
  DepthwiseArgs args;
} DepthwiseWork;

static void
run_depthwise (gconstpointer data)
{
  const DepthwiseWork *work = data;
  work->kernels->floats.depthwise_row (&work->args);
}

/* Multiply-adds of taps that lie over the source; those over the edge are not counted. */
static double
depthwise_flops (const DepthwiseArgs *d)
{
  double n = 0;
  for (gsize x = 0; x < d->out_width; x++)
    for (guint q = 0; q < d->kernel; q++) {
      const gsize v = x * d->stride + q;
      n += v >= d->pad && v - d->pad < d->in_width * d->upsample;
    }
  return 2.0 * n * d->kernel * (double) d->channels;
}

static void
bench_depthwise (const DepthwiseShape *shape, const Kernels *const *rows, guint n_rows)
{
  const gsize channels = shape->channels, walked = shape->in_width * shape->upsample;
  const gsize out_width = (walked + 2 * (shape->kernel / 2) - shape->kernel) / shape->stride + 1;
  const gsize row_size = shape->in_width * channels;
  float *source = random_floats (row_size * shape->kernel);
  float *weight = random_floats (channels * shape->kernel * shape->kernel);
  float *out = random_floats (out_width * channels);
  const float *sources[8];

  for (guint r = 0; r < shape->kernel; r++)
    sources[r] = source + r * row_size;
  DepthwiseWork work = { .args = { .out = out,
                             .rows = sources,
                             .weight = weight,
                             .channels = channels,
                             .in_width = shape->in_width,
                             .out_width = out_width,
                             .kernel = shape->kernel,
                             .stride = shape->stride,
                             .pad = shape->kernel / 2,
                             .upsample = shape->upsample } };

  printf ("| %u×%u /%u ×%u, %3u px × %3u  |", shape->kernel, shape->kernel, shape->stride,
      shape->upsample, shape->in_width, shape->channels);
  for (guint r = 0; r < n_rows; r++) {
    work.kernels = rows[r];
    print_rate (depthwise_flops (&work.args), measure (run_depthwise, &work));
  }
  printf ("\n");

  g_aligned_free (source);
  g_aligned_free (weight);
  g_aligned_free (out);
}

/* --- Along channels --------------------------------------------------------------------------- */

typedef struct {
  const Kernels *kernels;
  float *x;
  const float *scale;
  const float *const *source;
  double *sums;
  gsize pixels, channels;
  Activation act;
} ChannelsWork;

static void
run_activate (gconstpointer data)
{
  const ChannelsWork *w = data;
  w->kernels->floats.activate (w->x, w->pixels * w->channels, w->act);
}

static void
run_affine (gconstpointer data)
{
  const ChannelsWork *w = data;
  w->kernels->floats.channel_affine (w->x, w->scale, w->scale, NULL, w->pixels, w->channels,
      ACT_RELU);
}

static void
run_sums (gconstpointer data)
{
  const ChannelsWork *w = data;
  w->kernels->floats.channel_sums (w->sums, w->sums + w->channels, w->x, w->pixels, w->channels);
}

static void
run_weighted_sum (gconstpointer data)
{
  const ChannelsWork *w = data;
  w->kernels->floats.weighted_sum (w->x, w->source, w->scale, w->pixels, w->channels);
}

static void
bench_channels (const Kernels *const *rows, guint n_rows)
{
  const gsize pixels = 40, channels = 112;
  float *x = random_floats (pixels * channels), *scale = random_floats (channels);
  double *sums = g_new0 (double, 2 * channels);
  const float *source[40];
  static const struct {
    const char *name;
    TimedFunc func;
    Activation act;
  } kinds[] = {
    { "activate hswish", run_activate, ACT_HSWISH },
    { "activate swish", run_activate, ACT_SWISH },
    { "activate sigmoid", run_activate, ACT_SIGMOID },
    { "channel_affine", run_affine, ACT_NONE },
    { "channel_sums", run_sums, ACT_NONE },
    { "weighted_sum", run_weighted_sum, ACT_NONE },
  };

  for (guint p = 0; p < pixels; p++)
    source[p] = x + p * channels;
  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++) {
    printf ("| %-24s |", kinds[k].name);
    for (guint r = 0; r < n_rows; r++) {
      const ChannelsWork work = { rows[r], x, scale, source, sums, pixels, channels, kinds[k].act };
      print_rate ((double) (pixels * channels), measure (kinds[k].func, &work));
    }
    printf ("\n");
  }
  g_aligned_free (x);
  g_aligned_free (scale);
  g_free (sums);
}

/* bench-kernels [ROW…] */
int
main (int argc, char **argv)
{
  const Kernels *rows[MAX_ROWS];
  const guint n_rows = runnable_rows (rows, argc > 1 ? (const char *const *) argv + 1 : NULL);

  printf ("GFLOP/s, best and median of %d; OpenBLAS on %d thread(s)\n", N_SAMPLES,
      openblas_get_num_threads ());
  print_heading ("gemm: pixels × k → n", rows, n_rows, "cblas_sgemm");
  for (guint s = 0; s < N_GEMM_SHAPES; s++)
    bench_gemm (&gemm_shapes[s], rows, n_rows);
  print_heading ("depthwise row", rows, n_rows, NULL);
  for (guint s = 0; s < N_DEPTHWISE_SHAPES; s++)
    bench_depthwise (&depthwise_shapes[s], rows, n_rows);
  printf ("\nGnumbers/s");
  print_heading ("40 px × 112 channels", rows, n_rows, NULL);
  bench_channels (rows, n_rows);
  return 0;
}
