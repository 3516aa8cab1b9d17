/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Copies of frames, which hold a stream up as little as can be.
 */
#ifndef GST_FBNET_COPY_H
#define GST_FBNET_COPY_H

#include <gst/video/video.h>

G_BEGIN_DECLS

/* All pixels of a mapped frame into another one of the same format and size, whose strides may differ. Both are of
 * GST_FBNET_VIDEO_FORMATS. */
void gst_fbnet_copy_frame (GstVideoFrame *to, const GstVideoFrame *from);

G_END_DECLS

#endif
