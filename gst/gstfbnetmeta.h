/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Detections as metadata on buffers: docs/metadata.md.
 */
#ifndef GST_FBNET_META_H
#define GST_FBNET_META_H

#include <fbnet/fbnet.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

/* What one inference found, and what is needed to tell others about it. */
typedef struct {
  const FbnetDetections *found;
  guint width, height;       /* of the frame */
  const GQuark *labels;      /* one per class */
  float mask_threshold;      /* of the masks in `found` */
  GstClockTime inferred_pts; /* of the frame that was looked at; may be GST_CLOCK_TIME_NONE */
} GstFbnetResult;

/* The smallest rectangle of whole pixels that covers the box, inside the frame and at least 1 × 1:
 * what the region of interest says, and what the overlay draws. */
void gst_fbnet_result_rectangle (const GstFbnetResult *result, guint index,
    GstVideoRectangle *rectangle);

/* Adds one GstVideoRegionOfInterestMeta per detection, in their order. `buffer` must be writable. */
void gst_fbnet_result_attach (const GstFbnetResult *result, GstBuffer *buffer);

/* (transfer full): the same as a structure "detections", for the signal new-detections. */
GstStructure *gst_fbnet_result_to_structure (const GstFbnetResult *result);

G_END_DECLS

#endif
