/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * AVX-512 intrinsics by emulation: SIMDe's, and the few that it lacks (0.7.4). With this in place of
 * <immintrin.h> the very sources of the row "avx512" run on any x86-64 processor with AVX2.
 */
#ifndef FBNET_TESTS_SIMDE_AVX512_H
#define FBNET_TESTS_SIMDE_AVX512_H

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/fma.h>

/* Under other names than the compiler's own, which are there but cannot be compiled: functions with gcc,
 * some of them macros with clang. */
#undef _mm512_extractf32x8_ps
#define _mm512_maskz_loadu_ps  emulated_maskz_loadu_ps
#define _mm512_mask_storeu_ps  emulated_mask_storeu_ps
#define _mm512_cvtps_pd        emulated_cvtps_pd
#define _mm512_extractf32x8_ps emulated_extractf32x8_ps

/* Touches only the chosen floats, as the instruction does. */
static inline simde__m512
emulated_maskz_loadu_ps (simde__mmask16 mask, const float *p)
{
  float chosen[16];

  for (unsigned i = 0; i < 16; i++)
    chosen[i] = (mask >> i) & 1 ? p[i] : 0.0f;
  return simde_mm512_loadu_ps (chosen);
}

static inline void
emulated_mask_storeu_ps (float *p, simde__mmask16 mask, simde__m512 v)
{
  float all[16];

  simde_mm512_storeu_ps (all, v);
  for (unsigned i = 0; i < 16; i++)
    if ((mask >> i) & 1)
      p[i] = all[i];
}

static inline simde__m512d
emulated_cvtps_pd (simde__m256 v)
{
  float floats[8];
  double doubles[8];

  simde_mm256_storeu_ps (floats, v);
  for (unsigned i = 0; i < 8; i++)
    doubles[i] = floats[i];
  return simde_mm512_loadu_pd (doubles);
}

static inline simde__m256
emulated_extractf32x8_ps (simde__m512 v, int half)
{
  float floats[16];

  simde_mm512_storeu_ps (floats, v);
  return simde_mm256_loadu_ps (floats + 8 * half);
}

#endif
