/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Depthwise convolution for AVX2 and FMA.
 */
#include "vec-avx2.h"

#include "depthwise.inc.h"
