/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GStreamer's frames as the engine sees pictures.
 */
#ifndef GST_FBNET_IMAGE_H
#define GST_FBNET_IMAGE_H

#include <fbnet/fbnet.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

/* The raw formats that are read as they are: what the pad templates list. */
#define GST_FBNET_VIDEO_FORMATS                                                                    \
  "{ RGB, BGR, RGBx, BGRx, xRGB, xBGR, RGBA, BGRA, ARGB, ABGR, GRAY8, NV12, NV21, I420, YV12, "    \
  "YUY2, UYVY, YVYU, NV16, Y42B, Y444, I420_10LE, I422_10LE, Y444_10LE, P010_10LE, GRAY16_LE, "    \
  "RGB16, BGR16 }"

/* As gst_video_frame_map(), but FALSE too where rows that the strides and offsets of a GstVideoMeta speak of lie
 * outside of the buffer, and where it speaks of another format. */
gboolean gst_fbnet_image_map (GstVideoFrame *frame, const GstVideoInfo *info, GstBuffer *buffer,
    GstMapFlags flags);

/* Bytes of a row of the frame's plane, and its rows. */
void gst_fbnet_image_plane_size (const GstVideoFrame *frame, guint plane, gsize *row,
    gsize *n_rows);

/* A view of the mapped `frame`, valid while it is mapped. `info` is what the caps say; strides,
 * offsets come from the frame. FALSE for a format that GST_FBNET_VIDEO_FORMATS lacks. */
gboolean gst_fbnet_image_from_frame (FbnetImage *image, const GstVideoInfo *info,
    const GstVideoFrame *frame);

G_END_DECLS

#endif
