/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The results file that COCO's evaluation reads, in the making. Format: cocodataset.org,
 * #format-results.
 */
#ifndef FBNET_SUPPORT_COCOWRITER_H
#define FBNET_SUPPORT_COCOWRITER_H

#include <cjson/cJSON.h>

#include "coco.h"
#include "fbnet/fbnet.h"

typedef struct CocoWriter CocoWriter;

CocoWriter *coco_writer_new (void);
void coco_writer_free (CocoWriter *writer); /* NULL is allowed */

/* Appends the detections of an image, which has width × height pixels whatever the annotations say, with n_keypoints
 * keypoints each if they have any. category_ids has one id per class; detections of a class with -1 are left out. */
void coco_writer_add (CocoWriter *writer, const CocoImage *image, guint width, guint height,
    const FbnetDetections *detections, const gint64 *category_ids, guint n_keypoints);

/* What json_read() would make of the file; the caller owns it. */
cJSON *coco_writer_to_json (const CocoWriter *writer);

/* Replaces the file only when all of it was written. */
gboolean coco_writer_save (const CocoWriter *writer, const char *path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CocoWriter, coco_writer_free)

#endif
