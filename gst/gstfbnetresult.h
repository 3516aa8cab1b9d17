/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the engine found on a frame, as the element holds it between the detector and those who tell
 * others of it: metadata, overlay, signals.
 */
#ifndef GST_FBNET_RESULT_H
#define GST_FBNET_RESULT_H

#include <fbnet/fbnet.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

/* COCO's person has so many keypoints; only these have names and a skeleton. */
#define GST_FBNET_N_COCO_KEYPOINTS 17

typedef struct {
  guint class_id;
  float probability;
} GstFbnetClass;

/* Where a detection was found. */
typedef struct {
  gint parent; /* the id of the region that it was found in, or -1 */
  guint look;  /* 0: the look at the frame; n: that at the nth part of it */
} GstFbnetSource;

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
  GstClockTime age;  /* ns from the frame that was looked at to the one that carries this */
  gboolean repeated; /* an earlier frame carried this too */
  const GstFbnetSource *sources; /* (nullable): one per detection */
  const FbnetTrack *tracks;      /* (nullable): per detection, when objects are followed */
} GstFbnetResult;

/* Regions that tell of it: one per detection, and one of the whole frame for its class. */
guint gst_fbnet_result_count (const GstFbnetResult *result);

const char *gst_fbnet_result_label (const GstFbnetResult *result, guint class_id);

/* (nullable): "object", "background", "ignored"; NULL where nothing was compared. */
const char *gst_fbnet_result_match (const GstFbnetResult *result, guint index);

/* The smallest rectangle of whole pixels that covers the box, inside the frame and at least 1 × 1:
 * what the region of interest says, and what the overlay draws. */
void gst_fbnet_result_rectangle (const GstFbnetResult *result, guint index,
    GstVideoRectangle *rectangle);

/* (transfer full) (nullable): the part of the detection's mask inside that rectangle, row by row
 * without padding, `inside` where the object is and 0 elsewhere. NULL: no mask, or no memory. */
GstBuffer *gst_fbnet_result_copy_mask (const GstFbnetResult *result, guint index, guint8 inside);

G_END_DECLS

#endif
