/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the vector primitives of the int8 kernel templates (bytes-*.inc.h) have in common where a vector is
 * eight lanes of 32 bits: AVX2 and AVX-VNNI. Everything but the dot product.
 */
#ifndef FBNET_KERNELS_BYTES_VEC_256_H
#define FBNET_KERNELS_BYTES_VEC_256_H

#include <immintrin.h>
#include <string.h>

#include "bytes.h"

#define QVEC_SIZE      8
#define QVEC_REGISTERS 16
#define QVEC_OFFSET    0
typedef __m256i QVec;
typedef __m256i QTaps;
typedef __m256i QMask;

/* An instruction on whole vectors of integers, which the sets call alike. */
#define QVEC_OP(name) _mm256_##name

/* A dot product with what qvec_broadcast() gives. */
#define qvec_dot_broadcast(sum, x, weight, part) qvec_dot (sum, x, weight)

/* What makes bytes of sums: in float, in words, in bytes. */
typedef struct {
  __m256 most;
  __m256i zero, low;
} QLimits;

/* The scale and offset of one vector of outputs. */
typedef struct {
  __m256 scale, offset;
} QFactors;

static inline __m256i
qvec_tail_mask (gsize n)
{
  static const gint32 ones[16] = { -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0 };
  return _mm256_loadu_si256 ((const __m256i *) (ones + 8 - n));
}

/* The first n (1 … QVEC_SIZE) numbers. */
static inline QVec
qvec_load_bias (const gint32 *p, gsize n)
{
  return _mm256_maskload_epi32 (p, qvec_tail_mask (n));
}

static inline QFactors
qvec_load_factors (const QOutput *output, gsize j, gsize n)
{
  const __m256i mask = qvec_tail_mask (n);
  return (QFactors){ _mm256_maskload_ps (output->scale + j, mask),
    _mm256_maskload_ps (output->offset + j, mask) };
}

/* In every lane the bytes that the mask leaves of four from a[part] on: with two parts a[part] and
 * a[part + 2]. */
static inline QTaps
qvec_broadcast (const guint8 *a, guint part, QMask mask)
{
  gint32 four;

  memcpy (&four, a + part, sizeof four);
  return _mm256_and_si256 (_mm256_set1_epi32 (four), mask);
}

static inline QLimits
qvec_limits (const QOutput *output)
{
  return (QLimits){ _mm256_set1_ps ((float) (255 - output->zero)),
    _mm256_set1_epi16 ((gint16) output->zero), _mm256_set1_epi8 ((gchar) output->low) };
}

/* To integers, before the zero point. What is far below converts to -2^31, which the packing cuts;
 * `most` keeps what is far above from that. */
static inline __m256i
qvec_round (QVec sum, QFactors factors, QLimits limits)
{
  const __m256 scaled = _mm256_mul_ps (_mm256_cvtepi32_ps (sum), factors.scale);
  const __m256 moved = _mm256_add_ps (scaled, factors.offset);
  return _mm256_cvtps_epi32 (_mm256_min_ps (moved, limits.most));
}

static inline void
qvec_store_tail (guint8 *out, guint64 bytes, gsize n)
{
  memcpy (out, &bytes, n);
}

#define QVEC_STORE 4

/* The first n (1 … QVEC_SIZE) outputs of `count` (1 … QVEC_STORE, a constant) vectors, `step` bytes
 * from one to the next. */
static inline __attribute__ ((always_inline)) void
qvec_store (guint8 *out, gsize step, const QVec *sum, const guint count, QFactors factors,
    QLimits limits, gsize n)
{
  const __m256i a = qvec_round (sum[0], factors, limits);
  const __m256i b = count > 1 ? qvec_round (sum[1], factors, limits) : a;
  const __m256i c = count > 2 ? qvec_round (sum[2], factors, limits) : a;
  const __m256i d = count > 3 ? qvec_round (sum[3], factors, limits) : c;
  const __m256i ab = _mm256_adds_epi16 (_mm256_packs_epi32 (a, b), limits.zero);
  const __m256i cd = count > 2 ? _mm256_adds_epi16 (_mm256_packs_epi32 (c, d), limits.zero) : ab;
  const __m256i cut = _mm256_max_epu8 (_mm256_packus_epi16 (ab, cd), limits.low);
  /* four bytes of a, b, c, d, and in the upper half the other four of each */
  const __m256i halves = _mm256_setr_epi32 (0, 4, 1, 5, 2, 6, 3, 7);
  const __m256i bytes = _mm256_permutevar8x32_epi32 (cut, halves);
  const __m128i upper = _mm256_extracti128_si256 (bytes, 1);
  const guint64 all[QVEC_STORE] = { (guint64) _mm256_extract_epi64 (bytes, 0),
    (guint64) _mm256_extract_epi64 (bytes, 1), (guint64) _mm_extract_epi64 (upper, 0),
    (guint64) _mm_extract_epi64 (upper, 1) };

#pragma GCC unroll 4
  for (guint i = 0; i < count; i++)
    if (n == QVEC_SIZE)
      memcpy (out + i * step, &all[i], QVEC_SIZE);
    else
      qvec_store_tail (out + i * step, all[i], n);
}

#endif
