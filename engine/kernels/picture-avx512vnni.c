/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Colour and the passes of the resize for AVX-512 with VNNI: vpdpbusd takes four taps of sixteen rows, or
 * columns, at once.
 */
#include "rows.h"

#include <immintrin.h>

#include "picture-columns.h"
#include "picture-digits.h"

/* --- Colour ------------------------------------------------------------------------------------ */

static inline __m512i
load (const void *p)
{
  return _mm512_loadu_si512 (p);
}

static inline void
store (void *p, __m512i v)
{
  _mm512_storeu_si512 (p, v);
}

static inline __m512i
mask_bits (__m512i words, gint16 mask)
{
  return _mm512_and_si512 (words, _mm512_set1_epi16 (mask));
}

/* The 16-bit lanes of the two in turn, as bytes. */
static inline __m512i
pack_in_turn (__m512i even, __m512i odd)
{
  const __m512i order =
      _mm512_broadcast_i32x4 (_mm_setr_epi8 (0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15));

  return _mm512_shuffle_epi8 (_mm512_packus_epi16 (even, odd), order);
}

typedef __m512i Words;
#define N_WORDS          32
#define WORDS(op)        _mm512_##op
#define COLOR_FUNC(name) name##_avx512vnni
#include "picture-color.inc.h"

void
color_row_shared_avx512vnni (guint8 *const rgb[3], const guint8 *y, const gint16 *u,
    const gint16 *v, gsize n, gboolean on_even, const ColorMatrix *matrix)
{
  const gsize i = color_pairs (rgb, y, u, v, n, on_even, matrix);

  color_row_shared_avx2 ((guint8 *[]){ rgb[0] + i, rgb[1] + i, rgb[2] + i }, y + i, u + i / 2,
      v + i / 2, n - i, on_even, matrix);
}

/* --- The horizontal pass ----------------------------------------------------------------------- */

/* Scratch: for each four columns and each colour, four bytes of each of the RESIZE_ROWS rows. */
#define QUAD_SIZE   (4 * RESIZE_ROWS)
#define COLUMN_SIZE (3 * QUAD_SIZE)

/* 16 bytes of every fourth row from this one on. */
static inline __m512i
load_rows (const guint8 *in, gsize stride)
{
  __m512i rows = _mm512_castsi128_si512 (_mm_loadu_si128 ((const __m128i *) in));

  rows = _mm512_inserti32x4 (rows, _mm_loadu_si128 ((const __m128i *) (in + 4 * stride)), 1);
  rows = _mm512_inserti32x4 (rows, _mm_loadu_si128 ((const __m128i *) (in + 8 * stride)), 2);
  return _mm512_inserti32x4 (rows, _mm_loadu_si128 ((const __m128i *) (in + 12 * stride)), 3);
}

/* Sixteen columns of one colour. */
static inline void
transpose_quads (guint8 *out, const guint8 *in, gsize stride)
{
  const __m512i a = load_rows (in, stride), b = load_rows (in + stride, stride);
  const __m512i c = load_rows (in + 2 * stride, stride), d = load_rows (in + 3 * stride, stride);
  const __m512i ab_low = _mm512_unpacklo_epi32 (a, b), ab_high = _mm512_unpackhi_epi32 (a, b);
  const __m512i cd_low = _mm512_unpacklo_epi32 (c, d), cd_high = _mm512_unpackhi_epi32 (c, d);

  _mm512_storeu_si512 (out, _mm512_unpacklo_epi64 (ab_low, cd_low));
  _mm512_storeu_si512 (out + COLUMN_SIZE, _mm512_unpackhi_epi64 (ab_low, cd_low));
  _mm512_storeu_si512 (out + 2 * COLUMN_SIZE, _mm512_unpacklo_epi64 (ab_high, cd_high));
  _mm512_storeu_si512 (out + 3 * COLUMN_SIZE, _mm512_unpackhi_epi64 (ab_high, cd_high));
}

static void
transpose_planes (guint8 *scratch, const guint8 *const in[3], gsize stride)
{
  for (gsize x = 0; x < stride; x += 16)
    for (guint c = 0; c < 3; c++)
      transpose_quads (scratch + x / 4 * COLUMN_SIZE + c * QUAD_SIZE, in[c] + x, stride);
}

/* 16 results, some of which may be 256. */
static inline __m512i
sums_end (const Sums *sums)
{
  return _mm512_srli_epi32 (sums_join (sums), RESIZE_BITS);
}

static inline void
load_weights (__m512i weights[3], const ResizeQuad *quad)
{
  for (guint d = 0; d < 3; d++)
    weights[d] = _mm512_set1_epi32 (quad->digits[d]);
}

