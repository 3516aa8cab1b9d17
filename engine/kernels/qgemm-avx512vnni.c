/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Matrix product of bytes for AVX-512 with VNNI.
 */
#include "qvec-avx512vnni.h"

#include "qgemm.inc.h"
