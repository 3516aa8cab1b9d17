/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Depthwise convolution for AVX-512.
 */
#include "vec-avx512.h"

#include "depthwise.inc.h"
