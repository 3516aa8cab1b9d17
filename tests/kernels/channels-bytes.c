/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels of bytes along channels: every row of the table against the formulas in 64 bits and
 * double, bit for bit.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "channels.h"

/* --- add -------------------------------------------------------------------------------------- */

/* The nearest integer to sum / 2^shift, halves away from zero; by division, not by bits. */
static gint64
divide_rounded (gint64 sum, guint shift)
{
  const gint64 divisor = G_GINT64_CONSTANT (1) << shift;
  const gint64 magnitude = (ABS (sum) + divisor / 2) / divisor;

  return sum < 0 ? -magnitude : magnitude;
}

static guint8
add_reference (guint8 a, guint8 b, const QAdd *add)
{
  const gint64 sum =
      (gint64) a * add->factor_a + (gint64) b * add->factor_b + (gint64) add->constant;

  return (guint8) CLAMP (divide_rounded (sum, add->shift) + add->zero, 0, 255);
}

/* The factors that QNNPACK gives two scales relative to the output's: the larger one has 22 bits. */
static QAdd
add_new (double ratio_a, double ratio_b, gint32 zero_a, gint32 zero_b, gint32 zero)
{
  const gint32 exponent = (gint32) floor (log2 (MAX (ratio_a, ratio_b)));
  const gint32 factor_a = (gint32) lrint (ldexp (ratio_a, 21 - exponent));
  const gint32 factor_b = (gint32) lrint (ldexp (ratio_b, 21 - exponent));

  return (QAdd){ factor_a, factor_b, -(factor_a * zero_a + factor_b * zero_b),
    (guint) (21 - exponent), zero };
}

/* All 65536 pairs of bytes. */
static void
check_add (const QAdd *add)
{
  enum { N = 65536 };
  g_autofree guint8 *a = g_malloc (N), *b = g_malloc (N);
  Guarded out = guarded_new (N, 1);
  const guint8 *got = out.data;

  for (guint i = 0; i < N; i++) {
    a[i] = (guint8) i;
    b[i] = (guint8) (i >> 8);
  }
  for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
    (*row)->bytes.add (out.data, a, b, N, add);
    guarded_check (&out, (*row)->name);
    for (guint i = 0; i < N; i++)
      if (got[i] != add_reference (a[i], b[i], add)) {
        check_failed ("%s: %u * %d + %u * %d + %d >> %u, + %d: expected %u, found %u", (*row)->name,
            a[i], add->factor_a, b[i], add->factor_b, add->constant, add->shift, add->zero,
            add_reference (a[i], b[i], add), got[i]);
        break;
      }
  }
  guarded_free (&out);
}

/* Random scales and zero points, the largest factors, and exact halves on both sides of zero. */
static void
test_add_values (void)
{
  for (guint i = 0; i < 60; i++) {
    const QAdd add = add_new (exp2 (g_test_rand_double_range (-8.0, 8.0)),
        exp2 (g_test_rand_double_range (-8.0, 8.0)), g_test_rand_int_range (0, 256),
        g_test_rand_int_range (0, 256), g_test_rand_int_range (0, 256));
    check_add (&add);
  }
  for (gint32 zero = 0; zero <= 255; zero += 255) {
    const QAdd largest = { 1 << 22, 1 << 22, -2 * zero * (1 << 22), 21, 128 };
    const QAdd quarters = add_new (0.25, 0.25, zero, 128, 100);
    const QAdd steep = { 1 << 22, 1 << 22, -2 * zero * (1 << 22), 1, zero };
    const QAdd flat = { 1 << 22, 1 << 21, -zero * (1 << 22), 30, zero };
    check_add (&largest);
    check_add (&quarters);
    check_add (&steep);
    check_add (&flat);
  }
}

