/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The horizontal pass for AVX-512 with VNNI: vpdpbusd takes four taps of sixteen rows at once. A weight of 23
 * bits is three signed digits of 8; each digit has a sum of its own, and no such sum comes near 2^31:
 * 255 × 128 × 32767 < 2^31.
 */
#include "rows.h"

#include <immintrin.h>

#include "picture-columns.h"

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

typedef struct {
  __m512i digits[3]; /* sums of the highest first */
} Sums;

static inline void
sums_add (Sums *sums, const guint8 *in, const __m512i weights[3])
{
  const __m512i pixels = _mm512_loadu_si512 (in);

  for (guint d = 0; d < 3; d++)
    sums->digits[d] = _mm512_dpbusd_epi32 (sums->digits[d], pixels, weights[d]);
}

/* RESIZE_ROWS bytes. */
static inline __m128i
sums_end (const Sums *sums)
{
  const __m512i upper = _mm512_add_epi32 (_mm512_slli_epi32 (sums->digits[0], 8), sums->digits[1]);
  const __m512i all = _mm512_add_epi32 (_mm512_slli_epi32 (upper, 8), sums->digits[2]);

  return _mm512_cvtusepi32_epi8 (_mm512_srli_epi32 (all, RESIZE_BITS));
}

static inline void
write_column (guint8 *out, const guint8 *scratch, const ResizeAxis *axis, gsize x)
{
  const guint8 *in = scratch + axis->first_quad[x] * COLUMN_SIZE;
  const ResizeQuad *quads = axis->quads + x * axis->n_quads;
  const __m512i zero = _mm512_setzero_si512 ();
  const __m512i half = _mm512_set1_epi32 (1 << (RESIZE_BITS - 1));
  Sums r = { { zero, zero, half } }, g = r, b = r;

  for (gsize q = 0; q < axis->n_quads; q++, in += COLUMN_SIZE) {
    const __m512i weights[3] = { _mm512_set1_epi32 (quads[q].digits[0]),
      _mm512_set1_epi32 (quads[q].digits[1]), _mm512_set1_epi32 (quads[q].digits[2]) };
    sums_add (&r, in, weights);
    sums_add (&g, in + QUAD_SIZE, weights);
    sums_add (&b, in + 2 * QUAD_SIZE, weights);
  }
  _mm_store_si128 ((__m128i *) out, sums_end (&r));
  _mm_store_si128 ((__m128i *) out + 1, sums_end (&g));
  _mm_store_si128 ((__m128i *) out + 2, sums_end (&b));
}

void
horizontal_avx512vnni (const HorizontalArgs *args)
{
  transpose_planes (args->scratch, args->in, resize_in_stride (args->axis->n_in));
  write_columns (args, write_column);
}
