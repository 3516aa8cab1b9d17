/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels of float32 for AVX2 and FMA.
 */
#include "floats-vec-avx2.h"

#include "floats-numbers.h"

#include "floats-channels.inc.h"
#include "floats-depthwise.inc.h"
#include "floats-gemm.inc.h"
