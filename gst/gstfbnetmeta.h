/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Detections and classifications as metadata on buffers: docs/metadata.md.
 */
#ifndef GST_FBNET_META_H
#define GST_FBNET_META_H

#include <fbnet/fbnet.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

/* COCO's person has so many keypoints; only these have names and a skeleton. */
#define GST_FBNET_N_COCO_KEYPOINTS 17

typedef struct {
  guint class_id;
  float probability;
} GstFbnetClass;

/* What one inference found, and what is needed to tell others about it. */
typedef struct {
  const FbnetDetections *found;
  guint width, height;          /* of the frame */
  const GQuark *labels;         /* one per class */
  float mask_threshold;         /* of the masks in `found` */
  GstClockTime inferred_pts;    /* of the frame that was looked at; may be GST_CLOCK_TIME_NONE */
  guint n_keypoints;            /* of each detection that has some */
  const GstFbnetClass *classes; /* of the frame, the most probable first */
  guint n_classes;              /* 0: not a classifier, or nothing is probable enough */
  const FbnetMatch *matches;    /* (nullable): one per detection in `found`, by the references */
} GstFbnetResult;

/* Kinds of metadata, of which the element attaches one or both. */
typedef enum {
  GST_FBNET_META_ROI = 1 << 0,
  GST_FBNET_META_ANALYTICS = 1 << 1, /* only where GStreamer has it: HAVE_ANALYTICS */
} GstFbnetMetaTypes;

#ifdef HAVE_ANALYTICS
#  define GST_FBNET_META_ALL (GST_FBNET_META_ROI | GST_FBNET_META_ANALYTICS)
#else
#  define GST_FBNET_META_ALL GST_FBNET_META_ROI
#endif

GType gst_fbnet_meta_types_get_type (void);

/* The smallest rectangle of whole pixels that covers the box, inside the frame and at least 1 × 1:
 * what the region of interest says, and what the overlay draws. */
void gst_fbnet_result_rectangle (const GstFbnetResult *result, guint index,
    GstVideoRectangle *rectangle);

/* (transfer full) (nullable): the part of the detection's mask inside that rectangle, row by row
 * without padding, `inside` where the object is and 0 elsewhere. NULL: no mask, or no memory. */
GstBuffer *gst_fbnet_result_copy_mask (const GstFbnetResult *result, guint index, guint8 inside);

/* One GstVideoRegionOfInterestMeta per detection, in their order, and one of the whole frame for its
 * class; the same as GstAnalytics metadata, the ids then being those of that. `types` is of
 * GstFbnetMetaTypes. `buffer` must be writable. */
void gst_fbnet_result_attach (const GstFbnetResult *result, GstBuffer *buffer, guint types);

/* Regions that gst_fbnet_result_attach() adds. */
guint gst_fbnet_result_count (const GstFbnetResult *result);

/* (transfer full): the same as a structure "detections", for the signal new-detections. */
GstStructure *gst_fbnet_result_to_structure (const GstFbnetResult *result);

G_END_DECLS

#endif
