/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Detections drawn into a picture: masks, boxes, labels with scores.
 */
#ifndef FBNET_SUPPORT_ANNOTATE_H
#define FBNET_SUPPORT_ANNOTATE_H

#include "fbnet/fbnet.h"
#include "picture.h"

/* Draws the detections, the best on top; n_keypoints keypoints each if they have any, with COCO's skeleton if they
 * are its 17. `labels` has one string per class; where it, or all of it, is NULL the class's number stands; a score
 * that is no number is not written. Lines and letters grow with the picture. FALSE with error, and the picture as it
 * was, when memory cannot be had; `name` is for the message. */
gboolean annotate_picture (Picture *picture, const FbnetDetections *detections,
    const char *const *labels, guint n_keypoints, const char *name, GError **error);

#endif
