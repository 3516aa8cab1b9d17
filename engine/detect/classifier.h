/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the tests may look at inside a classifier.
 */
#ifndef FBNET_CLASSIFIER_H
#define FBNET_CLASSIFIER_H

#include "fbnet/fbnet.h"
#include "base/tensor.h"

/* Valid until the classifier's next frame. */
typedef struct {
  const guint8 *crop; /* [side][side][3], the model's channel order */
  gsize side;
  Tensor input;
  Tensor features; /* 1 × 1 × 1 × c, after the average pool */
  Tensor logits;   /* 1 × 1 × 1 × n_classes */
} ClassifierTaps;

/* As detector_observe() (detector.h). */
void classifier_observe (FbnetClassifier *classifier,
    void (*observe) (const char *name, const Tensor *output, gpointer data), gpointer data);

void classifier_get_taps (const FbnetClassifier *classifier, ClassifierTaps *taps);

#endif
