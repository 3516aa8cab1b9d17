/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A classifier's loss over a batch of samples, on a tape: cross entropy of the softmax with the sample's
 * class. Semantics: torch.nn.CrossEntropyLoss with label_smoothing (Szegedy et al. 2015, Rethinking the
 * Inception Architecture for Computer Vision).
 */
#ifndef FBNET_TRAIN_CLASSIFY_H
#define FBNET_TRAIN_CLASSIFY_H

#include "net.h"
#include "sample.h"
#include "trainlosses.h"

typedef struct {
  double
      label_smoothing; /* the share of the probability that all classes get evenly, 0 … below 1 */
} ClassifySettings;

/* NULL when training can handle the model's architecture, else a sentence. */
const char *classify_unsupported (const FbnetModel *model);

/* Runs the network forward and leaves its steps on net->tape. Each sample's class is that of its only
 * object. */
TrainLosses classify_forward (Net *net, const ClassifySettings *settings,
    const TrainSample *const *samples, guint n);

#endif
