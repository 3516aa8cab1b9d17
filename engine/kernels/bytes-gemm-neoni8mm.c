/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix product of bytes for aarch64 with i8mm, whose instruction multiplies two rows of eight activations with
 * two columns of eight weights.
 *
 * Packed weights: the n columns are cut into panels of one, two or three vectors, four columns each, the last one
 * padded with zeros; k is cut into steps of sixteen, padded likewise. Within a panel lie the steps, within a step
 * its first and its second half, within a half the pairs of columns. A tile is up to four pairs of rows of `a`
 * times one panel, held in registers from the bias to the byte; what is read behind a row's end is masked away.
 */
#include <arm_neon.h>
#include <string.h>

#include "rows.h"

#define STEP  16 /* along k */
#define HALF  8
#define WIDTH 4 /* of a vector */

#define MAX_VECTORS 3
#define MAX_PAIRS   4
#define PAIR_SIZE   (2 * HALF) /* weights of a half for a pair of columns */

/* `a` rows that one round over all panels takes: they shall stay in the second-level cache. */
#define ROW_BLOCK_BYTES (64 * 1024)

static gsize
steps_of (gsize k)
{
  return (k + STEP - 1) / STEP;
}

static gsize
panel_vectors (gsize columns)
{
  const gsize left = (columns + WIDTH - 1) / WIDTH;

  return left == 4 ? 2 : MIN (left, MAX_VECTORS);
}

gsize
qgemm_packed_size_neoni8mm (gsize n, gsize k)
{
  return (n + WIDTH - 1) / WIDTH * WIDTH * steps_of (k) * STEP;
}

/* Half a step of a panel: for each column eight weights from p on. */
static gint8 *
pack_half (gint8 *packed, const gint8 *weight, gsize first, gsize width, gsize p, gsize n, gsize k)
{
  for (gsize j = first; j < first + width; j++)
    for (gsize q = p; q < p + HALF; q++)
      *packed++ = j < n && q < k ? weight[j * k + q] : 0;
  return packed;
}

void
qgemm_pack_neoni8mm (void *packed, const gint8 *weight, gsize n, gsize k)
{
  gint8 *to = packed;

  for (gsize j = 0; j < n;) {
    const gsize width = panel_vectors (n - j) * WIDTH;
    for (gsize p = 0; p < steps_of (k) * STEP; p += HALF)
      to = pack_half (to, weight, j, width, p, n, k);
    j += width;
  }
}

typedef struct {
  const gint8 *weights;
  gsize first;
  gsize tail; /* columns in the last vector, 1 … WIDTH */
} Panel;

typedef void (*TileFunc) (const QGemmArgs *g, const Panel *panel, gsize row, gsize rows);

/* The first n (1 … WIDTH) numbers of 32 bits, zeros behind them. */
static inline int32x4_t
load_tail (const void *p, gsize n)
{
  gint32 number[WIDTH] = { 0 };

  if (n == WIDTH)
    return vld1q_s32 (p);
  memcpy (number, p, n * sizeof number[0]);
  return vld1q_s32 (number);
}

/* One step: sixteen neighbours along k, of which the mask leaves some. */
static inline __attribute__ ((always_inline)) void
multiply (int32x4_t sum[MAX_PAIRS][2 * MAX_VECTORS], const guint8 *const a[2 * MAX_PAIRS], gsize p,
    const gint8 *weights, uint8x16_t mask, const guint pairs, const guint vectors)
{
  uint8x16_t x[2][MAX_PAIRS];

#pragma GCC unroll 4
  for (guint r = 0; r < pairs; r++) {
    const uint64x2_t upper = vreinterpretq_u64_u8 (vandq_u8 (vld1q_u8 (a[2 * r] + p), mask));
    const uint64x2_t lower = vreinterpretq_u64_u8 (vandq_u8 (vld1q_u8 (a[2 * r + 1] + p), mask));
    x[0][r] = vreinterpretq_u8_u64 (vzip1q_u64 (upper, lower));
    x[1][r] = vreinterpretq_u8_u64 (vzip2q_u64 (upper, lower));
  }
#pragma GCC unroll 2
  for (guint half = 0; half < 2; half++)
#pragma GCC unroll 6
    for (guint v = 0; v < 2 * vectors; v++, weights += PAIR_SIZE) {
      const int8x16_t weight = vld1q_s8 (weights);
#pragma GCC unroll 4
      for (guint r = 0; r < pairs; r++)
        sum[r][v] = vusmmlaq_s32 (sum[r][v], x[half][r], weight);
    }
}

