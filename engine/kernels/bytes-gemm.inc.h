/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix product of bytes, over the primitives of a bytes-vec-*.h that was included before.
 *
 * Packed weights: the n columns are cut into panels one, two or three vectors wide, the last column
 * padded with zeros; k is cut into steps of four, the last one padded likewise. Within a panel lie what
 * bytes-offset.inc.h says and the steps, within a step its dot products' vectors, ready for the loop. A tile is a few rows of
 * `a` times one panel, held in registers from the bias to the byte; `a` is read in place, and what is
 * read behind a row's end is masked away.
 */
#include "bytes-offset.inc.h"
#include "rows.h"

#define STEP 4 /* along k */

/* `a` rows that one round over all panels takes: they shall stay in the second-level cache. */
#define ROW_BLOCK_BYTES (64 * 1024)

/* Rows per tile of one, two, three vectors: the sums, the vectors of weights, one of `a`, and where a dot
 * product is not one instruction the product, must fit the registers. */
#if QVEC_REGISTERS == 32
#  define TILE_ROWS_1 12
#  define TILE_ROWS_2 12
#  define TILE_ROWS_3 8
#elif QVEC_TAPS != 2
#  define TILE_ROWS_1 8
#  define TILE_ROWS_2 6
#  define TILE_ROWS_3 4
#else
#  define TILE_ROWS_1 8
#  define TILE_ROWS_2 4
#  define TILE_ROWS_3 3
#endif
#define MAX_TILE_ROWS 12

/* Vectors of the next panel when `left` are left: threes, and two twos instead of a last lone one. */
static guint
panel_vectors (gsize left)
{
  return left == 4 ? 2 : (guint) MIN (left, 3);
}

static gsize
steps_of (gsize k)
{
  return (k + STEP - 1) / STEP;
}

gsize
KERNEL (qgemm_packed_size) (gsize n, gsize k)
{
  const gsize columns = (n + QVEC_SIZE - 1) / QVEC_SIZE * QVEC_SIZE;
  return columns * (OFFSET_SIZE + steps_of (k) * STEP) * sizeof (QWeight);
}

static QWeight *
pack_step (QWeight *packed, const gint8 *weight, gsize first, gsize width, gsize p, gsize n,
    gsize k)
{
  for (guint part = 0; part < QVEC_PARTS; part++)
    for (gsize j = first; j < first + width; j++)
      for (guint t = 0; t < QVEC_TAPS; t++) {
        const gsize q = p + QVEC_PLACE (part, t);
        *packed++ = j < n && q < k ? weight[j * k + q] : 0;
      }
  return packed;
}

void
KERNEL (qgemm_pack) (void *packed, const gint8 *weight, gsize n, gsize k)
{
  QWeight *to = packed;

  for (gsize j = 0; j < n;) {
    const gsize width = panel_vectors ((n - j + QVEC_SIZE - 1) / QVEC_SIZE) * QVEC_SIZE;
    to = pack_offsets (to, weight + j * k, n - j, width, k, k, 1);
    for (gsize p = 0; p < k; p += STEP)
      to = pack_step (to, weight, j, width, p, n, k);
    j += width;
  }
}

/* One panel: columns `first` … first + (vectors - 1) * QVEC_SIZE + tail. */
typedef struct {
  const QWeight *weights;
  gsize first;
  gsize tail; /* columns in the last vector, 1 … QVEC_SIZE */
} Panel;

typedef void (*TileFunc) (const QGemmArgs *g, const Panel *panel, gsize row);

