/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The vector primitives that the int8 kernel templates (bytes-*.inc.h) are written in, for AVX2.
 *
 * A vector is lanes of 32 bits. A dot product adds to each lane the products of its taps, an
 * activation times a weight each: here two, 16 bits wide. That is exact: vpmaddwd's products and
 * their sum fit 32 bits, for |activation| <= 255 and |weight| <= 128.
 */
#ifndef FBNET_KERNELS_BYTES_VEC_AVX2_H
#define FBNET_KERNELS_BYTES_VEC_AVX2_H

#include "bytes-vec-256.h"

#define KERNEL(name) name##_avx2

#define QVEC_TAPS 2 /* per lane */
typedef gint16 QWeight;

/* Four neighbours along k are so many dot products, here the even bytes and the odd ones; and which of the four
 * is a tap of a part. */
#define QVEC_PARTS            2
#define QVEC_PLACE(part, tap) (2 * (tap) + (part))

static inline QTaps
qvec_load_weights (const QWeight *p)
{
  return _mm256_load_si256 ((const __m256i *) p);
}

/* Which bytes of a lane are the part's of the first n (1 … 4) neighbours. */
static inline QMask
qvec_step_mask (guint part, gsize n)
{
  static const gint32 masks[QVEC_PARTS][5] = { { 0, 0xff, 0xff, 0xff00ff, 0xff00ff },
    { 0, 0, 0xff, 0xff, 0xff00ff } };
  return _mm256_set1_epi32 (masks[part][n]);
}

/* In lane i: tap[0][i] and tap[1][i]. Both halves get all the bytes and pick theirs: a shuffle
 * across the halves, as vpmovzxbw, costs several times as much. */
static inline QTaps
qvec_gather (const guint8 *const tap[QVEC_TAPS])
{
  const __m256i pick = _mm256_setr_epi8 (0, -1, 1, -1, 2, -1, 3, -1, 4, -1, 5, -1, 6, -1, 7, -1, 8,
      -1, 9, -1, 10, -1, 11, -1, 12, -1, 13, -1, 14, -1, 15, -1);
  const __m256i even = _mm256_broadcastsi128_si256 (_mm_loadu_si128 ((const __m128i *) tap[0]));
  const __m256i odd = _mm256_broadcastsi128_si256 (_mm_loadu_si128 ((const __m128i *) tap[1]));
  return _mm256_shuffle_epi8 (_mm256_unpacklo_epi8 (even, odd), pick);
}

/* The empty statement keeps gcc from reordering the sums: it would hold on to many products and
 * spill what belongs in registers. */
static inline QVec
qvec_dot (QVec sum, QTaps x, QTaps weight)
{
  sum = _mm256_add_epi32 (sum, _mm256_madd_epi16 (x, weight));
  __asm__("" : "+x"(sum));
  return sum;
}

#endif
