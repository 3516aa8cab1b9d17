/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The activations of a vector, over the primitives of a floats-vec-*.h that was included before.
 */
#include "floats.h"

/* exp (x) for x <= 0: x = n ln 2 + r, |r| <= ln 2 / 2, in two steps so that n ln 2 is subtracted
 * exactly; Taylor's series for exp (r) up to r^7 (the rest is below 6e-9). Within 1.5 ulp; below
 * -87.3, where float32 leaves its normal numbers, 0. NaN stays NaN. */
static inline Vec
vec_exp_negative (Vec x)
{
  const Vec least = vec_set1 (-87.3f);
  const Vec cut = vec_max (least, x);
  const Vec n = vec_round (vec_mul (cut, vec_set1 (1.44269504f)));
  Vec r = vec_fma (n, vec_set1 (-0.693359375f), cut);
  r = vec_fma (n, vec_set1 (2.12194440e-4f), r);

  Vec sum = vec_set1 (1.0f / 5040.0f);
  sum = vec_fma (sum, r, vec_set1 (1.0f / 720.0f));
  sum = vec_fma (sum, r, vec_set1 (1.0f / 120.0f));
  sum = vec_fma (sum, r, vec_set1 (1.0f / 24.0f));
  sum = vec_fma (sum, r, vec_set1 (1.0f / 6.0f));
  sum = vec_fma (sum, r, vec_set1 (0.5f));
  sum = vec_fma (sum, r, vec_set1 (1.0f));
  sum = vec_fma (sum, r, vec_set1 (1.0f));
  return vec_select_less (x, least, vec_zero (), vec_mul (sum, vec_pow2 (n)));
}

/* From exp (-|x|), which cannot overflow: 1 / (1 + e) for x >= 0, e / (1 + e) below. */
static inline Vec
vec_sigmoid (Vec x)
{
  const Vec one = vec_set1 (1.0f);
  const Vec e = vec_exp_negative (vec_negative_abs (x));
  return vec_div (vec_select_less (x, vec_zero (), e, one), vec_add (one, e));
}

static inline Vec
vec_hsigmoid (Vec x)
{
  const Vec shifted = vec_add (x, vec_set1 (3.0f));
  const Vec cut = vec_min (vec_set1 (6.0f), vec_max (vec_zero (), shifted));
  return vec_mul (cut, vec_set1 (1.0f / 6.0f));
}

static inline __attribute__ ((always_inline)) Vec
vec_activation (Vec x, const Activation act)
{
  switch (act) {
    case ACT_RELU:
      return vec_max (vec_zero (), x);
    case ACT_HSWISH:
      return vec_mul (x, vec_hsigmoid (x));
    case ACT_SWISH:
      return vec_mul (x, vec_sigmoid (x));
    case ACT_SIGMOID:
      return vec_sigmoid (x);
    case ACT_HSIGMOID:
      return vec_hsigmoid (x);
    case ACT_NONE:
      break;
  }
  return x;
}
