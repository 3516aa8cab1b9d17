/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a detector finds, in memory that is used again from frame to frame.
 */
#include "detections.h"

#include <string.h>

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

/* --- Copies ----------------------------------------------------------------------------------- */

static gsize
mask_size (const FbnetMask *mask)
{
  return mask->data != NULL ? (gsize) mask->width * (gsize) mask->height : 0;
}

/* In numbers of keypoints, so that what follows is aligned for them: a detection's keypoints and its mask. */
static gsize
room_of (const FbnetDetection *detection)
{
  const gsize mask = mask_size (&detection->mask), unit = sizeof (FbnetKeypoint);

  return detection->n_keypoints + (mask + unit - 1) / unit;
}

/* `to` becomes `from` with its keypoints and mask in `room`. */
static void
copy (FbnetDetection *to, const FbnetDetection *from, FbnetKeypoint *room)
{
  *to = *from;
  if (from->keypoints != NULL)
    to->keypoints = memcpy (room, from->keypoints, from->n_keypoints * sizeof *room);
  if (from->mask.data != NULL)
    to->mask.data = memcpy (room + from->n_keypoints, from->mask.data, mask_size (&from->mask));
}

FbnetDetection *
fbnet_detection_copy (const FbnetDetection *detection)
{
  g_return_val_if_fail (detection != NULL, NULL);
  FbnetDetection *self =
      memory_take (1, sizeof *self + room_of (detection) * sizeof (FbnetKeypoint), NULL);

  if (self == NULL)
    return NULL;
  copy (self, detection, (FbnetKeypoint *) (self + 1));
  return self;
}

FbnetDetection **
fbnet_detections_list (const FbnetDetections *detections, guint *n)
{
  g_return_val_if_fail (detections != NULL && n != NULL, NULL);
  g_autofree FbnetDetection **list = memory_new (FbnetDetection *, detections->n, NULL);

  *n = 0;
  if (list == NULL)
    return NULL;
  for (; *n < detections->n; (*n)++) {
    list[*n] = fbnet_detection_copy (&detections->items[*n]);
    if (list[*n] == NULL)
      break;
  }
  if (*n == detections->n)
    return g_steal_pointer (&list);
  while (*n > 0)
    fbnet_detection_free (list[--*n]);
  return NULL;
}

float *
fbnet_detection_list_keypoints (const FbnetDetection *detection, guint *n)
{
  g_return_val_if_fail (detection != NULL && n != NULL, NULL);
  float *numbers = memory_new (float, 3 * (gsize) detection->n_keypoints, NULL);

  *n = numbers != NULL ? 3 * detection->n_keypoints : 0;
  if (numbers == NULL)
    return NULL;
  for (guint i = 0; i < detection->n_keypoints; i++) {
    numbers[3 * i] = detection->keypoints[i].x;
    numbers[3 * i + 1] = detection->keypoints[i].y;
    numbers[3 * i + 2] = detection->keypoints[i].score;
  }
  return numbers;
}

void
fbnet_detection_free (FbnetDetection *detection)
{
  g_free (detection);
}

FbnetDetections *
fbnet_detections_copy (const FbnetDetections *detections)
{
  g_return_val_if_fail (detections != NULL, NULL);
  Detections *self = g_new0 (Detections, 1);

  for (guint i = 0; i < detections->n; i++)
    self->n_keypoints += room_of (&detections->items[i]);
  self->capacity = detections->n;
  self->items = memory_new (FbnetDetection, self->capacity, NULL);
  self->keypoints = memory_new (FbnetKeypoint, self->n_keypoints, NULL);
  if (self->items == NULL || self->keypoints == NULL) {
    fbnet_detections_free (&self->public);
    return NULL;
  }
  FbnetKeypoint *room = self->keypoints;
  for (guint i = 0; i < detections->n; i++) {
    copy (&self->items[i], &detections->items[i], room);
    room += room_of (&detections->items[i]);
  }
  self->public = (FbnetDetections){ self->items, detections->n };
  return &self->public;
}

G_DEFINE_BOXED_TYPE (FbnetDetection, fbnet_detection, fbnet_detection_copy, fbnet_detection_free)
G_DEFINE_BOXED_TYPE (FbnetDetections, fbnet_detections, fbnet_detections_copy,
    fbnet_detections_free)

GBytes *
fbnet_mask_get_bytes (const FbnetMask *mask)
{
  g_return_val_if_fail (mask != NULL, NULL);
  guint8 *data = mask->data != NULL ? memory_copy (mask->data, mask_size (mask), NULL) : NULL;

  return data != NULL ? g_bytes_new_take (data, mask_size (mask)) : NULL;
}
