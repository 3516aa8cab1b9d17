/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * QoS events and the time of looks → what is late, and a warning.
 */
#include "gstfbnetpace.h"

#include "gstfbnetmessages.h"

/* So many looks in a row that last longer than a frame are no accident. */
#define MANY_SLOW_LOOKS 5

void
gst_fbnet_pace_reset (GstFbnetPace *pace, GstElement *element)
{
  pace->n_slow = 0;
  GST_OBJECT_LOCK (element);
  pace->earliest_time = GST_CLOCK_TIME_NONE;
  GST_OBJECT_UNLOCK (element);
}

void
gst_fbnet_pace_init (GstFbnetPace *pace, GstElement *element)
{
  pace->told_slow = FALSE;
  gst_fbnet_pace_reset (pace, element);
}

/* As decoders do it: a frame that was late by so much, and as much again to make up for it. */
void
gst_fbnet_pace_take_event (GstFbnetPace *pace, GstElement *element, GstEvent *event)
{
  GstClockTimeDiff difference;
  GstClockTime time;
  double proportion;

  gst_event_parse_qos (event, NULL, &proportion, &difference, &time);
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return;
  GST_OBJECT_LOCK (element);
  pace->proportion = proportion;
  pace->jitter = difference;
  if (difference > 0)
    pace->earliest_time = time + 2 * (GstClockTime) difference;
  else
    pace->earliest_time = GST_CLOCK_TIME_NONE;
  GST_OBJECT_UNLOCK (element);
}

GstClockTime
gst_fbnet_pace_get_earliest (GstFbnetPace *pace, GstElement *element)
{
  GST_OBJECT_LOCK (element);
  const GstClockTime earliest = pace->earliest_time;
  GST_OBJECT_UNLOCK (element);
  return earliest;
}

void
gst_fbnet_pace_tell_late (GstFbnetPace *pace, GstBaseTransform *element, GstBuffer *buffer,
    gboolean live, const GstFbnetStats *stats)
{
  GST_OBJECT_LOCK (element);
  const gint64 jitter = pace->jitter;
  const double proportion = pace->proportion;
  const guint64 n_looked = stats->inferences;
  const guint64 n_late = stats->reasons[GST_FBNET_REASON_QOS] + 1;
  GST_OBJECT_UNLOCK (element);
  gst_fbnet_post_qos (element, buffer, live, jitter, proportion, n_looked, n_late);
}

void
gst_fbnet_pace_watch (GstFbnetPace *pace, GstElement *element, gboolean live, GstClockTime elapsed,
    guint interval, GstClockTime frame)
{
  if (pace->told_slow || !GST_CLOCK_TIME_IS_VALID (frame))
    return;
  const gboolean waits_for_nobody =
      live || GST_CLOCK_TIME_IS_VALID (gst_fbnet_pace_get_earliest (pace, element));
  pace->n_slow = waits_for_nobody && elapsed / interval > frame ? pace->n_slow + 1 : 0;
  if (pace->n_slow < MANY_SLOW_LOOKS)
    return;
  pace->told_slow = TRUE;
  gst_fbnet_post_too_slow (element, elapsed, frame);
}
