/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A float model at work, a detector or a classifier, whose layers' outputs somebody watches.
 */
#ifndef FBNET_QUANTIZE_WATCHED_H
#define FBNET_QUANTIZE_WATCHED_H

#include "detect/classifier.h"
#include "detect/detector.h"

typedef struct {
  FbnetDetector *detector; /* or */
  FbnetClassifier *classifier;
  FbnetDetections *detections;
  float *probabilities;
} Watched;

/* Starts the model with floats; `observe` is called with every layer's output. FALSE with error: then
 * watched_close() still wants to be called. */
gboolean watched_open (Watched *watched, FbnetModel *model, const char *kernels, guint n_threads,
    LayerObserver observe, gpointer data, GError **error);
void watched_close (Watched *watched); /* of a zeroed one, too */

gboolean watched_run (Watched *watched, const FbnetImage *image, GError **error);

#endif
