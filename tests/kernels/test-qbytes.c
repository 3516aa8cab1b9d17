/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The int8 kernels that go along bytes; every row of the int8 table
 * against the formulas in 64 bits and double, bit for bit.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "qcheck.h"

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
  QGuarded out = qguarded_new (N);

  for (guint i = 0; i < N; i++) {
    a[i] = (guint8) i;
    b[i] = (guint8) (i >> 8);
  }
  for (guint r = 0; qcheck_rows ()[r]; r++) {
    qcheck_rows ()[r]->bytes.add (out.data, a, b, N, add);
    qguarded_check (&out, qcheck_rows ()[r]->name);
    for (guint i = 0; i < N; i++)
      if (out.data[i] != add_reference (a[i], b[i], add)) {
        g_test_message ("%s: %u * %d + %u * %d + %d >> %u, + %d: %u, expected %u",
            qcheck_rows ()[r]->name, a[i], add->factor_a, b[i], add->factor_b, add->constant,
            add->shift, add->zero, out.data[i], add_reference (a[i], b[i], add));
        g_test_fail ();
        break;
      }
  }
  qguarded_free (&out);
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
  g_autofree guint8 *a = qcheck_activations (160, QCHECK_RANDOM);
  g_autofree guint8 *b = qcheck_activations (160, QCHECK_RANDOM);

  for (guint r = 0; qcheck_rows ()[r]; r++)
    for (gsize n = 0; n <= 150; n++) {
      QGuarded out = qguarded_new (n);
      qcheck_rows ()[r]->bytes.add (out.data, a + n % 7, b + n % 5, n, &add);
      qguarded_check (&out, qcheck_rows ()[r]->name);
      for (gsize i = 0; i < n; i++)
        g_assert_cmpint (out.data[i], ==, add_reference (a[n % 7 + i], b[n % 5 + i], &add));
      qguarded_free (&out);
    }
}

/* --- quantize, dequantize --------------------------------------------------------------------- */

/* The product rounded to float, as the kernels have it. */
static guint8
quantize_reference (float x, float inverse_scale, gint32 zero)
{
  const float v = (float) ((double) x * inverse_scale);
  return isnan (v) ? 0 : qcheck_round (v, zero, 0);
}

static void
check_quantize (const float *in, gsize n, float inverse_scale, gint32 zero)
{
  QGuarded out = qguarded_new (n);

  for (guint r = 0; qcheck_rows ()[r]; r++) {
    qcheck_rows ()[r]->bytes.quantize (out.data, in, n, inverse_scale, zero);
    qguarded_check (&out, qcheck_rows ()[r]->name);
    for (gsize i = 0; i < n; i++)
      if (out.data[i] != quantize_reference (in[i], inverse_scale, zero)) {
        g_test_message ("%s: %.9g * %.9g + %d: %u, expected %u", qcheck_rows ()[r]->name, in[i],
            inverse_scale, zero, out.data[i], quantize_reference (in[i], inverse_scale, zero));
        g_test_fail ();
        break;
      }
  }
  qguarded_free (&out);
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
  g_autofree guint8 *in = qcheck_activations (256, QCHECK_RANDOM);

  for (guint i = 0; i < 256; i++)
    in[i] = (guint8) i;
  for (guint r = 0; qcheck_rows ()[r]; r++)
    for (gint32 zero = 0; zero <= 255; zero++) {
      const gsize n = (gsize) (256 - zero / 2);
      const float scale = (float) g_test_rand_double_range (1e-4, 10.0);
      QGuarded out = qguarded_new (n * sizeof (float));
      qcheck_rows ()[r]->bytes.dequantize ((float *) out.data, in, n, scale, zero);
      qguarded_check (&out, qcheck_rows ()[r]->name);
      for (gsize i = 0; i < n; i++)
        g_assert_cmpfloat (((float *) out.data)[i], ==,
            (float) ((double) ((gint) i - zero) * scale));
      qguarded_free (&out);
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
    g_autofree guint8 *x = qcheck_activations (pixels * channels, i % QCHECK_N_FILLS);

    for (guint r = 0; qcheck_rows ()[r]; r++) {
      QGuarded sum = qguarded_new (channels * sizeof (gint32));
      gint32 *sums = (gint32 *) sum.data;
      for (gsize c = 0; c < channels; c++)
        sums[c] = (gint32) c * -1000;
      qcheck_rows ()[r]->bytes.channel_sums (sums, x, pixels, channels);
      qguarded_check (&sum, qcheck_rows ()[r]->name);
      for (gsize c = 0; c < channels; c++) {
        gint64 want = (gint64) c * -1000;
        for (gsize p = 0; p < pixels; p++)
          want += x[p * channels + c];
        g_assert_cmpint (sums[c], ==, want);
      }
      qguarded_free (&sum);
    }
  }
}

