/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The vector primitives that the int8 kernel templates (bytes-*.inc.h) are written in, for AVX-VNNI: the dot
 * products of AVX-512 on vectors of AVX2, which Intel's processors without AVX-512 have since 2021. What each
 * does stands in bytes-vec-avx2.h. A lane takes four taps, bytes as they are: vpdpbusd sums in 32 bits and
 * wraps.
 */
#ifndef FBNET_KERNELS_BYTES_VEC_AVXVNNI_H
#define FBNET_KERNELS_BYTES_VEC_AVXVNNI_H

#include "bytes-vec-256.h"

#define KERNEL(name) name##_avxvnni

#define QVEC_TAPS 4
typedef gint8 QWeight;

#define QVEC_PARTS            1
#define QVEC_PLACE(part, tap) (tap)

static inline QTaps
qvec_load_weights (const QWeight *p)
{
  return _mm256_load_si256 ((const __m256i *) p);
}

static inline QMask
qvec_step_mask (guint part, gsize n)
{
  return _mm256_set1_epi32 ((gint32) (G_MAXUINT32 >> (32 - 8 * n)));
}

static inline QTaps
qvec_gather (const guint8 *const tap[QVEC_TAPS])
{
  const __m128i a = _mm_loadl_epi64 ((const __m128i *) tap[0]);
  const __m128i b = _mm_loadl_epi64 ((const __m128i *) tap[1]);
  const __m128i c = _mm_loadl_epi64 ((const __m128i *) tap[2]);
  const __m128i d = _mm_loadl_epi64 ((const __m128i *) tap[3]);
  const __m128i ab = _mm_unpacklo_epi8 (a, b), cd = _mm_unpacklo_epi8 (c, d);

  return _mm256_set_m128i (_mm_unpackhi_epi16 (ab, cd), _mm_unpacklo_epi16 (ab, cd));
}

/* The empty statement: see bytes-vec-avx512vnni.h. */
static inline QVec
qvec_dot (QVec sum, QTaps x, QTaps weight)
{
  sum = _mm256_dpbusd_avx_epi32 (sum, x, weight);
  __asm__("" : "+x"(sum));
  return sum;
}

#endif
