/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The int8 kernels that go along bytes, for AVX-512 with VNNI.
 */
#define KERNEL(name) name##_avx512vnni

#include "qbytes.inc.h"
