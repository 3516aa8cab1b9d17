/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the tests of the int8 kernels share.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "qcheck.h"

#ifdef HAVE_VALGRIND
#  include <valgrind/memcheck.h>
#endif

#ifdef CHECK_SIMDE
#  include "base/cpu.h"
#  include "kernels/rows.h"

/* The sources of the row, compiled over SIMDe: what they compute is tested on every machine. */
static const Kernels row_simde = {
  .name = "avx512vnni (SIMDe)",
  .cpu_flags = CPU_AVX2,
  .bytes = {
      .gemm_packed_size = qgemm_packed_size_avx512vnni,
      .gemm_pack = qgemm_pack_avx512vnni,
      .gemm = qgemm_avx512vnni,
      .depthwise_packed_size = qdepthwise_packed_size_avx512vnni,
      .depthwise_pack = qdepthwise_pack_avx512vnni,
      .depthwise_row = qdepthwise_row_avx512vnni,
      .add = qadd_avx512vnni,
      .quantize = qquantize_avx512vnni,
      .dequantize = qdequantize_avx512vnni,
      .channel_sums = qchannel_sums_avx512vnni,
      .gate = qgate_avx512vnni,
      .lookup = qlookup_c,
  },
};
#endif

const Kernels *const *
qcheck_rows (void)
{
  static const Kernels *rows[16];
  guint n = 0;

#ifdef CHECK_SIMDE
  if (cpu_flags () & CPU_AVX2)
    rows[n++] = &row_simde;
#endif
  for (guint i = 0; kernels_list ()[i]; i++) {
    g_assert (n + 1 < G_N_ELEMENTS (rows));
    rows[n++] = kernels_list ()[i];
  }
  rows[n] = NULL;
  return rows;
}

static guint8
fill_byte (QCheckFill fill, guint8 least, guint8 most)
{
  switch (fill) {
    case QCHECK_LEAST:
      return least;
    case QCHECK_MOST:
      return most;
    case QCHECK_EDGES:
      return g_test_rand_bit () ? least : most;
    default:
      return (guint8) g_test_rand_int ();
  }
}

guint8 *
qcheck_activations (gsize n, QCheckFill fill)
{
  guint8 *bytes = g_malloc (n + Q_SLACK);

  for (gsize i = 0; i < n; i++)
    bytes[i] = fill_byte (fill, 0, 255);
  for (gsize i = n; i < n + Q_SLACK; i++)
    bytes[i] = (guint8) g_test_rand_int ();
#ifdef HAVE_VALGRIND
  VALGRIND_MAKE_MEM_UNDEFINED (bytes + n, Q_SLACK);
#endif
  return bytes;
}

gint8 *
qcheck_weights (gsize n, QCheckFill fill)
{
  gint8 *bytes = g_malloc (MAX (n, 1));

  for (gsize i = 0; i < n; i++)
    bytes[i] = (gint8) fill_byte (fill, 0x80, 0x7f);
  return bytes;
}

void *
qcheck_packed_new (gsize size)
{
  return g_aligned_alloc (MAX (size, 1), 1, 64);
}

#define GUARD       64
#define GUARD_VALUE 0xa5

QGuarded
qguarded_new (gsize n)
{
  guint8 *block = g_malloc (n + 2 * GUARD);

  memset (block, GUARD_VALUE, n + 2 * GUARD);
  return (QGuarded){ block + GUARD, n };
}

void
qguarded_free (QGuarded *guarded)
{
  g_free (guarded->data - GUARD);
  guarded->data = NULL;
}

void
qguarded_check (const QGuarded *guarded, const char *what)
{
  for (gsize i = 0; i < GUARD; i++)
    if (guarded->data[-1 - (gssize) i] != GUARD_VALUE
        || guarded->data[guarded->n + i] != GUARD_VALUE) {
      g_test_message ("%s: wrote beside its %" G_GSIZE_FORMAT " bytes", what, guarded->n);
      g_test_fail ();
      return;
    }
}

/* Any finite float, of any magnitude. */
static float
any_float (void)
{
  float value;

  do {
    const guint32 bits = (guint32) g_test_rand_int ();
    memcpy (&value, &bits, sizeof value);
  } while (!isfinite (value));
  return value;
}

QOutput
qcheck_output_new (gsize n, double spread, gboolean extreme)
{
  gint32 *bias = g_new (gint32, MAX (n, 1));
  float *scale = g_new (float, MAX (n, 1)), *offset = g_new (float, MAX (n, 1));
  const gint32 zero = g_test_rand_int_range (0, 256);

  for (gsize j = 0; j < n; j++) {
    bias[j] = extreme ? g_test_rand_int () : (gint32) g_test_rand_double_range (-spread, spread);
    scale[j] = extreme ? any_float () : (float) (g_test_rand_double_range (0.1, 128.0) / spread);
    offset[j] = extreme      ? any_float ()
        : g_test_rand_bit () ? 0.0f
                             : (float) g_test_rand_double_range (-20.0, 20.0);
  }
  return (QOutput){ bias, scale, offset, zero, g_test_rand_bit () ? zero : 0 };
}

void
qcheck_output_clear (QOutput *output)
{
  g_free ((gpointer) output->bias);
  g_free ((gpointer) output->scale);
  g_free ((gpointer) output->offset);
}

guint8
qcheck_round (double v, gint32 zero, gint32 low)
{
  const double shifted = rint (v) + zero;
  return (guint8) (shifted > low ? MIN (shifted, 255.0) : low);
}

/* A product or a sum of two floats, rounded to double and then to float, is the float operation's:
 * 53 bits are more than twice 24 and two. */
guint8
qcheck_output_byte (const QOutput *output, gint64 sum, gsize j)
{
  const guint64 wrapped = (guint64) (sum + output->bias[j]) & G_MAXUINT32;
  const gint64 biased =
      wrapped > G_MAXINT32 ? (gint64) wrapped - (G_GINT64_CONSTANT (1) << 32) : (gint64) wrapped;
  const float scaled = (float) ((double) (float) biased * output->scale[j]);
  const float moved = (float) ((double) scaled + output->offset[j]);

  return qcheck_round (moved, output->zero, output->low);
}
