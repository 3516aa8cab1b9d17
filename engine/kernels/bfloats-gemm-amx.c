/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix product of bfloat16 by AMX's tiles: sixteen rows of `a`, 32 numbers along k, times sixteen columns are one
 * instruction, which sums the products of even and of odd numbers apart and adds both: an order of its own.
 *
 * Packed weights: panels two vectors wide, the last one perhaps of one, of pairs along k, so that a tile of
 * weights is a piece of a panel as it lies. Of an odd k, which none of D2Go's layers has, they are those of
 * "avx512bf16", which then multiplies.
 */
#include "floats-vec-avx512.h"

#include "bfloats-numbers-avx512bf16.h"
#include "tiles-amx.h"

#define TILE_K 32
#define PANEL  (2 * VEC_SIZE)

/* --- Weights ---------------------------------------------------------------------------------- */

gsize
bgemm_packed_size_amx (gsize n, gsize k)
{
  return bgemm_packed_size_avx512bf16 (n, k);
}

void
bgemm_pack_amx (BFloat *packed, const float *weight, gsize n, gsize k)
{
  if (k % 2 != 0) {
    bgemm_pack_avx512bf16 (packed, weight, n, k);
    return;
  }
  for (gsize first = 0; first < n; first += PANEL) {
    const gsize end = MIN (first + PANEL, (n + VEC_SIZE - 1) / VEC_SIZE * VEC_SIZE);
    for (gsize p = 0; p < k; p += 2)
      for (gsize j = first; j < end; j++)
        for (gsize q = p; q < p + 2; q++)
          *packed++ = j < n ? bfloat_from_float (weight[j * k + q]) : 0;
  }
}

/* --- Tiles ------------------------------------------------------------------------------------ */

/* Tiles 0 … 3 are sums of two times sixteen rows and two times sixteen columns, 4 rows of `a`, 5 weights, 6 and 7
 * the same of what k leaves over. Of fewer rows than sixteen there are only so many. */
static void
configure (const BGemmArgs *g)
{
  const guint rows = (guint) MIN (g->m, TILE_ROWS), pairs = (guint) (g->k % TILE_K / 2);
  TileConfig config = { .palette = 1 };

  for (guint i = 0; i < 5; i++)
    tile_shape (&config, i, rows, 64);
  tile_shape (&config, 5, TILE_K / 2, 64);
  if (pairs > 0) {
    tile_shape (&config, 6, rows, 4 * pairs);
    tile_shape (&config, 7, pairs, 64);
  }
  _tile_loadconfig (&config);
}

typedef float Sums[TILE_ROWS][VEC_SIZE];

/* What follows the sums of up to sixteen rows and `count` columns. */
static void
store (const BGemmArgs *g, gsize row, gsize column, gsize count, const Sums sums)
{
  const Vec least = number_least (g->act);
  const Vec bias = g->bias != NULL ? vec_load_tail (g->bias + column, count) : vec_zero ();

  for (gsize r = 0; r < MIN (g->m, TILE_ROWS); r++) {
    Vec x = vec_add (vec_load (sums[r]), bias);
    if (g->residual != NULL)
      x = vec_add (x, vec_load_tail (g->residual + (row + r) * g->ldr + column, count));
    sum_store_tail (g, (row + r) * g->ldc + column, x, count, least);
  }
}

