/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A detector and what a tool needs around it, at work on picture files.
 */
#ifndef FBNET_TOOLS_PICTUREDETECTOR_H
#define FBNET_TOOLS_PICTUREDETECTOR_H

#include "support/classes.h"
#include "support/coco.h"
#include "fbnet/fbnet.h"
#include "support/options.h"
#include "support/picture.h"

typedef struct {
  FbnetModel *model;
  FbnetDetector *detector;
  FbnetDetections *detections; /* of the last picture */
  ClassTable *classes;
} PictureDetector;

/* Loads the model that the options name and starts it. FALSE with error; to be closed then, too. */
gboolean picture_detector_open (PictureDetector *detector, const DetectorOptions *options,
    GError **error);
void picture_detector_close (PictureDetector *detector);

/* Reads a picture and detects what is in it; the caller owns the picture. */
Picture *picture_detector_run (PictureDetector *detector, const char *path, GError **error);

/* The same with an image of a COCO set, whose files lie in `folder`; adds its results to the writer.
 * The categories must have been matched (class_table_match). */
Picture *picture_detector_run_coco (PictureDetector *detector, const char *folder,
    const CocoImage *image, CocoWriter *writer, GError **error);

#endif
