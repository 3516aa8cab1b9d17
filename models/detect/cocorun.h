/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A detector at work on all images of a COCO data set.
 */
#ifndef FBNET_DETECT_COCORUN_H
#define FBNET_DETECT_COCORUN_H

#include "picturedetector.h"
#include "support/coco.h"
#include "support/cocowriter.h"
#include "support/console.h"

/* A picture whose detections have been taken; its pixels are nobody else's any more. */
typedef gboolean (*CocoRunFunc) (gpointer data, Picture *picture, const char *path, GError **error);

typedef struct {
  const CocoFile *file;
  const char *folder; /* of the images */
  const char *unit;   /* for the progress: "{picture|pictures}"; NULL: none is shown */
  Console *console;   /* NULL: the first picture that fails ends the run */
  CocoRunFunc func;   /* or NULL */
  gpointer data;
} CocoRun;

/* Adds all detections to the writer. The classes take the file's categories; how many have none is said. A
 * picture that fails costs a sentence. FALSE with error when an image has no name, or no class a
 * category. */
gboolean coco_run (const CocoRun *run, PictureDetector *detector, CocoWriter *writer,
    GError **error);

#endif
