/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The vector primitives that the kernel templates (floats-*.inc.h) are written in, for AVX2 and FMA.
 *
 * Every ISA's header gives the same arithmetic, so that rows of the table agree bit for bit:
 * vec_max (a, b), vec_min (a, b) return b when a number is NaN or both are zeros.
 */
#ifndef FBNET_KERNELS_FLOATS_VEC_AVX2_H
#define FBNET_KERNELS_FLOATS_VEC_AVX2_H

#include <glib.h>
#include <immintrin.h>

#define KERNEL(name) name##_avx2

#define VEC_SIZE      8
#define VEC_REGISTERS 16
typedef __m256 Vec;
typedef __m256d VecDouble; /* half as many */

#define VEC_POW2_BIAS 12583039.0f /* 3 * 2^22 + 127 */

static inline Vec
vec_zero (void)
{
  return _mm256_setzero_ps ();
}

static inline Vec
vec_set1 (float x)
{
  return _mm256_set1_ps (x);
}

static inline Vec
vec_load (const float *p)
{
  return _mm256_loadu_ps (p);
}

static inline void
vec_store (float *p, Vec v)
{
  _mm256_storeu_ps (p, v);
}

/* The first n (1 … 8) floats, zeros behind them. */
static inline Vec
vec_load_tail (const float *p, gsize n)
{
  static const gint32 ones[16] = { -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0 };
  const __m256i mask = _mm256_loadu_si256 ((const __m256i *) (ones + 8 - n));
  return _mm256_maskload_ps (p, mask);
}

/* Not _mm256_maskstore_ps(): dozens of micro-operations on AMD until Zen 4. */
static inline void
vec_store_tail (float *p, Vec v, gsize n)
{
  if (n == 8) {
    vec_store (p, v);
    return;
  }
  __m128 part = _mm256_castps256_ps128 (v);
  if (n & 4) {
    _mm_storeu_ps (p, part);
    part = _mm256_extractf128_ps (v, 1);
    p += 4;
  }
  if (n & 2) {
    _mm_storel_pi ((__m64 *) p, part);
    part = _mm_movehl_ps (part, part);
    p += 2;
  }
  if (n & 1)
    _mm_store_ss (p, part);
}

static inline Vec
vec_add (Vec a, Vec b)
{
  return _mm256_add_ps (a, b);
}

static inline Vec
vec_mul (Vec a, Vec b)
{
  return _mm256_mul_ps (a, b);
}

static inline Vec
vec_div (Vec a, Vec b)
{
  return _mm256_div_ps (a, b);
}

/* a * b + c, rounded once */
static inline Vec
vec_fma (Vec a, Vec b, Vec c)
{
  return _mm256_fmadd_ps (a, b, c);
}

static inline Vec
vec_max (Vec a, Vec b)
{
  return _mm256_max_ps (a, b);
}

static inline Vec
vec_min (Vec a, Vec b)
{
  return _mm256_min_ps (a, b);
}

/* -|x| */
static inline Vec
vec_negative_abs (Vec x)
{
  return _mm256_or_ps (x, _mm256_set1_ps (-0.0f));
}

/* a < b ? x : y */
static inline Vec
vec_select_less (Vec a, Vec b, Vec x, Vec y)
{
  return _mm256_blendv_ps (y, x, _mm256_cmp_ps (a, b, _CMP_LT_OQ));
}

/* To the nearest integer, halves to the even one. */
static inline Vec
vec_round (Vec x)
{
  return _mm256_round_ps (x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* 2^n for integral n, -126 … 127. The sum's last bits are the number 127 + n, a power's exponent. */
static inline Vec
vec_pow2 (Vec n)
{
  const Vec biased = _mm256_add_ps (n, _mm256_set1_ps (VEC_POW2_BIAS));
  return _mm256_castsi256_ps (_mm256_slli_epi32 (_mm256_castps_si256 (biased), 23));
}

static inline VecDouble
vec_low_double (Vec v)
{
  return _mm256_cvtps_pd (_mm256_castps256_ps128 (v));
}

static inline VecDouble
vec_high_double (Vec v)
{
  return _mm256_cvtps_pd (_mm256_extractf128_ps (v, 1));
}

static inline VecDouble
vec_double_load (const double *p)
{
  return _mm256_loadu_pd (p);
}

static inline void
vec_double_store (double *p, VecDouble v)
{
  _mm256_storeu_pd (p, v);
}

static inline VecDouble
vec_double_add (VecDouble a, VecDouble b)
{
  return _mm256_add_pd (a, b);
}

static inline VecDouble
vec_double_mul (VecDouble a, VecDouble b)
{
  return _mm256_mul_pd (a, b);
}

#endif
