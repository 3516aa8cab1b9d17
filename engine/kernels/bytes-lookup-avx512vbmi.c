/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bytes through a table, for AVX-512 with VBMI, whose permutation of two registers looks up 128 bytes:
 * either half of the table, chosen by a byte's uppermost bit.
 */
#include <immintrin.h>

#include "rows.h"

enum { LANES = 64 };

static inline __m512i
look_up (__m512i bytes, const __m512i quarter[4])
{
  const __m512i low = _mm512_permutex2var_epi8 (quarter[0], bytes, quarter[1]);
  const __m512i high = _mm512_permutex2var_epi8 (quarter[2], bytes, quarter[3]);

  return _mm512_mask_blend_epi8 (_mm512_movepi8_mask (bytes), low, high);
}

void
qlookup_avx512vbmi (guint8 *bytes, gsize n, const guint8 *table)
{
  const __m512i quarter[4] = { _mm512_loadu_si512 (table), _mm512_loadu_si512 (table + 64),
    _mm512_loadu_si512 (table + 128), _mm512_loadu_si512 (table + 192) };
  gsize i = 0;

  for (; i + LANES <= n; i += LANES)
    _mm512_storeu_si512 (bytes + i, look_up (_mm512_loadu_si512 (bytes + i), quarter));
  if (i < n) {
    const __mmask64 rest = ~(__mmask64) 0 >> (LANES - (n - i));
    const __m512i last = _mm512_maskz_loadu_epi8 (rest, bytes + i);
    _mm512_mask_storeu_epi8 (bytes + i, rest, look_up (last, quarter));
  }
}
