/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The int8 kernels along channels, for the processor family's baseline: the specification.
 */
#define KERNEL(name) name##_c

#include "bytes-channels.inc.h"
