/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels of float32 for SSE4.1.
 */
#include "floats-vec-sse41.h"

#include "floats-numbers.h"

#include "floats-channels.inc.h"
#include "floats-depthwise.inc.h"
#include "floats-gemm.inc.h"
