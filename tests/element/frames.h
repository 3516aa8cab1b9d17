/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Buffers of raw video for tests: any format, stride and colorimetry.
 */
#ifndef TESTS_FRAMES_H
#define TESTS_FRAMES_H

#include <gst/video/video.h>

/* Every format that the element's pads take, NULL-terminated. */
extern const char *const frames_formats[];

/* Whether it has 8 bits for each of R, G and B. */
gboolean frames_is_rgb (const char *format);

/* Whether it has no colour. */
gboolean frames_is_gray (const char *format);

/* `colorimetry` (nullable): as in caps, "bt709" or "1:4:0:0"; NULL: GStreamer's default. */
GstCaps *frames_caps (const char *format, guint width, guint height, const char *colorimetry);
void frames_info (GstVideoInfo *info, const char *format, guint width, guint height,
    const char *colorimetry);

/* A black frame whose rows are `padding` bytes longer than they need be (0: the default layout, no
 * GstVideoMeta). What lies between the rows is filled with 0xa5. */
GstBuffer *frames_new (const GstVideoInfo *info, guint padding);

/* The packed R, G, B picture as a frame, converted by what videoconvert uses. */
GstBuffer *frames_from_rgb (const guint8 *rgb, const GstVideoInfo *info, guint padding);

/* (transfer full): a copy whose planes lie in a memory each, with the frame's strides. */
GstBuffer *frames_scatter (GstBuffer *buffer, const GstVideoInfo *info);

/* (transfer full): the frame as packed R, G, B. */
guint8 *frames_to_rgb (GstBuffer *buffer, const GstVideoInfo *info);

/* (transfer full): of all bytes of all memories, padding included. */
char *frames_checksum (GstBuffer *buffer);

#endif
