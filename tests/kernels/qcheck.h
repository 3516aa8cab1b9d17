/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the tests of the int8 kernels share: the rows to test, random bytes, guarded memory, and the
 * way from a sum to a byte in 64-bit integers and double. Random numbers come from GLib's test
 * generator: the seed is printed at the start, --seed repeats a run.
 */
#ifndef FBNET_TESTS_QCHECK_H
#define FBNET_TESTS_QCHECK_H

#include "kernels/kernels.h"

/* The rows that this processor can run, NULL-terminated; in the SIMDe programs the row that is
 * emulated before them. */
const Kernels *const *qcheck_rows (void);

typedef enum {
  QCHECK_RANDOM,
  QCHECK_LEAST, /* all 0, all -128 */
  QCHECK_MOST,  /* all 255, all 127 */
  QCHECK_EDGES, /* least or most, at random */
  QCHECK_N_FILLS
} QCheckFill;

/* n bytes and Q_SLACK random ones behind them, in a block of exactly that size: a read beyond is
 * seen by ASan, an output that depends on the slack by valgrind. */
guint8 *qcheck_activations (gsize n, QCheckFill fill);

gint8 *qcheck_weights (gsize n, QCheckFill fill);

/* 64-byte aligned, for g_aligned_free(). */
void *qcheck_packed_new (gsize size);

/* n bytes between guards. */
typedef struct {
  guint8 *data;
  gsize n;
} QGuarded;

QGuarded qguarded_new (gsize n);
void qguarded_free (QGuarded *guarded);

/* Fails the test when something wrote beside the n bytes. */
void qguarded_check (const QGuarded *guarded, const char *what);

/* Random bias, scales and offsets for n outputs, such that sums of about `spread` fill the bytes;
 * with `extreme` they are anything that the contract allows. */
QOutput qcheck_output_new (gsize n, double spread, gboolean extreme);
void qcheck_output_clear (QOutput *output);

/* What QOutput's comment says, for an exact sum that has not wrapped yet. */
guint8 qcheck_output_byte (const QOutput *output, gint64 sum, gsize j);

/* clamp (rint (v) + zero, low, 255) in double. */
guint8 qcheck_round (double v, gint32 zero, gint32 low);

#endif
