/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Depthwise convolution and its gradient: a part of op_conv().
 */
#ifndef FBNET_TRAIN_DEPTHWISE_H
#define FBNET_TRAIN_DEPTHWISE_H

#include "ops.h"

/* Fills y, whose shape is right. */
void train_depthwise (Tape *tape, Var *x, Var *y, const ConvLayer *layer, Weight weight,
    Weight bias);

#endif
