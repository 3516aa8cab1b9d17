/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix product for aarch64's NEON.
 */
#include "vec-neon.h"

#include "gemm.inc.h"
