/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The small kernels along channels for AVX2 and FMA.
 */
#include "vec-avx2.h"

#include "channels.inc.h"
