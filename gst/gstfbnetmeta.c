/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Detections and classifications → GstVideoRegionOfInterestMeta with parameter structures.
 */
#include "gstfbnetmeta.h"

#include <math.h>
#include <string.h>

#include "gstfbnetanalytics.h"

GType
gst_fbnet_meta_types_get_type (void)
{
  static const GFlagsValue values[] = {
    { GST_FBNET_META_ROI, "GstVideoRegionOfInterestMeta", "roi" },
#ifdef HAVE_ANALYTICS
    { GST_FBNET_META_ANALYTICS, "GstAnalyticsRelationMeta", "analytics" },
#endif
    { 0, NULL, NULL },
  };
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_flags_register_static ("GstFbnetMetaTypes", values));
  return type;
}

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

static void
copy_row (guint8 *out, const guint8 *mask, gint n, guint8 inside)
{
  for (gint i = 0; i < n; i++)
    out[i] = mask[i] & inside; /* 0 or 255 before */
}

/* The engine's mask covers the box rounded outwards and a pixel more (detectron2,
 * paste_masks_in_image); readers get exactly the region's rectangle. */
static void
crop_mask (guint8 *out, const GstVideoRectangle *rectangle, const FbnetMask *mask, guint8 inside)
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
    copy_row (out + (gsize) row * rectangle->w + (x0 - rectangle->x),
        mask->data + (gsize) y * mask->width + (x0 - mask->x), x1 - x0, inside);
  }
}

GstBuffer *
gst_fbnet_result_copy_mask (const GstFbnetResult *result, guint index, guint8 inside)
{
  const FbnetMask *mask = &result->found->items[index].mask;
  if (!mask->data)
    return NULL;
  GstVideoRectangle r;
  gst_fbnet_result_rectangle (result, index, &r);
  const gsize size = (gsize) r.w * r.h;
  guint8 *pixels = g_try_malloc (size);
  if (!pixels) {
    GST_WARNING ("no memory for a mask of %d x %d pixels", r.w, r.h);
    return NULL;
  }
  crop_mask (pixels, &r, mask, inside);
  return gst_buffer_new_wrapped (pixels, size);
}

/* (nullable): NULL without a mask. */
static GstStructure *
describe_mask (const GstFbnetResult *result, guint index, const GstVideoRectangle *rectangle)
{
  GstBuffer *data = gst_fbnet_result_copy_mask (result, index, 255);
  if (!data)
    return NULL;
  GstStructure *structure = gst_structure_new ("mask", "width", G_TYPE_UINT, (guint) rectangle->w,
      "height", G_TYPE_UINT, (guint) rectangle->h, "threshold", G_TYPE_DOUBLE,
      (double) result->mask_threshold, "data", GST_TYPE_BUFFER, data, NULL);
  gst_buffer_unref (data);
  return structure;
}

/* --- Keypoints and classes: structures with arrays ------------------------------------------- */

/* In the order of COCO's annotations. */
static const char *const coco_keypoints[GST_FBNET_N_COCO_KEYPOINTS] = { "nose", "left_eye",
  "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
  "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee",
  "left_ankle", "right_ankle" };

static void
append_double (GValue *array, double number)
{
  GValue value = G_VALUE_INIT;
  g_value_init (&value, G_TYPE_DOUBLE);
  g_value_set_double (&value, number);
  gst_value_array_append_and_take_value (array, &value);
}

static void
append_int (GValue *array, gint number)
{
  GValue value = G_VALUE_INIT;
  g_value_init (&value, G_TYPE_INT);
  g_value_set_int (&value, number);
  gst_value_array_append_and_take_value (array, &value);
}

static void
append_string (GValue *array, const char *text)
{
  GValue value = G_VALUE_INIT;
  g_value_init (&value, G_TYPE_STRING);
  g_value_set_string (&value, text);
  gst_value_array_append_and_take_value (array, &value);
}

