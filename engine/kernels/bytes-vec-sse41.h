/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The vector primitives that the int8 kernel templates (bytes-*.inc.h) are written in, for SSE4.1. What each
 * does stands in bytes-vec-avx2.h. A lane takes two taps, 16 bits wide, as there; but of four neighbours the
 * first two make one part, so that widening and a shuffle within the vector bring both to all lanes.
 */
#ifndef FBNET_KERNELS_BYTES_VEC_SSE41_H
#define FBNET_KERNELS_BYTES_VEC_SSE41_H

#include <smmintrin.h>
#include <string.h>

#include "bytes.h"

#define KERNEL(name) name##_sse41

#define QVEC_SIZE      4
#define QVEC_REGISTERS 16
#define QVEC_OFFSET    0
typedef __m128i QVec;
typedef __m128i QTaps;
typedef __m128i QMask;
#define QVEC_OP(name) _mm_##name

/* A dot product with what qvec_broadcast() gives. */
#define qvec_dot_broadcast(sum, x, weight, part) qvec_dot (sum, x, weight)

#define QVEC_TAPS 2
typedef gint16 QWeight;

#define QVEC_PARTS            2
#define QVEC_PLACE(part, tap) (2 * (part) + (tap))

typedef struct {
  __m128 most;
  __m128i zero, low;
} QLimits;

typedef struct {
  __m128 scale, offset;
} QFactors;

static inline QTaps
qvec_load_weights (const QWeight *p)
{
  return _mm_load_si128 ((const __m128i *) p);
}

/* The first n (1 … 4) numbers of 32 bits, zeros behind them. */
static inline __m128i
qvec_load_tail (const void *p, gsize n)
{
  gint32 number[4] = { 0 };

  if (n == 4)
    return _mm_loadu_si128 (p);
  memcpy (number, p, sizeof number[0]);
  if (n > 1)
    memcpy (number + 1, (const gint32 *) p + 1, sizeof number[0]);
  if (n > 2)
    memcpy (number + 2, (const gint32 *) p + 2, sizeof number[0]);
  return _mm_setr_epi32 (number[0], number[1], number[2], 0);
}

static inline QVec
qvec_load_bias (const gint32 *p, gsize n)
{
  return qvec_load_tail (p, n);
}

static inline QFactors
qvec_load_factors (const QOutput *output, gsize j, gsize n)
{
  return (QFactors){ _mm_castsi128_ps (qvec_load_tail (output->scale + j, n)),
    _mm_castsi128_ps (qvec_load_tail (output->offset + j, n)) };
}

static inline QMask
qvec_step_mask (guint part, gsize n)
{
  static const gint32 masks[QVEC_PARTS][5] = { { 0, 0xffff, -1, -1, -1 }, { 0, 0, 0, 0xffff, -1 } };
  return _mm_set1_epi32 (masks[part][n]);
}

/* A constant mask of ones costs nothing; the bytes behind the four are read and not used. */
static inline QTaps
qvec_broadcast (const guint8 *a, guint part, QMask mask)
{
  const __m128i words = _mm_cvtepu8_epi16 (_mm_loadl_epi64 ((const __m128i *) a));
  const __m128i pair =
      part == 0 ? _mm_shuffle_epi32 (words, 0x00) : _mm_shuffle_epi32 (words, 0x55);

  return _mm_and_si128 (pair, mask);
}

static inline __m128i
qvec_load_four (const guint8 *p)
{
  gint32 four;

  memcpy (&four, p, sizeof four);
  return _mm_cvtsi32_si128 (four);
}

static inline QTaps
qvec_gather (const guint8 *const tap[QVEC_TAPS])
{
  return _mm_cvtepu8_epi16 (_mm_unpacklo_epi8 (qvec_load_four (tap[0]), qvec_load_four (tap[1])));
}

/* The empty statement: see bytes-vec-avx2.h. */
static inline QVec
qvec_dot (QVec sum, QTaps x, QTaps weight)
{
  sum = _mm_add_epi32 (sum, _mm_madd_epi16 (x, weight));
  __asm__("" : "+x"(sum));
  return sum;
}

static inline QLimits
qvec_limits (const QOutput *output)
{
  return (QLimits){ _mm_set1_ps ((float) (255 - output->zero)),
    _mm_set1_epi16 ((gint16) output->zero), _mm_set1_epi8 ((gchar) output->low) };
}

static inline __m128i
qvec_round (QVec sum, QFactors factors, QLimits limits)
{
  const __m128 scaled = _mm_mul_ps (_mm_cvtepi32_ps (sum), factors.scale);
  const __m128 moved = _mm_add_ps (scaled, factors.offset);
  return _mm_cvtps_epi32 (_mm_min_ps (moved, limits.most));
}

static inline void
qvec_store_tail (guint8 *out, guint32 bytes, gsize n)
{
  if (n == 4) {
    memcpy (out, &bytes, 4);
    return;
  }
  for (gsize i = 0; i < n; i++)
    out[i] = (guint8) (bytes >> (8 * i));
}

#define QVEC_STORE 4

static inline __attribute__ ((always_inline)) void
qvec_store (guint8 *out, gsize step, const QVec *sum, const guint count, QFactors factors,
    QLimits limits, gsize n)
{
  const __m128i a = qvec_round (sum[0], factors, limits);
  const __m128i b = count > 1 ? qvec_round (sum[1], factors, limits) : a;
  const __m128i c = count > 2 ? qvec_round (sum[2], factors, limits) : a;
  const __m128i d = count > 3 ? qvec_round (sum[3], factors, limits) : c;
  const __m128i ab = _mm_adds_epi16 (_mm_packs_epi32 (a, b), limits.zero);
  const __m128i cd = count > 2 ? _mm_adds_epi16 (_mm_packs_epi32 (c, d), limits.zero) : ab;
  const __m128i bytes = _mm_max_epu8 (_mm_packus_epi16 (ab, cd), limits.low);

  qvec_store_tail (out, (guint32) _mm_extract_epi32 (bytes, 0), n);
  if (count > 1)
    qvec_store_tail (out + step, (guint32) _mm_extract_epi32 (bytes, 1), n);
  if (count > 2)
    qvec_store_tail (out + 2 * step, (guint32) _mm_extract_epi32 (bytes, 2), n);
  if (count > 3)
    qvec_store_tail (out + 3 * step, (guint32) _mm_extract_epi32 (bytes, 3), n);
}

#endif
