/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The int8 kernels that go along bytes, for AVX2.
 */
#define KERNEL(name) name##_avx2

#include "qbytes.inc.h"
