/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels of int8 for SSE4.1.
 */
#include "bytes-vec-sse41.h"

#include "bytes-add.inc.h"
#include "bytes-channels.inc.h"
#include "bytes-depthwise.inc.h"
#include "bytes-gemm.inc.h"
