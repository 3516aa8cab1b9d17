/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix product, over the primitives of a floats-vec-*.h and the numbers of a floats-numbers.h that were
 * included before.
 *
 * Packed weights: the n columns are cut into panels one, two or three vectors wide, the last column
 * padded with zeros; within a panel lie the k weights of its columns, k-major, NUMBER_TAPS of a column side
 * by side. A tile is a few rows of `a` times one panel, held in registers from the bias to the activation;
 * `a` is read in place.
 *
 * Every output is bias, then one dot product for every NUMBER_TAPS of k, ascending, then the residual,
 * whichever tile it falls in: so the division into calls, tiles and panels does not show in the result.
 */

/* Bytes of `a` that one round over all panels takes: they shall stay in the second-level cache, the
 * panel in the first. Measured, see docs/kernels.md. */
#define ROW_BLOCK_BYTES (64 * 1024)

/* Rows per tile of one, two, three vectors: the accumulators, a panel's row of weights and one
 * number of `a` must fit the registers. */
#if VEC_REGISTERS == 32
#  define TILE_ROWS_1 12
#  define TILE_ROWS_2 12
#  define TILE_ROWS_3 8
#else
#  define TILE_ROWS_1 12
#  define TILE_ROWS_2 6
#  define TILE_ROWS_3 4
#endif
#define MAX_TILE_ROWS 12

/* Vectors of the next panel when `left` are left: threes, and two twos instead of a last lone one. */
static guint
panel_vectors (gsize left)
{
  return left == 4 ? 2 : (guint) MIN (left, 3);
}

/* k with what fills the last dot product. */
static gsize
depth_of (gsize k)
{
  return (k + NUMBER_TAPS - 1) / NUMBER_TAPS * NUMBER_TAPS;
}

gsize
KERNEL (gemm_packed_size) (gsize n, gsize k)
{
  return (n + VEC_SIZE - 1) / VEC_SIZE * VEC_SIZE * depth_of (k);
}

static void
pack_panel (Number *packed, const float *weight, gsize first, gsize width, gsize n, gsize k)
{
  for (gsize p = 0; p < k; p += NUMBER_TAPS)
    for (gsize j = first; j < first + width; j++)
      for (gsize q = p; q < p + NUMBER_TAPS; q++)
        *packed++ = number_of (j < n && q < k ? weight[j * k + q] : 0.0f);
}

void
KERNEL (gemm_pack) (Number *packed, const float *weight, gsize n, gsize k)
{
  for (gsize j = 0; j < n;) {
    const gsize width = panel_vectors ((n - j + VEC_SIZE - 1) / VEC_SIZE) * VEC_SIZE;
    pack_panel (packed, weight, j, width, n, k);
    packed += width * depth_of (k);
    j += width;
  }
}

/* One panel: columns `first` … first + (vectors - 1) * VEC_SIZE + tail. */
typedef struct {
  const Number *weights;
  gsize first;
  gsize tail; /* columns in the last vector, 1 … VEC_SIZE */
} Panel;

typedef void (*TileFunc) (const ProductArgs *g, const Panel *panel, gsize row);

/* One dot product for every sum; `all`: of NUMBER_TAPS neighbours along k, not only the first. */
static inline __attribute__ ((always_inline)) void
multiply (Vec sum[MAX_TILE_ROWS][3], const Number *const a[MAX_TILE_ROWS], gsize p,
    const Number *weights, const gboolean all, const guint rows, const guint vectors)
{
  Taps weight[3];

#pragma GCC unroll 3
  for (guint v = 0; v < vectors; v++)
    weight[v] = taps_load (weights + v * VEC_SIZE * NUMBER_TAPS);
#pragma GCC unroll 16
  for (guint r = 0; r < rows; r++) {
    const Taps x = taps_broadcast (a[r] + p, all);
#pragma GCC unroll 3
    for (guint v = 0; v < vectors; v++)
      sum[r][v] = taps_dot (sum[r][v], x, weight[v]);
  }
}

/* The one tile; `rows` and `vectors` are constants where it is inlined. */
static inline __attribute__ ((always_inline)) void
tile (const ProductArgs *g, const Panel *panel, gsize row, const guint rows, const guint vectors)
{
  const gsize column = panel->first;
  const Number *a[MAX_TILE_ROWS];
  Vec sum[MAX_TILE_ROWS][3];

#pragma GCC unroll 16
  for (guint r = 0; r < rows; r++)
    a[r] = g->a + (row + r) * g->lda;

#pragma GCC unroll 3
  for (guint v = 0; v < vectors; v++) {
    const gsize count = v + 1 < vectors ? VEC_SIZE : panel->tail;
    const Vec bias = g->bias ? vec_load_tail (g->bias + column + v * VEC_SIZE, count) : vec_zero ();
#pragma GCC unroll 16
    for (guint r = 0; r < rows; r++)
      sum[r][v] = bias;
  }

  const Number *weights = panel->weights;
  const gsize whole = g->k / NUMBER_TAPS * NUMBER_TAPS;
  for (gsize p = 0; p < whole; p += NUMBER_TAPS, weights += vectors * VEC_SIZE * NUMBER_TAPS)
    multiply (sum, a, p, weights, TRUE, rows, vectors);
  if (whole < g->k)
    multiply (sum, a, whole, weights, FALSE, rows, vectors);

  const Vec least = number_least (g->act);
#pragma GCC unroll 16
  for (guint r = 0; r < rows; r++) {
    const gsize at = (row + r) * g->ldc + column;
    const float *residual = g->residual ? g->residual + (row + r) * g->ldr + column : NULL;
#pragma GCC unroll 3
    for (guint v = 0; v + 1 < vectors; v++) {
      Vec x = sum[r][v];
      if (residual)
        x = vec_add (x, vec_load (residual + v * VEC_SIZE));
      sum_store (g, at + v * VEC_SIZE, x, least);
    }
    const guint last = vectors - 1;
    Vec x = sum[r][last];
    if (residual)
      x = vec_add (x, vec_load_tail (residual + last * VEC_SIZE, panel->tail));
    sum_store_tail (g, at + last * VEC_SIZE, x, panel->tail, least);
  }
}

