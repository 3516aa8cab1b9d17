/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels of int8 for AVX-VNNI.
 */
#include "bytes-vec-avxvnni.h"

#include "bytes-add.inc.h"
#include "bytes-channels.inc.h"
#include "bytes-depthwise.inc.h"
#include "bytes-gemm.inc.h"
