/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The vector primitives that the kernel templates (floats-*.inc.h) are written in, for AVX-512 (F, BW, CD,
 * DQ, VL). What each does stands in floats-vec-avx2.h.
 *
 * FBNET_KERNELS_SIMDE: the tests compile the row over emulated intrinsics.
 */
#ifndef FBNET_KERNELS_FLOATS_VEC_AVX512_H
#define FBNET_KERNELS_FLOATS_VEC_AVX512_H

#include <glib.h>

#ifdef FBNET_KERNELS_SIMDE
#  include "simde-avx512.h"
#else
#  include <immintrin.h>
#endif

#define KERNEL(name) name##_avx512

#define VEC_SIZE      16
#define VEC_REGISTERS 32
typedef __m512 Vec;
typedef __m512d VecDouble;

#define VEC_POW2_BIAS 12583039.0f /* 3 * 2^22 + 127 */

static inline Vec
vec_zero (void)
{
  return _mm512_setzero_ps ();
}

static inline Vec
vec_set1 (float x)
{
  return _mm512_set1_ps (x);
}

static inline Vec
vec_load (const float *p)
{
  return _mm512_loadu_ps (p);
}

static inline void
vec_store (float *p, Vec v)
{
  _mm512_storeu_ps (p, v);
}

/* n (1 … 16) lanes */
static inline __mmask16
vec_tail_mask (gsize n)
{
  return (__mmask16) ((1u << n) - 1u);
}

static inline Vec
vec_load_tail (const float *p, gsize n)
{
  return _mm512_maskz_loadu_ps (vec_tail_mask (n), p);
}

static inline void
vec_store_tail (float *p, Vec v, gsize n)
{
  _mm512_mask_storeu_ps (p, vec_tail_mask (n), v);
}

static inline Vec
vec_add (Vec a, Vec b)
{
  return _mm512_add_ps (a, b);
}

static inline Vec
vec_mul (Vec a, Vec b)
{
  return _mm512_mul_ps (a, b);
}

static inline Vec
vec_div (Vec a, Vec b)
{
  return _mm512_div_ps (a, b);
}

static inline Vec
vec_fma (Vec a, Vec b, Vec c)
{
  return _mm512_fmadd_ps (a, b, c);
}

static inline Vec
vec_max (Vec a, Vec b)
{
  return _mm512_max_ps (a, b);
}

static inline Vec
vec_min (Vec a, Vec b)
{
  return _mm512_min_ps (a, b);
}

static inline Vec
vec_negative_abs (Vec x)
{
  const __m512i sign = _mm512_set1_epi32 (G_MININT32);
  return _mm512_castsi512_ps (_mm512_or_si512 (_mm512_castps_si512 (x), sign));
}

static inline Vec
vec_select_less (Vec a, Vec b, Vec x, Vec y)
{
  return _mm512_mask_blend_ps (_mm512_cmp_ps_mask (a, b, _CMP_LT_OQ), y, x);
}

static inline Vec
vec_round (Vec x)
{
  return _mm512_roundscale_ps (x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline Vec
vec_pow2 (Vec n)
{
  const Vec biased = _mm512_add_ps (n, _mm512_set1_ps (VEC_POW2_BIAS));
  return _mm512_castsi512_ps (_mm512_slli_epi32 (_mm512_castps_si512 (biased), 23));
}

static inline VecDouble
vec_low_double (Vec v)
{
  return _mm512_cvtps_pd (_mm512_castps512_ps256 (v));
}

static inline VecDouble
vec_high_double (Vec v)
{
  return _mm512_cvtps_pd (_mm512_extractf32x8_ps (v, 1));
}

static inline VecDouble
vec_double_load (const double *p)
{
  return _mm512_loadu_pd (p);
}

static inline void
vec_double_store (double *p, VecDouble v)
{
  _mm512_storeu_pd (p, v);
}

static inline VecDouble
vec_double_add (VecDouble a, VecDouble b)
{
  return _mm512_add_pd (a, b);
}

static inline VecDouble
vec_double_mul (VecDouble a, VecDouble b)
{
  return _mm512_mul_pd (a, b);
}

#endif
