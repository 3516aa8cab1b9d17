/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The vector primitives that the int8 kernel templates (q*.inc.h) are written in, for AVX2.
 *
 * A vector is lanes of 32 bits. A dot product adds to each lane the products of its taps, an
 * activation times a weight each: here two, 16 bits wide. That is exact: vpmaddwd's products and
 * their sum fit 32 bits, for |activation| <= 255 and |weight| <= 128.
 */
#ifndef FBNET_KERNELS_QVEC_AVX2_H
#define FBNET_KERNELS_QVEC_AVX2_H

#include <immintrin.h>
#include <string.h>

#include "qkernels.h"

#define KERNEL(name) name##_avx2

#define QVEC_SIZE      8
#define QVEC_TAPS      2 /* per lane */
#define QVEC_REGISTERS 16
typedef __m256i QVec;
typedef gint16 QWeight;

/* Four neighbours along k are so many dot products: the even bytes and the odd ones. */
#define QVEC_PARTS 2

/* What makes bytes of sums; `most` in float, the rest for the bytes that are packed. */
typedef struct {
  __m256 most;
  __m128i zero, low;
} QLimits;

/* The scale and offset of one vector of outputs. */
typedef struct {
  __m256 scale, offset;
} QFactors;

static inline QVec
qvec_load_weights (const QWeight *p)
{
  return _mm256_load_si256 ((const __m256i *) p);
}

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

/* In every lane: a[part] and a[part + 2]. */
static inline QVec
qvec_broadcast (const guint8 *a, guint part)
{
  gint32 four;

  memcpy (&four, a + part, sizeof four);
  return _mm256_and_si256 (_mm256_set1_epi32 (four), _mm256_set1_epi32 (0x00ff00ff));
}

/* In lane i: tap[0][i] and tap[1][i]. */
static inline QVec
qvec_gather (const guint8 *const tap[QVEC_TAPS])
{
  const __m128i even = _mm_loadl_epi64 ((const __m128i *) tap[0]);
  const __m128i odd = _mm_loadl_epi64 ((const __m128i *) tap[1]);
  return _mm256_cvtepu8_epi16 (_mm_unpacklo_epi8 (even, odd));
}

static inline QVec
qvec_dot (QVec sum, QVec x, QVec weight)
{
  return _mm256_add_epi32 (sum, _mm256_madd_epi16 (x, weight));
}

static inline QLimits
qvec_limits (const QOutput *output)
{
  return (QLimits){ _mm256_set1_ps ((float) (255 - output->zero)),
    _mm_set1_epi16 ((gint16) output->zero), _mm_set1_epi8 ((gchar) output->low) };
}

/* Sums to bytes. What is far below zero converts to -2^31 and is cut by the packing; `most` keeps
 * what is far above from that. */
static inline __m128i
qvec_bytes (QVec sum, QFactors factors, QLimits limits)
{
  const __m256 scaled = _mm256_mul_ps (_mm256_cvtepi32_ps (sum), factors.scale);
  const __m256 moved = _mm256_add_ps (scaled, factors.offset);
  const __m256i rounded = _mm256_cvtps_epi32 (_mm256_min_ps (moved, limits.most));
  const __m128i words =
      _mm_packs_epi32 (_mm256_castsi256_si128 (rounded), _mm256_extracti128_si256 (rounded, 1));
  const __m128i bytes = _mm_adds_epi16 (words, limits.zero);
  return _mm_max_epu8 (_mm_packus_epi16 (bytes, bytes), limits.low);
}

/* The first n (1 … QVEC_SIZE) outputs. */
static inline void
qvec_store (guint8 *out, QVec sum, QFactors factors, QLimits limits, gsize n)
{
  const __m128i bytes = qvec_bytes (sum, factors, limits);

  if (n == QVEC_SIZE) {
    _mm_storel_epi64 ((__m128i *) out, bytes);
    return;
  }
  const guint64 all = (guint64) _mm_cvtsi128_si64 (bytes);
  memcpy (out, &all, n);
}

#endif
