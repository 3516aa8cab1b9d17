/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * AVX-512 and VNNI intrinsics by emulation, for the int8 row "avx512vnni": what simde-avx512.h has,
 * and those that only this row needs. They do number by number what the instruction is defined to do.
 */
#ifndef FBNET_TESTS_SIMDE_AVX512VNNI_H
#define FBNET_TESTS_SIMDE_AVX512VNNI_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "simde-avx512.h"

#define _mm512_maskz_loadu_epi32 emulated_maskz_loadu_epi32
#define _mm_mask_storeu_epi8     emulated_mask_storeu_epi8
#define _mm512_cvtepi32_ps       emulated_cvtepi32_ps
#define _mm512_cvtps_epi32       emulated_cvtps_epi32
#define _mm512_sra_epi32         emulated_sra_epi32
#define _mm512_srai_epi32(v, n)  emulated_sra_epi32 (v, simde_mm_cvtsi32_si128 (n))
/* SIMDe's macro wants the arguments of the masked form. */
#undef _mm512_madd_epi16
#define _mm512_madd_epi16 emulated_madd_epi16

static inline simde__m512i
emulated_maskz_loadu_epi32 (simde__mmask16 mask, const void *p)
{
  int32_t chosen[16];

  for (unsigned i = 0; i < 16; i++)
    chosen[i] = (mask >> i) & 1 ? ((const int32_t *) p)[i] : 0;
  return simde_mm512_loadu_si512 (chosen);
}

static inline void
emulated_mask_storeu_epi8 (void *p, simde__mmask16 mask, simde__m128i v)
{
  uint8_t all[16];

  simde_mm_storeu_si128 ((simde__m128i *) all, v);
  for (unsigned i = 0; i < 16; i++)
    if ((mask >> i) & 1)
      ((uint8_t *) p)[i] = all[i];
}

static inline simde__m512
emulated_cvtepi32_ps (simde__m512i v)
{
  int32_t numbers[16];
  float floats[16];

  simde_mm512_storeu_si512 (numbers, v);
  for (unsigned i = 0; i < 16; i++)
    floats[i] = (float) numbers[i];
  return simde_mm512_loadu_ps (floats);
}

/* What does not fit, NaN too, gives the least number. */
static inline simde__m512i
emulated_cvtps_epi32 (simde__m512 v)
{
  float floats[16];
  int32_t numbers[16];

  simde_mm512_storeu_ps (floats, v);
  for (unsigned i = 0; i < 16; i++)
    numbers[i] = floats[i] >= -2147483648.0f && floats[i] < 2147483648.0f
        ? (int32_t) rintf (floats[i])
        : INT32_MIN;
  return simde_mm512_loadu_si512 (numbers);
}

static inline simde__m512i
emulated_madd_epi16 (simde__m512i a, simde__m512i b)
{
  int16_t left[32], right[32];
  int32_t sums[16];

  simde_mm512_storeu_si512 (left, a);
  simde_mm512_storeu_si512 (right, b);
  for (unsigned i = 0; i < 16; i++)
    sums[i] = left[2 * i] * right[2 * i] + left[2 * i + 1] * right[2 * i + 1];
  return simde_mm512_loadu_si512 (sums);
}

/* By up to 31 bits. */
static inline simde__m512i
emulated_sra_epi32 (simde__m512i v, simde__m128i count)
{
  const int shift = simde_mm_cvtsi128_si32 (count);
  int32_t numbers[16];

  simde_mm512_storeu_si512 (numbers, v);
  for (unsigned i = 0; i < 16; i++)
    numbers[i] >>= shift;
  return simde_mm512_loadu_si512 (numbers);
}

#endif
