/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Privacy, live: what fbnetdetect finds becomes a mosaic, pixel by pixel of its mask, before anybody sees it.
 *
 *   blur 'v4l2src ! fbnetdetect name=detector scheduling=sync model-file=coco-masks.safetensors
 *         include-classes=person ! videoconvert ! autovideosink'
 *
 * The argument is a launch line with an element called detector. Any format with 8 bits a sample will do.
 */
#include <gst/video/video.h>

#define TILE 16 /* pixels, even: tiles begin where chroma samples do */

/* One plane's samples of a tile become their mean. */
static void
flatten (GstVideoFrame *frame, gint component, gint x, gint y)
{
  const GstVideoFormatInfo *format = frame->info.finfo;
  const gint step = GST_VIDEO_FRAME_COMP_PSTRIDE (frame, component);
  const gint stride = GST_VIDEO_FRAME_COMP_STRIDE (frame, component);
  const gint left = x >> GST_VIDEO_FORMAT_INFO_W_SUB (format, component);
  const gint top = y >> GST_VIDEO_FORMAT_INFO_H_SUB (format, component);
  const gint right = MIN (left + (TILE >> GST_VIDEO_FORMAT_INFO_W_SUB (format, component)),
      GST_VIDEO_FRAME_COMP_WIDTH (frame, component));
  const gint bottom = MIN (top + (TILE >> GST_VIDEO_FORMAT_INFO_H_SUB (format, component)),
      GST_VIDEO_FRAME_COMP_HEIGHT (frame, component));
  guint8 *data = GST_VIDEO_FRAME_COMP_DATA (frame, component);
  guint sum = 0, n = MAX ((right - left) * (bottom - top), 1);

  for (gint row = top; row < bottom; row++)
    for (gint column = left; column < right; column++)
      sum += data[row * stride + column * step];
  for (gint row = top; row < bottom; row++)
    for (gint column = left; column < right; column++)
      data[row * stride + column * step] = (guint8) (sum / n);
}

/* Whether any pixel of the tile belongs to the object: to its box, without a mask. */
static gboolean
touches (const guint8 *mask, const GstVideoRegionOfInterestMeta *roi, gint x, gint y)
{
  const gint left = (gint) roi->x, top = (gint) roi->y, width = (gint) roi->w;
  const gint right = MIN (x + TILE, left + width), bottom = MIN (y + TILE, top + (gint) roi->h);

  for (gint row = MAX (y, top); row < bottom; row++)
    for (gint column = MAX (x, left); column < right; column++)
      if (mask == NULL || mask[(row - top) * width + column - left] != 0)
        return TRUE;
  return FALSE;
}

static void
blur_object (GstVideoFrame *frame, const GstVideoRegionOfInterestMeta *roi, const guint8 *mask)
{
  const guint n = GST_VIDEO_FRAME_N_COMPONENTS (frame);

  for (gint y = (gint) roi->y / TILE * TILE; y < (gint) (roi->y + roi->h); y += TILE)
    for (gint x = (gint) roi->x / TILE * TILE; x < (gint) (roi->x + roi->w); x += TILE)
      for (guint c = 0; c < n && touches (mask, roi, x, y); c++)
        flatten (frame, (gint) c, x, y);
}

static void
blur (GstVideoFrame *frame, GstVideoRegionOfInterestMeta *roi)
{
  const GstStructure *param = gst_video_region_of_interest_meta_get_param (roi, "mask");
  g_autoptr (GstBuffer) data = NULL;
  GstMapInfo mask = GST_MAP_INFO_INIT;

  if (param != NULL && gst_structure_get (param, "data", GST_TYPE_BUFFER, &data, NULL)
      && gst_buffer_map (data, &mask, GST_MAP_READ)) {
    blur_object (frame, roi, mask.data);
    gst_buffer_unmap (data, &mask);
  } else {
    blur_object (frame, roi, NULL);
  }
}

/* In the streaming thread, for every frame behind the detector. */
static GstPadProbeReturn
blur_frame (GstPad *pad, GstPadProbeInfo *info, gpointer none)
{
  GstBuffer *buffer = gst_buffer_make_writable (GST_PAD_PROBE_INFO_BUFFER (info));
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  GstVideoFrame frame;
  GstVideoInfo format;
  gpointer state = NULL;
  GstMeta *meta;

  info->data = buffer;
  if (caps == NULL || !gst_video_info_from_caps (&format, caps)
      || GST_VIDEO_INFO_COMP_DEPTH (&format, 0) != 8
      || !gst_video_frame_map (&frame, &format, buffer,
          GST_MAP_READWRITE | GST_VIDEO_FRAME_MAP_FLAG_NO_REF))
    return GST_PAD_PROBE_DROP; /* not unblurred */
  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state,
              GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
    blur (&frame, (GstVideoRegionOfInterestMeta *) meta);
  gst_video_frame_unmap (&frame);
  return GST_PAD_PROBE_OK;
}

static gboolean
play (GstElement *pipeline, GError **error)
{
  g_autoptr (GstElement) detector = gst_bin_get_by_name (GST_BIN (pipeline), "detector");
  g_autoptr (GstPad) pad = detector != NULL ? gst_element_get_static_pad (detector, "src") : NULL;

  if (pad == NULL) {
    g_set_error (error, GST_PARSE_ERROR, GST_PARSE_ERROR_NO_SUCH_ELEMENT,
        "expected an element called detector, found none");
    return FALSE;
  }
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, blur_frame, NULL, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, error, NULL);
  return GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  gst_init (&argc, &argv);
  if (argc != 2) {
    g_printerr ("usage: blur 'LAUNCH LINE with an element called detector'\n");
    return 2;
  }
  g_autoptr (GstElement) pipeline = gst_parse_launch (argv[1], &error);
  if (pipeline == NULL || error != NULL || !play (pipeline, &error)) {
    g_printerr ("%s\n", error->message);
    return 1;
  }
  return 0;
}