static GstStructure *
describe_keypoints (const GstFbnetResult *result, const FbnetKeypoint *keypoints)
{
  GValue x = G_VALUE_INIT, y = G_VALUE_INIT, score = G_VALUE_INIT, names = G_VALUE_INIT;
  const guint n = result->n_keypoints;
  const gboolean named = n == GST_FBNET_N_COCO_KEYPOINTS;
  gst_value_array_init (&x, n);
  gst_value_array_init (&y, n);
  gst_value_array_init (&score, n);
  gst_value_array_init (&names, named ? n : 0);
  for (guint i = 0; i < n; i++) {
    append_double (&x, keypoints[i].x);
    append_double (&y, keypoints[i].y);
    append_double (&score, keypoints[i].score);
    if (named)
      append_string (&names, coco_keypoints[i]);
  }

  GstStructure *structure = gst_structure_new ("keypoints", "count", G_TYPE_UINT, n, NULL);
  gst_structure_take_value (structure, "x", &x);
  gst_structure_take_value (structure, "y", &y);
  gst_structure_take_value (structure, "score", &score);
  gst_structure_take_value (structure, "names", &names);
  return structure;
}

static const char *
label_of (const GstFbnetResult *result, guint class_id)
{
  return g_quark_to_string (result->labels[class_id]);
}

static GstStructure *
describe_classes (const GstFbnetResult *result)
{
  GValue ids = G_VALUE_INIT, labels = G_VALUE_INIT, confidences = G_VALUE_INIT;
  gst_value_array_init (&ids, result->n_classes);
  gst_value_array_init (&labels, result->n_classes);
  gst_value_array_init (&confidences, result->n_classes);
  for (guint i = 0; i < result->n_classes; i++) {
    append_int (&ids, (gint) result->classes[i].class_id);
    append_string (&labels, label_of (result, result->classes[i].class_id));
    append_double (&confidences, result->classes[i].probability);
  }

  const GstFbnetClass *best = &result->classes[0];
  GstStructure *structure = gst_structure_new ("classification", "label_id", G_TYPE_INT,
      (gint) best->class_id, "label", G_TYPE_STRING, label_of (result, best->class_id),
      "confidence", G_TYPE_DOUBLE, (double) best->probability, NULL);
  gst_structure_take_value (structure, "label_ids", &ids);
  gst_structure_take_value (structure, "labels", &labels);
  gst_structure_take_value (structure, "confidences", &confidences);
  return structure;
}

/* NULL where nothing was compared. */
static const char *
match_of (const GstFbnetResult *result, guint index)
{
  if (!result->matches)
    return NULL;
  switch (result->matches[index].label) {
    case FBNET_MATCH_OBJECT:
      return "object";
    case FBNET_MATCH_BACKGROUND:
      return "background";
    case FBNET_MATCH_IGNORED:
      return "ignored";
  }
  g_assert_not_reached ();
}

static void
add_match (GstStructure *structure, const GstFbnetResult *result, guint index)
{
  const char *match = match_of (result, index);
  if (match)
    gst_structure_set (structure, "match", G_TYPE_STRING, match, NULL);
}

/* --- Metadata ---------------------------------------------------------------------------------- */

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

static void
attach_detection (const GstFbnetResult *result, guint index, GstBuffer *buffer, gint id)
{
  const FbnetDetection *d = &result->found->items[index];
  GstVideoRectangle r;
  gst_fbnet_result_rectangle (result, index, &r);

  GstVideoRegionOfInterestMeta *roi = gst_buffer_add_video_region_of_interest_meta_id (buffer,
      result->labels[d->class_id], r.x, r.y, r.w, r.h);
  roi->id = id;
  gst_video_region_of_interest_meta_add_param (roi, describe_box (result, d));
  GstStructure *mask = describe_mask (result, index, &r);
  if (mask)
    gst_video_region_of_interest_meta_add_param (roi, mask);
  if (d->keypoints)
    gst_video_region_of_interest_meta_add_param (roi, describe_keypoints (result, d->keypoints));
  GstStructure *inference = describe_inference (result);
  add_match (inference, result, index);
  gst_video_region_of_interest_meta_add_param (roi, inference);
}

