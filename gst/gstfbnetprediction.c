/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Boxes and velocities → boxes at another time.
 */
#include "gstfbnetprediction.h"

#include <math.h>

#include "gstfbnetlist.h"

/* Pixels a second times seconds, kept to numbers of which whole pixels can be made. */
#define FARTHEST 1e6

struct _GstFbnetPrediction {
  FbnetDetections all;
  GstFbnetList *items;     /* of FbnetDetection */
  GstFbnetList *keypoints; /* of FbnetKeypoint */
  GstFbnetList *tracks;    /* of FbnetTrack */
  GstFbnetList *sources;   /* of GstFbnetSource */
  GstFbnetList *matches;   /* of FbnetMatch */
};

GstFbnetPrediction *
gst_fbnet_prediction_new (void)
{
  GstFbnetPrediction *prediction = g_new0 (GstFbnetPrediction, 1);

  prediction->items = gst_fbnet_list_new (sizeof (FbnetDetection));
  prediction->keypoints = gst_fbnet_list_new (sizeof (FbnetKeypoint));
  prediction->tracks = gst_fbnet_list_new (sizeof (FbnetTrack));
  prediction->sources = gst_fbnet_list_new (sizeof (GstFbnetSource));
  prediction->matches = gst_fbnet_list_new (sizeof (FbnetMatch));
  return prediction;
}

void
gst_fbnet_prediction_free (GstFbnetPrediction *prediction)
{
  if (prediction == NULL)
    return;
  gst_fbnet_list_free (prediction->items);
  gst_fbnet_list_free (prediction->keypoints);
  gst_fbnet_list_free (prediction->tracks);
  gst_fbnet_list_free (prediction->sources);
  gst_fbnet_list_free (prediction->matches);
  g_free (prediction);
}

static float
way_of (float velocity, double seconds)
{
  return (float) CLAMP (velocity * seconds, -FARTHEST, FARTHEST);
}

/* FALSE: it has left the frame. */
static gboolean
move_box (FbnetDetection *d, float dx, float dy, const GstFbnetResult *result)
{
  const float width = (float) result->width, height = (float) result->height;

  d->x0 = CLAMP (d->x0 + dx, 0, width);
  d->x1 = CLAMP (d->x1 + dx, 0, width);
  d->y0 = CLAMP (d->y0 + dy, 0, height);
  d->y1 = CLAMP (d->y1 + dy, 0, height);
  return d->x1 > d->x0 && d->y1 > d->y0;
}

/* The array has room for all: it does not move as it grows. */
static void
move_keypoints (GstFbnetPrediction *prediction, FbnetDetection *d, float dx, float dy, guint n)
{
  const FbnetKeypoint *from = d->keypoints;
  const guint first = prediction->keypoints->len;

  if (from == NULL)
    return;
  gst_fbnet_list_set_length (prediction->keypoints, first + n);
  FbnetKeypoint *to = &g_array_index (prediction->keypoints, FbnetKeypoint, first);
  for (guint k = 0; k < n; k++)
    to[k] = (FbnetKeypoint){ from[k].x + dx, from[k].y + dy, from[k].score };
  d->keypoints = to;
}

static void
add (GstFbnetPrediction *prediction, const GstFbnetResult *result, guint index, double seconds)
{
  const FbnetTrack *track = &result->tracks[index];
  const float dx = way_of (track->vx, seconds), dy = way_of (track->vy, seconds);
  FbnetDetection d = result->found->items[index];

  if (!move_box (&d, dx, dy, result))
    return;
  d.mask.x += (gint) lrintf (dx);
  d.mask.y += (gint) lrintf (dy);
  move_keypoints (prediction, &d, dx, dy, result->n_keypoints);
  gst_fbnet_list_append (prediction->items, &d);
  gst_fbnet_list_append (prediction->tracks, track);
  if (result->sources != NULL)
    gst_fbnet_list_append (prediction->sources, &result->sources[index]);
  if (result->matches != NULL)
    gst_fbnet_list_append (prediction->matches, &result->matches[index]);
}

/* Empty, with room for all. */
static gboolean
begin (GstFbnetPrediction *prediction, const GstFbnetResult *result)
{
  const guint n = result->found->n;
  GstFbnetList *const lists[] = { prediction->items, prediction->tracks, prediction->sources,
    prediction->matches };

  for (guint i = 0; i < G_N_ELEMENTS (lists); i++) {
    if (!gst_fbnet_list_reserve (lists[i], n, NULL))
      return FALSE;
    gst_fbnet_list_set_length (lists[i], 0);
  }
  if (!gst_fbnet_list_reserve (prediction->keypoints, n * result->n_keypoints, NULL))
    return FALSE;
  gst_fbnet_list_set_length (prediction->keypoints, 0);
  return TRUE;
}

gboolean
gst_fbnet_prediction_make (GstFbnetPrediction *prediction, GstFbnetResult *result, double seconds)
{
  if (!begin (prediction, result))
    return FALSE;
  for (guint i = 0; i < result->found->n; i++)
    add (prediction, result, i, seconds);
  prediction->all.items = (const FbnetDetection *) (gpointer) prediction->items->data;
  prediction->all.n = prediction->items->len;
  result->found = &prediction->all;
  result->tracks = (const FbnetTrack *) (gpointer) prediction->tracks->data;
  if (result->sources != NULL)
    result->sources = (const GstFbnetSource *) (gpointer) prediction->sources->data;
  if (result->matches != NULL)
    result->matches = (const FbnetMatch *) (gpointer) prediction->matches->data;
  return TRUE;
}
