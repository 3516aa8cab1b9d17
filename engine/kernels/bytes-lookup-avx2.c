/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bytes through a table, for AVX2, whose shuffle looks up sixteen: the table is gone through in sixteen
 * parts. A shuffle gives 0 where the uppermost bit is set, so a byte that lies in another part is moved
 * there: its distance from the part's first byte, by exclusive or, is 16 at least, and 112 more set
 * that bit.
 */
#include <immintrin.h>

#include "rows.h"

enum { PARTS = 16, LANES = 32 };

static inline __m256i
look_up (__m256i bytes, const __m256i parts[PARTS])
{
  const __m256i beyond = _mm256_set1_epi8 (0x70);
  __m256i found = _mm256_setzero_si256 ();

#pragma GCC unroll 16
  for (guint part = 0; part < PARTS; part++) {
    const __m256i distance = _mm256_xor_si256 (bytes, _mm256_set1_epi8 ((gchar) (part << 4)));
    const __m256i index = _mm256_adds_epu8 (distance, beyond);
    found = _mm256_or_si256 (found, _mm256_shuffle_epi8 (parts[part], index));
  }
  return found;
}

void
qlookup_avx2 (guint8 *bytes, gsize n, const guint8 *table)
{
  __m256i parts[PARTS];
  gsize i = 0;

  for (guint part = 0; part < PARTS; part++)
    parts[part] =
        _mm256_broadcastsi128_si256 (_mm_loadu_si128 ((const __m128i *) (table + 16 * part)));
  for (; i + LANES <= n; i += LANES)
    _mm256_storeu_si256 ((__m256i *) (bytes + i),
        look_up (_mm256_loadu_si256 ((const __m256i *) (bytes + i)), parts));
  qlookup_c (bytes + i, n - i, table);
}
