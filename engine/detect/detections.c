/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a detector finds, in memory that is used again from frame to frame.
 */
#include "detections.h"

#include "base/memory.h"

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

static gboolean
reserve_items (Detections *self, gsize n, GError **error)
{
  if (n <= self->capacity)
    return TRUE;
  FbnetDetection *items = memory_resize (self->items, n, sizeof *items, error);
  if (items == NULL)
    return FALSE;
  self->items = items;
  self->capacity = n;
  return TRUE;
}

static gboolean
reserve_keypoints (Detections *self, gsize n, GError **error)
{
  if (n <= self->n_keypoints)
    return TRUE;
  FbnetKeypoint *keypoints = memory_resize (self->keypoints, n, sizeof *keypoints, error);
  if (keypoints == NULL)
    return FALSE;
  self->keypoints = keypoints;
  self->n_keypoints = n;
  return TRUE;
}

gboolean
detections_begin (Detections *self, gsize capacity, gsize n_keypoints, GError **error)
{
  const gboolean good = reserve_items (self, capacity, error)
      && reserve_keypoints (self, capacity * n_keypoints, error);

  self->public.items = self->items;
  self->public.n = 0;
  return good;
}
