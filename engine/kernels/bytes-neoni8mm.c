/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The depthwise convolution of int8 for aarch64 with i8mm. The matrix product is not the template's.
 */
#include "bytes-vec-neoni8mm.h"

#include "bytes-depthwise.inc.h"
