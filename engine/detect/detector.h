/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the tests and the quantiser may look at inside a detector.
 */
#ifndef FBNET_DETECTOR_H
#define FBNET_DETECTOR_H

#include "pass.h"

/* Every stage's output of the last frame. */
const Pass *detector_get_pass (const FbnetDetector *detector);

/* Calls `observe` with the output of every layer from the next frame on, and fuses none; NULL ends
 * it. */
void detector_observe (FbnetDetector *detector, LayerObserver observe, gpointer data);

/* The stream's statistics (PackedConv.norm_at of a network that follows); NULL unless batch norms follow
 * it. */
const double *detector_get_norm_stats (const FbnetDetector *detector);

#endif
