/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Preprocessing kernels for AVX2.
 *
 * Both passes take two taps per instruction: pixels of two neighbouring taps lie in neighbouring
 * bytes, and the sum is (sum of pixel * high << 16) + (sum of pixel * low). The first sum wraps at 16
 * bits, which is exact because only its low 16 bits reach the result; a single product pair cannot
 * saturate: 255 * (64 + 64) < 32768. The 32-bit sum ends below 2^31 because the weights sum to 2^22.
 */
#include "rows.h"

#include <immintrin.h>

#include "picture-columns.h"

static inline __m256i
load (const void *p)
{
  return _mm256_loadu_si256 ((const __m256i *) p);
}

static inline void
store (void *p, __m256i v)
{
  _mm256_storeu_si256 ((__m256i *) p, v);
}

static inline __m256i
broadcast32 (const void *p)
{
  return _mm256_castps_si256 (_mm256_broadcast_ss ((const float *) p));
}

/* 16-bit lanes of the two to bytes, in order. */
static inline __m256i
pack_in_order (__m256i a, __m256i b)
{
  return _mm256_permute4x64_epi64 (_mm256_packus_epi16 (a, b), _MM_SHUFFLE (3, 1, 2, 0));
}

void
split2_avx2 (guint8 *even, guint8 *odd, const guint8 *in, gsize n)
{
  const __m256i low_bytes = _mm256_set1_epi16 (0xff);
  gsize i = 0;

  for (; i + 32 <= n; i += 32) {
    const __m256i a = load (in + 2 * i), b = load (in + 2 * i + 32);
    store (even + i,
        pack_in_order (_mm256_and_si256 (a, low_bytes), _mm256_and_si256 (b, low_bytes)));
    store (odd + i, pack_in_order (_mm256_srli_epi16 (a, 8), _mm256_srli_epi16 (b, 8)));
  }
  split2_c (even + i, odd + i, in + 2 * i, n - i);
}

/* Which byte of three vectors, 48 bytes, goes where: 0x80 writes zero. */
static inline __m128i
gather3 (const __m128i in[3], const guint8 masks[3][16])
{
  const __m128i a = _mm_shuffle_epi8 (in[0], _mm_loadu_si128 ((const __m128i *) masks[0]));
  const __m128i b = _mm_shuffle_epi8 (in[1], _mm_loadu_si128 ((const __m128i *) masks[1]));
  const __m128i c = _mm_shuffle_epi8 (in[2], _mm_loadu_si128 ((const __m128i *) masks[2]));

  return _mm_or_si128 (_mm_or_si128 (a, b), c);
}

void
split3_avx2 (guint8 *const out[3], const guint8 *in, gsize n)
{
  guint8 masks[3][3][16]; /* [colour][vector][place] */
  gsize i = 0;

  for (guint c = 0; c < 3; c++)
    for (guint v = 0; v < 3; v++)
      for (guint k = 0; k < 16; k++) {
        const guint from = 3 * k + c;
        masks[c][v][k] = from / 16 == v ? (guint8) (from % 16) : 0x80;
      }
  for (; i + 16 <= n; i += 16) {
    const __m128i *at = (const __m128i *) (in + 3 * i);
    const __m128i pixels[3] = { _mm_loadu_si128 (at), _mm_loadu_si128 (at + 1),
      _mm_loadu_si128 (at + 2) };
    for (guint c = 0; c < 3; c++)
      _mm_storeu_si128 ((__m128i *) (out[c] + i), gather3 (pixels, masks[c]));
  }
  split3_c ((guint8 *[]){ out[0] + i, out[1] + i, out[2] + i }, in + 3 * i, n - i);
}

/* A part of so many bits to 8, its highest ones repeated below it. */
static inline __m256i
repeat_bits (__m256i part, int bits)
{
  return _mm256_or_si256 (_mm256_slli_epi16 (part, 8 - bits),
      _mm256_srli_epi16 (part, 2 * bits - 8));
}

