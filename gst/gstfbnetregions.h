/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which parts of a frame are looked at: the visible rectangle, the property roi, the regions that came
 * with the buffer.
 */
#ifndef GST_FBNET_REGIONS_H
#define GST_FBNET_REGIONS_H

#include <fbnet/fbnet.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

typedef enum {
  GST_FBNET_REGION_FULL_FRAME,
  GST_FBNET_REGION_ROI_LIST,
} GstFbnetInferenceRegion;

/* More regions than that on one frame are not looked into. */
#define GST_FBNET_MAX_REGIONS 32

/* A part of the visible frame, and the id of the region that it is, or -1. */
typedef struct {
  FbnetRegion area;
  gint parent;
} GstFbnetRegion;

/* Of a mapped frame of caps `info` the part that is shown: GstVideoCropMeta's, or all that the caps speak of.
 * FALSE: nothing of it lies within the frame. */
gboolean gst_fbnet_regions_find_visible (GstBuffer *buffer, const GstVideoInfo *info,
    const GstVideoFrame *frame, FbnetRegion *visible);

/* The part of the mapped frame stands for the whole from now on, for readers and painters; where the
 * format shares chroma between pixels it begins up to a pixel further left and above. The frame is
 * unmapped as before. */
void gst_fbnet_regions_crop_frame (GstVideoFrame *frame, const FbnetRegion *part);

/* What two rectangles share. FALSE: nothing. */
gboolean gst_fbnet_regions_intersect (const FbnetRegion *a, const FbnetRegion *b,
    FbnetRegion *shared);

/* Appends the regions on `buffer` (GstVideoRegionOfInterestMeta, and the boxes of GstAnalytics that are
 * not regions too) of that label, NULL for any, as far as they lie in `within`, a part of the visible
 * frame. Returns: how many there were, which may be more than GST_FBNET_MAX_REGIONS. */
guint gst_fbnet_regions_read (GArray *regions, GstBuffer *buffer, const char *label,
    const FbnetRegion *within);

G_END_DECLS

#endif