#define DEFINE_TILE(rows, vectors)                                                                 \
  static void tile_##rows##x##vectors (const ProductArgs *g, const Panel *panel, gsize row)        \
  {                                                                                                \
    tile (g, panel, row, rows, vectors);                                                           \
  }

/* clang-format off */
DEFINE_TILE (1, 1) DEFINE_TILE (2, 1) DEFINE_TILE (3, 1) DEFINE_TILE (4, 1)
DEFINE_TILE (5, 1) DEFINE_TILE (6, 1) DEFINE_TILE (7, 1) DEFINE_TILE (8, 1)
DEFINE_TILE (9, 1) DEFINE_TILE (10, 1) DEFINE_TILE (11, 1) DEFINE_TILE (12, 1)
DEFINE_TILE (1, 2) DEFINE_TILE (2, 2) DEFINE_TILE (3, 2) DEFINE_TILE (4, 2)
DEFINE_TILE (5, 2) DEFINE_TILE (6, 2)
DEFINE_TILE (1, 3) DEFINE_TILE (2, 3) DEFINE_TILE (3, 3) DEFINE_TILE (4, 3)
#if VEC_REGISTERS == 32
DEFINE_TILE (7, 2) DEFINE_TILE (8, 2) DEFINE_TILE (9, 2) DEFINE_TILE (10, 2)
DEFINE_TILE (11, 2) DEFINE_TILE (12, 2)
DEFINE_TILE (5, 3) DEFINE_TILE (6, 3) DEFINE_TILE (7, 3) DEFINE_TILE (8, 3)
#endif
    /* clang-format on */

    static const TileFunc tiles_1[] = { NULL, tile_1x1, tile_2x1, tile_3x1, tile_4x1, tile_5x1,
      tile_6x1, tile_7x1, tile_8x1, tile_9x1, tile_10x1, tile_11x1, tile_12x1 };
#if VEC_REGISTERS == 32
static const TileFunc tiles_2[] = { NULL, tile_1x2, tile_2x2, tile_3x2, tile_4x2, tile_5x2,
  tile_6x2, tile_7x2, tile_8x2, tile_9x2, tile_10x2, tile_11x2, tile_12x2 };
static const TileFunc tiles_3[] = { NULL, tile_1x3, tile_2x3, tile_3x3, tile_4x3, tile_5x3,
  tile_6x3, tile_7x3, tile_8x3 };
#else
static const TileFunc tiles_2[] = { NULL, tile_1x2, tile_2x2, tile_3x2, tile_4x2, tile_5x2,
  tile_6x2 };
static const TileFunc tiles_3[] = { NULL, tile_1x3, tile_2x3, tile_3x3, tile_4x3 };
#endif

/* Whole tiles; what is left, up to two tiles less one row, in two halves: a tile of one or two rows
 * would wait for its own sums. */
static void
run_panel (const ProductArgs *g, const Panel *panel, guint vectors, gsize first, gsize rows)
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
run_rows (const ProductArgs *g, gsize first, gsize rows)
{
  Panel panel = { .weights = g->packed };

  while (panel.first < g->n) {
    const gsize left = g->n - panel.first;
    const guint vectors = panel_vectors ((left + VEC_SIZE - 1) / VEC_SIZE);
    const gsize width = vectors * VEC_SIZE;

    panel.tail = left >= width ? VEC_SIZE : left - (width - VEC_SIZE);
    run_panel (g, &panel, vectors, first, rows);
    panel.weights += width * depth_of (g->k);
    panel.first += width;
  }
}

/* Rows per round: all tile heights divide it. */
static gsize
rows_per_round (gsize k)
{
  const gsize fitting = ROW_BLOCK_BYTES / sizeof (Number) / MAX (k, 1);
  return MAX (fitting / 24, 1) * 24;
}

void
KERNEL (gemm) (const ProductArgs *g)
{
  const gsize round = rows_per_round (g->k);

  for (gsize i = 0; i < g->m; i += round) {
    const gsize rows = MIN (round, g->m - i);
    run_rows (g, i, rows);
    product_finish (g, i, rows);
  }
}
