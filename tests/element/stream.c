/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element in a harness.
 */
#include "stream.h"

#include <string.h>

#include "frames.h"

#define FRAME_DURATION (40 * GST_MSECOND)

/* The harness says that it is live, and its frames last as long as they are said to: that looking takes
 * longer is no matter of these tests. */
static GstBusSyncReply
drop_too_slow (GstBus *bus, GstMessage *message, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_WARNING)
    return GST_BUS_PASS;
  gst_message_parse_warning (message, &error, NULL);
  if (!g_str_has_prefix (error->message, "inference takes"))
    return GST_BUS_PASS;
  gst_message_unref (message); /* whoever drops it owns it */
  return GST_BUS_DROP;
}

Stream *
stream_open (const char *model_file, const char *settings)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *line = g_strdup_printf ("fbnetdetect scheduling=sync model-file=\"%s\" %s",
      model_file, settings != NULL ? settings : "");
  Stream *stream = g_new0 (Stream, 1);

  stream->element = gst_parse_launch (line, &error);
  g_assert_no_error (error);
  g_assert_nonnull (stream->element);
  gst_object_ref_sink (stream->element);
  stream->bus = gst_bus_new ();
  gst_bus_set_sync_handler (stream->bus, drop_too_slow, NULL, NULL);
  gst_element_set_bus (stream->element, stream->bus);
  stream->harness = gst_harness_new_with_element (stream->element, "sink", "src");
  g_assert_cmpint (gst_element_get_state (stream->element, NULL, NULL, GST_SECOND), !=,
      GST_STATE_CHANGE_FAILURE);
  return stream;
}

void
stream_close (Stream *stream)
{
  if (stream == NULL)
    return;
  gst_element_set_bus (stream->element, NULL);
  gst_harness_teardown (stream->harness);
  gst_object_unref (stream->element);
  gst_object_unref (stream->bus);
  g_free (stream);
}

void
stream_set_format (Stream *stream, const char *format, guint width, guint height,
    const char *colorimetry)
{
  GstCaps *caps = frames_caps (format, width, height, colorimetry);

  g_assert_true (gst_video_info_from_caps (&stream->info, caps));
  gst_harness_set_src_caps (stream->harness, caps);
}

GstBuffer *
stream_push (Stream *stream, GstBuffer *buffer)
{
  GST_BUFFER_PTS (buffer) = stream->next;
  GST_BUFFER_DURATION (buffer) = FRAME_DURATION;
  stream->next += FRAME_DURATION;
  GstBuffer *out = gst_harness_push_and_pull (stream->harness, buffer);
  g_assert_nonnull (out);
  return out;
}

GstBuffer *
stream_push_rgb (Stream *stream, const guint8 *rgb, guint padding)
{
  return stream_push (stream, frames_from_rgb (rgb, &stream->info, padding));
}

GstMessage *
stream_pop (Stream *stream, GstMessageType type)
{
  return gst_bus_timed_pop_filtered (stream->bus, 60 * GST_SECOND, type);
}

void
stream_check_one_warning (Stream *stream, const char *part)
{
  g_autoptr (GstMessage) message = stream_pop (stream, GST_MESSAGE_WARNING);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (message);
  gst_message_parse_warning (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, part));
  g_autoptr (GstMessage) another = gst_bus_pop_filtered (stream->bus, GST_MESSAGE_WARNING);
  g_assert_null (another);
}

static void
keep_detections (GstElement *element, GstBuffer *buffer, GstStructure *detections, gpointer data)
{
  GstStructure **kept = data;

  g_clear_pointer (kept, gst_structure_free);
  *kept = gst_structure_copy (detections);
}

void
stream_keep_detections (Stream *stream, GstStructure **kept)
{
  g_signal_connect (stream->element, "new-detections", G_CALLBACK (keep_detections), kept);
}

guint64
stream_stat (Stream *stream, const char *field)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value = 0;

  g_object_get (stream->element, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, field, &value));
  return value;
}

static double
number_of (const GstStructure *structure, const char *field)
{
  double value = 0;

  g_assert_true (gst_structure_get_double (structure, field, &value));
  return value;
}

GArray *
seen_on (GstBuffer *buffer, const GstVideoInfo *info)
{
  const double width = GST_VIDEO_INFO_WIDTH (info), height = GST_VIDEO_INFO_HEIGHT (info);
  GArray *all = g_array_new (FALSE, TRUE, sizeof (Seen));
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state,
              GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))) {
    GstVideoRegionOfInterestMeta *roi = (GstVideoRegionOfInterestMeta *) meta;
    const GstStructure *box = gst_video_region_of_interest_meta_get_param (roi, "detection");
    Seen seen = { .roi = roi };
    g_assert_nonnull (box);
    g_strlcpy (seen.label, g_quark_to_string (roi->roi_type), sizeof seen.label);
    g_assert_true (gst_structure_get_int (box, "label_id", &seen.class_id));
    seen.score = number_of (box, "confidence");
    seen.x0 = number_of (box, "x_min") * width;
    seen.x1 = number_of (box, "x_max") * width;
    seen.y0 = number_of (box, "y_min") * height;
    seen.y1 = number_of (box, "y_max") * height;
    g_array_append_val (all, seen);
  }
  return all;
}