/* One step: the first `n` (1 … STEP) of four neighbours along k. */
static inline __attribute__ ((always_inline)) void
multiply (QVec sum[3][MAX_TILE_ROWS], const guint8 *const a[MAX_TILE_ROWS], gsize p,
    const QWeight *weights, const gsize n, const guint rows, const guint vectors)
{
#pragma GCC unroll 4
  for (guint part = 0; part < QVEC_PARTS; part++) {
    const QMask mask = qvec_step_mask (part, n);
    QTaps weight[3];
#pragma GCC unroll 3
    for (guint v = 0; v < vectors; v++, weights += QVEC_SIZE * QVEC_TAPS)
      weight[v] = qvec_load_weights (weights);
#pragma GCC unroll 16
    for (guint r = 0; r < rows; r++) {
      const QTaps x = qvec_broadcast (a[r] + p, part, mask);
#pragma GCC unroll 3
      for (guint v = 0; v < vectors; v++)
        sum[v][r] = qvec_dot_broadcast (sum[v][r], x, weight[v], part);
    }
  }
}

/* The one tile; `rows` and `vectors` are constants where it is inlined. */
static inline __attribute__ ((always_inline)) void
tile (const QGemmArgs *g, const Panel *panel, gsize row, const guint rows, const guint vectors)
{
  const guint8 *a[MAX_TILE_ROWS];
  QVec sum[3][MAX_TILE_ROWS];

#pragma GCC unroll 16
  for (guint r = 0; r < rows; r++)
    a[r] = g->a + (row + r) * g->lda;

#pragma GCC unroll 3
  for (guint v = 0; v < vectors; v++) {
    const gsize count = v + 1 < vectors ? QVEC_SIZE : panel->tail;
    const QVec bias = qvec_load_bias (g->output.bias + panel->first + v * QVEC_SIZE, count);
    const QVec first = add_offsets (bias, panel->weights + v * QVEC_SIZE * OFFSET_SIZE);
#pragma GCC unroll 16
    for (guint r = 0; r < rows; r++)
      sum[v][r] = first;
  }

  /* The last step first: sums that wrap may go in any order, and this one spares moving them all. */
  const QWeight *weights = panel->weights + vectors * QVEC_SIZE * OFFSET_SIZE;
  const gsize step_size = vectors * STEP * QVEC_SIZE, whole = g->k / STEP * STEP;
  if (whole < g->k)
    multiply (sum, a, whole, weights + whole / STEP * step_size, g->k - whole, rows, vectors);
  for (gsize p = 0; p < whole; p += STEP, weights += step_size)
    multiply (sum, a, p, weights, STEP, rows, vectors);

  const QLimits limits = qvec_limits (&g->output);
#pragma GCC unroll 3
  for (guint v = 0; v < vectors; v++) {
    const gsize count = v + 1 < vectors ? QVEC_SIZE : panel->tail;
    const gsize column = panel->first + v * QVEC_SIZE;
    const QFactors factors = qvec_load_factors (&g->output, column, count);
#pragma GCC unroll 16
    for (guint r = 0; r < rows; r += QVEC_STORE)
      qvec_store (g->c + (row + r) * g->ldc + column, g->ldc, sum[v] + r,
          MIN (rows - r, QVEC_STORE), factors, limits, count);
  }
}

#define DEFINE_TILE(rows, vectors)                                                                 \
  static void tile_##rows##x##vectors (const QGemmArgs *g, const Panel *panel, gsize row)          \
  {                                                                                                \
    tile (g, panel, row, rows, vectors);                                                           \
  }

/* clang-format off */
DEFINE_TILE (1, 1) DEFINE_TILE (2, 1) DEFINE_TILE (3, 1) DEFINE_TILE (4, 1)
DEFINE_TILE (5, 1) DEFINE_TILE (6, 1) DEFINE_TILE (7, 1) DEFINE_TILE (8, 1)
DEFINE_TILE (1, 2) DEFINE_TILE (2, 2) DEFINE_TILE (3, 2) DEFINE_TILE (4, 2)
DEFINE_TILE (1, 3) DEFINE_TILE (2, 3) DEFINE_TILE (3, 3)
#if TILE_ROWS_2 > 4
DEFINE_TILE (5, 2) DEFINE_TILE (6, 2) DEFINE_TILE (4, 3)
#endif
#if QVEC_REGISTERS == 32
DEFINE_TILE (9, 1) DEFINE_TILE (10, 1) DEFINE_TILE (11, 1) DEFINE_TILE (12, 1)
DEFINE_TILE (7, 2) DEFINE_TILE (8, 2)
DEFINE_TILE (9, 2) DEFINE_TILE (10, 2) DEFINE_TILE (11, 2) DEFINE_TILE (12, 2)
DEFINE_TILE (5, 3) DEFINE_TILE (6, 3) DEFINE_TILE (7, 3)
DEFINE_TILE (8, 3)
#endif

