/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The int8 kernels that go along bytes, for the processor family's baseline: the specification.
 */
#define KERNEL(name) name##_c

#include "qbytes.inc.h"
