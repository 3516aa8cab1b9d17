/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Speed of the int8 kernel table on the shapes of D2Go's networks, next to the float row of the same
 * ISA: GOP/s (two per multiply-add), microseconds a call, and the float row's microseconds; the best
 * of many samples in turn, on the calling thread.
 */
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "kernels/kernels.h"
#include "shapes.h"
#include "timing.h"

#define N_SAMPLES     41
#define SAMPLE_MICROS 150.0

/* The best of both, sampled in turn so that a busy machine is busy for both. */
static void
measure_pair (TimedFunc first, TimedFunc second, gconstpointer work, double best[2])
{
  const TimedFunc funcs[] = { first, second };

  for (guint f = 0; f < 2; f++) {
    funcs[f](work);
    best[f] = timing_calls (funcs[f], work, 1);
  }
  for (guint i = 0; i < N_SAMPLES; i++)
    for (guint f = 0; f < 2; f++) {
      const guint n_calls = (guint) MAX (SAMPLE_MICROS / MAX (best[f], 0.1), 1.0);
      best[f] = MIN (best[f], timing_calls (funcs[f], work, n_calls));
    }
}

/* --- Rows ------------------------------------------------------------------------------------- */

typedef struct {
  const Kernels *bytes;
  const Kernels *floats; /* of the same ISA */
} Pair;

#define MAX_PAIRS 8

static const Kernels *
float_row (guint flags)
{
  guint i = 0;
  while ((flags & kernels_list ()[i]->cpu_flags) != kernels_list ()[i]->cpu_flags
      || kernels_list ()[i]->floats.split_shows)
    i++;
  return kernels_list ()[i];
}

/* Those of `names` (NULL: all) that this processor runs. */
static guint
runnable_pairs (Pair pairs[MAX_PAIRS], const char *const *names)
{
  guint n = 0;
  for (guint i = 0; kernels_list ()[i] && n < MAX_PAIRS; i++) {
    const Kernels *row = kernels_list ()[i];
    if ((cpu_flags () & row->cpu_flags) == row->cpu_flags
        && (!names || g_strv_contains (names, row->name)))
      pairs[n++] = (Pair){ row, float_row (row->cpu_flags) };
  }
  return n;
}

static void
print_heading (const char *what, const Pair *pairs, guint n_pairs)
{
  printf ("\n| %-24s |", what);
  for (guint i = 0; i < n_pairs; i++)
    printf (" %s: GOP/s | µs | %s float: µs |", pairs[i].bytes->name, pairs[i].floats->name);
  printf ("\n|---|");
  for (guint i = 0; i < 3 * n_pairs; i++)
    printf ("---|");
  printf ("\n");
}

static void
print_times (double ops, const double micros[2])
{
  printf (" %5.1f | %7.2f | %7.2f |", ops / micros[0] * 1e-3, micros[0], micros[1]);
}

/* --- Memory ----------------------------------------------------------------------------------- */

/* 64-byte aligned, as the engine's buffers are. */
static guint8 *
random_bytes (gsize n)
{
  guint8 *bytes = g_aligned_alloc (n + Q_SLACK, 1, 64);
  for (gsize i = 0; i < n + Q_SLACK; i++)
    bytes[i] = (guint8) g_random_int ();
  return bytes;
}

typedef struct {
  gint32 *bias;
  float *scale, *offset;
} Outputs;

static Outputs
outputs_new (gsize n)
{
  Outputs outputs = { g_new0 (gint32, n), g_new (float, n), g_new0 (float, n) };
  for (gsize j = 0; j < n; j++)
    outputs.scale[j] = 1e-3f;
  return outputs;
}

static void
outputs_clear (Outputs *outputs)
{
  g_free (outputs->bias);
  g_free (outputs->scale);
  g_free (outputs->offset);
}

static QOutput
outputs_args (const Outputs *outputs)
{
  return (QOutput){ outputs->bias, outputs->scale, outputs->offset, .zero = 100, .low = 100 };
}

/* --- Matrix products -------------------------------------------------------------------------- */

typedef struct {
  const Kernels *bytes;
  const Kernels *floats;
  QGemmArgs byte_args;
  GemmArgs float_args;
} GemmWork;

static void
run_byte_gemm (gconstpointer data)
{
  const GemmWork *work = data;
  work->bytes->bytes.gemm (&work->byte_args);
}

static void
run_float_gemm (gconstpointer data)
{
  const GemmWork *work = data;
  work->floats->floats.gemm (&work->float_args);
}

