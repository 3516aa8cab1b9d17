/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Detections → GstVideoRegionOfInterestMeta with parameter structures.
 */
#include "gstfbnetmeta.h"

#include <math.h>
#include <string.h>

static void
whole_pixels (float low, float high, guint limit, gint *start, gint *length)
{
  const gint last = (gint) limit - 1;
  const gint first = CLAMP ((gint) floorf (low), 0, last);
  const gint end = CLAMP ((gint) ceilf (high), first + 1, last + 1);
  *start = first;
  *length = end - first;
}

void
gst_fbnet_result_rectangle (const GstFbnetResult *result, guint index, GstVideoRectangle *rectangle)
{
  const FbnetDetection *d = &result->found->items[index];
  whole_pixels (d->x0, d->x1, result->width, &rectangle->x, &rectangle->w);
  whole_pixels (d->y0, d->y1, result->height, &rectangle->y, &rectangle->h);
}

/* The exact box, as fractions of the frame: the form that DL Streamer and others read. */
static GstStructure *
describe_box (const GstFbnetResult *result, const FbnetDetection *d)
{
  const double width = result->width, height = result->height;
  return gst_structure_new ("detection", "label_id", G_TYPE_INT, (gint) d->class_id, "confidence",
      G_TYPE_DOUBLE, (double) d->score, "x_min", G_TYPE_DOUBLE, d->x0 / width, "x_max",
      G_TYPE_DOUBLE, d->x1 / width, "y_min", G_TYPE_DOUBLE, d->y0 / height, "y_max", G_TYPE_DOUBLE,
      d->y1 / height, NULL);
}

/* The engine's mask covers the box rounded outwards and a pixel more (detectron2,
 * paste_masks_in_image); readers get exactly the region's rectangle. */
static void
crop_mask (guint8 *out, const GstVideoRectangle *rectangle, const FbnetMask *mask)
{
  const gint x0 = MAX (rectangle->x, mask->x);
  const gint x1 = MIN (rectangle->x + rectangle->w, mask->x + mask->width);
  memset (out, 0, (gsize) rectangle->w * rectangle->h);
  if (x1 <= x0)
    return;
  for (gint row = 0; row < rectangle->h; row++) {
    const gint y = rectangle->y + row - mask->y;
    if (y < 0 || y >= mask->height)
      continue;
    memcpy (out + (gsize) row * rectangle->w + (x0 - rectangle->x),
        mask->data + (gsize) y * mask->width + (x0 - mask->x), x1 - x0);
  }
}

static GstStructure *
describe_mask (const GstFbnetResult *result, const FbnetMask *mask,
    const GstVideoRectangle *rectangle)
{
  const gsize size = (gsize) rectangle->w * rectangle->h;
  guint8 *pixels = g_try_malloc (size);
  if (!pixels) {
    GST_WARNING ("no memory for a mask of %d x %d pixels", rectangle->w, rectangle->h);
    return NULL;
  }
  crop_mask (pixels, rectangle, mask);

  GstBuffer *data = gst_buffer_new_wrapped (pixels, size);
  GstStructure *structure = gst_structure_new ("mask", "width", G_TYPE_UINT, (guint) rectangle->w,
      "height", G_TYPE_UINT, (guint) rectangle->h, "threshold", G_TYPE_DOUBLE,
      (double) result->mask_threshold, "data", GST_TYPE_BUFFER, data, NULL);
  gst_buffer_unref (data);
  return structure;
}

static GstStructure *
describe_inference (const GstFbnetResult *result)
{
  return gst_structure_new ("fbnetdetect", "inference-pts", G_TYPE_UINT64,
      (guint64) result->inferred_pts, "age", G_TYPE_UINT64, G_GUINT64_CONSTANT (0), "repeated",
      G_TYPE_BOOLEAN, FALSE, NULL);
}

/* Regions that came with the buffer keep their ids. */
static gint
first_free_id (GstBuffer *buffer)
{
  gint next = 0;
  gpointer state = NULL;
  GstMeta *meta;
  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state,
              GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))) {
    const gint id = ((GstVideoRegionOfInterestMeta *) meta)->id;
    if (id >= next && id < G_MAXINT)
      next = id + 1;
  }
  return next;
}

void
gst_fbnet_result_attach (const GstFbnetResult *result, GstBuffer *buffer)
{
  const gint first_id = first_free_id (buffer);
  for (guint i = 0; i < result->found->n; i++) {
    const FbnetDetection *d = &result->found->items[i];
    GstVideoRectangle r;
    gst_fbnet_result_rectangle (result, i, &r);

    GstVideoRegionOfInterestMeta *roi = gst_buffer_add_video_region_of_interest_meta_id (buffer,
        result->labels[d->class_id], r.x, r.y, r.w, r.h);
    roi->id = first_id + (gint) i;
    gst_video_region_of_interest_meta_add_param (roi, describe_box (result, d));
    GstStructure *mask = d->mask.data ? describe_mask (result, &d->mask, &r) : NULL;
    if (mask)
      gst_video_region_of_interest_meta_add_param (roi, mask);
    gst_video_region_of_interest_meta_add_param (roi, describe_inference (result));
  }
}

static GstStructure *
describe_object (const GstFbnetResult *result, guint index)
{
  const FbnetDetection *d = &result->found->items[index];
  GstVideoRectangle r;
  gst_fbnet_result_rectangle (result, index, &r);
  return gst_structure_new ("object", "label", G_TYPE_STRING,
      g_quark_to_string (result->labels[d->class_id]), "label_id", G_TYPE_INT, (gint) d->class_id,
      "confidence", G_TYPE_DOUBLE, (double) d->score, "x", G_TYPE_UINT, (guint) r.x, "y",
      G_TYPE_UINT, (guint) r.y, "width", G_TYPE_UINT, (guint) r.w, "height", G_TYPE_UINT,
      (guint) r.h, NULL);
}

GstStructure *
gst_fbnet_result_to_structure (const GstFbnetResult *result)
{
  GstStructure *structure = gst_structure_new ("detections", "pts", G_TYPE_UINT64,
      (guint64) result->inferred_pts, "frame-width", G_TYPE_UINT, result->width, "frame-height",
      G_TYPE_UINT, result->height, "count", G_TYPE_UINT, result->found->n, NULL);
  GValue objects = G_VALUE_INIT;
  gst_value_array_init (&objects, result->found->n);
  for (guint i = 0; i < result->found->n; i++) {
    GValue object = G_VALUE_INIT;
    g_value_init (&object, GST_TYPE_STRUCTURE);
    g_value_take_boxed (&object, describe_object (result, i));
    gst_value_array_append_and_take_value (&objects, &object);
  }
  gst_structure_take_value (structure, "objects", &objects);
  return structure;
}
