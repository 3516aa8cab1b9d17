/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix product of bytes by AMX's tiles: sixteen rows of `a`, 64 numbers along k, times sixteen columns are one
 * instruction. Sums that wrap may go in any order, so the bits are those of every row.
 *
 * Packed weights: panels two vectors wide, the last one perhaps of one, k padded with zeros to whole tiles; a
 * tile of weights is a piece of a panel as it lies. Behind them the same weights as VNNI wants them: it
 * multiplies what is too small to fill tiles.
 */
#include "bytes-vec-avx512vnni.h"
#include "rows.h"
#include "tiles-amx.h"

#define STEP   4 /* neighbours along k in a lane */
#define TILE_K 64
#define PANEL  (2 * QVEC_SIZE)

#define LEAST_K 48 /* measured */

/* --- Weights ---------------------------------------------------------------------------------- */

static gsize
round_up (gsize n, gsize step)
{
  return (n + step - 1) / step * step;
}

/* 0: tiles would be too empty, and VNNI multiplies all. */
static gsize
tiles_size (gsize n, gsize k)
{
  return k < LEAST_K ? 0 : round_up (n, QVEC_SIZE) * round_up (k, TILE_K);
}

gsize
qgemm_packed_size_amx (gsize n, gsize k)
{
  return tiles_size (n, k) + qgemm_packed_size_avx512vnni (n, k);
}

void
qgemm_pack_amx (void *packed, const gint8 *weight, gsize n, gsize k)
{
  gint8 *to = packed;

  for (gsize first = 0; first < n && k >= LEAST_K; first += PANEL) {
    const gsize end = MIN (first + PANEL, round_up (n, QVEC_SIZE));
    for (gsize p = 0; p < round_up (k, TILE_K); p += STEP)
      for (gsize j = first; j < end; j++)
        for (gsize q = p; q < p + STEP; q++)
          *to++ = j < n && q < k ? weight[j * k + q] : 0;
  }
  qgemm_pack_avx512vnni (to, weight, n, k);
}

/* --- Tiles ------------------------------------------------------------------------------------ */

/* Tiles 0 … 3 are sums, 4 and 5 rows of `a`, 6 and 7 weights. All are whole. */
static void
configure (void)
{
  TileConfig config = { .palette = 1 };

  for (guint i = 0; i < 8; i++)
    tile_shape (&config, i, TILE_ROWS, TILE_K);
  _tile_loadconfig (&config);
}

typedef gint32 Sums[TILE_ROWS][QVEC_SIZE];

/* From sixteen rows of sums to bytes, of `count` columns. */
static void
store (const QGemmArgs *g, gsize row, gsize column, gsize count, const Sums sums)
{
  const QLimits limits = qvec_limits (&g->output);
  const QFactors factors = qvec_load_factors (&g->output, column, count);
  const QVec bias = qvec_load_bias (g->output.bias + column, count);

#pragma GCC unroll 4
  for (guint r = 0; r < TILE_ROWS; r += QVEC_STORE) {
    QVec sum[QVEC_STORE];
#pragma GCC unroll 4
    for (guint i = 0; i < QVEC_STORE; i++)
      sum[i] = _mm512_add_epi32 (_mm512_load_si512 (sums[r + i]), bias);
    qvec_store (g->c + (row + r) * g->ldc + column, g->ldc, sum, QVEC_STORE, factors, limits,
        count);
  }
}

/* Rows `top` … and `bottom` …, sixteen each, times the panel's columns from `column` on. */
static void
multiply_pair (const QGemmArgs *g, const gint8 *weights, gsize column, gsize top, gsize bottom)
{
  Sums sums[4] __attribute__ ((aligned (64)));

  tile_zero_four ();
  for (gsize p = 0; p < g->k; p += TILE_K, weights += TILE_K * PANEL) {
    _tile_loadd (6, weights, PANEL * STEP);
    _tile_loadd (4, g->a + top * g->lda + p, g->lda);
    _tile_dpbusd (0, 4, 6);
    _tile_loadd (7, weights + QVEC_SIZE * STEP, PANEL * STEP);
    _tile_dpbusd (1, 4, 7);
    _tile_loadd (5, g->a + bottom * g->lda + p, g->lda);
    _tile_dpbusd (2, 5, 6);
    _tile_dpbusd (3, 5, 7);
  }
  tile_store_four (sums);
  const gsize count = MIN (QVEC_SIZE, g->n - column - QVEC_SIZE);
  store (g, top, column, QVEC_SIZE, sums[0]);
  store (g, top, column + QVEC_SIZE, count, sums[1]);
  store (g, bottom, column, QVEC_SIZE, sums[2]);
  store (g, bottom, column + QVEC_SIZE, count, sums[3]);
}

/* The same of a panel of one vector. */
static void
multiply_lone (const QGemmArgs *g, const gint8 *weights, gsize column, gsize top, gsize bottom)
{
  const gsize count = g->n - column;
  Sums sums[4] __attribute__ ((aligned (64)));

  tile_zero_four ();
  for (gsize p = 0; p < g->k; p += TILE_K, weights += TILE_K * QVEC_SIZE) {
    _tile_loadd (6, weights, QVEC_SIZE * STEP);
    _tile_loadd (4, g->a + top * g->lda + p, g->lda);
    _tile_dpbusd (0, 4, 6);
    _tile_loadd (5, g->a + bottom * g->lda + p, g->lda);
    _tile_dpbusd (2, 5, 6);
  }
  tile_store_four (sums);
  store (g, top, column, count, sums[0]);
  store (g, bottom, column, count, sums[2]);
}

/* Two times sixteen rows over all panels, so that they stay in the first-level cache. */
static void
multiply_rows (const QGemmArgs *g, gsize top, gsize bottom)
{
  const gint8 *weights = g->packed;

  for (gsize column = 0; column < g->n; column += PANEL) {
    if (g->n - column > QVEC_SIZE)
      multiply_pair (g, weights, column, top, bottom);
    else
      multiply_lone (g, weights, column, top, bottom);
    weights += round_up (g->k, TILE_K) * PANEL;
  }
}

/* What is left at the end lies over rows that are done already, to the same bytes. */
void
qgemm_amx (const QGemmArgs *g)
{
  if (g->m < 2 * TILE_ROWS || g->k < LEAST_K) {
    QGemmArgs few = *g;
    few.packed = (const gint8 *) g->packed + tiles_size (g->n, g->k);
    qgemm_avx512vnni (&few);
    return;
  }
  const gsize last = g->m - TILE_ROWS;
  configure ();
  for (gsize row = 0; row < g->m; row += 2 * TILE_ROWS)
    multiply_rows (g, MIN (row, last), MIN (row + TILE_ROWS, last));
  _tile_release ();
}
