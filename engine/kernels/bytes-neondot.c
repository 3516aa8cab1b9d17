/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The products of int8 for aarch64 with dot products.
 */
#include "bytes-vec-neondot.h"

#include "bytes-depthwise.inc.h"
#include "bytes-gemm.inc.h"
