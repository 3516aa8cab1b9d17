/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the rows of the picture family for x86 share: columns of a tile to rows.
 */
#ifndef FBNET_KERNELS_PICTURE_TRANSPOSE_H
#define FBNET_KERNELS_PICTURE_TRANSPOSE_H

#include <emmintrin.h>
#include <glib.h>

/* 16 × 16 bytes, from consecutive memory to rows `stride` apart. */
static inline void
transpose_bytes (guint8 *out, gsize stride, const guint8 *in)
{
  __m128i a[16], b[16];

  for (guint i = 0; i < 16; i++)
    a[i] = _mm_load_si128 ((const __m128i *) in + i);
  /* Each round interleaves rows i and i + 8; after four of them the matrix is transposed. */
  for (guint i = 0; i < 8; i++) {
    b[2 * i] = _mm_unpacklo_epi8 (a[i], a[i + 8]);
    b[2 * i + 1] = _mm_unpackhi_epi8 (a[i], a[i + 8]);
  }
  for (guint i = 0; i < 8; i++) {
    a[2 * i] = _mm_unpacklo_epi8 (b[i], b[i + 8]);
    a[2 * i + 1] = _mm_unpackhi_epi8 (b[i], b[i + 8]);
  }
  for (guint i = 0; i < 8; i++) {
    b[2 * i] = _mm_unpacklo_epi8 (a[i], a[i + 8]);
    b[2 * i + 1] = _mm_unpackhi_epi8 (a[i], a[i + 8]);
  }
  for (guint i = 0; i < 8; i++) {
    _mm_storeu_si128 ((__m128i *) (out + 2 * i * stride), _mm_unpacklo_epi8 (b[i], b[i + 8]));
    _mm_storeu_si128 ((__m128i *) (out + (2 * i + 1) * stride), _mm_unpackhi_epi8 (b[i], b[i + 8]));
  }
}

#endif