static void
time_gemm (GemmWork *work, const gint8 *byte_weight, const float *float_weight)
{
  const gsize n = work->byte_args.n, k = work->byte_args.k;
  guint8 *bytes = random_bytes (work->bytes->bytes.gemm_packed_size (n, k));
  float *floats = random_floats (work->floats->floats.gemm_packed_size (n, k));
  double micros[2];

  work->bytes->bytes.gemm_pack (bytes, byte_weight, n, k);
  work->floats->floats.gemm_pack (floats, float_weight, n, k);
  work->byte_args.packed = bytes;
  work->float_args.packed = floats;
  measure_pair (run_byte_gemm, run_float_gemm, work, micros);
  print_times (2.0 * (double) (work->byte_args.m * n * k), micros);
  g_aligned_free (bytes);
  g_aligned_free (floats);
}

static void
bench_gemm (const GemmShape *shape, const Pair *pairs, guint n_pairs)
{
  const gsize m = shape->m, n = shape->n, k = shape->k;
  guint8 *a = random_bytes (m * k), *weight = random_bytes (n * k), *c = random_bytes (m * n);
  float *float_a = random_floats (m * k), *float_weight = random_floats (n * k);
  float *float_bias = random_floats (n), *float_c = random_floats (m * n);
  Outputs outputs = outputs_new (n);
  GemmWork work = {
    .byte_args = { m, n, k, a, k, .c = c, .ldc = n, .output = outputs_args (&outputs) },
    .float_args = { m, n, k, float_a, k, .bias = float_bias, .c = float_c, .ldc = n,
        .act = ACT_RELU },
  };

  printf ("| %3u × %3u → %3u          |", shape->m, shape->k, shape->n);
  for (guint i = 0; i < n_pairs; i++) {
    work.bytes = pairs[i].bytes;
    work.floats = pairs[i].floats;
    time_gemm (&work, (const gint8 *) weight, float_weight);
  }
  printf ("\n");

  g_aligned_free (a);
  g_aligned_free (weight);
  g_aligned_free (c);
  g_aligned_free (float_a);
  g_aligned_free (float_weight);
  g_aligned_free (float_bias);
  g_aligned_free (float_c);
  outputs_clear (&outputs);
}

/* --- Depthwise convolutions ------------------------------------------------------------------- */

typedef struct {
  const Kernels *bytes;
  const Kernels *floats;
  QDepthwiseArgs byte_args;
  DepthwiseArgs float_args;
} DepthwiseWork;

static void
run_byte_depthwise (gconstpointer data)
{
  const DepthwiseWork *work = data;
  work->bytes->bytes.depthwise_row (&work->byte_args);
}

static void
run_float_depthwise (gconstpointer data)
{
  const DepthwiseWork *work = data;
  work->floats->floats.depthwise_row (&work->float_args);
}

/* Of taps that lie over the source; those over the edge are not counted. */
static double
depthwise_ops (const QDepthwiseArgs *d)
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
time_depthwise (DepthwiseWork *work, const gint8 *weight)
{
  QDepthwiseArgs *d = &work->byte_args;
  guint8 *packed = random_bytes (work->bytes->bytes.depthwise_packed_size (d->kernel, d->channels));
  double micros[2];

  work->bytes->bytes.depthwise_pack (packed, weight, d->kernel, d->channels);
  d->packed = packed;
  measure_pair (run_byte_depthwise, run_float_depthwise, work, micros);
  print_times (depthwise_ops (d), micros);
  g_aligned_free (packed);
}

static void
bench_depthwise (const DepthwiseShape *shape, const Pair *pairs, guint n_pairs)
{
  const guint kernel = shape->kernel, stride = shape->stride, pad = kernel / 2;
  const gsize channels = shape->channels, walked = shape->in_width * shape->upsample;
  const gsize out_width = (walked + 2 * pad - kernel) / stride + 1;
  const gsize row_size = shape->in_width * channels;
  guint8 *source = random_bytes (row_size * kernel), *out = random_bytes (out_width * channels);
  guint8 *weight = random_bytes (channels * kernel * kernel);
  float *float_source = random_floats (row_size * kernel);
  float *float_out = random_floats (out_width * channels);
  float *float_weight = random_floats (channels * kernel * kernel);
  const guint8 *rows[5];
  const float *float_rows[5];
  Outputs outputs = outputs_new (channels);

  for (guint r = 0; r < kernel; r++) {
    rows[r] = source + r * row_size;
    float_rows[r] = float_source + r * row_size;
  }
  DepthwiseWork work = {
    .byte_args = { out, rows, NULL, channels, shape->in_width, out_width, kernel, stride, pad,
        shape->upsample, 100, outputs_args (&outputs) },
    .float_args = { float_out, float_rows, float_weight, NULL, channels, shape->in_width, out_width,
        kernel, stride, pad, shape->upsample, ACT_RELU },
  };

  printf ("| %u×%u /%u ×%u, %3u px × %3u  |", kernel, kernel, stride, shape->upsample,
      shape->in_width, shape->channels);
  for (guint i = 0; i < n_pairs; i++) {
    work.bytes = pairs[i].bytes;
    work.floats = pairs[i].floats;
    time_depthwise (&work, (const gint8 *) weight);
  }
  printf ("\n");

  g_aligned_free (source);
  g_aligned_free (out);
  g_aligned_free (weight);
  g_aligned_free (float_source);
  g_aligned_free (float_out);
  g_aligned_free (float_weight);
  outputs_clear (&outputs);
}

