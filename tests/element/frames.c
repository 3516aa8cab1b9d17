/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Raw video buffers for tests.
 */
#include "frames.h"

#include <string.h>

const char *const frames_formats[] = { "RGB", "BGR", "RGBx", "BGRx", "xRGB", "xBGR", "RGBA", "BGRA",
  "ARGB", "ABGR", "GRAY8", "NV12", "NV21", "I420", "YV12", "YUY2", "UYVY", "YVYU", "NV16", "Y42B",
  "Y444", "I420_10LE", "I422_10LE", "Y444_10LE", "P010_10LE", "GRAY16_LE", "RGB16", "BGR16", NULL };

gboolean
frames_is_rgb (const char *format)
{
  return strstr (format, "16") == NULL
      && (strstr (format, "RGB") != NULL || strstr (format, "BGR") != NULL);
}

gboolean
frames_is_gray (const char *format)
{
  return g_str_has_prefix (format, "GRAY");
}

GstCaps *
frames_caps (const char *format, guint width, guint height, const char *colorimetry)
{
  GstCaps *caps = gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING, format, "width",
      G_TYPE_INT, (gint) width, "height", G_TYPE_INT, (gint) height, "framerate", GST_TYPE_FRACTION,
      25, 1, NULL);

  if (colorimetry != NULL)
    gst_caps_set_simple (caps, "colorimetry", G_TYPE_STRING, colorimetry, NULL);
  return caps;
}

void
frames_info (GstVideoInfo *info, const char *format, guint width, guint height,
    const char *colorimetry)
{
  g_autoptr (GstCaps) caps = frames_caps (format, width, height, colorimetry);

  g_assert_true (gst_video_info_from_caps (info, caps));
}

GstBuffer *
frames_new (const GstVideoInfo *info, guint padding)
{
  gsize offsets[GST_VIDEO_MAX_PLANES] = { 0 };
  gint strides[GST_VIDEO_MAX_PLANES] = { 0 };
  gsize size = padding;

  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (info); p++) {
    gint component[GST_VIDEO_MAX_COMPONENTS];
    gst_video_format_info_component (info->finfo, p, component);
    offsets[p] = size;
    strides[p] = GST_VIDEO_INFO_PLANE_STRIDE (info, p) + (gint) padding;
    size += (gsize) strides[p] * GST_VIDEO_INFO_COMP_HEIGHT (info, component[0]) + padding;
  }
  if (padding == 0) {
    memcpy (offsets, info->offset, sizeof offsets);
    memcpy (strides, info->stride, sizeof strides);
    size = GST_VIDEO_INFO_SIZE (info);
  }

  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);
  gst_buffer_memset (buffer, 0, 0xa5, size);
  if (padding > 0)
    gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT (info),
        GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info), GST_VIDEO_INFO_N_PLANES (info),
        offsets, strides);
  return buffer;
}

static void
convert (GstVideoFrame *to, GstVideoFrame *from)
{
  GstVideoConverter *converter = gst_video_converter_new (&from->info, &to->info, NULL);

  g_assert_nonnull (converter);
  gst_video_converter_frame (converter, from, to);
  gst_video_converter_free (converter);
}

static GstBuffer *
wrap_rgb (const guint8 *rgb, const GstVideoInfo *info)
{
  const gsize row = (gsize) GST_VIDEO_INFO_WIDTH (info) * 3;
  GstBuffer *buffer = frames_new (info, 0);
  GstVideoFrame frame;

  g_assert_true (gst_video_frame_map (&frame, info, buffer, GST_MAP_WRITE));
  for (gint y = 0; y < GST_VIDEO_INFO_HEIGHT (info); y++)
    memcpy ((guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&frame, 0)
            + (gsize) y * GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0),
        rgb + y * row, row);
  gst_video_frame_unmap (&frame);
  return buffer;
}

GstBuffer *
frames_from_rgb (const guint8 *rgb, const GstVideoInfo *info, guint padding)
{
  GstVideoInfo rgb_info;

  frames_info (&rgb_info, "RGB", GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info), NULL);
  g_autoptr (GstBuffer) source = wrap_rgb (rgb, &rgb_info);
  GstBuffer *buffer = frames_new (info, padding);
  GstVideoFrame from, to;
  g_assert_true (gst_video_frame_map (&from, &rgb_info, source, GST_MAP_READ));
  g_assert_true (gst_video_frame_map (&to, info, buffer, GST_MAP_READWRITE));
  convert (&to, &from);
  gst_video_frame_unmap (&to);
  gst_video_frame_unmap (&from);
  return buffer;
}

guint8 *
frames_to_rgb (GstBuffer *buffer, const GstVideoInfo *info)
{
  const gsize row = (gsize) GST_VIDEO_INFO_WIDTH (info) * 3;
  const gint height = GST_VIDEO_INFO_HEIGHT (info);
  GstVideoInfo rgb_info;

  frames_info (&rgb_info, "RGB", GST_VIDEO_INFO_WIDTH (info), height, NULL);
  g_autoptr (GstBuffer) target = frames_new (&rgb_info, 0);
  GstVideoFrame from, to;
  g_assert_true (gst_video_frame_map (&from, info, buffer, GST_MAP_READ));
  g_assert_true (gst_video_frame_map (&to, &rgb_info, target, GST_MAP_READWRITE));
  convert (&to, &from);

  guint8 *rgb = g_malloc (row * height);
  for (gint y = 0; y < height; y++)
    memcpy (rgb + y * row,
        (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&to, 0)
            + (gsize) y * GST_VIDEO_FRAME_PLANE_STRIDE (&to, 0),
        row);
  gst_video_frame_unmap (&to);
  gst_video_frame_unmap (&from);
  return rgb;
}

GstBuffer *
frames_scatter (GstBuffer *buffer, const GstVideoInfo *info)
{
  const guint n_planes = GST_VIDEO_INFO_N_PLANES (info);
  GstBuffer *scattered = gst_buffer_new ();
  gsize offsets[GST_VIDEO_MAX_PLANES] = { 0 };
  gint strides[GST_VIDEO_MAX_PLANES] = { 0 };
  GstVideoFrame frame;
  gsize end = 0;

  g_assert_true (gst_video_frame_map (&frame, info, buffer, GST_MAP_READ));
  for (guint p = 0; p < n_planes; p++) {
    gint component[GST_VIDEO_MAX_COMPONENTS];
    gst_video_format_info_component (info->finfo, p, component);
    strides[p] = GST_VIDEO_FRAME_PLANE_STRIDE (&frame, p);
    offsets[p] = end;
    const gsize size = (gsize) strides[p] * GST_VIDEO_INFO_COMP_HEIGHT (info, component[0]);
    GstMemory *memory = gst_allocator_alloc (NULL, size, NULL);
    gst_buffer_append_memory (scattered, memory);
    gst_buffer_fill (scattered, end, GST_VIDEO_FRAME_PLANE_DATA (&frame, p), size);
    end += size;
  }
  gst_video_frame_unmap (&frame);
  gst_buffer_add_video_meta_full (scattered, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_INFO_FORMAT (info), GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info),
      n_planes, offsets, strides);
  return scattered;
}

char *
frames_checksum (GstBuffer *buffer)
{
  GstMapInfo map;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  char *sum = g_compute_checksum_for_data (G_CHECKSUM_SHA256, map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  return sum;
}
