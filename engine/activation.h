/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Activations one number at a time, in double: for tables, ranges and training. Many at once, in float32,
 * are the kernels' (kernels.h).
 */
#ifndef FBNET_ACTIVATION_H
#define FBNET_ACTIVATION_H

#include <math.h>

#include "kernels/kernels.h"

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
      return x;
  }
  g_assert_not_reached ();
}

#endif
