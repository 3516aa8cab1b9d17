/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GstVideoFrame → FbnetImage.
 */
#include "gstfbnetimage.h"

typedef struct {
  GstVideoFormat gst;
  FbnetPixelFormat fbnet;
} FormatPair;

static const FormatPair formats[] = {
  { GST_VIDEO_FORMAT_RGB, FBNET_PIXEL_RGB },
  { GST_VIDEO_FORMAT_BGR, FBNET_PIXEL_BGR },
  { GST_VIDEO_FORMAT_RGBx, FBNET_PIXEL_RGBX },
  { GST_VIDEO_FORMAT_BGRx, FBNET_PIXEL_BGRX },
  { GST_VIDEO_FORMAT_xRGB, FBNET_PIXEL_XRGB },
  { GST_VIDEO_FORMAT_xBGR, FBNET_PIXEL_XBGR },
  { GST_VIDEO_FORMAT_RGBA, FBNET_PIXEL_RGBX },
  { GST_VIDEO_FORMAT_BGRA, FBNET_PIXEL_BGRX },
  { GST_VIDEO_FORMAT_ARGB, FBNET_PIXEL_XRGB },
  { GST_VIDEO_FORMAT_ABGR, FBNET_PIXEL_XBGR },
  { GST_VIDEO_FORMAT_GRAY8, FBNET_PIXEL_GRAY8 },
  { GST_VIDEO_FORMAT_NV12, FBNET_PIXEL_NV12 },
  { GST_VIDEO_FORMAT_NV21, FBNET_PIXEL_NV21 },
  { GST_VIDEO_FORMAT_I420, FBNET_PIXEL_I420 },
  { GST_VIDEO_FORMAT_YV12, FBNET_PIXEL_I420 },
  { GST_VIDEO_FORMAT_YUY2, FBNET_PIXEL_YUY2 },
  { GST_VIDEO_FORMAT_UYVY, FBNET_PIXEL_UYVY },
  { GST_VIDEO_FORMAT_YVYU, FBNET_PIXEL_YVYU },
  { GST_VIDEO_FORMAT_NV16, FBNET_PIXEL_NV16 },
  { GST_VIDEO_FORMAT_Y42B, FBNET_PIXEL_Y42B },
  { GST_VIDEO_FORMAT_Y444, FBNET_PIXEL_Y444 },
  { GST_VIDEO_FORMAT_I420_10LE, FBNET_PIXEL_I420_10LE },
  { GST_VIDEO_FORMAT_I422_10LE, FBNET_PIXEL_I422_10LE },
  { GST_VIDEO_FORMAT_Y444_10LE, FBNET_PIXEL_Y444_10LE },
  { GST_VIDEO_FORMAT_P010_10LE, FBNET_PIXEL_P010_10LE },
  { GST_VIDEO_FORMAT_GRAY16_LE, FBNET_PIXEL_GRAY16_LE },
  { GST_VIDEO_FORMAT_RGB16, FBNET_PIXEL_RGB16 },
  { GST_VIDEO_FORMAT_BGR16, FBNET_PIXEL_BGR16 },
};

static gboolean
find_format (GstVideoFormat gst, FbnetPixelFormat *fbnet)
{
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    if (formats[i].gst == gst) {
      *fbnet = formats[i].fbnet;
      return TRUE;
    }
  }
  return FALSE;
}

/* Caps without colorimetry get GStreamer's default for the size in gst_video_info_from_caps(), so
 * "unknown" is left only to caps that say so; BT.601 is what the other elements then take. */
static FbnetColorMatrix
convert_matrix (GstVideoColorMatrix matrix)
{
  switch (matrix) {
    case GST_VIDEO_COLOR_MATRIX_BT709:
      return FBNET_MATRIX_BT709;
    case GST_VIDEO_COLOR_MATRIX_BT2020:
      return FBNET_MATRIX_BT2020;
    case GST_VIDEO_COLOR_MATRIX_SMPTE240M:
      return FBNET_MATRIX_SMPTE240M;
    case GST_VIDEO_COLOR_MATRIX_FCC:
      return FBNET_MATRIX_FCC;
    default:
      return FBNET_MATRIX_BT601;
  }
}