/* Every length up to a few vectors, at every misalignment: nothing beside is written. */
static void
test_add_lengths (void)
{
  const QAdd add = add_new (0.7, 0.4, 12, 200, 90);
  CHECK_AUTOFREE guint8 *a = check_bytes (160, FILL_RANDOM);
  CHECK_AUTOFREE guint8 *b = check_bytes (160, FILL_RANDOM);

  for (const Kernels *const *row = check_rows (); *row != NULL; row++)
    for (gsize n = 0; n <= 150; n++) {
      Guarded out = guarded_new (n, 1);
      const guint8 *got = out.data;
      (*row)->bytes.add (out.data, a + n % 7, b + n % 5, n, &add);
      guarded_check (&out, (*row)->name);
      for (gsize i = 0; i < n; i++)
        g_assert_cmpint (got[i], ==, add_reference (a[n % 7 + i], b[n % 5 + i], &add));
      guarded_free (&out);
    }
}

/* --- quantize, dequantize --------------------------------------------------------------------- */

/* The product rounded to float, as the kernels have it. */
static guint8
quantize_reference (float x, float inverse_scale, gint32 zero)
{
  const float v = (float) ((double) x * inverse_scale);

  return isnan (v) ? 0 : check_round (v, zero, 0);
}

static void
check_quantize (const float *in, gsize n, float inverse_scale, gint32 zero)
{
  Guarded out = guarded_new (n, 1);
  const guint8 *got = out.data;

  for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
    (*row)->bytes.quantize (out.data, in, n, inverse_scale, zero);
    guarded_check (&out, (*row)->name);
    for (gsize i = 0; i < n; i++)
      if (got[i] != quantize_reference (in[i], inverse_scale, zero)) {
        check_failed ("%s: %.9g * %.9g + %d: expected %u, found %u", (*row)->name, in[i],
            inverse_scale, zero, quantize_reference (in[i], inverse_scale, zero), got[i]);
        break;
      }
  }
  guarded_free (&out);
}

/* NaN, infinities, zeros of both signs, the largest and smallest numbers, 2^31 and its neighbours,
 * every half from -300 to 300 and the floats beside it. */
static void
test_quantize_edges (void)
{
  const float special[] = { NAN, -NAN, INFINITY, -INFINITY, 0.0f, -0.0f, FLT_MAX, -FLT_MAX, FLT_MIN,
    -FLT_MIN, 2147483648.0f, -2147483648.0f, 2147483520.0f, 4294967296.0f, 16777217.0f,
    8388608.5f };
  const gint32 zeros[] = { 0, 1, 87, 128, 254, 255 };
  g_autoptr (GArray) in = g_array_new (FALSE, FALSE, sizeof (float));

  g_array_append_vals (in, special, G_N_ELEMENTS (special));
  for (gint half = -600; half <= 600; half++) {
    const float x = 0.5f * (float) half;
    const float near[] = { nextafterf (x, -INFINITY), x, nextafterf (x, INFINITY) };
    g_array_append_vals (in, near, G_N_ELEMENTS (near));
  }
  for (guint z = 0; z < G_N_ELEMENTS (zeros); z++) {
    check_quantize ((const float *) in->data, in->len, 1.0f, zeros[z]);
    check_quantize ((const float *) in->data, in->len, 0.5f, zeros[z]);
    check_quantize ((const float *) in->data, in->len, 1e30f, zeros[z]);
  }
}

/* Random numbers and scales, every length up to a few vectors. */
static void
test_quantize_lengths (void)
{
  float in[150];

  for (gsize n = 0; n <= G_N_ELEMENTS (in); n++) {
    for (gsize i = 0; i < n; i++)
      in[i] = (float) g_test_rand_double_range (-10.0, 10.0);
    check_quantize (in, n, (float) g_test_rand_double_range (1.0, 40.0),
        g_test_rand_int_range (0, 256));
  }
}

