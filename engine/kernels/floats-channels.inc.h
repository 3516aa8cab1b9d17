/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The small kernels along channels, over the primitives of a floats-vec-*.h that was included before.
 */
#include "floats-activation.inc.h"
#include "rows.h"

static inline __attribute__ ((always_inline)) void
activate_all (float *x, gsize n, const Activation act)
{
  gsize i = 0;

  for (; i + VEC_SIZE <= n; i += VEC_SIZE)
    vec_store (x + i, vec_activation (vec_load (x + i), act));
  if (i < n)
    vec_store_tail (x + i, vec_activation (vec_load_tail (x + i, n - i), act), n - i);
}

/* The switch stands outside the loop: one loop per activation. */
void
KERNEL (activate) (float *x, gsize n, Activation act)
{
  switch (act) {
    case ACT_NONE:
      break;
    case ACT_RELU:
      activate_all (x, n, ACT_RELU);
      break;
    case ACT_HSWISH:
      activate_all (x, n, ACT_HSWISH);
      break;
    case ACT_SWISH:
      activate_all (x, n, ACT_SWISH);
      break;
    case ACT_SIGMOID:
      activate_all (x, n, ACT_SIGMOID);
      break;
    case ACT_HSIGMOID:
      activate_all (x, n, ACT_HSIGMOID);
      break;
  }
}

/* Without activation: the whole vectors of one pixel; returns how many channels that were. */
static inline gsize
affine_vectors (float *x, const float *scale, const float *shift, const float *residual,
    gsize channels)
{
  gsize c = 0;

  for (; c + VEC_SIZE <= channels; c += VEC_SIZE) {
    const Vec moved = vec_fma (vec_load (x + c), vec_load (scale + c),
        shift ? vec_load (shift + c) : vec_zero ());
    vec_store (x + c, residual ? vec_add (moved, vec_load (residual + c)) : moved);
  }
  return c;
}

/* The same for the n channels that are left, fewer than a vector. */
static inline void
affine_tail (float *x, const float *scale, const float *shift, const float *residual, gsize n)
{
  const Vec moved = vec_fma (vec_load_tail (x, n), vec_load_tail (scale, n),
      shift ? vec_load_tail (shift, n) : vec_zero ());
  vec_store_tail (x, residual ? vec_add (moved, vec_load_tail (residual, n)) : moved, n);
}

void
KERNEL (channel_affine) (float *x, const float *scale, const float *shift, const float *residual,
    gsize pixels, gsize channels, Activation act)
{
  for (gsize p = 0; p < pixels; p++) {
    const gsize c = affine_vectors (x, scale, shift, residual, channels);
    if (c < channels)
      affine_tail (x + c, scale + c, shift ? shift + c : NULL, residual ? residual + c : NULL,
          channels - c);
    KERNEL (activate) (x, channels, act);
    x += channels;
    residual = residual ? residual + channels : NULL;
  }
}

/* A vector's sums over all pixels, in doubles, pixel by pixel: the order of the C row, and products
 * of floats are exact in double, so the bits are the C row's. */
static void
sum_vector (double *sum, double *sum_sq, const float *x, gsize pixels, gsize channels)
{
  const gsize half = VEC_SIZE / 2;
  VecDouble low = vec_double_load (sum);
  VecDouble high = vec_double_load (sum + half);
  VecDouble low_sq = sum_sq ? vec_double_load (sum_sq) : low;
  VecDouble high_sq = sum_sq ? vec_double_load (sum_sq + half) : high;

  for (gsize p = 0; p < pixels; p++) {
    const Vec value = vec_load (x + p * channels);
    const VecDouble l = vec_low_double (value);
    const VecDouble h = vec_high_double (value);
    low = vec_double_add (low, l);
    high = vec_double_add (high, h);
    low_sq = vec_double_add (low_sq, vec_double_mul (l, l));
    high_sq = vec_double_add (high_sq, vec_double_mul (h, h));
  }

  vec_double_store (sum, low);
  vec_double_store (sum + half, high);
  if (sum_sq) {
    vec_double_store (sum_sq, low_sq);
    vec_double_store (sum_sq + half, high_sq);
  }
}

static void
sum_channel (double *sum, double *sum_sq, const float *x, gsize pixels, gsize channels)
{
  for (gsize p = 0; p < pixels; p++) {
    const double value = x[p * channels];
    *sum += value;
    if (sum_sq)
      *sum_sq += value * value;
  }
}

void
KERNEL (channel_sums) (double *sum, double *sum_sq, const float *x, gsize pixels, gsize channels)
{
  gsize c = 0;

  for (; c + VEC_SIZE <= channels; c += VEC_SIZE)
    sum_vector (sum + c, sum_sq ? sum_sq + c : NULL, x + c, pixels, channels);
  for (; c < channels; c++)
    sum_channel (sum + c, sum_sq ? sum_sq + c : NULL, x + c, pixels, channels);
}

/* Four vectors at a time, so that their sums need not wait for each other. */
static void
weighted_sum_4 (float *out, const float *const *source, const float *weight, gsize n, gsize c)
{
  Vec sum[4] = { vec_zero (), vec_zero (), vec_zero (), vec_zero () };

  for (gsize t = 0; t < n; t++) {
    const Vec w = vec_set1 (weight[t]);
    for (guint v = 0; v < 4; v++)
      sum[v] = vec_fma (w, vec_load (source[t] + c + v * VEC_SIZE), sum[v]);
  }
  for (guint v = 0; v < 4; v++)
    vec_store (out + c + v * VEC_SIZE, sum[v]);
}

void
KERNEL (weighted_sum) (float *out, const float *const *source, const float *weight, gsize n,
    gsize channels)
{
  gsize c = 0;

  for (; c + 4 * VEC_SIZE <= channels; c += 4 * VEC_SIZE)
    weighted_sum_4 (out, source, weight, n, c);
  for (; c < channels; c += VEC_SIZE) {
    const gsize count = MIN (VEC_SIZE, channels - c);
    Vec sum = vec_zero ();
    for (gsize t = 0; t < n; t++)
      sum = vec_fma (vec_set1 (weight[t]), vec_load_tail (source[t] + c, count), sum);
    vec_store_tail (out + c, sum, count);
  }
}
