/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The small kernels along channels for aarch64's NEON.
 */
#include "vec-neon.h"

#include "channels.inc.h"
