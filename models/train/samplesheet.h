/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Samples for the eyes: what the network is given, with boxes, classes and masks drawn in.
 */
#ifndef FBNET_TRAIN_SAMPLESHEET_H
#define FBNET_TRAIN_SAMPLESHEET_H

#include "datasetreader.h"

/* A sample as a picture. Masks are drawn from its crop_mask(), a cell a pixel of the object's box.
 * `labels` as annotate_picture() takes them; bgr: the model's channel order. */
Picture *sample_picture (const TrainSample *sample, const char *const *labels, gboolean bgr,
    GError **error);

/* Pictures side by side, `columns` to a row, row below row, each in a cell of the largest one's
 * size. */
Picture *sample_sheet (const Picture *const *pictures, guint n_pictures, guint columns,
    GError **error);

/* The first n_samples of the stream that `seed` names, as training with these options sees them, in
 * one PNG. */
gboolean sample_sheet_write (Dataset *dataset, const AugmentOptions *options, guint64 seed,
    guint n_samples, guint columns, const char *path, GError **error);

#endif