/* All bytes at all zero points, and nothing written beside for any length. */
static void
test_dequantize (void)
{
  CHECK_AUTOFREE guint8 *in = check_bytes (256, FILL_RANDOM);

  for (guint i = 0; i < 256; i++)
    in[i] = (guint8) i;
  for (const Kernels *const *row = check_rows (); *row != NULL; row++)
    for (gint32 zero = 0; zero <= 255; zero++) {
      const gsize n = (gsize) (256 - zero / 2);
      const float scale = (float) g_test_rand_double_range (1e-4, 10.0);
      Guarded out = guarded_new (n * sizeof (float), sizeof (float));
      const float *got = out.data;
      (*row)->bytes.dequantize (out.data, in, n, scale, zero);
      guarded_check (&out, (*row)->name);
      for (gsize i = 0; i < n; i++)
        g_assert_cmpfloat (got[i], ==, (float) ((double) ((gint) i - zero) * scale));
      guarded_free (&out);
    }
}

/* --- channel_sums ----------------------------------------------------------------------------- */

/* Added to what is there, for any number of pixels and channels, the largest bytes too. */
static void
test_channel_sums (void)
{
  for (guint i = 0; i < 200; i++) {
    const gsize pixels = (gsize) g_test_rand_int_range (0, i % 20 ? 60 : 3000);
    const gsize channels = (gsize) g_test_rand_int_range (1, 150);
    CHECK_AUTOFREE guint8 *x = check_bytes (pixels * channels, i % N_FILLS);

    for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
      Guarded sum = guarded_new (channels * sizeof (gint32), sizeof (gint32));
      gint32 *sums = sum.data;
      for (gsize c = 0; c < channels; c++)
        sums[c] = (gint32) c * -1000;
      (*row)->bytes.channel_sums (sums, x, pixels, channels);
      guarded_check (&sum, (*row)->name);
      for (gsize c = 0; c < channels; c++) {
        gint64 want = (gint64) c * -1000;
        for (gsize p = 0; p < pixels; p++)
          want += x[p * channels + c];
        g_assert_cmpint (sums[c], ==, want);
      }
      guarded_free (&sum);
    }
  }
}

/* --- gate ------------------------------------------------------------------------------------- */

static guint8
gate_reference (guint8 byte, float scale, gint32 zero_in, gint32 zero)
{
  const float v = (float) ((double) (byte - zero_in) * scale);

  return isnan (v) ? 0 : check_round (v, zero, 0);
}

/* Any number of pixels and channels, gates from none to far beyond the bytes, and what is no number. */
static void
test_gate (void)
{
  for (guint i = 0; i < 200; i++) {
    const gsize pixels = (gsize) g_test_rand_int_range (0, 20);
    const gsize channels = (gsize) g_test_rand_int_range (1, 150);
    const gint32 zero_in = g_test_rand_int_range (0, 256), zero = g_test_rand_int_range (0, 256);
    CHECK_AUTOFREE guint8 *in = check_bytes (pixels * channels, i % N_FILLS);
    g_autofree float *scale = g_new (float, channels);
    for (gsize c = 0; c < channels; c++)
      scale[c] = (float) exp2 (g_test_rand_double_range (-20, 8));
    if (i % 10 == 0)
      scale[0] = i % 20 == 0 ? INFINITY : 0;

    for (const Kernels *const *row = check_rows (); *row != NULL; row++) {
      Guarded out = guarded_new (pixels * channels, 1);
      const guint8 *got = out.data;
      (*row)->bytes.gate (out.data, in, scale, pixels, channels, zero_in, zero);
      guarded_check (&out, (*row)->name);
      for (gsize j = 0; j < pixels * channels; j++)
        g_assert_cmpint (got[j], ==, gate_reference (in[j], scale[j % channels], zero_in, zero));
      guarded_free (&out);
    }
  }
}

/* --- lookup ----------------------------------------------------------------------------------- */

/* Random tables, every byte, every length up to a few vectors, at every misalignment. */
static void
test_lookup (void)
{
  for (const Kernels *const *row = check_rows (); *row != NULL; row++)
    for (gsize n = 0; n <= 600; n++) {
      CHECK_AUTOFREE guint8 *table = check_exact_bytes (256, FILL_RANDOM);
      CHECK_AUTOFREE guint8 *in = check_exact_bytes (n, FILL_RANDOM);
      Guarded bytes = guarded_new (n, 1);
      guint8 *got = bytes.data;
      for (gsize i = 0; i < n; i++)
        got[i] = in[i] = n >= 256 && i < 256 ? (guint8) i : in[i];
      (*row)->bytes.lookup (bytes.data, n, table);
      guarded_check (&bytes, (*row)->name);
      for (gsize i = 0; i < n; i++)
        g_assert_cmpint (got[i], ==, table[in[i]]);
      guarded_free (&bytes);
    }
}

