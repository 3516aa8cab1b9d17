/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The small kernels along channels for AVX-512.
 */
#include "vec-avx512.h"

#include "channels.inc.h"