/* --- Along bytes ------------------------------------------------------------------------------ */

typedef struct {
  const Kernels *bytes;
  guint8 *out;
  const guint8 *a, *b;
  float *floats;
  gint32 *sums;
  gsize pixels, channels;
} BytesWork;

static void
run_add (gconstpointer data)
{
  const BytesWork *w = data;
  const QAdd add = { 3000000, 2500000, -700000000, 21, 100 };
  w->bytes->bytes.add (w->out, w->a, w->b, w->pixels * w->channels, &add);
}

static void
run_quantize (gconstpointer data)
{
  const BytesWork *w = data;
  w->bytes->bytes.quantize (w->out, w->floats, w->pixels * w->channels, 100.0f, 100);
}

static void
run_dequantize (gconstpointer data)
{
  const BytesWork *w = data;
  w->bytes->bytes.dequantize (w->floats, w->a, w->pixels * w->channels, 0.01f, 100);
}

static void
run_sums (gconstpointer data)
{
  const BytesWork *w = data;
  memset (w->sums, 0, w->channels * sizeof *w->sums);
  w->bytes->bytes.channel_sums (w->sums, w->a, w->pixels, w->channels);
}

static void
run_gate (gconstpointer data)
{
  const BytesWork *w = data;
  w->bytes->bytes.gate (w->out, w->a, w->floats, w->pixels, w->channels, 100, 0);
}

static void
run_lookup (gconstpointer data)
{
  const BytesWork *w = data;
  w->bytes->bytes.lookup (w->out, w->pixels * w->channels, w->b);
}

static void
bench_bytes (const Pair *pairs, guint n_pairs)
{
  static const struct {
    const char *name;
    TimedFunc func;
  } kinds[] = {
    { "add", run_add },
    { "quantize", run_quantize },
    { "dequantize", run_dequantize },
    { "channel_sums", run_sums },
    { "gate", run_gate },
    { "lookup", run_lookup },
  };
  BytesWork work = { .pixels = 40, .channels = 112 };
  const gsize n = work.pixels * work.channels;
  guint8 *out = random_bytes (n), *a = random_bytes (n), *b = random_bytes (n);
  g_autofree gint32 *sums = g_new0 (gint32, work.channels);

  work.out = out;
  work.a = a;
  work.b = b;
  work.floats = random_floats (n);
  work.sums = sums;
  printf ("\n| Gnumbers/s, 40 px × 112 channels |");
  for (guint i = 0; i < n_pairs; i++)
    printf (" %s |", pairs[i].bytes->name);
  printf ("\n|---|");
  for (guint i = 0; i < n_pairs; i++)
    printf ("---|");
  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++) {
    printf ("\n| %-24s |", kinds[k].name);
    for (guint i = 0; i < n_pairs; i++) {
      double micros[2];
      work.bytes = pairs[i].bytes;
      measure_pair (kinds[k].func, kinds[k].func, &work, micros);
      printf (" %5.1f |", (double) n / MIN (micros[0], micros[1]) * 1e-3);
    }
  }
  printf ("\n");
  g_aligned_free (out);
  g_aligned_free (a);
  g_aligned_free (b);
  g_aligned_free (work.floats);
}

/* bench-qkernels [ROW…] */
int
main (int argc, char **argv)
{
  Pair pairs[MAX_PAIRS];
  const guint n_pairs = runnable_pairs (pairs, argc > 1 ? (const char *const *) argv + 1 : NULL);

  print_heading ("gemm: pixels × k → n", pairs, n_pairs);
  for (guint s = 0; s < N_GEMM_SHAPES; s++)
    bench_gemm (&gemm_shapes[s], pairs, n_pairs);
  print_heading ("depthwise row", pairs, n_pairs);
  /* Int8 exports have no larger kernels. */
  for (guint s = 0; s < N_DEPTHWISE_SHAPES; s++)
    if (depthwise_shapes[s].kernel <= 5)
      bench_depthwise (&depthwise_shapes[s], pairs, n_pairs);
  bench_bytes (pairs, n_pairs);
  return 0;
}
