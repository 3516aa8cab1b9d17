/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Samples as one input of the network.
 */
#ifndef FBNET_TRAIN_BATCH_H
#define FBNET_TRAIN_BATCH_H

#include "model/description.h"
#include "sample.h"
#include "tape.h"

/* Shifted and scaled as the description says; as high and wide as the largest, and a multiple of
 * size_divisibility: zeros to the right and below (detectron2 ImageList.from_tensors). */
Var *batch_new (Tape *tape, const Description *description, const TrainSample *const *samples,
    guint n);

#endif
