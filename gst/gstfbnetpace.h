/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whether the element keeps up: what a sink says of late frames, and looks that last longer than frames.
 */
#ifndef GST_FBNET_PACE_H
#define GST_FBNET_PACE_H

#include <gst/base/gstbasetransform.h>

#include "gstfbnetstats.h"

G_BEGIN_DECLS

typedef struct {
  /* The element's object lock protects these: the last QoS event's. */
  GstClockTime
      earliest_time; /* running time; what comes before it is late. Or GST_CLOCK_TIME_NONE */
  gint64 jitter;
  double proportion;

  /* Of the streaming thread. */
  guint n_slow; /* looks in a row that lasted longer than a frame */
  gboolean told_slow;
} GstFbnetPace;

/* For another stream: nothing is late, nothing was told. */
void gst_fbnet_pace_init (GstFbnetPace *pace, GstElement *element);

/* For another part of the stream, after a flush or with a new segment: nothing is late. */
void gst_fbnet_pace_reset (GstFbnetPace *pace, GstElement *element);

/* An event of the type QOS, in any thread. */
void gst_fbnet_pace_take_event (GstFbnetPace *pace, GstElement *element, GstEvent *event);

/* (any thread): see earliest_time above. */
GstClockTime gst_fbnet_pace_get_earliest (GstFbnetPace *pace, GstElement *element);

/* Posts that the frame was not looked at because it is late. `stats`, which the object lock protects, do not
 * count it yet. */
void gst_fbnet_pace_tell_late (GstFbnetPace *pace, GstBaseTransform *element, GstBuffer *buffer,
    gboolean live, const GstFbnetStats *stats);

/* In step with a stream that waits for nobody, looks must not last longer than frames: warns once. A look took
 * `elapsed`; there is one every `interval` frames, each of which lasts `frame`, or nobody knows how long. */
void gst_fbnet_pace_watch (GstFbnetPace *pace, GstElement *element, gboolean live,
    GstClockTime elapsed, guint interval, GstClockTime frame);

G_END_DECLS

#endif
