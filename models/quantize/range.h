/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which numbers a tensor's 256 bytes shall stand for.
 */
#ifndef FBNET_QUANTIZE_RANGE_H
#define FBNET_QUANTIZE_RANGE_H

#include "model/arch.h"
#include "histogram.h"

typedef enum {
  RANGE_MSE,        /* the range whose bytes are, squared, the least off */
  RANGE_PERCENTILE, /* all but the outermost numbers */
  RANGE_MIN_MAX,    /* all numbers that were seen */
} RangeMethod;

/* `share` of the numbers lies inside, RANGE_PERCENTILE only. `table`: what the bytes go through next;
 * what counts is then the difference behind it. Zero is always a byte exactly. */
Quant range_choose (const Histogram *histogram, RangeMethod method, double share, Activation table);

/* Mean squared difference between the numbers and their bytes. */
double range_error (const Histogram *histogram, Quant quant, Activation table);

/* Mean square of the numbers, behind the table. */
double range_energy (const Histogram *histogram, Activation table);

#endif
