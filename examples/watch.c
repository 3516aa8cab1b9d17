/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An application that reads fbnetdetect's metadata: prints a line for every object in a video.
 *
 *   watch MODEL VIDEO
 *
 * Time in seconds, label, probability, rectangle in pixels, and how much of it the mask fills.
 */
#include <gst/video/video.h>
#include <stdlib.h>

/* Part of the rectangle that belongs to the object; -1 without a mask. */
static double
mask_share (GstVideoRegionOfInterestMeta *roi)
{
  const GstStructure *mask = gst_video_region_of_interest_meta_get_param (roi, "mask");
  GstBuffer *data = NULL;
  GstMapInfo map;

  if (mask == NULL || !gst_structure_get (mask, "data", GST_TYPE_BUFFER, &data, NULL))
    return -1;
  gsize n_set = 0, n_all = 1;
  if (gst_buffer_map (data, &map, GST_MAP_READ)) {
    n_all = map.size;
    for (gsize i = 0; i < map.size; i++)
      n_set += map.data[i] != 0;
    gst_buffer_unmap (data, &map);
  }
  gst_buffer_unref (data);
  return (double) n_set / n_all;
}

static void
print_region (GstClockTime pts, GstVideoRegionOfInterestMeta *roi)
{
  const GstStructure *box = gst_video_region_of_interest_meta_get_param (roi, "detection");
  double confidence = 0;

  if (box == NULL || !gst_structure_get_double (box, "confidence", &confidence))
    return; /* a region that somebody else attached */
  g_print ("%8.3f  %-16s %.3f  %4u,%-4u %4ux%-4u", (double) pts / GST_SECOND,
      g_quark_to_string (roi->roi_type), confidence, roi->x, roi->y, roi->w, roi->h);
  const double share = mask_share (roi);
  if (share >= 0)
    g_print ("  mask %2.0f %%", 100 * share);
  g_print ("\n");
}

/* In the streaming thread, for every frame behind the detector. */
static GstPadProbeReturn
read_frame (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state,
              GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    print_region (GST_BUFFER_PTS (buffer), (GstVideoRegionOfInterestMeta *) meta);
  return GST_PAD_PROBE_OK;
}

/* Until the end or an error; FALSE after an error. The detector's errors name their file, the others' are the film's. */
static gboolean
run (GstElement *pipeline, const char *film)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  const gboolean ended = GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
  if (!ended) {
    g_autoptr (GError) error = NULL;
    gst_message_parse_error (message, &error, NULL);
    const char *name = GST_MESSAGE_SRC_NAME (message);
    g_printerr ("%s: %s\n", g_str_equal (name, "detector") ? name : film, error->message);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return ended;
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  if (argc != 3) {
    g_printerr ("usage: %s MODEL VIDEO\n", argv[0]);
    return 2;
  }

  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (
      "filesrc name=file ! decodebin ! fbnetdetect name=detector ! fakesink sync=false", &error);
  if (error != NULL) {
    g_printerr ("%s\n", error->message);
    return 1;
  }
  g_autoptr (GstElement) file = gst_bin_get_by_name (GST_BIN (pipeline), "file");
  g_autoptr (GstElement) detector = gst_bin_get_by_name (GST_BIN (pipeline), "detector");
  g_object_set (detector, "model-file", argv[1], NULL);
  g_object_set (file, "location", argv[2], NULL);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (detector, "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, read_frame, NULL, NULL);
  return run (pipeline, argv[2]) ? EXIT_SUCCESS : EXIT_FAILURE;
}
