/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix product of bytes for AVX2.
 */
#include "qvec-avx2.h"

#include "qgemm.inc.h"
