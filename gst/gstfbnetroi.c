/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A frame's result → GstVideoRegionOfInterestMeta with parameter structures.
 */
#include "gstfbnetroi.h"

#include "gstfbnetstructure.h"

gint
gst_fbnet_roi_first_free_id (GstBuffer *buffer)
{
  gint next = 0;
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state,
              GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))
      != NULL) {
    const gint id = ((GstVideoRegionOfInterestMeta *) meta)->id;
    if (id >= next && id < G_MAXINT)
      next = id + 1;
  }
  return next;
}

/* Takes `param` (nullable) over. */
static void
add_param (GstVideoRegionOfInterestMeta *roi, GstStructure *param)
{
  if (param != NULL)
    gst_video_region_of_interest_meta_add_param (roi, param);
}

static void
attach_detection (const GstFbnetResult *result, guint index, GstBuffer *buffer, gint id)
{
  const FbnetDetection *d = &result->found->items[index];
  GstVideoRectangle r;

  gst_fbnet_result_rectangle (result, index, &r);
  GstVideoRegionOfInterestMeta *roi = gst_buffer_add_video_region_of_interest_meta_id (buffer,
      result->labels[d->class_id], r.x, r.y, r.w, r.h);
  roi->id = id;
  if (result->sources != NULL)
    roi->parent_id = result->sources[index].parent;
  add_param (roi, gst_fbnet_structure_new_detection (result, index));
  add_param (roi, gst_fbnet_structure_new_mask (result, index));
  add_param (roi, gst_fbnet_structure_new_keypoints (result, index));
  add_param (roi, gst_fbnet_structure_new_object_id (result, index));
  add_param (roi, gst_fbnet_structure_new_track (result, index));
  add_param (roi, gst_fbnet_structure_new_inference (result, (gint) index));
}

static void
attach_classes (const GstFbnetResult *result, GstBuffer *buffer, gint id)
{
  GstVideoRegionOfInterestMeta *roi = gst_buffer_add_video_region_of_interest_meta_id (buffer,
      result->labels[result->classes[0].class_id], 0, 0, result->width, result->height);

  roi->id = id;
  add_param (roi, gst_fbnet_structure_new_classification (result));
  add_param (roi, gst_fbnet_structure_new_inference (result, -1));
}

void
gst_fbnet_roi_attach (const GstFbnetResult *result, GstBuffer *buffer, gint first_id)
{
  for (guint i = 0; i < result->found->n; i++)
    attach_detection (result, i, buffer, first_id + (gint) i);
  if (result->n_classes > 0)
    attach_classes (result, buffer, first_id + (gint) result->found->n);
}
