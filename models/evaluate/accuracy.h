/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How good a model is on an annotated set: COCO's average precision of all it finds.
 */
#ifndef FBNET_EVALUATE_ACCURACY_H
#define FBNET_EVALUATE_ACCURACY_H

#include "cocodata.h"
#include "support/paramoptions.h"

typedef struct {
  gboolean measured[COCO_N_KINDS];
  double ap[COCO_N_KINDS];   /* mean over IoU 0.50 … 0.95 */
  double ap50[COCO_N_KINDS]; /* at 0.50 */
  guint n_images;
} Accuracy;

typedef struct {
  const CocoFile *annotations;
  const char *images;         /* their folder */
  const ParamOptions *params; /* how the model is run; NULL: as its file says */
  const char *unit;           /* for the progress, "pictures evaluated"; NULL: none is shown */
} AccuracySet;

/* Runs the model, a detector, on the set's pictures. A picture that cannot be read is an error. */
gboolean accuracy_measure (Accuracy *accuracy, const AccuracySet *set, const char *model,
    GError **error);

#endif
