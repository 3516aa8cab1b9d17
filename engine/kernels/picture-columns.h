/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the horizontal passes for x86 share: output columns, each of RESIZE_ROWS rows, go through a tile into
 * the rows.
 */
#ifndef FBNET_KERNELS_PICTURE_COLUMNS_H
#define FBNET_KERNELS_PICTURE_COLUMNS_H

#include <emmintrin.h>

#include "picture.h"

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

/* All rows of output column x: RESIZE_ROWS bytes of each colour, to an address that is a multiple of 16. */
typedef void (*ColumnFunc) (guint8 *out, const guint8 *scratch, const ResizeAxis *axis, gsize x);

static inline void
write_columns (const HorizontalArgs *args, ColumnFunc write_column)
{
  const ResizeAxis *axis = args->axis;
  const gsize out_stride = resize_out_stride (axis->n_out);
  guint8 tile[16 * 3 * RESIZE_ROWS] __attribute__ ((aligned (32)));

  for (gsize x = 0; x < axis->n_out; x += 16) {
    const gsize n = MIN (axis->n_out - x, 16);
    for (gsize i = 0; i < n; i++)
      write_column (tile + i * 3 * RESIZE_ROWS, args->scratch, axis, x + i);
    for (gsize j = 0; j < 3; j++)
      transpose_bytes (args->out + x * 3 + 16 * j, out_stride, tile + j * 256);
  }
}

#endif
