/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the templates of matrix products and of depthwise convolutions (floats-gemm.inc.h,
 * floats-depthwise.inc.h) take for a number: a bfloat16, for AVX-512 with BF16. What each primitive does
 * stands in floats-numbers.h. Sums are floats, over the primitives of floats-vec-avx512.h.
 */
#ifndef FBNET_KERNELS_BFLOATS_NUMBERS_AVX512BF16_H
#define FBNET_KERNELS_BFLOATS_NUMBERS_AVX512BF16_H

#include <math.h>

#include "floats-activation.inc.h"
#include "rows.h"

#undef KERNEL
#define KERNEL(name) b##name##_avx512bf16

typedef BFloat Number;
typedef BGemmArgs ProductArgs;
typedef BDepthwiseArgs RowArgs;

#define NUMBER_TAPS 2
typedef __m512bh Taps;

static inline Number
number_of (float weight)
{
  return bfloat_from_float (weight);
}

static inline Taps
taps_load (const Number *weights)
{
  return (Taps) _mm512_load_si512 (weights);
}

static inline Taps
taps_broadcast (const Number *a, gboolean all)
{
  gint32 pair = *a;

  if (all)
    memcpy (&pair, a, sizeof pair);
  return (Taps) _mm512_set1_epi32 (pair);
}

/* The second tap first. The empty statement: gcc would copy the sums to other registers at every step, more
 * than there are. */
static inline Vec
taps_dot (Vec sum, Taps x, Taps weight)
{
  sum = _mm512_dpbf16_ps (sum, x, weight);
  __asm__("" : "+v"(sum));
  return sum;
}

/* Sixteen numbers become the upper halves of sixteen floats, by one instruction. */
static inline Vec
widen (__m256i numbers)
{
  const __m512i order = _mm512_setr_epi32 (0, 0x10000, 0x20000, 0x30000, 0x40000, 0x50000, 0x60000,
      0x70000, 0x80000, 0x90000, 0xa0000, 0xb0000, 0xc0000, 0xd0000, 0xe0000, 0xf0000);
  return _mm512_castsi512_ps (
      _mm512_maskz_permutexvar_epi16 (0xaaaaaaaa, order, _mm512_castsi256_si512 (numbers)));
}

static inline __mmask16
number_tail_mask (gsize n)
{
  return (__mmask16) ((1u << n) - 1u);
}

static inline Vec
number_load (const Number *p)
{
  return widen (_mm256_loadu_si256 ((const __m256i *) p));
}

static inline Vec
number_load_tail (const Number *p, gsize n)
{
  return widen (_mm256_maskz_loadu_epi16 (number_tail_mask (n), p));
}

static inline Vec
number_least (Activation act)
{
  return vec_set1 (act == ACT_RELU ? 0.0f : -INFINITY);
}

/* Kept apart: what is seldom shall not take the room of what is common. */
static __attribute__ ((noinline)) Vec
activate_vector (Vec x, Activation act)
{
  switch (act) {
    case ACT_HSWISH:
      return vec_activation (x, ACT_HSWISH);
    case ACT_SWISH:
      return vec_activation (x, ACT_SWISH);
    case ACT_SIGMOID:
      return vec_activation (x, ACT_SIGMOID);
    case ACT_HSIGMOID:
      return vec_activation (x, ACT_HSIGMOID);
    case ACT_NONE:
    case ACT_RELU:
      break;
  }
  return x;
}

/* All of them, for what is rounded next is final. */
static inline Vec
finish (Vec x, Vec least, Activation act)
{
  x = vec_max (least, x);
  return act == ACT_NONE || act == ACT_RELU ? x : activate_vector (x, act);
}

static inline void
number_store (Number *p, Vec x, Vec least, Activation act)
{
  _mm256_storeu_si256 ((__m256i *) p, (__m256i) _mm512_cvtneps_pbh (finish (x, least, act)));
}

static inline void
number_store_tail (Number *p, Vec x, gsize n, Vec least, Activation act)
{
  _mm256_mask_storeu_epi16 (p, number_tail_mask (n),
      (__m256i) _mm512_cvtneps_pbh (finish (x, least, act)));
}

static inline void
sum_store (const ProductArgs *g, gsize at, Vec x, Vec least)
{
  if (g->c != NULL)
    vec_store (g->c + at, finish (x, least, g->act));
  else
    number_store (g->rounded + at, x, least, g->act);
}

static inline void
sum_store_tail (const ProductArgs *g, gsize at, Vec x, gsize n, Vec least)
{
  if (g->c != NULL)
    vec_store_tail (g->c + at, finish (x, least, g->act), n);
  else
    number_store_tail (g->rounded + at, x, n, least, g->act);
}

static inline void
product_finish (const ProductArgs *g, gsize first, gsize rows)
{
}

static inline void
row_finish (const RowArgs *d)
{
}

#endif