void
channels_add_byte_tests (void)
{
  g_test_add_func ("/kernels/channels/bytes/add-values", test_add_values);
  g_test_add_func ("/kernels/channels/bytes/add-lengths", test_add_lengths);
  g_test_add_func ("/kernels/channels/bytes/quantize-edges", test_quantize_edges);
  g_test_add_func ("/kernels/channels/bytes/quantize-lengths", test_quantize_lengths);
  g_test_add_func ("/kernels/channels/bytes/dequantize", test_dequantize);
  g_test_add_func ("/kernels/channels/bytes/sums", test_channel_sums);
  g_test_add_func ("/kernels/channels/bytes/gate", test_gate);
  g_test_add_func ("/kernels/channels/bytes/lookup", test_lookup);
}

/* --- Benchmark -------------------------------------------------------------------------------- */

#define N_BYTES (CHANNELS_PIXELS * CHANNELS)

typedef struct {
  const ByteKernels *kernels;
  guint8 *out;
  const guint8 *a, *b;
  float *floats;
  gint32 sums[CHANNELS];
} Work;

static void
run_add (gconstpointer data)
{
  const Work *w = data;
  const QAdd add = { 3000000, 2500000, -700000000, 21, 100 };

  w->kernels->add (w->out, w->a, w->b, N_BYTES, &add);
}

static void
run_quantize (gconstpointer data)
{
  const Work *w = data;

  w->kernels->quantize (w->out, w->floats, N_BYTES, 100.0f, 100);
}

static void
run_dequantize (gconstpointer data)
{
  const Work *w = data;

  w->kernels->dequantize (w->floats, w->a, N_BYTES, 0.01f, 100);
}

static void
run_sums (gconstpointer data)
{
  Work *w = (Work *) data;

  memset (w->sums, 0, sizeof w->sums);
  w->kernels->channel_sums (w->sums, w->a, CHANNELS_PIXELS, CHANNELS);
}

static void
run_gate (gconstpointer data)
{
  const Work *w = data;

  w->kernels->gate (w->out, w->a, w->floats, CHANNELS_PIXELS, CHANNELS, 100, 0);
}

static void
run_lookup (gconstpointer data)
{
  const Work *w = data;

  w->kernels->lookup (w->out, N_BYTES, w->b);
}

static const struct {
  const char *name;
  void (*run) (gconstpointer work);
} kinds[] = {
  { "add", run_add },
  { "quantize", run_quantize },
  { "dequantize", run_dequantize },
  { "channel_sums", run_sums },
  { "gate", run_gate },
  { "lookup", run_lookup },
};

static char *
kind_name (guint i)
{
  return g_strdup (kinds[i].name);
}

static double
rate (const Kernels *row, guint i)
{
  CHECK_AUTOFREE guint8 *out = check_bytes (N_BYTES, FILL_RANDOM);
  CHECK_AUTOFREE guint8 *a = check_bytes (N_BYTES, FILL_RANDOM);
  CHECK_AUTOFREE guint8 *b = check_bytes (N_BYTES, FILL_RANDOM);
  CHECK_AUTOFREE float *floats = check_floats (N_BYTES);
  Work work = { .kernels = &row->bytes, .out = out, .a = a, .b = b, .floats = floats };

  return N_BYTES / check_micros (kinds[i].run, &work) * 1e-3;
}

void
channels_bench_bytes (void)
{
  check_print (&(CheckTable){ .what = "bytes: 40 px × 112",
      .n = G_N_ELEMENTS (kinds),
      .name = kind_name,
      .rate = rate });
}
