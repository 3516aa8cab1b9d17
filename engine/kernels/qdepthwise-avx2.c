/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Depthwise convolution of bytes for AVX2.
 */
#include "qvec-avx2.h"

#include "qdepthwise.inc.h"
