/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a detector finds, in memory that is used again from frame to frame.
 */
#include "detections.h"

FbnetDetections *
fbnet_detections_new (void)
{
  Detections *self = g_new0 (Detections, 1);

  return &self->public;
}

void
fbnet_detections_free (FbnetDetections *detections)
{
  Detections *self = (Detections *) detections;

  if (self == NULL)
    return;
  buffer_clear (&self->masks);
  g_free (self->keypoints);
  g_free (self->items);
  g_free (self);
}

void
detections_begin (Detections *self, gsize capacity, gsize n_keypoints)
{
  if (capacity > self->capacity) {
    self->items = g_renew (FbnetDetection, self->items, capacity);
    self->capacity = capacity;
  }
  if (capacity * n_keypoints > self->n_keypoints) {
    self->keypoints = g_renew (FbnetKeypoint, self->keypoints, capacity * n_keypoints);
    self->n_keypoints = capacity * n_keypoints;
  }
  self->public.items = self->items;
  self->public.n = 0;
}
