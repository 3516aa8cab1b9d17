/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the passes of the resize for AVX-512 share: sums of pixels by weights of three digits. Each digit has a sum
 * of its own, and no such sum comes near 2^31: 255 × 128 × 32767 < 2^31.
 */
#ifndef FBNET_KERNELS_PICTURE_DIGITS_H
#define FBNET_KERNELS_PICTURE_DIGITS_H

#include <immintrin.h>

#include "picture.h"

typedef struct {
  __m512i digits[3]; /* sums of the highest first */
} Sums;

static inline Sums
sums_start (void)
{
  const __m512i zero = _mm512_setzero_si512 ();

  return (Sums){ { zero, zero, _mm512_set1_epi32 (1 << (RESIZE_BITS - 1)) } };
}

/* Four neighbouring pixels of each of 16 sums. */
static inline void
sums_add (Sums *sums, __m512i pixels, const __m512i weights[3])
{
  for (guint d = 0; d < 3; d++)
    sums->digits[d] = _mm512_dpbusd_epi32 (sums->digits[d], pixels, weights[d]);
}

static inline __m512i
sums_join (const Sums *sums)
{
  const __m512i upper = _mm512_add_epi32 (_mm512_slli_epi32 (sums->digits[0], 8), sums->digits[1]);

  return _mm512_add_epi32 (_mm512_slli_epi32 (upper, 8), sums->digits[2]);
}

#endif