/* To integers, before the zero point; what is far away saturates here and in the narrowing. */
static inline int16x4_t
round_sums (int32x4_t sum, float32x4_t scale, float32x4_t offset)
{
  const float32x4_t scaled = vmulq_f32 (vcvtq_f32_s32 (sum), scale);

  return vqmovn_s32 (vcvtnq_s32_f32 (vaddq_f32 (scaled, offset)));
}

/* What a vector of sums becomes bytes with, and how many of them there are. */
typedef struct {
  float32x4_t scale, offset;
  int16x8_t zero;
  uint8x8_t low;
  gsize n;
} Output;

static inline Output
output_at (const QOutput *output, gsize column, gsize n)
{
  return (Output){ vreinterpretq_f32_s32 (load_tail (output->scale + column, n)),
    vreinterpretq_f32_s32 (load_tail (output->offset + column, n)),
    vdupq_n_s16 ((gint16) output->zero), vdup_n_u8 ((guint8) output->low), n };
}

static inline void
store_bytes (guint8 *c, guint32 bytes, gsize n)
{
  if (n == WIDTH) {
    memcpy (c, &bytes, WIDTH);
    return;
  }
  for (gsize i = 0; i < n; i++)
    c[i] = (guint8) (bytes >> (8 * i));
}

/* Two rows of one vector of outputs; `next`: where the second goes, or NULL. */
static inline void
store_pair (guint8 *c, guint8 *next, const Output *output, int32x4_t left, int32x4_t right)
{
  const int64x2_t l = vreinterpretq_s64_s32 (left), r = vreinterpretq_s64_s32 (right);
  const int16x8_t words = vcombine_s16 (round_sums (vreinterpretq_s32_s64 (vzip1q_s64 (l, r)),
                                            output->scale, output->offset),
      round_sums (vreinterpretq_s32_s64 (vzip2q_s64 (l, r)), output->scale, output->offset));
  const uint8x8_t bytes = vmax_u8 (vqmovun_s16 (vqaddq_s16 (words, output->zero)), output->low);
  const uint32x2_t both = vreinterpret_u32_u8 (bytes);

  store_bytes (c, vget_lane_u32 (both, 0), output->n);
  if (next != NULL)
    store_bytes (next, vget_lane_u32 (both, 1), output->n);
}

/* The one tile; `pairs` and `vectors` are constants where it is inlined. Of an odd number of rows the last is
 * computed twice. */