/* --- gate ------------------------------------------------------------------------------------- */

static guint8
gate_reference (guint8 byte, float scale, gint32 zero_in, gint32 zero)
{
  const float v = (float) ((double) (byte - zero_in) * scale);
  return isnan (v) ? 0 : qcheck_round (v, zero, 0);
}

/* Any number of pixels and channels, gates from none to far beyond the bytes, and what is no number. */
static void
test_gate (void)
{
  for (guint i = 0; i < 200; i++) {
    const gsize pixels = (gsize) g_test_rand_int_range (0, 20);
    const gsize channels = (gsize) g_test_rand_int_range (1, 150);
    const gint32 zero_in = g_test_rand_int_range (0, 256), zero = g_test_rand_int_range (0, 256);
    g_autofree guint8 *in = qcheck_activations (pixels * channels, i % QCHECK_N_FILLS);
    g_autofree float *scale = g_new (float, channels);
    for (gsize c = 0; c < channels; c++)
      scale[c] = (float) exp2 (g_test_rand_double_range (-20, 8));
    if (i % 10 == 0)
      scale[0] = i % 20 == 0 ? INFINITY : 0;

    for (guint r = 0; qcheck_rows ()[r]; r++) {
      QGuarded out = qguarded_new (pixels * channels);
      qcheck_rows ()[r]->bytes.gate (out.data, in, scale, pixels, channels, zero_in, zero);
      qguarded_check (&out, qcheck_rows ()[r]->name);
      for (gsize j = 0; j < pixels * channels; j++)
        g_assert_cmpint (out.data[j], ==,
            gate_reference (in[j], scale[j % channels], zero_in, zero));
      qguarded_free (&out);
    }
  }
}

/* --- lookup ----------------------------------------------------------------------------------- */

/* Random tables, every byte, every length up to a few vectors, at every misalignment. */
static void
test_lookup (void)
{
  for (guint r = 0; qcheck_rows ()[r]; r++)
    for (gsize n = 0; n <= 600; n++) {
      g_autofree guint8 *table = qcheck_activations (256, QCHECK_RANDOM);
      g_autofree guint8 *in = qcheck_activations (n, QCHECK_RANDOM);
      QGuarded bytes = qguarded_new (n);
      for (gsize i = 0; i < n; i++)
        bytes.data[i] = in[i] = n >= 256 && i < 256 ? (guint8) i : in[i];
      qcheck_rows ()[r]->bytes.lookup (bytes.data, n, table);
      qguarded_check (&bytes, qcheck_rows ()[r]->name);
      for (gsize i = 0; i < n; i++)
        g_assert_cmpint (bytes.data[i], ==, table[in[i]]);
      qguarded_free (&bytes);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kernels/qbytes/add-values", test_add_values);
  g_test_add_func ("/kernels/qbytes/add-lengths", test_add_lengths);
  g_test_add_func ("/kernels/qbytes/quantize-edges", test_quantize_edges);
  g_test_add_func ("/kernels/qbytes/quantize-lengths", test_quantize_lengths);
  g_test_add_func ("/kernels/qbytes/dequantize", test_dequantize);
  g_test_add_func ("/kernels/qbytes/channel-sums", test_channel_sums);
  g_test_add_func ("/kernels/qbytes/gate", test_gate);
  g_test_add_func ("/kernels/qbytes/lookup", test_lookup);
  return g_test_run ();
}
