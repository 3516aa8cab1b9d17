/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The memory behind #FbnetDetections.
 */
#ifndef FBNET_DETECTIONS_H
#define FBNET_DETECTIONS_H

#include "base/tensor.h"
#include "fbnet/fbnet.h"

typedef struct {
  FbnetDetections public;
  FbnetDetection *items;
  gsize capacity;
  Buffer masks;
  FbnetKeypoint *keypoints;
  gsize n_keypoints; /* room */
} Detections;

/* Makes room for so many, with so many keypoints each, and empties it. FALSE with error when the memory cannot
 * be had: then it is empty, and has the room it had. */
gboolean detections_begin (Detections *self, gsize capacity, gsize n_keypoints, GError **error);

#endif
