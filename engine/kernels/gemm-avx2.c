/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix product for AVX2 and FMA.
 */
#include "vec-avx2.h"

#include "gemm.inc.h"
