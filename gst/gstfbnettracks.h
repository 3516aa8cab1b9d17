/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Objects followed from look to look: the tracker of one element, and what must be true for it to go on.
 */
#ifndef GST_FBNET_TRACKS_H
#define GST_FBNET_TRACKS_H

#include <fbnet/fbnet.h>
#include <gst/gst.h>

G_BEGIN_DECLS

/* Whether objects are followed, and how. */
typedef struct {
  gboolean follow;
  FbnetTrackerOptions options;
} GstFbnetTracking;

/* The tracker's options for a detector with these parameters. A score that is told begins tracks; weaker ones,
 * which the tracker is shown as well, only go on with them. */
void gst_fbnet_tracking_init (GstFbnetTracking *tracking, gboolean follow, GstClockTime timeout,
    const FbnetTrackerOptions *options, const FbnetParams *params, guint n_classes);

/* Thresholds for the detector: down to the scores that are of use to the tracker. `thresholds`: room for n_classes,
 * which `params` points to afterwards, where it has thresholds by class. */
void gst_fbnet_tracking_widen (const GstFbnetTracking *tracking, FbnetParams *params,
    float *thresholds, guint n_classes);

/* --- Times. The streaming thread. */

/* All zero: no frame has come. */
typedef struct {
  GstClockTime last, interval; /* of the running time */
  guint jumps;
} GstFbnetContinuity;

/* Before each frame. A running time that goes back, or leaps farther than a track is kept and than frames are
 * apart in this stream, is a jump. */
void gst_fbnet_continuity_follow (GstFbnetContinuity *continuity, GstClockTime running_time,
    GstClockTime timeout);

/* --- Looks. One thread at a time, the one that looks. */

typedef struct _GstFbnetTracks GstFbnetTracks;

GstFbnetTracks *gst_fbnet_tracks_new (void);
void gst_fbnet_tracks_free (GstFbnetTracks *tracks); /* NULL is allowed */

/* First of all. Another generation or number of jumps than the last look's, or nothing to be followed: all tracks are
 * forgotten; ids go on. FALSE with error without memory. */
gboolean gst_fbnet_tracks_begin (GstFbnetTracks *tracks, const GstFbnetTracking *tracking,
    guint generation, guint jumps, GError **error);

/* What is looked at, by itself: how the camera moved since the last look. FALSE with error without memory. */
gboolean gst_fbnet_tracks_see (GstFbnetTracks *tracks, const FbnetInput *input, GError **error);

/* Where the objects are expected to be. `running_time` may be GST_CLOCK_TIME_NONE.
 * Returns: (transfer none): as fbnet_tracker_predict(). */
const FbnetTracks *gst_fbnet_tracks_expect (GstFbnetTracks *tracks, GstClockTime running_time);

/* What was found. Returns: (transfer none): as fbnet_tracker_update(). */
const FbnetTracks *gst_fbnet_tracks_update (GstFbnetTracks *tracks, GstClockTime running_time,
    const FbnetDetection *found, guint n, GError **error);

G_END_DECLS

#endif