void
split565_avx2 (guint8 *const out[3], const guint8 *in, gsize n)
{
  const __m256i five = _mm256_set1_epi16 (31), six = _mm256_set1_epi16 (63);
  gsize i = 0;

  for (; i + 32 <= n; i += 32) {
    __m256i parts[3][2];
    for (guint half = 0; half < 2; half++) {
      const __m256i words = load (in + 2 * i + 32 * half);
      parts[0][half] = repeat_bits (_mm256_srli_epi16 (words, 11), 5);
      parts[1][half] = repeat_bits (_mm256_and_si256 (_mm256_srli_epi16 (words, 5), six), 6);
      parts[2][half] = repeat_bits (_mm256_and_si256 (words, five), 5);
    }
    for (guint c = 0; c < 3; c++)
      store (out[c] + i, pack_in_order (parts[c][0], parts[c][1]));
  }
  split565_c ((guint8 *[]){ out[0] + i, out[1] + i, out[2] + i }, in + 2 * i, n - i);
}

void
narrow_avx2 (guint8 *out, const guint8 *in, gsize n, guint shift, gint16 scale)
{
  const __m128i count = _mm_cvtsi32_si128 ((int) shift);
  const __m256i factor = _mm256_set1_epi16 (scale);
  gsize i = 0;

  for (; i + 32 <= n; i += 32) {
    const __m256i a = _mm256_srl_epi16 (load (in + 2 * i), count);
    const __m256i b = _mm256_srl_epi16 (load (in + 2 * i + 32), count);
    store (out + i,
        pack_in_order (_mm256_mulhrs_epi16 (a, factor), _mm256_mulhrs_epi16 (b, factor)));
  }
  narrow_c (out + i, in + 2 * i, n - i, shift, scale);
}

static inline __m256i
widen (const guint8 *p)
{
  return _mm256_cvtepu8_epi16 (_mm_loadu_si128 ((const __m128i *) p));
}

void
chroma_widen_avx2 (gint16 *out, const guint8 *in, gsize n)
{
  const __m256i middle = _mm256_set1_epi16 (-32768);
  gsize i = 0;

  for (; i + 16 <= n; i += 16)
    store (out + i, _mm256_xor_si256 (_mm256_slli_epi16 (widen (in + i), 8), middle));
  chroma_widen_c (out + i, in + i, n - i);
}

static inline __m256i
mask_bits (__m256i words, gint16 mask)
{
  return _mm256_and_si256 (words, _mm256_set1_epi16 (mask));
}

/* The 16-bit lanes of the two in turn, as bytes. */
static inline __m256i
pack_in_turn (__m256i even, __m256i odd)
{
  const __m256i order = _mm256_setr_epi8 (0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15, 0,
      8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);

  return _mm256_shuffle_epi8 (_mm256_packus_epi16 (even, odd), order);
}

typedef __m256i Words;
#define N_WORDS          16
#define WORDS(op)        _mm256_##op
#define COLOR_FUNC(name) name##_avx2
#include "picture-color.inc.h"

void
chroma_blend_avx2 (gint16 *out, const guint8 *near, const guint8 *far, gsize n)
{
  gsize i = 0;

  for (; i + 16 <= n; i += 16) {
    const __m256i a = widen (near + i);
    store (out + i, blend (_mm256_add_epi16 (_mm256_add_epi16 (a, a), a), widen (far + i)));
  }
  chroma_blend_c (out + i, near + i, far + i, n - i);
}