/* Rows `top` … and `bottom` …, sixteen each, times a panel of two vectors, the columns from `column` on. */
static void
multiply_pair (const BGemmArgs *g, const BFloat *weights, gsize column, gsize top, gsize bottom)
{
  const gsize stride = g->lda * sizeof (BFloat), whole = g->k / TILE_K * TILE_K;
  const BFloat *a = g->a + top * g->lda, *b = g->a + bottom * g->lda;
  const gsize count = MIN (VEC_SIZE, g->n - column - VEC_SIZE);
  Sums sums[4] __attribute__ ((aligned (64)));

  tile_zero_four ();
  for (gsize p = 0; p < whole; p += TILE_K, weights += TILE_K * PANEL) {
    _tile_loadd (4, a + p, stride);
    _tile_loadd (5, weights, 4 * PANEL);
    _tile_dpbf16ps (0, 4, 5);
    _tile_loadd (5, weights + 2 * VEC_SIZE, 4 * PANEL);
    _tile_dpbf16ps (1, 4, 5);
    _tile_loadd (4, b + p, stride);
    _tile_dpbf16ps (3, 4, 5);
    _tile_loadd (5, weights, 4 * PANEL);
    _tile_dpbf16ps (2, 4, 5);
  }
  if (whole < g->k) {
    _tile_loadd (6, a + whole, stride);
    _tile_loadd (7, weights, 4 * PANEL);
    _tile_dpbf16ps (0, 6, 7);
    _tile_loadd (7, weights + 2 * VEC_SIZE, 4 * PANEL);
    _tile_dpbf16ps (1, 6, 7);
    _tile_loadd (6, b + whole, stride);
    _tile_dpbf16ps (3, 6, 7);
    _tile_loadd (7, weights, 4 * PANEL);
    _tile_dpbf16ps (2, 6, 7);
  }
  tile_store_four (sums);
  store (g, top, column, VEC_SIZE, sums[0]);
  store (g, top, column + VEC_SIZE, count, sums[1]);
  if (top == bottom)
    return;
  store (g, bottom, column, VEC_SIZE, sums[2]);
  store (g, bottom, column + VEC_SIZE, count, sums[3]);
}

/* The same of a panel of one vector. */
static void
multiply_lone (const BGemmArgs *g, const BFloat *weights, gsize column, gsize top, gsize bottom)
{
  const gsize stride = g->lda * sizeof (BFloat), whole = g->k / TILE_K * TILE_K;
  const BFloat *a = g->a + top * g->lda, *b = g->a + bottom * g->lda;
  Sums sums[4] __attribute__ ((aligned (64)));

  tile_zero_four ();
  for (gsize p = 0; p < whole; p += TILE_K, weights += TILE_K * VEC_SIZE) {
    _tile_loadd (4, a + p, stride);
    _tile_loadd (5, weights, 4 * VEC_SIZE);
    _tile_dpbf16ps (0, 4, 5);
    _tile_loadd (4, b + p, stride);
    _tile_dpbf16ps (2, 4, 5);
  }
  if (whole < g->k) {
    _tile_loadd (6, a + whole, stride);
    _tile_loadd (7, weights, 4 * VEC_SIZE);
    _tile_dpbf16ps (0, 6, 7);
    _tile_loadd (6, b + whole, stride);
    _tile_dpbf16ps (2, 6, 7);
  }
  tile_store_four (sums);
  store (g, top, column, g->n - column, sums[0]);
  if (top != bottom)
    store (g, bottom, column, g->n - column, sums[2]);
}

static void
multiply_rows (const BGemmArgs *g, gsize top, gsize bottom)
{
  const BFloat *weights = g->packed;

  for (gsize column = 0; column < g->n; column += PANEL, weights += g->k * PANEL) {
    if (g->n - column > VEC_SIZE)
      multiply_pair (g, weights, column, top, bottom);
    else
      multiply_lone (g, weights, column, top, bottom);
  }
}

/* What is left at the end lies over rows that are done already, to the same bits, from a residual that lies
 * elsewhere. */
void
bgemm_amx (const BGemmArgs *g)
{
  const gsize last = g->m > TILE_ROWS ? g->m - TILE_ROWS : 0;

  if (g->k % 2 != 0) {
    bgemm_avx512bf16 (g);
    return;
  }
  if (g->m == 0)
    return;
  configure (g);
  for (gsize row = 0; row < g->m; row += 2 * TILE_ROWS)
    multiply_rows (g, MIN (row, last), MIN (row + TILE_ROWS, last));
  _tile_release ();
}