static inline __attribute__ ((always_inline)) void
tile (const QGemmArgs *g, const Panel *panel, gsize row, gsize rows, const guint pairs,
    const guint vectors)
{
  static const guint8 ones[2 * STEP] = { [0 ... STEP - 1] = 0xff };
  const guint8 *a[2 * MAX_PAIRS];
  int32x4_t sum[MAX_PAIRS][2 * MAX_VECTORS];

#pragma GCC unroll 8
  for (guint r = 0; r < 2 * pairs; r++)
    a[r] = g->a + (row + MIN (r, rows - 1)) * g->lda;
#pragma GCC unroll 3
  for (guint v = 0; v < vectors; v++) {
    const gsize count = v + 1 < vectors ? WIDTH : panel->tail;
    const int32x4_t bias = load_tail (g->output.bias + panel->first + v * WIDTH, count);
    const int64x2_t halves = vreinterpretq_s64_s32 (bias);
#pragma GCC unroll 4
    for (guint r = 0; r < pairs; r++) {
      sum[r][2 * v] = vreinterpretq_s32_s64 (vzip1q_s64 (halves, halves));
      sum[r][2 * v + 1] = vreinterpretq_s32_s64 (vzip2q_s64 (halves, halves));
    }
  }

  const gsize whole = g->k / STEP * STEP, step_size = vectors * WIDTH * STEP;
  const gint8 *weights = panel->weights;
  for (gsize p = 0; p < whole; p += STEP, weights += step_size)
    multiply (sum, a, p, weights, vdupq_n_u8 (0xff), pairs, vectors);
  if (whole < g->k)
    multiply (sum, a, whole, weights, vld1q_u8 (ones + STEP - (g->k - whole)), pairs, vectors);

#pragma GCC unroll 3
  for (guint v = 0; v < vectors; v++) {
    const gsize column = panel->first + v * WIDTH;
    const Output output = output_at (&g->output, column, v + 1 < vectors ? WIDTH : panel->tail);
#pragma GCC unroll 4
    for (guint r = 0; r < pairs; r++) {
      guint8 *c = g->c + (row + 2 * r) * g->ldc + column;
      store_pair (c, 2 * r + 1 < rows ? c + g->ldc : NULL, &output, sum[r][2 * v],
          sum[r][2 * v + 1]);
    }
  }
}

#define DEFINE_TILE(pairs, vectors)                                                                \
  static void tile_##pairs##x##vectors (const QGemmArgs *g, const Panel *panel, gsize row,         \
      gsize rows)                                                                                  \
  {                                                                                                \
    tile (g, panel, row, rows, pairs, vectors);                                                    \
  }

/* clang-format off */
DEFINE_TILE (1, 1) DEFINE_TILE (2, 1) DEFINE_TILE (3, 1) DEFINE_TILE (4, 1)
DEFINE_TILE (1, 2) DEFINE_TILE (2, 2) DEFINE_TILE (3, 2) DEFINE_TILE (4, 2)
DEFINE_TILE (1, 3) DEFINE_TILE (2, 3) DEFINE_TILE (3, 3) DEFINE_TILE (4, 3)

/* By vectors and pairs, each less one. */
static const TileFunc tiles[MAX_VECTORS][MAX_PAIRS] = {
  { tile_1x1, tile_2x1, tile_3x1, tile_4x1 },
  { tile_1x2, tile_2x2, tile_3x2, tile_4x2 },
  { tile_1x3, tile_2x3, tile_3x3, tile_4x3 },
};
/* clang-format on */

/* Whole tiles; what is left, up to two tiles less one row, in two halves. */
static void
run_panel (const QGemmArgs *g, const Panel *panel, gsize vectors, gsize first, gsize rows)
{
  const gsize most = 2 * MAX_PAIRS;

  while (rows > 0) {
    const gsize half = (rows + 3) / 4 * 2; /* even */
    const gsize now = rows >= 2 * most || rows == most ? most : rows > most ? half : rows;
    tiles[vectors - 1][(now - 1) / 2](g, panel, first, now);
    first += now;
    rows -= now;
  }
}

static void
run_rows (const QGemmArgs *g, gsize first, gsize rows)
{
  Panel panel = { .weights = g->packed };

  while (panel.first < g->n) {
    const gsize left = g->n - panel.first, vectors = panel_vectors (left);
    const gsize width = vectors * WIDTH;

    panel.tail = left >= width ? WIDTH : left - (width - WIDTH);
    run_panel (g, &panel, vectors, first, rows);
    panel.weights += width * steps_of (g->k) * STEP;
    panel.first += width;
  }
}

void
qgemm_neoni8mm (const QGemmArgs *g)
{
  const gsize round = MAX (ROW_BLOCK_BYTES / MAX (g->k, 1) / (2 * MAX_PAIRS), 1) * 2 * MAX_PAIRS;

  for (gsize i = 0; i < g->m; i += round)
    run_rows (g, i, MIN (round, g->m - i));
}