void
color_row_avx2 (guint8 *const rgb[3], const guint8 *y, const gint16 *u, const gint16 *v, gsize n,
    const ColorMatrix *matrix)
{
  const MatrixVectors m = matrix_vectors (matrix);
  guint8 *const r = rgb[0], *const g = rgb[1], *const b = rgb[2];
  gsize i = 0;

  for (; i + 32 <= n; i += 32) {
    __m256i first[3], second[3];
    color_words (first, _mm256_slli_epi16 (widen (y + i), 7), load (u + i), load (v + i), &m);
    color_words (second, _mm256_slli_epi16 (widen (y + i + 16), 7), load (u + i + 16),
        load (v + i + 16), &m);
    store (r + i, pack_in_order (first[0], second[0]));
    store (g + i, pack_in_order (first[1], second[1]));
    store (b + i, pack_in_order (first[2], second[2]));
  }
  color_row_c ((guint8 *[]){ r + i, g + i, b + i }, y + i, u + i, v + i, n - i, matrix);
}

void
color_row_shared_avx2 (guint8 *const rgb[3], const guint8 *y, const gint16 *u, const gint16 *v,
    gsize n, gboolean on_even, const ColorMatrix *matrix)
{
  const gsize i = color_pairs (rgb, y, u, v, n, on_even, matrix);

  color_row_shared_c ((guint8 *[]){ rgb[0] + i, rgb[1] + i, rgb[2] + i }, y + i, u + i / 2,
      v + i / 2, n - i, on_even, matrix);
}

/* Sums of 32 outputs. `bytes` holds 32 pairs of pixels in two vectors' worth of bytes; within each
 * half of a vector, low sums are of its first and last 8 bytes. */
typedef struct {
  __m256i high;   /* 16 of 16 bits, without the rounding half */
  __m256i low[2]; /* 8 each of 32 bits */
} Sums;

static inline Sums
sums_start (void)
{
  const __m256i half = _mm256_set1_epi32 (1 << (RESIZE_BITS - 1));

  return (Sums){ _mm256_setzero_si256 (), { half, half } };
}

/* Adds 16 pairs of neighbouring bytes. */
static inline void
sums_add (Sums *sums, __m256i bytes, __m256i low, __m256i high)
{
  const __m256i zero = _mm256_setzero_si256 ();

  sums->high = _mm256_add_epi16 (sums->high, _mm256_maddubs_epi16 (bytes, high));
  sums->low[0] =
      _mm256_add_epi32 (sums->low[0], _mm256_madd_epi16 (_mm256_unpacklo_epi8 (bytes, zero), low));
  sums->low[1] =
      _mm256_add_epi32 (sums->low[1], _mm256_madd_epi16 (_mm256_unpackhi_epi8 (bytes, zero), low));
}

/* 16 results in 16-bit lanes, in the order of the pairs. */
static inline __m256i
sums_end (const Sums *sums)
{
  const __m256i zero = _mm256_setzero_si256 ();
  const __m256i a = _mm256_add_epi32 (sums->low[0], _mm256_unpacklo_epi16 (zero, sums->high));
  const __m256i b = _mm256_add_epi32 (sums->low[1], _mm256_unpackhi_epi16 (zero, sums->high));

  return _mm256_packs_epi32 (_mm256_srai_epi32 (a, RESIZE_BITS),
      _mm256_srai_epi32 (b, RESIZE_BITS));
}

/* Eight rows of 16 16-bit words: out + k * step takes word k of all rows, side by side. */
static inline void
transpose_words (guint8 *out, gsize step, const guint8 *in, gsize stride)
{
  __m256i a[8], b[8];

  for (guint r = 0; r < 8; r++)
    a[r] = load (in + r * stride);
  for (guint r = 0; r < 4; r++) {
    b[2 * r] = _mm256_unpacklo_epi16 (a[2 * r], a[2 * r + 1]);
    b[2 * r + 1] = _mm256_unpackhi_epi16 (a[2 * r], a[2 * r + 1]);
  }
  for (guint half = 0; half < 8; half += 4)
    for (guint r = 0; r < 2; r++) {
      a[half + 2 * r] = _mm256_unpacklo_epi32 (b[half + r], b[half + r + 2]);
      a[half + 2 * r + 1] = _mm256_unpackhi_epi32 (b[half + r], b[half + r + 2]);
    }
  for (guint r = 0; r < 4; r++) {
    b[2 * r] = _mm256_unpacklo_epi64 (a[r], a[r + 4]);
    b[2 * r + 1] = _mm256_unpackhi_epi64 (a[r], a[r + 4]);
  }
  for (guint k = 0; k < 8; k++) {
    _mm_storeu_si128 ((__m128i *) (out + k * step), _mm256_castsi256_si128 (b[k]));
    _mm_storeu_si128 ((__m128i *) (out + (k + 8) * step), _mm256_extracti128_si256 (b[k], 1));
  }
}