static inline void
write_column (guint8 *out, const guint8 *scratch, const ResizeAxis *axis, gsize x)
{
  const guint8 *in = scratch + axis->first_quad[x] * COLUMN_SIZE;
  const ResizeQuad *quads = axis->quads + x * axis->n_quads;
  Sums r = sums_start (), g = r, b = r;

  for (gsize q = 0; q < axis->n_quads; q++, in += COLUMN_SIZE) {
    __m512i weights[3];
    load_weights (weights, &quads[q]);
    sums_add (&r, load (in), weights);
    sums_add (&g, load (in + QUAD_SIZE), weights);
    sums_add (&b, load (in + 2 * QUAD_SIZE), weights);
  }
  _mm_store_si128 ((__m128i *) out, _mm512_cvtusepi32_epi8 (sums_end (&r)));
  _mm_store_si128 ((__m128i *) out + 1, _mm512_cvtusepi32_epi8 (sums_end (&g)));
  _mm_store_si128 ((__m128i *) out + 2, _mm512_cvtusepi32_epi8 (sums_end (&b)));
}

void
horizontal_avx512vnni (const HorizontalArgs *args)
{
  transpose_planes (args->scratch, args->in, resize_in_stride (args->axis->n_in));
  write_columns (args, write_column);
}

/* --- The vertical pass ------------------------------------------------------------------------- */

/* Taps of a pass that has its weights made into digits; one of more is bound by reading its rows anyway. */
#define MOST_TAPS 128

/* 64 bytes of four rows: the four of each column side by side, 16 columns in a vector. Within each quarter
 * of a vector, vector k has columns 4 * k … 4 * k + 3 of 16. */
static inline void
interleave_rows (__m512i columns[4], const guint8 *const rows[4], gsize x)
{
  const __m512i a = load (rows[0] + x), b = load (rows[1] + x);
  const __m512i c = load (rows[2] + x), d = load (rows[3] + x);
  const __m512i ab_low = _mm512_unpacklo_epi8 (a, b), ab_high = _mm512_unpackhi_epi8 (a, b);
  const __m512i cd_low = _mm512_unpacklo_epi8 (c, d), cd_high = _mm512_unpackhi_epi8 (c, d);

  columns[0] = _mm512_unpacklo_epi16 (ab_low, cd_low);
  columns[1] = _mm512_unpackhi_epi16 (ab_low, cd_low);
  columns[2] = _mm512_unpacklo_epi16 (ab_high, cd_high);
  columns[3] = _mm512_unpackhi_epi16 (ab_high, cd_high);
}

static inline void
vertical_64 (guint8 *out, const guint8 *const *rows, gsize x, const ResizeQuad *quads,
    gsize n_quads)
{
  Sums sums[4] = { sums_start (), sums_start (), sums_start (), sums_start () };

  for (gsize q = 0; q < n_quads; q++) {
    __m512i weights[3], columns[4];
    load_weights (weights, &quads[q]);
    interleave_rows (columns, rows + 4 * q, x);
    for (guint k = 0; k < 4; k++)
      sums_add (&sums[k], columns[k], weights);
  }
  const __m512i low = _mm512_packus_epi32 (sums_end (&sums[0]), sums_end (&sums[1]));
  const __m512i high = _mm512_packus_epi32 (sums_end (&sums[2]), sums_end (&sums[3]));
  store (out + x, _mm512_packus_epi16 (low, high));
}

void
vertical_avx512vnni (guint8 *out, const guint8 *const *rows, const ResizePair *pairs, gsize n_pairs,
    gsize n)
{
  const gsize n_taps = 2 * n_pairs, n_quads = (n_taps + 3) / 4;
  const guint8 *taps[MOST_TAPS];
  ResizeQuad quads[MOST_TAPS / 4] = { 0 };

  if (n < 64 || n_taps > MOST_TAPS) {
    vertical_avx2 (out, rows, pairs, n_pairs, n);
    return;
  }
  for (gsize k = 0; k < 4 * n_quads; k++)
    taps[k] = rows[MIN (k, n_taps - 1)];
  for (gsize k = 0; k < n_taps; k++)
    resize_quad_set (quads, k, resize_weight (&pairs[k / 2], k % 2));
  for (gsize x = 0; x + 64 <= n; x += 64)
    vertical_64 (out, taps, x, quads, n_quads);
  if (n % 64 != 0)
    vertical_64 (out, taps, n - 64, quads, n_quads); /* the rest, and some of it again */
}
