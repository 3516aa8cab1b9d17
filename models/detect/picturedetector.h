/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A detector and what a program needs around it, at work on picture files.
 */
#ifndef FBNET_DETECT_PICTUREDETECTOR_H
#define FBNET_DETECT_PICTUREDETECTOR_H

#include "fbnet/fbnet.h"
#include "support/classes.h"
#include "support/paramoptions.h"
#include "support/picture.h"

typedef struct {
  FbnetModel *model;
  FbnetDetector *detector;
  FbnetDetections *found; /* by single looks */
  FbnetZoom *zoom;        /* second looks; NULL: none are asked for */
  FbnetZoomOptions zoom_options;
  guint64 n_pictures, n_passes;      /* looked at, and looks taken */
  const FbnetDetections *detections; /* of the last picture */
  ClassTable *classes;
} PictureDetector;

/* FALSE with error: an option of second looks that is out of its range, or that means nothing where pictures are
 * looked at one by one. */
gboolean picture_detector_check_zoom (ParamOptions *zoom, GError **error);

/* Loads the model and starts it; `zoom`, second looks, may be NULL: none, too; `params` may be NULL: all as the model
 * has it. FALSE with error; to be closed then, too. */
gboolean picture_detector_open (PictureDetector *detector, const char *model,
    const ParamOptions *params, const ParamOptions *zoom, GError **error);
void picture_detector_close (PictureDetector *detector);

/* Reads a picture and detects what is in it; the caller owns the picture. */
Picture *picture_detector_run (PictureDetector *detector, const char *path, GError **error);

#endif
