/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Detections, looks' times → tracks, with the library's tracker.
 */
#include "gstfbnettracks.h"

#include <math.h>

/* Frames that come this much later than the one before came after its own are no jump. */
#define USUAL_VARIATION 4

struct _GstFbnetTracks {
  FbnetTracker *tracker;
  FbnetCamera *camera;     /* (nullable): nothing was followed yet */
  guint generation, jumps; /* of the last look */
};

/* --- Thresholds -------------------------------------------------------------------------------- */

/* The least score that is told of any class; 1 and more switches a class off. */
static float
least_told (const FbnetParams *params, guint n_classes)
{
  float least = 1;

  if (params->class_thresholds == NULL)
    return params->score_threshold;
  for (guint i = 0; i < n_classes; i++)
    least = MIN (least, params->class_thresholds[i]);
  return least;
}

void
gst_fbnet_tracking_init (GstFbnetTracking *tracking, gboolean follow, GstClockTime timeout,
    const FbnetTrackerOptions *options, const FbnetParams *params, guint n_classes)
{
  FbnetTrackerOptions *own = &tracking->options;

  tracking->follow = follow;
  fbnet_tracker_options_init (own);
  own->timeout = (float) ((double) MIN (timeout, 3600 * GST_SECOND) / GST_SECOND);
  own->min_hits = options->min_hits;
  own->score = options->score;
  own->high_score = own->new_score = least_told (params, n_classes);
  own->low_score = MIN (own->low_score, own->high_score);
}

static float
widen (float threshold, float low)
{
  return threshold < 1 ? MIN (threshold, low) : threshold;
}

void
gst_fbnet_tracking_widen (const GstFbnetTracking *tracking, FbnetParams *params, float *thresholds,
    guint n_classes)
{
  const float low = tracking->options.low_score;

  params->score_threshold = widen (params->score_threshold, low);
  if (params->class_thresholds == NULL)
    return;
  for (guint i = 0; i < n_classes; i++)
    thresholds[i] = widen (params->class_thresholds[i], low);
  params->class_thresholds = thresholds;
}

/* --- Times ------------------------------------------------------------------------------------- */

void
gst_fbnet_continuity_follow (GstFbnetContinuity *continuity, GstClockTime running_time,
    GstClockTime timeout)
{
  if (!GST_CLOCK_TIME_IS_VALID (running_time))
    return;
  const GstClockTime passed = running_time > continuity->last ? running_time - continuity->last : 0;
  const GstClockTime most = MAX (timeout, USUAL_VARIATION * continuity->interval);

  if (running_time < continuity->last || (continuity->last > 0 && passed > most))
    continuity->jumps++;
  continuity->last = running_time;
  continuity->interval = passed;
}

/* --- Looks ------------------------------------------------------------------------------------- */

GstFbnetTracks *
gst_fbnet_tracks_new (void)
{
  return g_new0 (GstFbnetTracks, 1);
}

void
gst_fbnet_tracks_free (GstFbnetTracks *tracks)
{
  if (tracks == NULL)
    return;
  fbnet_tracker_free (tracks->tracker);
  fbnet_camera_free (tracks->camera);
  g_free (tracks);
}

static void
forget (GstFbnetTracks *tracks)
{
  fbnet_tracker_reset (tracks->tracker);
  if (tracks->camera != NULL)
    fbnet_camera_reset (tracks->camera);
}

gboolean
gst_fbnet_tracks_begin (GstFbnetTracks *tracks, const GstFbnetTracking *tracking, guint generation,
    guint jumps, GError **error)
{
  if (tracks->tracker == NULL)
    tracks->tracker = fbnet_tracker_new (NULL, error);
  if (tracks->tracker == NULL)
    return FALSE;
  if (!tracking->follow || tracks->generation != generation || tracks->jumps != jumps)
    forget (tracks);
  tracks->generation = generation;
  tracks->jumps = jumps;
  if (tracking->follow)
    fbnet_tracker_set_options (tracks->tracker, &tracking->options, NULL);
  return TRUE;
}

gboolean
gst_fbnet_tracks_see (GstFbnetTracks *tracks, const FbnetInput *input, GError **error)
{
  double dx, dy;

  if (tracks->camera == NULL)
    tracks->camera = fbnet_camera_new (error);
  if (tracks->camera == NULL)
    return FALSE;
  if (fbnet_camera_follow (tracks->camera, input, &dx, &dy))
    fbnet_tracker_move_camera (tracks->tracker, dx, dy);
  return TRUE;
}

static double
seconds_of (GstClockTime running_time)
{
  return GST_CLOCK_TIME_IS_VALID (running_time) ? (double) running_time / GST_SECOND : NAN;
}

const FbnetTracks *
gst_fbnet_tracks_expect (GstFbnetTracks *tracks, GstClockTime running_time)
{
  return fbnet_tracker_predict (tracks->tracker, seconds_of (running_time));
}

const FbnetTracks *
gst_fbnet_tracks_update (GstFbnetTracks *tracks, GstClockTime running_time,
    const FbnetDetection *found, guint n, GError **error)
{
  return fbnet_tracker_update (tracks->tracker, found, n, seconds_of (running_time), error);
}
