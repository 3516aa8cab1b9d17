/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The vector primitives that the kernel templates (floats-*.inc.h) are written in, for SSE4.1. What each does
 * stands in floats-vec-avx2.h; but there is no fused multiply-add, so products are rounded before they are
 * added, as in the row "c".
 */
#ifndef FBNET_KERNELS_FLOATS_VEC_SSE41_H
#define FBNET_KERNELS_FLOATS_VEC_SSE41_H

#include <glib.h>
#include <smmintrin.h>

#define KERNEL(name) name##_sse41

#define VEC_SIZE      4
#define VEC_REGISTERS 16
typedef __m128 Vec;
typedef __m128d VecDouble;

#define VEC_POW2_BIAS 12583039.0f /* 3 * 2^22 + 127 */

static inline Vec
vec_zero (void)
{
  return _mm_setzero_ps ();
}

static inline Vec
vec_set1 (float x)
{
  return _mm_set1_ps (x);
}

static inline Vec
vec_load (const float *p)
{
  return _mm_loadu_ps (p);
}

static inline void
vec_store (float *p, Vec v)
{
  _mm_storeu_ps (p, v);
}

static inline Vec
vec_load_tail (const float *p, gsize n)
{
  if (n == 4)
    return vec_load (p);
  Vec v = _mm_load_ss (p);
  if (n > 1)
    v = _mm_insert_ps (v, _mm_load_ss (p + 1), 0x10);
  if (n > 2)
    v = _mm_insert_ps (v, _mm_load_ss (p + 2), 0x20);
  return v;
}

static inline void
vec_store_tail (float *p, Vec v, gsize n)
{
  if (n == 4) {
    vec_store (p, v);
    return;
  }
  if (n & 2) {
    _mm_storel_pi ((__m64 *) p, v);
    v = _mm_movehl_ps (v, v);
    p += 2;
  }
  if (n & 1)
    _mm_store_ss (p, v);
}

static inline Vec
vec_add (Vec a, Vec b)
{
  return _mm_add_ps (a, b);
}

static inline Vec
vec_mul (Vec a, Vec b)
{
  return _mm_mul_ps (a, b);
}

static inline Vec
vec_div (Vec a, Vec b)
{
  return _mm_div_ps (a, b);
}

/* Rounded twice. */
static inline Vec
vec_fma (Vec a, Vec b, Vec c)
{
  return _mm_add_ps (_mm_mul_ps (a, b), c);
}

static inline Vec
vec_max (Vec a, Vec b)
{
  return _mm_max_ps (a, b);
}

static inline Vec
vec_min (Vec a, Vec b)
{
  return _mm_min_ps (a, b);
}

static inline Vec
vec_negative_abs (Vec x)
{
  return _mm_or_ps (x, _mm_set1_ps (-0.0f));
}

static inline Vec
vec_select_less (Vec a, Vec b, Vec x, Vec y)
{
  return _mm_blendv_ps (y, x, _mm_cmplt_ps (a, b));
}

static inline Vec
vec_round (Vec x)
{
  return _mm_round_ps (x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline Vec
vec_pow2 (Vec n)
{
  const Vec biased = _mm_add_ps (n, _mm_set1_ps (VEC_POW2_BIAS));
  return _mm_castsi128_ps (_mm_slli_epi32 (_mm_castps_si128 (biased), 23));
}

static inline VecDouble
vec_low_double (Vec v)
{
  return _mm_cvtps_pd (v);
}

static inline VecDouble
vec_high_double (Vec v)
{
  return _mm_cvtps_pd (_mm_movehl_ps (v, v));
}

static inline VecDouble
vec_double_load (const double *p)
{
  return _mm_loadu_pd (p);
}

static inline void
vec_double_store (double *p, VecDouble v)
{
  _mm_storeu_pd (p, v);
}

static inline VecDouble
vec_double_add (VecDouble a, VecDouble b)
{
  return _mm_add_pd (a, b);
}

static inline VecDouble
vec_double_mul (VecDouble a, VecDouble b)
{
  return _mm_mul_pd (a, b);
}

#endif
