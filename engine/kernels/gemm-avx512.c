/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix product for AVX-512.
 */
#include "vec-avx512.h"

#include "gemm.inc.h"