/* Scratch: for each pair of columns and each colour, RESIZE_ROWS pairs of bytes. */
#define PAIR_SIZE   (2 * RESIZE_ROWS)
#define COLUMN_SIZE (3 * PAIR_SIZE)

static void
transpose_planes (guint8 *scratch, const guint8 *const in[3], gsize stride)
{
  for (gsize x = 0; x < stride; x += 32)
    for (guint c = 0; c < 3; c++) {
      guint8 *out = scratch + x / 2 * COLUMN_SIZE + c * PAIR_SIZE;
      transpose_words (out, COLUMN_SIZE, in[c] + x, stride);
      transpose_words (out + PAIR_SIZE / 2, COLUMN_SIZE, in[c] + 8 * stride + x, stride);
    }
}

static inline void
write_column (guint8 *out, const guint8 *scratch, const ResizeAxis *axis, gsize x)
{
  const guint8 *in = scratch + axis->first[x] / 2 * COLUMN_SIZE;
  const ResizePair *pairs = axis->pairs + x * axis->n_pairs;
  Sums r = sums_start (), g = sums_start (), b = sums_start ();

  for (gsize p = 0; p < axis->n_pairs; p++, in += COLUMN_SIZE) {
    const __m256i low = broadcast32 (pairs[p].low), high = broadcast32 (pairs[p].high);
    sums_add (&r, load (in), low, high);
    sums_add (&g, load (in + PAIR_SIZE), low, high);
    sums_add (&b, load (in + 2 * PAIR_SIZE), low, high);
  }
  const __m256i blue = sums_end (&b);
  store (out, pack_in_order (sums_end (&r), sums_end (&g)));
  _mm_storeu_si128 ((__m128i *) (out + 32), _mm256_castsi256_si128 (pack_in_order (blue, blue)));
}

void
horizontal_avx2 (const HorizontalArgs *args)
{
  transpose_planes (args->scratch, args->in, resize_in_stride (args->axis->n_in));
  write_columns (args, write_column);
}

static inline void
vertical_32 (guint8 *out, const guint8 *const *rows, gsize x, const ResizePair *pairs,
    gsize n_pairs)
{
  Sums first = sums_start (), second = sums_start ();

  for (gsize p = 0; p < n_pairs; p++) {
    const __m256i low = broadcast32 (pairs[p].low), high = broadcast32 (pairs[p].high);
    const __m256i a = load (rows[2 * p] + x), b = load (rows[2 * p + 1] + x);
    sums_add (&first, _mm256_unpacklo_epi8 (a, b), low, high);
    sums_add (&second, _mm256_unpackhi_epi8 (a, b), low, high);
  }
  store (out + x, _mm256_packus_epi16 (sums_end (&first), sums_end (&second)));
}

void
vertical_avx2 (guint8 *out, const guint8 *const *rows, const ResizePair *pairs, gsize n_pairs,
    gsize n)
{
  if (n < 32) {
    vertical_c (out, rows, pairs, n_pairs, n);
    return;
  }
  for (gsize x = 0; x + 32 <= n; x += 32)
    vertical_32 (out, rows, x, pairs, n_pairs);
  if (n % 32 != 0)
    vertical_32 (out, rows, n - 32, pairs, n_pairs); /* the rest, and some of it again */
}