static FbnetColorRange
convert_range (const GstVideoInfo *info)
{
  switch (info->colorimetry.range) {
    case GST_VIDEO_COLOR_RANGE_0_255:
      return FBNET_RANGE_FULL;
    case GST_VIDEO_COLOR_RANGE_16_235:
      return FBNET_RANGE_LIMITED;
    default:
      return GST_VIDEO_INFO_IS_YUV (info) ? FBNET_RANGE_LIMITED : FBNET_RANGE_FULL;
  }
}

/* In FbnetImage the planes of I420 stand in the order Y, U, V; components have that order in YV12
 * too. The interleaved formats have one plane, or Y and a shared one. */
static void
point_at_planes (FbnetImage *image, const GstVideoFrame *frame)
{
  const guint n_planes = GST_VIDEO_FRAME_N_PLANES (frame);

  for (guint i = 0; i < n_planes; i++) {
    const guint plane = n_planes == 3 ? (guint) GST_VIDEO_FRAME_COMP_PLANE (frame, i) : i;
    image->planes[i] = GST_VIDEO_FRAME_PLANE_DATA (frame, plane);
    image->strides[i] = GST_VIDEO_FRAME_PLANE_STRIDE (frame, plane);
  }
}

gboolean
gst_fbnet_image_from_frame (FbnetImage *image, const GstVideoInfo *info, const GstVideoFrame *frame)
{
  *image = (FbnetImage){ 0 };
  if (!find_format (GST_VIDEO_FRAME_FORMAT (frame), &image->format))
    return FALSE;
  /* A GstVideoMeta may describe a larger picture than the caps do. */
  image->width = MIN (GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_FRAME_WIDTH (frame));
  image->height = MIN (GST_VIDEO_INFO_HEIGHT (info), GST_VIDEO_FRAME_HEIGHT (frame));
  image->matrix = convert_matrix (info->colorimetry.matrix);
  image->range = convert_range (info);
  point_at_planes (image, frame);
  return TRUE;
}

void
gst_fbnet_image_plane_size (const GstVideoFrame *frame, guint plane, gsize *row, gsize *n_rows)
{
  *row = *n_rows = 0;
  for (guint c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS (frame); c++) {
    const gsize width = (gsize) GST_VIDEO_FRAME_COMP_WIDTH (frame, c);
    if ((guint) GST_VIDEO_FRAME_COMP_PLANE (frame, c) != plane)
      continue;
    *row = MAX (*row, width * (gsize) GST_VIDEO_FRAME_COMP_PSTRIDE (frame, c));
    *n_rows = MAX (*n_rows, (gsize) GST_VIDEO_FRAME_COMP_HEIGHT (frame, c));
  }
}

/* A GstVideoMeta's strides and offsets are whatever upstream wrote; GStreamer has only looked for the plane's first
 * byte. */
static gboolean
plane_fits (const GstVideoFrame *frame, guint plane)
{
  const GstMapInfo *map = &frame->map[plane];
  const gint64 begin = (const guint8 *) frame->data[plane] - map->data;
  gsize row, n_rows;

  gst_fbnet_image_plane_size (frame, plane, &row, &n_rows);
  const gint64 last = ((gint64) n_rows - 1) * GST_VIDEO_FRAME_PLANE_STRIDE (frame, plane);
  return begin + MIN (last, 0) >= 0 && begin + MAX (last, 0) + (gint64) row <= (gint64) map->size;
}

gboolean
gst_fbnet_image_map (GstVideoFrame *frame, const GstVideoInfo *info, GstBuffer *buffer,
    GstMapFlags flags)
{
  const GstVideoMeta *meta = gst_buffer_get_video_meta (buffer);

  /* GStreamer takes another format for the caller's fault. */
  if (meta != NULL && meta->format != GST_VIDEO_INFO_FORMAT (info))
    return FALSE;
  if (!gst_video_frame_map (frame, info, buffer, flags))
    return FALSE;
  for (guint plane = 0; frame->meta != NULL && plane < GST_VIDEO_FRAME_N_PLANES (frame); plane++) {
    if (!plane_fits (frame, plane)) {
      gst_video_frame_unmap (frame);
      return FALSE;
    }
  }
  return TRUE;
}