static void
attach_classes (const GstFbnetResult *result, GstBuffer *buffer, gint id)
{
  GstVideoRegionOfInterestMeta *roi = gst_buffer_add_video_region_of_interest_meta_id (buffer,
      result->labels[result->classes[0].class_id], 0, 0, result->width, result->height);
  roi->id = id;
  gst_video_region_of_interest_meta_add_param (roi, describe_classes (result));
  gst_video_region_of_interest_meta_add_param (roi, describe_inference (result));
}

static void
attach_regions (const GstFbnetResult *result, GstBuffer *buffer, gint first_id)
{
  for (guint i = 0; i < result->found->n; i++)
    attach_detection (result, i, buffer, first_id + (gint) i);
  if (result->n_classes > 0)
    attach_classes (result, buffer, first_id + (gint) result->found->n);
}

void
gst_fbnet_result_attach (const GstFbnetResult *result, GstBuffer *buffer, guint types)
{
  gint first_id = first_free_id (buffer);
#ifdef HAVE_ANALYTICS
  if (types & GST_FBNET_META_ANALYTICS)
    first_id = (gint) gst_fbnet_analytics_attach (result, buffer);
#endif
  if (types & GST_FBNET_META_ROI)
    attach_regions (result, buffer, first_id);
}

guint
gst_fbnet_result_count (const GstFbnetResult *result)
{
  return result->found->n + (result->n_classes > 0);
}

/* --- The signal's structure -------------------------------------------------------------------- */

static GstStructure *
new_object (const GstFbnetResult *result, guint class_id, double confidence,
    const GstVideoRectangle *r)
{
  return gst_structure_new ("object", "label", G_TYPE_STRING, label_of (result, class_id),
      "label_id", G_TYPE_INT, (gint) class_id, "confidence", G_TYPE_DOUBLE, confidence, "x",
      G_TYPE_UINT, (guint) r->x, "y", G_TYPE_UINT, (guint) r->y, "width", G_TYPE_UINT, (guint) r->w,
      "height", G_TYPE_UINT, (guint) r->h, NULL);
}

/* Takes `nested` (nullable) over, under its own name. */
static void
nest (GstStructure *structure, GstStructure *nested)
{
  GValue value = G_VALUE_INIT;
  if (!nested)
    return;
  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value, nested);
  gst_structure_take_value (structure, gst_structure_get_name (nested), &value);
}

static GstStructure *
describe_object (const GstFbnetResult *result, guint index)
{
  const FbnetDetection *d = &result->found->items[index];
  GstVideoRectangle r;
  gst_fbnet_result_rectangle (result, index, &r);
  GstStructure *object = new_object (result, d->class_id, d->score, &r);
  add_match (object, result, index);
  nest (object, d->keypoints ? describe_keypoints (result, d->keypoints) : NULL);
  return object;
}

static GstStructure *
describe_frame (const GstFbnetResult *result)
{
  const GstVideoRectangle all = { 0, 0, (gint) result->width, (gint) result->height };
  const GstFbnetClass *best = &result->classes[0];
  GstStructure *object = new_object (result, best->class_id, best->probability, &all);
  nest (object, describe_classes (result));
  return object;
}

/* Takes `object` over. */
static void
append_object (GValue *objects, GstStructure *object)
{
  GValue value = G_VALUE_INIT;
  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value, object);
  gst_value_array_append_and_take_value (objects, &value);
}

GstStructure *
gst_fbnet_result_to_structure (const GstFbnetResult *result)
{
  GstStructure *structure = gst_structure_new ("detections", "pts", G_TYPE_UINT64,
      (guint64) result->inferred_pts, "frame-width", G_TYPE_UINT, result->width, "frame-height",
      G_TYPE_UINT, result->height, "count", G_TYPE_UINT, gst_fbnet_result_count (result), NULL);
  GValue objects = G_VALUE_INIT;
  gst_value_array_init (&objects, gst_fbnet_result_count (result));
  for (guint i = 0; i < result->found->n; i++)
    append_object (&objects, describe_object (result, i));
  if (result->n_classes > 0)
    append_object (&objects, describe_frame (result));
  gst_structure_take_value (structure, "objects", &objects);
  return structure;
}
