/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The vector primitives that the int8 kernel templates (bytes-*.inc.h) are written in, for AVX-512 (F, BW,
 * DQ, VL) with VNNI. What each does stands in bytes-vec-avx2.h. A lane takes four taps, bytes as they are:
 * vpdpbusd sums in 32 bits and wraps (vpdpbusds would saturate).
 *
 * FBNET_KERNELS_SIMDE: the tests compile the row over emulated intrinsics.
 */
#ifndef FBNET_KERNELS_BYTES_VEC_AVX512VNNI_H
#define FBNET_KERNELS_BYTES_VEC_AVX512VNNI_H

#include <string.h>

#ifdef FBNET_KERNELS_SIMDE
#  include "simde-avx512vnni.h"
#else
#  include <immintrin.h>
#endif

#include "bytes.h"

#define KERNEL(name) name##_avx512vnni

#define QVEC_SIZE      16
#define QVEC_TAPS      4
#define QVEC_REGISTERS 32
#define QVEC_OFFSET    0
typedef __m512i QVec;
typedef __m512i QTaps;
typedef __m512i QMask;
#define QVEC_OP(name) _mm512_##name

/* A dot product with what qvec_broadcast() gives. */
#define qvec_dot_broadcast(sum, x, weight, part) qvec_dot (sum, x, weight)
typedef gint8 QWeight;

#define QVEC_PARTS            1
#define QVEC_PLACE(part, tap) (tap)

typedef struct {
  __m512 most;
  __m512i zero, low;
} QLimits;

typedef struct {
  __m512 scale, offset;
} QFactors;

static inline QTaps
qvec_load_weights (const QWeight *p)
{
  return _mm512_load_si512 (p);
}

static inline __mmask16
qvec_tail_mask (gsize n)
{
  return (__mmask16) ((1u << n) - 1u);
}

static inline QVec
qvec_load_bias (const gint32 *p, gsize n)
{
  return _mm512_maskz_loadu_epi32 (qvec_tail_mask (n), p);
}

static inline QFactors
qvec_load_factors (const QOutput *output, gsize j, gsize n)
{
  const __mmask16 mask = qvec_tail_mask (n);
  return (QFactors){ _mm512_maskz_loadu_ps (mask, output->scale + j),
    _mm512_maskz_loadu_ps (mask, output->offset + j) };
}

static inline QMask
qvec_step_mask (guint part, gsize n)
{
  return _mm512_set1_epi32 ((gint32) (G_MAXUINT32 >> (32 - 8 * n)));
}

static inline QTaps
qvec_broadcast (const guint8 *a, guint part, QMask mask)
{
  gint32 four;

  memcpy (&four, a + part, sizeof four);
  return _mm512_and_si512 (_mm512_set1_epi32 (four), mask);
}

/* Number 4*i + j of sixteen to place 4*j + i. */
static inline __m512i
qvec_transpose (__m512i v)
{
  const __m512i order = _mm512_setr_epi32 (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32 (order, v);
}

/* Each quarter of the register gets four bytes of all taps, then interleaves them. */
static inline QTaps
qvec_gather (const guint8 *const tap[QVEC_TAPS])
{
  const __m512i interleave = _mm512_set4_epi32 (0x0f0b0703, 0x0e0a0602, 0x0d090501, 0x0c080400);
  __m512i all = _mm512_castsi128_si512 (_mm_loadu_si128 ((const __m128i *) tap[0]));

  all = _mm512_inserti32x4 (all, _mm_loadu_si128 ((const __m128i *) tap[1]), 1);
  all = _mm512_inserti32x4 (all, _mm_loadu_si128 ((const __m128i *) tap[2]), 2);
  all = _mm512_inserti32x4 (all, _mm_loadu_si128 ((const __m128i *) tap[3]), 3);
  return _mm512_shuffle_epi8 (qvec_transpose (all), interleave);
}

/* The empty statement: gcc would copy the sums to other registers at every step, more than there
 * are. */
static inline QVec
qvec_dot (QVec sum, QTaps x, QTaps weight)
{
  sum = _mm512_dpbusd_epi32 (sum, x, weight);
#ifndef FBNET_KERNELS_SIMDE
  __asm__("" : "+v"(sum));
#endif
  return sum;
}

static inline QLimits
qvec_limits (const QOutput *output)
{
  return (QLimits){ _mm512_set1_ps ((float) (255 - output->zero)),
    _mm512_set1_epi16 ((gint16) output->zero), _mm512_set1_epi8 ((gchar) output->low) };
}

static inline __m512i
qvec_round (QVec sum, QFactors factors, QLimits limits)
{
  const __m512 scaled = _mm512_mul_ps (_mm512_cvtepi32_ps (sum), factors.scale);
  const __m512 moved = _mm512_add_ps (scaled, factors.offset);
  return _mm512_cvtps_epi32 (_mm512_min_ps (moved, limits.most));
}

#define QVEC_STORE 4

static inline __attribute__ ((always_inline)) void
qvec_store (guint8 *out, gsize step, const QVec *sum, const guint count, QFactors factors,
    QLimits limits, gsize n)
{
  const __m512i a = qvec_round (sum[0], factors, limits);
  const __m512i b = count > 1 ? qvec_round (sum[1], factors, limits) : a;
  const __m512i c = count > 2 ? qvec_round (sum[2], factors, limits) : a;
  const __m512i d = count > 3 ? qvec_round (sum[3], factors, limits) : c;
  const __m512i ab = _mm512_adds_epi16 (_mm512_packs_epi32 (a, b), limits.zero);
  const __m512i cd = count > 2 ? _mm512_adds_epi16 (_mm512_packs_epi32 (c, d), limits.zero) : ab;
  /* in each quarter four bytes of a, b, c, d */
  const __m512i cut = _mm512_max_epu8 (_mm512_packus_epi16 (ab, cd), limits.low);
  const __m512i bytes = qvec_transpose (cut);
  const __m128i all[QVEC_STORE] = { _mm512_castsi512_si128 (bytes),
    _mm512_extracti32x4_epi32 (bytes, 1), _mm512_extracti32x4_epi32 (bytes, 2),
    _mm512_extracti32x4_epi32 (bytes, 3) };

#pragma GCC unroll 4
  for (guint i = 0; i < count; i++)
    if (n == QVEC_SIZE)
      _mm_storeu_si128 ((__m128i *) (out + i * step), all[i]);
    else
      _mm_mask_storeu_epi8 (out + i * step, qvec_tail_mask (n), all[i]);
}

#endif
