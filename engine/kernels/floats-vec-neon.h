/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The vector primitives that the kernel templates (floats-*.inc.h) are written in, for aarch64's NEON. What
 * each does stands in floats-vec-avx2.h.
 */
#ifndef FBNET_KERNELS_FLOATS_VEC_NEON_H
#define FBNET_KERNELS_FLOATS_VEC_NEON_H

#include <arm_neon.h>
#include <glib.h>

#define KERNEL(name) name##_neon

#define VEC_SIZE      4
#define VEC_REGISTERS 32
typedef float32x4_t Vec;
typedef float64x2_t VecDouble;

#define VEC_POW2_BIAS 12583039.0f /* 3 * 2^22 + 127 */

static inline Vec
vec_zero (void)
{
  return vdupq_n_f32 (0.0f);
}

static inline Vec
vec_set1 (float x)
{
  return vdupq_n_f32 (x);
}

static inline Vec
vec_load (const float *p)
{
  return vld1q_f32 (p);
}

static inline void
vec_store (float *p, Vec v)
{
  vst1q_f32 (p, v);
}

static inline Vec
vec_load_tail (const float *p, gsize n)
{
  if (n == 4)
    return vld1q_f32 (p);
  Vec v = vsetq_lane_f32 (p[0], vec_zero (), 0);
  if (n > 1)
    v = vsetq_lane_f32 (p[1], v, 1);
  if (n > 2)
    v = vsetq_lane_f32 (p[2], v, 2);
  return v;
}

static inline void
vec_store_tail (float *p, Vec v, gsize n)
{
  if (n == 4) {
    vst1q_f32 (p, v);
    return;
  }
  vst1q_lane_f32 (p, v, 0);
  if (n > 1)
    vst1q_lane_f32 (p + 1, v, 1);
  if (n > 2)
    vst1q_lane_f32 (p + 2, v, 2);
}

static inline Vec
vec_add (Vec a, Vec b)
{
  return vaddq_f32 (a, b);
}

static inline Vec
vec_mul (Vec a, Vec b)
{
  return vmulq_f32 (a, b);
}

static inline Vec
vec_div (Vec a, Vec b)
{
  return vdivq_f32 (a, b);
}

static inline Vec
vec_fma (Vec a, Vec b, Vec c)
{
  return vfmaq_f32 (c, a, b);
}

/* Not vmaxq_f32(), which orders the zeros. */
static inline Vec
vec_max (Vec a, Vec b)
{
  return vbslq_f32 (vcgtq_f32 (a, b), a, b);
}

static inline Vec
vec_min (Vec a, Vec b)
{
  return vbslq_f32 (vcltq_f32 (a, b), a, b);
}

static inline Vec
vec_negative_abs (Vec x)
{
  return vnegq_f32 (vabsq_f32 (x));
}

static inline Vec
vec_select_less (Vec a, Vec b, Vec x, Vec y)
{
  return vbslq_f32 (vcltq_f32 (a, b), x, y);
}

static inline Vec
vec_round (Vec x)
{
  return vrndnq_f32 (x);
}

static inline Vec
vec_pow2 (Vec n)
{
  const Vec biased = vaddq_f32 (n, vdupq_n_f32 (VEC_POW2_BIAS));
  return vreinterpretq_f32_s32 (vshlq_n_s32 (vreinterpretq_s32_f32 (biased), 23));
}

static inline VecDouble
vec_low_double (Vec v)
{
  return vcvt_f64_f32 (vget_low_f32 (v));
}

static inline VecDouble
vec_high_double (Vec v)
{
  return vcvt_high_f64_f32 (v);
}

static inline VecDouble
vec_double_load (const double *p)
{
  return vld1q_f64 (p);
}

static inline void
vec_double_store (double *p, VecDouble v)
{
  vst1q_f64 (p, v);
}

static inline VecDouble
vec_double_add (VecDouble a, VecDouble b)
{
  return vaddq_f64 (a, b);
}

static inline VecDouble
vec_double_mul (VecDouble a, VecDouble b)
{
  return vmulq_f64 (a, b);
}

#endif
