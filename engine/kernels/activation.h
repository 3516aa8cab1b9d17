/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The activations, one number at a time: the specification. NaN stays NaN in each of them, as in
 * PyTorch.
 */
#ifndef FBNET_KERNELS_ACTIVATION_H
#define FBNET_KERNELS_ACTIVATION_H

#include <math.h>

#include "floats.h"

/* relu6 (x + 3) / 6, as mobile_cv writes it: times the float32 nearest to 1/6. */
static inline float
hsigmoid (float x)
{
  const float shifted = x + 3.0f;
  const float cut = shifted < 0.0f ? 0.0f : shifted > 6.0f ? 6.0f : shifted;
  return cut * (1.0f / 6.0f);
}

static inline float
sigmoid (float x)
{
  return 1.0f / (1.0f + expf (-x));
}

static inline float
activation_apply (float x, Activation act)
{
  switch (act) {
    case ACT_RELU:
      return x < 0.0f ? 0.0f : x;
    case ACT_HSWISH:
      return x * hsigmoid (x);
    case ACT_SWISH:
      return x * sigmoid (x);
    case ACT_SIGMOID:
      return sigmoid (x);
    case ACT_HSIGMOID:
      return hsigmoid (x);
    case ACT_NONE:
      break;
  }
  return x;
}

/* The same in double, for what is no kernel's: tables of bytes, ranges, training. */
static inline double
activation_at (Activation act, double x)
{
  switch (act) {
    case ACT_HSWISH:
      return x * CLAMP (x + 3, 0, 6) / 6;
    case ACT_HSIGMOID:
      return CLAMP (x + 3, 0, 6) / 6;
    case ACT_SWISH:
      return x / (1 + exp (-x));
    case ACT_SIGMOID:
      return 1 / (1 + exp (-x));
    case ACT_RELU:
      return MAX (x, 0);
    case ACT_NONE:
      break;
  }
  return x;
}

#endif