static const TileFunc tiles_1[] = { NULL, tile_1x1, tile_2x1, tile_3x1, tile_4x1, tile_5x1,
#if QVEC_REGISTERS == 32
  tile_6x1, tile_7x1, tile_8x1, tile_9x1, tile_10x1, tile_11x1, tile_12x1 };
static const TileFunc tiles_2[] = { NULL, tile_1x2, tile_2x2, tile_3x2, tile_4x2, tile_5x2,
  tile_6x2, tile_7x2, tile_8x2, tile_9x2, tile_10x2, tile_11x2, tile_12x2 };
static const TileFunc tiles_3[] = { NULL, tile_1x3, tile_2x3, tile_3x3, tile_4x3, tile_5x3,
  tile_6x3, tile_7x3, tile_8x3 };
#else
  tile_6x1, tile_7x1, tile_8x1 };
#  if TILE_ROWS_2 == 6
static const TileFunc tiles_2[] = { NULL, tile_1x2, tile_2x2, tile_3x2, tile_4x2, tile_5x2, tile_6x2 };
static const TileFunc tiles_3[] = { NULL, tile_1x3, tile_2x3, tile_3x3, tile_4x3 };
#  else
static const TileFunc tiles_2[] = { NULL, tile_1x2, tile_2x2, tile_3x2, tile_4x2 };
static const TileFunc tiles_3[] = { NULL, tile_1x3, tile_2x3, tile_3x3 };
#  endif
#endif
/* clang-format on */

/* Whole tiles; what is left, up to two tiles less one row, in two halves: a tile of one row loads
 * as many weights as a whole one. */
static void
run_panel (const QGemmArgs *g, const Panel *panel, guint vectors, gsize first, gsize rows)
{
  static const TileFunc *const tiles[] = { NULL, tiles_1, tiles_2, tiles_3 };
  static const guint8 tile_rows[] = { 0, TILE_ROWS_1, TILE_ROWS_2, TILE_ROWS_3 };
  const gsize most = tile_rows[vectors];

  while (rows > 0) {
    const gsize now = rows >= 2 * most || rows == most ? most : rows > most ? (rows + 1) / 2 : rows;
    tiles[vectors][now](g, panel, first);
    first += now;
    rows -= now;
  }
}

static void
run_rows (const QGemmArgs *g, gsize first, gsize rows)
{
  Panel panel = { .weights = g->packed };

  while (panel.first < g->n) {
    const gsize left = g->n - panel.first;
    const guint vectors = panel_vectors ((left + QVEC_SIZE - 1) / QVEC_SIZE);
    const gsize width = vectors * QVEC_SIZE;

    panel.tail = left >= width ? QVEC_SIZE : left - (width - QVEC_SIZE);
    run_panel (g, &panel, vectors, first, rows);
    panel.weights += width * (OFFSET_SIZE + steps_of (g->k) * STEP);
    panel.first += width;
  }
}

/* Rows per round: all tile heights divide it. */
static gsize
rows_per_round (gsize k)
{
  return MAX (ROW_BLOCK_BYTES / MAX (k, 1) / 24, 1) * 24;
}

void
KERNEL (qgemm) (const QGemmArgs *g)
{
  const gsize round = rows_per_round (g->k);

  for (gsize i = 0; i < g->m; i += round)
    run_rows (g, i, MIN (round, g->m - i));
}
