/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How often a classifier is right: the share of the pictures whose class is the most probable, or among
 * the five most probable (Russakovsky et al. 2015, ImageNet Large Scale Visual Recognition Challenge).
 */
#ifndef FBNET_TRAIN_CLASSACCURACY_H
#define FBNET_TRAIN_CLASSACCURACY_H

#include "classfolders.h"

typedef struct {
  double top1, top5;
  guint n_pictures;
} ClassAccuracy;

/* Runs the model on the pictures, whose classes are the model's by name. A picture that cannot be read, and
 * a class that the model has not got, are errors. */
gboolean class_accuracy_measure (ClassAccuracy *accuracy, const ClassFolders *folders,
    const char *model, GError **error);

#endif
