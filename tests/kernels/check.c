/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the programs that test and time kernels share.
 */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "timing.h"

#ifdef CHECK_SIMDE
#  include "kernels/rows.h"
#endif
#ifdef HAVE_VALGRIND
#  include <valgrind/memcheck.h>
#endif

/* --- The program ------------------------------------------------------------------------------ */

static gboolean benchmarking;
static const char *const *wanted; /* names of rows; empty: all */

#ifdef CHECK_SIMDE
/* The AVX-512 sources, compiled over SIMDe: what they compute is tested on every machine. */
static const Kernels row_simde = {
  .name = "avx512 (SIMDe)",
  .cpu_flags = CPU_AVX2,
  .floats = {
      .gemm_packed_size = gemm_packed_size_avx512,
      .gemm_pack = gemm_pack_avx512,
      .gemm = gemm_avx512,
      .depthwise_row = depthwise_row_avx512,
      .channel_sums = channel_sums_avx512,
      .channel_affine = channel_affine_avx512,
      .weighted_sum = weighted_sum_avx512,
      .activate = activate_avx512,
  },
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

static gboolean
is_wanted (const Kernels *row)
{
  return wanted == NULL || wanted[0] == NULL || g_strv_contains (wanted, row->name);
}

const Kernels *const *
check_rows (void)
{
  static const Kernels *rows[16];
  guint n = 0;

  if (rows[0] != NULL)
    return rows;
#ifdef CHECK_SIMDE
  if (cpu_flags () & CPU_AVX2)
    rows[n++] = &row_simde;
#endif
  for (const Kernels *const *row = kernels_list (); *row != NULL; row++) {
    g_assert (n + 1 < G_N_ELEMENTS (rows));
    if (is_wanted (*row))
      rows[n++] = *row;
  }
  return rows;
}

int
check_main (int argc, char **argv, void (*add_tests) (void), void (*bench) (void))
{
  benchmarking = argc > 1 && g_str_equal (argv[1], "--bench");
  if (benchmarking) {
    wanted = (const char *const *) argv + 2;
    argc = 1;
  }
  g_test_init (&argc, &argv, NULL);
  if (benchmarking) {
    bench ();
    return 0;
  }
  add_tests ();
  return g_test_run ();
}

void
check_add_tests (const char *prefix, gconstpointer data, const CheckTest *tests, guint n)
{
  for (guint i = 0; i < n; i++) {
    g_autofree char *path = g_strconcat (prefix, tests[i].name, NULL);
    g_test_add_data_func (path, data, tests[i].func);
  }
}

void
check_failed (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  g_test_message ("%s", text);
  g_test_fail ();
}

/* --- Memory ----------------------------------------------------------------------------------- */

#define ALIGNMENT 64

gpointer
check_alloc (gsize size, gsize element)
{
  const gsize offset = benchmarking ? 0 : element;

  g_assert (element < ALIGNMENT);
  return (guint8 *) g_aligned_alloc (offset + MAX (size, 1), 1, ALIGNMENT) + offset;
}

void
check_free (gpointer block)
{
  g_aligned_free ((gpointer) ((gsize) block & ~(gsize) (ALIGNMENT - 1)));
}

float *
check_floats (gsize n)
{
  float *numbers = check_alloc (n * sizeof *numbers, sizeof *numbers);

  for (gsize i = 0; i < n; i++)
    numbers[i] = (float) g_test_rand_double_range (-1.0, 1.0);
  return numbers;
}

static guint8
fill_byte (Fill fill, guint8 least, guint8 most)
{
  switch (fill) {
    case FILL_LEAST:
      return least;
    case FILL_MOST:
      return most;
    case FILL_EDGES:
      return g_test_rand_bit () ? least : most;
    default:
      return (guint8) g_test_rand_int ();
  }
}

static guint8 *
filled (gsize n, gsize slack, Fill fill, guint8 least, guint8 most)
{
  guint8 *bytes = check_alloc (n + slack, 1);

  for (gsize i = 0; i < n; i++)
    bytes[i] = fill_byte (fill, least, most);
  for (gsize i = n; i < n + slack; i++)
    bytes[i] = (guint8) g_test_rand_int ();
#ifdef HAVE_VALGRIND
  VALGRIND_MAKE_MEM_UNDEFINED (bytes + n, slack);
#endif
  return bytes;
}

guint8 *
check_bytes (gsize n, Fill fill)
{
  return filled (n, Q_SLACK, fill, 0, 255);
}

guint8 *
check_exact_bytes (gsize n, Fill fill)
{
  return filled (n, 0, fill, 0, 255);
}

gint8 *
check_weights (gsize n, Fill fill)
{
  return (gint8 *) filled (n, 0, fill, 0x80, 0x7f);
}

#define GUARD 64

Guarded
guarded_new (gsize size, gsize element)
{
  guint8 *block = check_alloc (size + 2 * GUARD, element);

  memset (block, CHECK_UNTOUCHED, size + 2 * GUARD);
  return (Guarded){ block + GUARD, size };
}

void
guarded_free (Guarded *guarded)
{
  check_free ((guint8 *) guarded->data - GUARD);
  guarded->data = NULL;
}

void
guarded_reset (const Guarded *guarded)
{
  memset (guarded->data, CHECK_UNTOUCHED, guarded->size);
}

void
guarded_check (const Guarded *guarded, const char *what)
{
  const guint8 *bytes = guarded->data;

  for (gsize i = 0; i < GUARD; i++)
    if (bytes[-1 - (gssize) i] != CHECK_UNTOUCHED || bytes[guarded->size + i] != CHECK_UNTOUCHED) {
      check_failed ("%s: wrote beside its %" G_GSIZE_FORMAT " bytes", what, guarded->size);
      return;
    }
}

/* --- Floats ----------------------------------------------------------------------------------- */

gboolean
check_close (float got, double want, double bound)
{
  return (isnan (got) && isnan (want)) || got == want || fabs (got - want) <= bound;
}

void
check_bits_clear (CheckBits *bits)
{
  g_clear_pointer (&bits->fused, g_free);
  g_clear_pointer (&bits->rounded, g_free);
}

/* Where the bits that the row's are to be compared with stand; NULL: there are none. */
static float **
first_bits (CheckBits *bits, const Kernels *row, Activation act)
{
  if (row->cpu_flags & (CPU_AVX2 | CPU_NEON))
    return &bits->fused;
  if (row->floats.split_shows || act == ACT_SWISH || act == ACT_SIGMOID)
    return NULL;
  return &bits->rounded;
}

static void
compare_bits (float **first, const Kernels *row, const Guarded *out, const char *what)
{
  if (first == NULL || out->size == 0)
    return;
  if (*first == NULL)
    *first = g_memdup2 (out->data, out->size);
  if (memcmp (*first, out->data, out->size) != 0)
    check_failed ("%s: %s: expected the bits of the first row, found others", what, row->name);
}

void
check_same_bits (CheckBits *bits, const Kernels *row, Activation act, const Guarded *out,
    const char *what)
{
  compare_bits (first_bits (bits, row, act), row, out, what);
}

void
check_exact_bits (CheckBits *bits, const Kernels *row, Activation act, const Guarded *out,
    const char *what)
{
  if (act != ACT_SWISH && act != ACT_SIGMOID)
    compare_bits (&bits->rounded, row, out, what);
}

static double
hsigmoid (double x)
{
  return isnan (x) ? x : CLAMP (x + 3.0, 0.0, 6.0) / 6.0;
}

double
check_activation (double x, Activation act)
{
  switch (act) {
    case ACT_RELU:
      return x < 0.0 ? 0.0 : x;
    case ACT_HSWISH:
      return x * hsigmoid (x);
    case ACT_SWISH:
      return x / (1.0 + exp (-x));
    case ACT_SIGMOID:
      return 1.0 / (1.0 + exp (-x));
    case ACT_HSIGMOID:
      return hsigmoid (x);
    case ACT_NONE:
      break;
  }
  return x;
}

const char *
check_activation_name (Activation act)
{
  static const char *const names[CHECK_N_ACTIVATIONS] = { "none", "relu", "hswish", "swish",
    "sigmoid", "hsigmoid" };

  return names[act];
}

/* --- Bytes ------------------------------------------------------------------------------------ */

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
check_output_new (gsize n, double spread, gboolean extreme)
{
  gint32 *bias = check_alloc (n * sizeof *bias, sizeof *bias);
  float *scale = check_alloc (n * sizeof *scale, sizeof *scale);
  float *offset = check_alloc (n * sizeof *offset, sizeof *offset);
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
check_output_clear (QOutput *output)
{
  check_free ((gpointer) output->bias);
  check_free ((gpointer) output->scale);
  check_free ((gpointer) output->offset);
}

guint8
check_round (double v, gint32 zero, gint32 low)
{
  const double shifted = rint (v) + zero;

  return (guint8) (shifted > low ? MIN (shifted, 255.0) : low);
}

/* A product or a sum of two floats, rounded to double and then to float, is the float operation's:
 * 53 bits are more than twice 24 and two. */
guint8
check_output_byte (const QOutput *output, gint64 sum, gsize j)
{
  const guint64 wrapped = (guint64) (sum + output->bias[j]) & G_MAXUINT32;
  const gint64 biased =
      wrapped > G_MAXINT32 ? (gint64) wrapped - (G_GINT64_CONSTANT (1) << 32) : (gint64) wrapped;
  const float scaled = (float) ((double) (float) biased * output->scale[j]);
  const float moved = (float) ((double) scaled + output->offset[j]);

  return check_round (moved, output->zero, output->low);
}

/* --- Time ------------------------------------------------------------------------------------- */

#define N_SAMPLES     51
#define SAMPLE_MICROS 200.0

double
check_micros (void (*call) (gconstpointer work), gconstpointer work)
{
  call (work);
  double least = timing_calls (call, work, 1);
  const guint n_calls = (guint) MAX (SAMPLE_MICROS / MAX (least, 0.1), 1.0);

  for (guint i = 0; i < N_SAMPLES; i++)
    least = MIN (least, timing_calls (call, work, n_calls));
  return least;
}

static void
print_heading (const CheckTable *table)
{
  printf ("\n| %-24s |", table->what);
  for (const Kernels *const *row = check_rows (); *row != NULL; row++)
    printf (" %-8s |", (*row)->name);
  if (table->extra != NULL)
    printf (" %s |", table->extra->name);
  printf ("\n|---|");
  for (const Kernels *const *row = check_rows (); *row != NULL; row++)
    printf ("---|");
  printf (table->extra != NULL ? "---|\n" : "\n");
}

void
check_print (const CheckTable *table)
{
  print_heading (table);
  for (guint i = 0; i < table->n; i++) {
    g_autofree char *name = table->name (i);
    printf ("| %-24s |", name);
    for (const Kernels *const *row = check_rows (); *row != NULL; row++)
      printf (" %8.1f |", table->rate (*row, i));
    if (table->extra != NULL)
      printf (" %8.1f |", table->rate (table->extra, i));
    printf ("\n");
    fflush (stdout);
  }
}
