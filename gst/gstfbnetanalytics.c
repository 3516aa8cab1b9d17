/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Detections and classifications → GstAnalyticsRelationMeta.
 */
#include "gstfbnetanalytics.h"

#include <gst/analytics/analytics.h>

/* All boxes before all masks, so that the boxes' ids, which are counted up, have no gaps. */
static void
add_boxes (const GstFbnetResult *result, GstAnalyticsRelationMeta *relations)
{
  for (guint i = 0; i < result->found->n; i++) {
    const FbnetDetection *d = &result->found->items[i];
    GstVideoRectangle r;
    GstAnalyticsODMtd box;
    gst_fbnet_result_rectangle (result, i, &r);
    gst_analytics_relation_meta_add_od_mtd (relations, result->labels[d->class_id], r.x, r.y, r.w,
        r.h, d->score, &box);
  }
}

/* Where detections were found in a region that is one of the buffer's boxes. */
static void
relate_to_parents (const GstFbnetResult *result, GstAnalyticsRelationMeta *relations,
    guint first_box)
{
  for (guint i = 0; result->sources != NULL && i < result->found->n; i++) {
    GstAnalyticsODMtd parent;
    const gint id = result->sources[i].parent;
    if (id < 0 || (guint) id >= first_box
        || !gst_analytics_relation_meta_get_od_mtd (relations, (guint) id, &parent))
      continue;
    gst_analytics_relation_meta_set_relation (relations, GST_ANALYTICS_REL_TYPE_CONTAIN, (guint) id,
        first_box + i);
    gst_analytics_relation_meta_set_relation (relations, GST_ANALYTICS_REL_TYPE_IS_PART_OF,
        first_box + i, (guint) id);
  }
}

#if GST_CHECK_VERSION(1, 26, 0)
/* A mask has one object and what is around it. Its number tells it from the frame's other masks:
 * segmentationoverlay colours by it. */
static void
add_mask (const GstFbnetResult *result, guint index, GstAnalyticsRelationMeta *relations, guint box)
{
  guint regions[] = { 0, 1 + index % 255 };
  GstVideoRectangle r;
  GstBuffer *pixels = gst_fbnet_result_copy_mask (result, index, (guint8) regions[1]);
  if (!pixels)
    return;
  gst_fbnet_result_rectangle (result, index, &r);
  /* The usual strides would be whole multiples of 4. */
  gsize offset[GST_VIDEO_MAX_PLANES] = { 0 };
  gint stride[GST_VIDEO_MAX_PLANES] = { r.w };
  gst_buffer_add_video_meta_full (pixels, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_GRAY8, r.w,
      r.h, 1, offset, stride);

  GstAnalyticsSegmentationMtd mask;
  if (!gst_analytics_relation_meta_add_segmentation_mtd (relations, pixels,
          GST_SEGMENTATION_TYPE_INSTANCE, G_N_ELEMENTS (regions), regions, r.x, r.y, r.w, r.h,
          &mask)) {
    gst_buffer_unref (pixels);
    return;
  }
  gst_analytics_relation_meta_set_relation (relations,
      GST_ANALYTICS_REL_TYPE_RELATE_TO | GST_ANALYTICS_REL_TYPE_CONTAIN, box, mask.id);
  gst_analytics_relation_meta_set_relation (relations,
      GST_ANALYTICS_REL_TYPE_RELATE_TO | GST_ANALYTICS_REL_TYPE_IS_PART_OF, mask.id, box);
}

static void
add_masks (const GstFbnetResult *result, GstAnalyticsRelationMeta *relations, guint first_box)
{
  for (guint i = 0; i < result->found->n; i++) {
    if (result->found->items[i].mask.data)
      add_mask (result, i, relations, first_box + i);
  }
}
#else
/* GStreamer 1.24 has no place for masks. */
static void
add_masks (const GstFbnetResult *result, GstAnalyticsRelationMeta *relations, guint first_box)
{
}
#endif

/* When the object was first seen, by the time of the frames. */
static GstClockTime
first_seen (const GstFbnetResult *result, const FbnetTrack *track)
{
  const GstClockTime age = (GstClockTime) (track->age * GST_SECOND + 0.5);

  return GST_CLOCK_TIME_IS_VALID (result->inferred_pts) && result->inferred_pts >= age
      ? result->inferred_pts - age
      : GST_CLOCK_TIME_NONE;
}

/* They are related to their boxes both ways. */
static void
add_tracks (const GstFbnetResult *result, GstAnalyticsRelationMeta *relations, guint first_box)
{
  for (guint i = 0; result->tracks != NULL && i < result->found->n; i++) {
    GstAnalyticsTrackingMtd track;
    if (!gst_analytics_relation_meta_add_tracking_mtd (relations, result->tracks[i].id,
            first_seen (result, &result->tracks[i]), &track))
      continue;
    gst_analytics_tracking_mtd_update_last_seen (&track, result->inferred_pts);
    gst_analytics_relation_meta_set_relation (relations, GST_ANALYTICS_REL_TYPE_RELATE_TO,
        first_box + i, track.id);
    gst_analytics_relation_meta_set_relation (relations, GST_ANALYTICS_REL_TYPE_RELATE_TO, track.id,
        first_box + i);
  }
}

static void
add_classes (const GstFbnetResult *result, GstAnalyticsRelationMeta *relations)
{
  g_autofree gfloat *levels = g_new (gfloat, result->n_classes);
  g_autofree GQuark *labels = g_new (GQuark, result->n_classes);
  GstAnalyticsClsMtd classes;
  for (guint i = 0; i < result->n_classes; i++) {
    levels[i] = result->classes[i].probability;
    labels[i] = result->labels[result->classes[i].class_id];
  }
  gst_analytics_relation_meta_add_cls_mtd (relations, result->n_classes, levels, labels, &classes);
}

guint
gst_fbnet_analytics_attach (const GstFbnetResult *result, GstBuffer *buffer)
{
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (buffer);
  if (!relations)
    relations = gst_buffer_add_analytics_relation_meta (buffer);
  /* An id is the number of those before it. */
  const guint first = (guint) gst_analytics_relation_get_length (relations);
  add_boxes (result, relations);
  relate_to_parents (result, relations, first);
  add_masks (result, relations, first);
  add_tracks (result, relations, first);
  if (result->n_classes > 0)
    add_classes (result, relations);
  return first;
}

void
gst_fbnet_analytics_foreach_box (GstBuffer *buffer, GstFbnetBoxFunc func, gpointer data)
{
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (buffer);
  gpointer state = NULL;
  GstAnalyticsODMtd box;
  while (relations
      && gst_analytics_relation_meta_iterate (relations, &state,
          gst_analytics_od_mtd_get_mtd_type (), &box)) {
    GstVideoRectangle r;
    gfloat level;
    if (gst_analytics_od_mtd_get_location (&box, &r.x, &r.y, &r.w, &r.h, &level))
      func (box.id, g_quark_to_string (gst_analytics_od_mtd_get_obj_type (&box)), &r, data);
  }
}

gboolean
gst_fbnet_analytics_is_region_too (GstBuffer *buffer, guint id, const char *label)
{
  const GstVideoRegionOfInterestMeta *roi =
      gst_buffer_get_video_region_of_interest_meta_id (buffer, (gint) id);

  return roi != NULL && g_strcmp0 (g_quark_to_string (roi->roi_type), label) == 0;
}

void
gst_fbnet_analytics_take_off_empty (GstBuffer *buffer)
{
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (buffer);

  if (relations != NULL && gst_analytics_relation_get_length (relations) == 0)
    gst_buffer_remove_meta (buffer, (GstMeta *) relations);
}
