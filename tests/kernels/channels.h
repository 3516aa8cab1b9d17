/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels along channels to test and to time, of floats and of bytes.
 */
#ifndef FBNET_TESTS_CHANNELS_H
#define FBNET_TESTS_CHANNELS_H

#include "check.h"

void channels_add_float_tests (void);
void channels_add_byte_tests (void);

/* A table each, of thousand million numbers a second. */
void channels_bench_floats (void);
void channels_bench_bytes (void);

/* What is timed: a map in the middle of a network. */
#define CHANNELS_PIXELS 40
#define CHANNELS        112

#endif
