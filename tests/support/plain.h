/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A kernel row written down from the equivalent loops in kernels.h, for tests of stages that must not
 * depend on the kernel that happens to be the best here.
 */
#ifndef TESTS_PLAIN_H
#define TESTS_PLAIN_H

#include "kernels/kernels.h"

/* Only weighted_sum is there. */
extern const Kernels plain_kernels;

#endif
