/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Depthwise convolution for aarch64's NEON.
 */
#include "vec-neon.h"

#include "depthwise.inc.h"
