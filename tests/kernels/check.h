/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the programs that test and time kernels share: the rows, random numbers, guarded memory,
 * comparisons, and the way to main(). Random numbers come from GLib's test generator: the seed is
 * printed at the start, --seed repeats a run.
 */
#ifndef FBNET_TESTS_CHECK_H
#define FBNET_TESTS_CHECK_H

#include "kernels/kernels.h"

/* --- The program ------------------------------------------------------------------------------ */

/* Tests; with --bench as the first argument a benchmark, of the rows that the other arguments name or
 * of all. */
int check_main (int argc, char **argv, void (*add_tests) (void), void (*bench) (void));

/* The rows that this processor runs, NULL-terminated; in the SIMDe programs the row that is emulated
 * before them; in a benchmark those that were asked for. */
const Kernels *const *check_rows (void);

/* Tests of one kind of data each, under names that begin with `prefix`. */
typedef struct {
  const char *name;
  GTestDataFunc func;
} CheckTest;

void check_add_tests (const char *prefix, gconstpointer data, const CheckTest *tests, guint n);

/* Fails the test, saying why, and goes on. */
void check_failed (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* --- Memory ----------------------------------------------------------------------------------- */

/* A block that ends where it ends: ASan sees a read beyond it. It begins at a multiple of 64 bytes, as
 * the engine's buffers do, when `element` is 0 and in benchmarks; in tests otherwise `element` bytes
 * further, so that it is aligned to nothing more. For check_free(). */
gpointer check_alloc (gsize size, gsize element);
void check_free (gpointer block);

static inline void
check_autofree (void *pointer)
{
  check_free (*(gpointer *) pointer);
}

#define CHECK_AUTOFREE __attribute__ ((cleanup (check_autofree)))

/* n floats in -1 … 1. */
float *check_floats (gsize n);

typedef enum {
  FILL_RANDOM,
  FILL_LEAST, /* all 0, all -128 */
  FILL_MOST,  /* all 255, all 127 */
  FILL_EDGES, /* least or most, at random */
  N_FILLS
} Fill;

/* n bytes and Q_SLACK behind them, random and, to valgrind, never written. */
guint8 *check_bytes (gsize n, Fill fill);

/* n bytes with nothing behind them. */
guint8 *check_exact_bytes (gsize n, Fill fill);
gint8 *check_weights (gsize n, Fill fill);

/* Memory for output, between guards: `size` bytes that are CHECK_UNTOUCHED at first. */
typedef struct {
  gpointer data;
  gsize size;
} Guarded;

#define CHECK_UNTOUCHED 0x5a

Guarded guarded_new (gsize size, gsize element);
void guarded_free (Guarded *guarded);

/* Back to what it was at first. */
void guarded_reset (const Guarded *guarded);

/* Fails the test when something wrote beside the bytes. */
void guarded_check (const Guarded *guarded, const char *what);

/* --- Floats ----------------------------------------------------------------------------------- */

#define CHECK_EPSILON 1.1920929e-7 /* of float32 */

/* |got - want| <= bound, or both NaN. */
gboolean check_close (float got, double want, double bound);

/* The results of the first rows whose multiply-adds are fused, and whose products are rounded before they are
 * added. NULL at first. */
typedef struct {
  float *fused, *rounded;
} CheckBits;

void check_bits_clear (CheckBits *bits);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CheckBits, check_bits_clear)

/* Fails the test when a row's bits are not those of the first one that adds as it does. After ACT_SWISH and
 * ACT_SIGMOID those of the row "c", whose exponential is the C library's, are nobody else's. */
void check_same_bits (CheckBits *bits, const Kernels *row, Activation act, const Guarded *out,
    const char *what);

/* The same where all rows give one result: those of the first one. */
void check_exact_bits (CheckBits *bits, const Kernels *row, Activation act, const Guarded *out,
    const char *what);

/* The activation in double. */
double check_activation (double x, Activation act);

const char *check_activation_name (Activation act);

#define CHECK_N_ACTIVATIONS 6

static inline Activation
check_any_activation (void)
{
  return (Activation) g_test_rand_int_range (0, CHECK_N_ACTIVATIONS);
}

/* --- Bytes ------------------------------------------------------------------------------------ */

static inline Fill
check_any_fill (void)
{
  return (Fill) g_test_rand_int_range (0, N_FILLS);
}

/* Random bias, scales and offsets for n outputs, such that sums of about `spread` fill the bytes;
 * with `extreme` they are anything that the contract allows. */
QOutput check_output_new (gsize n, double spread, gboolean extreme);
void check_output_clear (QOutput *output);

/* What QOutput's comment says, for an exact sum that has not wrapped yet. */
guint8 check_output_byte (const QOutput *output, gint64 sum, gsize j);

/* clamp (rint (v) + zero, low, 255) in double. */
guint8 check_round (double v, gint32 zero, gint32 low);

/* --- Time ------------------------------------------------------------------------------------- */

/* Microseconds of a call: the best of many samples. */
double check_micros (void (*call) (gconstpointer work), gconstpointer work);

/* A table of rates in Markdown: a line for each of n things, a column for each row of kernels. */
typedef struct {
  const char *what; /* above the names */
  guint n;
  const Kernels *extra; /* one more column, or NULL */
  char *(*name) (guint i);
  double (*rate) (const Kernels *row,
      guint i); /* thousand million of anything a second; 0: the row has none */
} CheckTable;

void check_print (const CheckTable *table);

#endif
