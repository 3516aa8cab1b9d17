/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Boxes and velocities → boxes at another time.
 */
#include "gstfbnetprediction.h"

#include <math.h>

/* Pixels a second times seconds, kept to numbers of which whole pixels can be made. */
#define FARTHEST 1e6

struct _GstFbnetPrediction {
  FbnetDetections all;
  GArray *items;     /* of FbnetDetection */
  GArray *keypoints; /* of FbnetKeypoint */
  GArray *tracks;    /* of FbnetTrack */
  GArray *sources;   /* of GstFbnetSource */
  GArray *matches;   /* of FbnetMatch */
};

GstFbnetPrediction *
gst_fbnet_prediction_new (void)
{
  GstFbnetPrediction *prediction = g_new0 (GstFbnetPrediction, 1);

  prediction->items = g_array_new (FALSE, FALSE, sizeof (FbnetDetection));
  prediction->keypoints = g_array_new (FALSE, FALSE, sizeof (FbnetKeypoint));
  prediction->tracks = g_array_new (FALSE, FALSE, sizeof (FbnetTrack));
  prediction->sources = g_array_new (FALSE, FALSE, sizeof (GstFbnetSource));
  prediction->matches = g_array_new (FALSE, FALSE, sizeof (FbnetMatch));
  return prediction;
}

void
gst_fbnet_prediction_free (GstFbnetPrediction *prediction)
{
  if (prediction == NULL)
    return;
  g_array_unref (prediction->items);
  g_array_unref (prediction->keypoints);
  g_array_unref (prediction->tracks);
  g_array_unref (prediction->sources);
  g_array_unref (prediction->matches);
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
  g_array_set_size (prediction->keypoints, first + n);
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
  g_array_append_val (prediction->items, d);
  g_array_append_vals (prediction->tracks, track, 1);
  if (result->sources != NULL)
    g_array_append_vals (prediction->sources, &result->sources[index], 1);
  if (result->matches != NULL)
    g_array_append_vals (prediction->matches, &result->matches[index], 1);
}

static void
begin (GstFbnetPrediction *prediction, const GstFbnetResult *result)
{
  g_array_set_size (prediction->keypoints, result->found->n * result->n_keypoints);
  g_array_set_size (prediction->keypoints, 0);
  g_array_set_size (prediction->items, 0);
  g_array_set_size (prediction->tracks, 0);
  g_array_set_size (prediction->sources, 0);
  g_array_set_size (prediction->matches, 0);
}

void
gst_fbnet_prediction_make (GstFbnetPrediction *prediction, GstFbnetResult *result, double seconds)
{
  begin (prediction, result);
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
}
