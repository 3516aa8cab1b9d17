/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels of int8 for any aarch64.
 */
#include "bytes-vec-neon.h"

#include "bytes-channels.inc.h"
#include "bytes-depthwise.inc.h"
#include "bytes-gemm.inc.h"
