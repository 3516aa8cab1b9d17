/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How good a model is on an annotated set: COCO's average precision of all it finds.
 */
#ifndef FBNET_QUANTIZE_EVALUATION_H
#define FBNET_QUANTIZE_EVALUATION_H

#include "evaluate/cocodata.h"

typedef struct {
  gboolean measured[COCO_N_KINDS];
  double ap[COCO_N_KINDS]; /* mean over IoU 0.50 … 0.95 */
  guint n_images;
} Accuracy;

/* Runs the model, a detector, on the set's pictures. A picture that cannot be read is an error. */
gboolean evaluate_model (Accuracy *accuracy, const char *model, const CocoFile *annotations,
    const char *images, GError **error);

#endif
