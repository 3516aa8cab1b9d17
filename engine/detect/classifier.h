/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the tests and the quantiser may look at inside a classifier.
 */
#ifndef FBNET_CLASSIFIER_H
#define FBNET_CLASSIFIER_H

#include "network/plan.h"

/* Valid until the classifier's next frame. */
typedef struct {
  const guint8 *crop; /* [side][side][3], the model's channel order */
  gsize side;
  Tensor input;
  Tensor features; /* 1 × 1 × 1 × c, after the average pool */
  Tensor logits;   /* 1 × 1 × 1 × n_classes */
} ClassifierPass;

/* As detector_observe() (detector.h). */
void classifier_observe (FbnetClassifier *classifier, LayerObserver observe, gpointer data);

const ClassifierPass *classifier_get_pass (const FbnetClassifier *classifier);

guint classifier_get_n_classes (const FbnetClassifier *classifier);

#endif
